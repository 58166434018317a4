"""People in the back office."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link, ReadOnly
from sentrylite.admin.menu import Menu
from sentrylite.organizations.models import ApiToken, OrganizationMember

from .models import User


class MembershipInline(ReadOnly, admin.TabularInline):
    """Where somebody is a member. The member's own page has the teams and the role to change."""

    model = OrganizationMember
    fk_name = "user"
    fields = ["organization", "role", "created_at"]
    autocomplete_fields = ["organization"]
    readonly_fields = ["created_at"]
    extra = 1
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("organizations.add_organizationmember")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrganizationMember]:
        return super().get_queryset(request).select_related("organization", "user")


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(BaseAdmin, auth_admin.GroupAdmin):
    menu = Menu("Access", 2)


@admin.register(User)
class UserAdmin(BaseAdmin, auth_admin.UserAdmin):
    menu = Menu("Access", 1)
    list_display = ["username", "name", "email", "is_active", "is_staff", "is_superuser", "seen"]
    search_fields = ["username", "name", "email"]
    readonly_fields = ["last_login", "date_joined", "last_active_at"]
    inlines = [MembershipInline]
    fieldsets = [
        (None, {"fields": ["username", "password", "name", "email"]}),
        (
            "Rights in the back office",
            {
                "description": "What somebody may do through the API is up to their memberships.",
                "fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"],
            },
        ),
        ("Dates", {"fields": ["date_joined", "last_login", "last_active_at"]}),
    ]
    add_fieldsets = [
        (
            None,
            {"fields": ["username", "name", "email", "usable_password", "password1", "password2"]},
        ),
    ]

    @admin.display(description="last login", ordering="last_login")
    def seen(self, user: User) -> str:
        return display.ago(user.last_login)

    def links(self, request: HttpRequest, obj: User) -> Sequence[Link]:
        return [("API tokens", display.list_url(ApiToken, user__id__exact=obj.pk))]

    # Who may change people must not make himself, or somebody under his control, a superuser.

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        if not _is_superuser(request):
            fields += ["is_superuser", "groups", "user_permissions"]
        return fields

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return user is None or not user.is_superuser or _is_superuser(request)
