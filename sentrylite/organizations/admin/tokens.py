"""Credentials of the web API in the back office: made here, their secret shown once."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link, NeighbourFilter
from sentrylite.admin.fields import CheckboxesField, ListsAsLines
from sentrylite.admin.menu import Menu
from sentrylite.organizations.access import ALL_SCOPES, API_KEY_SCOPES
from sentrylite.organizations.models import ApiKey, ApiToken
from sentrylite.organizations.tenancy import OfOrganization, Own

AREAS = ("org", "member", "team", "project", "event")
POWERS = ("read", "write", "admin")


def _by_area(scope: str) -> tuple[int, int, str]:
    area, _, power = scope.partition(":")
    return AREAS.index(area), POWERS.index(power) if power in POWERS else len(POWERS), power


SCOPES = sorted(ALL_SCOPES, key=_by_area)


class CredentialAdmin(ListsAsLines, BaseAdmin):
    """Only a hash of the secret is stored, so whoever makes a credential sees it there and then."""

    readonly_fields = ["last_characters", "created_at"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "scopes":
            return CheckboxesField(choices=SCOPES)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        made = ("last_characters", "created_at")
        return [name for name in super().get_fields(request, obj) if obj or name not in made]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.set_secret()
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        told = format_html(
            "Copy it now, it is not shown again: {}",
            display.copied(obj.secret),
        )
        self.message_user(request, told, messages.WARNING)
        return super().response_add(request, obj, post_url_continue)

    @admin.display(description="scopes")
    def scope_list(self, credential: Any) -> str:
        return ", ".join(credential.scopes) or display.NOTHING


@admin.register(ApiToken)
class ApiTokenAdmin(CredentialAdmin):
    menu = Menu("Access", 4)
    tenancy = Own()
    settled_fields = ["user"]
    list_display = ["__str__", "user_link", "scope_list", "created_at", "expires_at"]
    list_filter = [("user", NeighbourFilter)]
    list_select_related = ["user"]
    search_fields = ["name", "last_characters", "user__username", "user__email"]
    autocomplete_fields = ["user"]
    fields = ["user", "name", "scopes", "expires_at", "last_characters", "created_at"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Only superusers make tokens for others."""
        fields = super().get_fields(request, obj)
        return fields if obj or request.user.is_superuser else fields[1:]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change and not request.user.is_superuser:
            obj.user = request.user
        super().save_model(request, obj, form, change)

    @admin.display(description="user", ordering="user__username")
    def user_link(self, token: ApiToken) -> str:
        return display.link_to(token.user)

    def links(self, request: HttpRequest, obj: ApiToken) -> Sequence[Link]:
        return [("User", display.url_of(obj.user))]


@admin.register(ApiKey)
class ApiKeyAdmin(CredentialAdmin):
    menu = Menu("Access", 5)
    tenancy = OfOrganization(API_KEY_SCOPES)
    settled_fields = ["organization"]
    list_display = ["__str__", "organization_link", "is_active", "scope_list", "created_at"]
    list_filter = ["is_active", ("organization", NeighbourFilter)]
    list_select_related = ["organization"]
    search_fields = ["label", "last_characters", "organization__slug"]
    autocomplete_fields = ["organization"]
    fields = [
        "organization",
        "label",
        "is_active",
        "scopes",
        "allowed_origins",
        "last_characters",
        "created_at",
    ]

    @admin.display(description="organization", ordering="organization__slug")
    def organization_link(self, key: ApiKey) -> str:
        return display.link_to(key.organization)

    def links(self, request: HttpRequest, obj: ApiKey) -> Sequence[Link]:
        return [("Organization", display.url_of(obj.organization))]
