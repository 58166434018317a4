"""What people did with an issue, and the marks each of them put on it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from sentrylite.releases.models import Commit

from .issue import Issue


class Activity(models.Model):
    class Type(models.TextChoices):
        """As the API spells them (issues contract, section 2.1)."""

        SET_RESOLVED = "set_resolved"
        SET_RESOLVED_BY_AGE = "set_resolved_by_age"
        SET_RESOLVED_IN_RELEASE = "set_resolved_in_release"
        SET_RESOLVED_IN_COMMIT = "set_resolved_in_commit"
        SET_UNRESOLVED = "set_unresolved"
        SET_IGNORED = "set_ignored"
        SET_PUBLIC = "set_public"
        SET_PRIVATE = "set_private"
        SET_REGRESSION = "set_regression"
        NOTE = "note"
        ASSIGNED = "assigned"
        UNASSIGNED = "unassigned"
        MERGE = "merge"
        UNMERGE_SOURCE = "unmerge_source"
        UNMERGE_DESTINATION = "unmerge_destination"
        REPROCESS = "reprocess"

    issue = models.ForeignKey(Issue, models.CASCADE, related_name="activities")
    type = models.CharField(max_length=40, choices=Type)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    data = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    # load_details: the issue on the other side of an unmerge, None when it is gone.
    other_issue: Issue | None = None
    # find_activities: the commit that it was resolved in, None when it is gone.
    commit: Commit | None = None

    class Meta:
        verbose_name_plural = "activities"
        indexes = [
            models.Index(fields=["issue", "-created_at", "-id"], name="issues_activity_issue")
        ]

    def __str__(self) -> str:
        return self.type

    @property
    def other_side(self) -> str | None:
        """The key under which its data has the id of another issue; None for most activities."""
        if self.type == self.Type.UNMERGE_SOURCE:
            return "destination"
        return "source" if self.type == self.Type.UNMERGE_DESTINATION else None

    @property
    def commit_id(self) -> int | None:
        """The commit that its data has the id of; None for most activities."""
        is_commits = self.type == self.Type.SET_RESOLVED_IN_COMMIT
        return self.data["commit"] if is_commits else None


class Mark(models.Model):
    """One person's mark on one issue."""

    issue = models.ForeignKey(Issue, models.CASCADE, related_name="%(class)s_set")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint("issue", "user", name="issues_%(class)s_user")]

    def __str__(self) -> str:
        return f"{self.user} on issue {self.issue_id}"


class IssueBookmark(Mark):
    pass


class IssueSeen(Mark):
    last_seen = models.DateTimeField(default=timezone.now)


class IssueSubscription(Mark):
    class Reason(models.TextChoices):
        UNKNOWN = "unknown"
        COMMENTED = "commented"
        ASSIGNED = "assigned"
        BOOKMARKED = "bookmarked"
        CHANGED_STATUS = "changed_status"
        MENTIONED = "mentioned"

    is_active = models.BooleanField(default=True)
    reason = models.CharField(max_length=20, choices=Reason, default=Reason.UNKNOWN)
