"""Projects, the teams that own them and the keys that SDKs send events with."""

import secrets

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from .organization import Deletable, Organization, ScrubbingSettings, Status
from .team import Team

is_key = RegexValidator(r"^[0-9a-f]{32}\Z", "A key is 32 lower-case hexadecimal digits.")


def make_key() -> str:
    """A new client key: 32 lower-case hexadecimal digits."""
    return secrets.token_hex(16)


def all_domains() -> list[str]:
    return ["*"]


class ProjectQuerySet(models.QuerySet["Project"]):
    def active(self) -> "ProjectQuerySet":
        return self.filter(status=Status.ACTIVE, organization__status=Status.ACTIVE)


class Project(ScrubbingSettings, Deletable):
    """Something that sends events."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="projects")
    slug = models.SlugField(max_length=50)
    name = models.CharField(max_length=200)
    platform = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    first_event_at = models.DateTimeField(null=True, blank=True, editable=False)
    teams = models.ManyToManyField(Team, through="ProjectTeam", related_name="projects")

    # How many issues there ever were: the next one's short id is one more. Never goes back.
    last_short_id = models.PositiveIntegerField(default=0, editable=False)
    resolve_age = models.PositiveIntegerField(
        default=0, help_text="Hours after which a quiet issue counts as resolved; 0 is never."
    )
    allowed_domains = models.JSONField(
        default=all_domains, blank=True, help_text="Origins that browsers may send events from."
    )

    # Filled by organizations.listings and its neighbours, where a page needs them.
    team_list: list[Team]
    environment_names: list[str]
    latest_version: str | None
    points: list[list[float]] | None = None

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint("organization", "slug", name="organizations_project_slug")
        ]

    def __str__(self) -> str:
        return self.name


class ProjectTeam(models.Model):
    project = models.ForeignKey(Project, models.CASCADE, related_name="project_teams")
    team = models.ForeignKey(Team, models.CASCADE, related_name="project_teams")

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "team", name="organizations_projectteam_team")
        ]

    def __str__(self) -> str:
        return f"{self.project} of {self.team}"


class ProjectKey(models.Model):
    """A client key. Its public half is in every DSN; holding it lets anyone send events."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="keys")
    label = models.CharField(max_length=64, default="Default")
    public_key = models.CharField(max_length=32, unique=True, default=make_key, validators=[is_key])
    secret_key = models.CharField(max_length=32, default=make_key, validators=[is_key])
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.label
