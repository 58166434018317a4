"""Rows that join two things of one organization, on the pages of either."""

from typing import Any

from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest

from sentrylite.admin.base import BaseInline
from sentrylite.admin.tenancy import visible
from sentrylite.organizations.access import PROJECT_SCOPES, TEAM_SCOPES
from sentrylite.organizations.models import OrganizationMember, ProjectTeam, TeamMembership
from sentrylite.organizations.tenancy import OfOrganization, OfProject


class JoinInline(BaseInline):
    """Joins are made and removed, not changed. What can be joined is of the same organization."""

    extra = 1
    classes = ["joins"]
    related: tuple[str, ...] = ()
    """What a row's text and links mention."""
    organization_id: int

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        self.organization_id = obj.organization_id  # an inline is made for one request
        return super().get_formset(request, obj, **kwargs)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> Any:
        choices = visible(request, db_field.related_model).filter(
            organization_id=self.organization_id
        )
        if db_field.related_model is OrganizationMember:
            choices = choices.select_related("user")
        return super().formfield_for_foreignkey(
            db_field, request, **{"queryset": choices, **kwargs}
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.related)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ProjectTeamInline(JoinInline):
    """The teams of a project, the projects of a team."""

    tenancy = OfProject(PROJECT_SCOPES)
    model = ProjectTeam
    related = ("project", "team")


class TeamMembershipInline(JoinInline):
    """The teams of a member, the members of a team."""

    tenancy = OfOrganization(TEAM_SCOPES, "team__organization")
    model = TeamMembership
    related = ("team", "member__user")
