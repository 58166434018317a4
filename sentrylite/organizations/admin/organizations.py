"""Organizations and their members in the back office."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from sentrylite.accounts.models import User
from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link, NeighbourFilter
from sentrylite.admin.display import Panel
from sentrylite.admin.fields import ListsAsLines
from sentrylite.admin.forms import WholeForm
from sentrylite.admin.menu import Menu
from sentrylite.organizations import slugs
from sentrylite.organizations.access import ORGANIZATION_SCOPES
from sentrylite.organizations.members import is_only_owner
from sentrylite.organizations.models import (
    ApiKey,
    AuditLogEntry,
    Environment,
    Organization,
    OrganizationMember,
    Project,
    Role,
    Team,
)
from sentrylite.organizations.tenancy import Members, OfOrganization, rights_of
from sentrylite.releases.models import Release

from . import contents
from .deletion import DeletedLater
from .joins import TeamMembershipInline
from .scrubbing import SCRUBBING


class OrganizationForm(WholeForm):
    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"]
        slugs.validate(slug, reserved=slugs.RESERVED_FOR_ORGANIZATIONS)
        return slug


@admin.register(Organization)
class OrganizationAdmin(ListsAsLines, DeletedLater):
    menu = Menu("Organization", 1)
    # New ones are made by superusers.
    tenancy = OfOrganization({**ORGANIZATION_SCOPES, "POST": frozenset()}, "pk")
    form = OrganizationForm
    list_display = ["name", "slug", "status_badge", "projects", "members", "created_at"]
    list_filter = ["status"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["created_at"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "created_at"]}),
        (
            "Members",
            {
                "fields": [
                    "default_role",
                    "open_membership",
                    "allow_join_requests",
                    "attachments_role",
                    "allow_shared_issues",
                ]
            },
        ),
        (
            "Settings",
            {
                "fields": [
                    "is_early_adopter",
                    "enhanced_privacy",
                    "scrape_javascript",
                    "store_crash_reports",
                ]
            },
        ),
        SCRUBBING,
    ]

    def load_page(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        projects, members = _count_by(Project, rows), _count_by(OrganizationMember, rows)
        for organization in rows:
            organization.project_count = projects.get(organization.pk, 0)
            organization.member_count = members.get(organization.pk, 0)

    @admin.display(description="projects")
    def projects(self, organization: Any) -> str:
        url = display.list_url(Project, organization__id__exact=organization.pk)
        return display.link(url, organization.project_count)

    @admin.display(description="members")
    def members(self, organization: Any) -> str:
        url = display.list_url(OrganizationMember, organization__id__exact=organization.pk)
        return display.link(url, organization.member_count)

    def links(self, request: HttpRequest, obj: Organization) -> Sequence[Link]:
        owned = (Project, Team, OrganizationMember, Environment, Release, ApiKey, AuditLogEntry)
        return [
            (
                str(capfirst(model._meta.verbose_name_plural)),
                display.list_url(model, organization__id__exact=obj.pk),
            )
            for model in owned
        ]

    def panels(self, request: HttpRequest, obj: Organization) -> Sequence[Panel]:
        return contents.panels(request, obj)


def _count_by(model: type[Any], organizations: Sequence[Organization]) -> dict[int, int]:
    """How many rows of a model each organization has."""
    rows = model.objects.filter(organization__in=organizations).order_by()
    return dict(rows.values_list("organization").annotate(total=Count("*")))


class MemberForm(WholeForm):
    def clean_role(self) -> str:
        role = self.cleaned_data["role"]
        if role != Role.OWNER and self.instance.pk and self.initial["role"] == Role.OWNER:
            stored = OrganizationMember.objects.get(pk=self.instance.pk)
            if is_only_owner(stored):
                raise forms.ValidationError("This is the only owner of the organization.")
        return role


@admin.register(OrganizationMember)
class OrganizationMemberAdmin(BaseAdmin):
    menu = Menu("Organization", 4, "Members")
    tenancy = Members()
    form = MemberForm
    list_display = ["person", "organization_link", "role", "team_links", "created_at"]
    list_filter = ["role", ("organization", NeighbourFilter)]
    list_select_related = ["organization", "user"]
    search_fields = ["user__username", "user__name", "user__email", "email", "organization__slug"]
    autocomplete_fields = ["organization", "user"]
    fields = ["organization", "user", "email", "role", "created_at"]
    settled_fields = ["organization", "user"]
    readonly_fields = ["created_at"]
    inlines = [TeamMembershipInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrganizationMember]:
        return super().get_queryset(request).prefetch_related("teams")

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The roles that who asks may give to somebody somewhere."""
        if db_field.name == "role" and not request.user.is_superuser:
            accesses = rights_of(cast(User, request.user)).accesses.values()
            kwargs["choices"] = [
                (role.value, role.label)
                for role in Role
                if any(access.manages(role) for access in accesses)
            ]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The last owner stays."""
        is_allowed = super().has_delete_permission(request, obj)
        return is_allowed and not (obj and is_only_owner(obj))

    @admin.display(description="member", ordering="user__username")
    def person(self, member: OrganizationMember) -> str:
        return str(member) if member.user else f"{member.email} (invited)"

    @admin.display(description="organization", ordering="organization__slug")
    def organization_link(self, member: OrganizationMember) -> str:
        return display.link_to(member.organization)

    @admin.display(description="teams")
    def team_links(self, member: OrganizationMember) -> str:
        return display.links_to(member.teams.all())

    def links(self, request: HttpRequest, obj: OrganizationMember) -> Sequence[Link]:
        people = [("User", display.url_of(obj.user))] if obj.user else []
        return [("Organization", display.url_of(obj.organization)), *people]
