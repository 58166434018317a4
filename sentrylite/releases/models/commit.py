"""Commits, the repositories they are in, and the releases that shipped them."""

from django.db import models
from django.utils import timezone

from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization

from .release import Release


class Repository(models.Model):
    """Where commits come from: a name that releases or people gave it."""

    class Status(models.TextChoices):
        """As the API spells them."""

        ACTIVE = "active"
        DISABLED = "disabled"
        HIDDEN = "hidden"
        DELETED = "pending_deletion"

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="repositories")
    name = models.CharField(max_length=200)
    provider = models.CharField(
        max_length=64, blank=True, help_text="Who hosts it, such as github."
    )
    url = models.URLField(max_length=1000, blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "repositories"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "organization",
                "name",
                name="releases_repository_name",
                violation_error_message="The organization has a repository of this name.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class CommitAuthor(models.Model):
    """Who wrote commits, as the commits say. A member with this address is the same person."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="commit_authors")
    name = models.CharField(max_length=128, blank=True)
    email = models.CharField(max_length=200)

    # Filled by releases.commits.
    user: User | None

    class Meta:
        constraints = [
            models.UniqueConstraint("organization", "email", name="releases_commitauthor_email")
        ]

    def __str__(self) -> str:
        return self.name or self.email


class Commit(models.Model):
    repository = models.ForeignKey(Repository, models.CASCADE, related_name="commits")
    key = models.CharField(max_length=64, help_text="What its repository calls it, such as a hash.")
    author = models.ForeignKey(
        CommitAuthor, models.SET_NULL, null=True, blank=True, related_name="commits"
    )
    message = models.TextField(null=True, blank=True)  # noqa: DJ001 - none is not an empty one
    created_at = models.DateTimeField(default=timezone.now)

    # Filled by releases.commits, the newest first.
    released_in: list[Release]

    class Meta:
        constraints = [models.UniqueConstraint("repository", "key", name="releases_commit_key")]
        indexes = [
            models.Index(fields=["repository", "-created_at", "-id"], name="releases_commit_newest")
        ]

    def __str__(self) -> str:
        return self.key


class CommitFileChange(models.Model):
    """A file that a commit added, modified or deleted."""

    class Type(models.TextChoices):
        ADDED = "A"
        MODIFIED = "M"
        DELETED = "D"

    commit = models.ForeignKey(Commit, models.CASCADE, related_name="file_changes", db_index=False)
    filename = models.CharField(max_length=255)
    type = models.CharField(max_length=1, choices=Type)

    class Meta:
        constraints = [
            models.UniqueConstraint("commit", "filename", name="releases_commitfilechange_filename")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.filename}"


class ReleaseCommit(models.Model):
    """A commit in the list of a release, at its place from the newest, 0."""

    release = models.ForeignKey(
        Release, models.CASCADE, related_name="release_commits", db_index=False
    )
    commit = models.ForeignKey(Commit, models.CASCADE, related_name="release_commits")
    order = models.PositiveIntegerField()

    class Meta:
        ordering = ["order"]
        constraints = [
            models.UniqueConstraint("release", "order", name="releases_releasecommit_order")
        ]

    def __str__(self) -> str:
        return f"{self.commit} in {self.release}"


class ReleaseHeadCommit(models.Model):
    """The commit of a repository that a release was built from."""

    release = models.ForeignKey(
        Release, models.CASCADE, related_name="head_commits", db_index=False
    )
    repository = models.ForeignKey(Repository, models.CASCADE, related_name="+")
    commit = models.ForeignKey(Commit, models.CASCADE, related_name="head_commits")

    class Meta:
        constraints = [
            models.UniqueConstraint("release", "repository", name="releases_releaseheadcommit_one")
        ]

    def __str__(self) -> str:
        return f"{self.commit} at the head of {self.release}"
