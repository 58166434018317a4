"""People in the back office."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, BaseInline, Link, ReadOnly
from sentrylite.admin.menu import Menu
from sentrylite.organizations.models import ApiToken, OrganizationMember
from sentrylite.organizations.tenancy import Colleagues, Members

from .models import User

# Rights come from roles in organizations, or from being a superuser.
admin.site.unregister(Group)


class MembershipInline(ReadOnly, BaseInline):
    """Where somebody is a member. The member's own page has the teams and the role to change."""

    tenancy = Members()
    model = OrganizationMember
    fk_name = "user"
    fields = ["organization", "role", "created_at"]
    autocomplete_fields = ["organization"]
    readonly_fields = ["created_at"]
    extra = 1
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return BaseInline.has_add_permission(self, request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrganizationMember]:
        return super().get_queryset(request).select_related("organization", "user")


@admin.register(User)
class UserAdmin(BaseAdmin, auth_admin.UserAdmin):
    form = UserChangeForm
    menu = Menu("Access", 1)
    tenancy = Colleagues()
    list_display = ["username", "name", "email", "is_active", "is_staff", "is_superuser", "seen"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    filter_horizontal = ()
    search_fields = ["username", "name", "email"]
    readonly_fields = ["last_login", "date_joined", "last_active_at"]
    inlines = [MembershipInline]
    fieldsets = [
        (None, {"fields": ["username", "password", "name", "email"]}),
        (
            "Rights in the back office",
            {
                "description": "Staff may sign in, and do here what their roles in organizations "
                "let them do through the API. Superusers may do everything.",
                "fields": ["is_active", "is_staff", "is_superuser"],
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

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Who may only look sees nothing of a password, not even how it is hashed."""
        if obj and not self.has_change_permission(request, obj):
            return [(None, {"fields": ["username", "name", "email", "is_active"]})]
        return super().get_fieldsets(request, obj)
