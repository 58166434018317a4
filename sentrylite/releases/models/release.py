"""Releases: the versions that events come from and that teams announce."""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from sentrylite.organizations.models import Organization, Project

from ..versions import short_version

if TYPE_CHECKING:
    from .commit import CommitAuthor
    from .deploy import Deploy


class Shipped(NamedTuple):
    """A project that ships a release."""

    id: int
    slug: str
    name: str
    platform: str


class Release(models.Model):
    """One version of an organization's software, shared by the projects that ship it."""

    class Status(models.TextChoices):
        """As the API spells them. Archived is put away, and nothing else."""

        OPEN = "open"
        ARCHIVED = "archived"

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="releases")
    version = models.CharField(max_length=250)
    ref = models.CharField(max_length=250, blank=True)
    url = models.URLField(max_length=1000, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(
        max_length=10, choices=Status, default=Status.OPEN, db_default=Status.OPEN
    )
    # What its list of commits comes to, written with the list.
    commit_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    last_commit = models.ForeignKey(
        "Commit", models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    author_ids = ArrayField(
        models.BigIntegerField(), default=list, db_default=[], blank=True, editable=False
    )
    projects = models.ManyToManyField(Project, through="ReleaseProject", related_name="releases")

    # Filled by releases.queries, where a page needs them: over all its projects, or over some.
    shipped_in: list[Shipped]  # always all of them, by slug
    new_issues: int
    first_event_at: datetime | None
    last_event_at: datetime | None
    authors: "list[CommitAuthor]"
    deploy_count: int
    last_deploy: "Deploy | None"  # the one that was made last

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                "organization",
                "version",
                name="releases_release_version",
                violation_error_message="The organization has a release of this version.",
            )
        ]
        indexes = [
            models.Index(
                F("organization"),
                Coalesce("released_at", "created_at").desc(),
                F("id").desc(),
                name="releases_release_newest",
            )
        ]

    def __str__(self) -> str:
        return self.version

    @property
    def short_version(self) -> str:
        return short_version(self.version)


class ReleaseProject(models.Model):
    """A release in one project, and what its events have said so far."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="release_projects")
    project = models.ForeignKey(Project, models.CASCADE, related_name="release_projects")
    new_issues = models.PositiveIntegerField(default=0, editable=False)
    first_event_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_event_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "release", name="releases_releaseproject_release")
        ]

    def __str__(self) -> str:
        return f"{self.release} in {self.project}"
