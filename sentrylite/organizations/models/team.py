"""Teams: groups of members who look after projects."""

from django.db import models
from django.utils import timezone

from .organization import Organization, OrganizationMember, Status


class Team(models.Model):
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="teams")
    slug = models.SlugField(max_length=50)
    name = models.CharField(max_length=64)
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint("organization", "slug", name="organizations_team_slug")
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
