"""Teams: groups of members who look after projects."""

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

from .organization import Deletable, Organization, OrganizationMember

if TYPE_CHECKING:
    from .project import Project


class Team(Deletable):
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="teams")
    slug = models.SlugField(max_length=50)
    name = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)

    # Filled by organizations.listings, where a page needs them.
    member_count: int
    project_list: list["Project"]

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(
                "organization",
                "slug",
                name="organizations_team_slug",
                violation_error_message="Another team of the organization has this slug.",
            )
        ]

    def __str__(self) -> str:
        return f"#{self.slug}"


class TeamMembership(models.Model):
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    member = models.ForeignKey(OrganizationMember, models.CASCADE, related_name="team_memberships")

    class Meta:
        constraints = [
            models.UniqueConstraint("team", "member", name="organizations_teammembership_member")
        ]

    def __str__(self) -> str:
        return f"{self.member} in {self.team}"
