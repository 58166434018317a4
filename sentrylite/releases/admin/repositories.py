"""Repositories in the back office: named here or by releases, and what their newest commits are."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Field, QuerySet
from django.http import HttpRequest

from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link, NeighbourFilter
from sentrylite.admin.display import Panel
from sentrylite.admin.menu import Menu
from sentrylite.organizations.access import ORGANIZATION_SCOPES
from sentrylite.organizations.tenancy import OfOrganization
from sentrylite.releases.models import Repository
from sentrylite.releases.repositories import PROVIDERS

from . import contents

STATUSES = [(each.value, each.label) for each in Repository.Status if each != "pending_deletion"]


@admin.register(Repository)
class RepositoryAdmin(BaseAdmin):
    menu = Menu("Organization", 8)
    tenancy = OfOrganization(ORGANIZATION_SCOPES)
    list_display = ["name", "organization_link", "provider_name", "status", "created_at"]
    list_filter = [("organization", NeighbourFilter), "status"]
    list_select_related = ["organization"]
    search_fields = ["name", "organization__slug"]
    autocomplete_fields = ["organization"]
    fields = ["organization", "name", "provider", "url", "status", "created_at"]
    settled_fields = ["organization", "name"]  # releases name their commits by it
    readonly_fields = ["created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Repository]:
        return super().get_queryset(request).exclude(status=Repository.Status.DELETED)

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "provider":
            choices = [("", "Unknown"), *((name, name) for name in PROVIDERS)]
            return forms.ChoiceField(choices=choices, required=False, help_text=db_field.help_text)
        if db_field.name == "status":
            return forms.ChoiceField(choices=STATUSES)
        if db_field.name == "url":
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description="organization", ordering="organization__slug")
    def organization_link(self, repository: Repository) -> str:
        return display.link_to(repository.organization)

    @admin.display(description="provider", ordering="provider")
    def provider_name(self, repository: Repository) -> str:
        return PROVIDERS.get(repository.provider, repository.provider)

    def links(self, request: HttpRequest, obj: Repository) -> Sequence[Link]:
        return [("Organization", display.url_of(obj.organization))]

    def panels(self, request: HttpRequest, obj: Repository) -> Sequence[Panel]:
        return [contents.newest_commits(obj)]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # its commits are in the lists of releases; it can be hidden
