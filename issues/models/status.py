"""Until when an issue stays resolved or ignored, where that was said (issues contract, 1.1), and
who discarded one for ever."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

from sentrylite.releases.models import Commit, Release

from .issue import Issue


class Settlement(models.Model):
    """What somebody settled about one issue, such as the fine print of its status. Without a row
    there is none."""

    issue = models.OneToOneField(Issue, models.CASCADE, primary_key=True, related_name="+")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True


class IssueResolution(Settlement):
    """Resolved in a release: events of those before it do not reopen the issue. Or in a commit that
    no release has yet: no event reopens it before one has. Or by its age: the next event does."""

    class Type(models.TextChoices):
        IN_NEXT_RELEASE = "in_next_release"
        IN_RELEASE = "in_release"
        IN_COMMIT = "in_commit"
        BY_AGE = "by_age"

    type = models.CharField(max_length=20, choices=Type)
    release = models.ForeignKey(
        Release,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The one it is resolved in; for the next release, the newest there was.",
    )
    # Until a release has it.
    commit = models.ForeignKey(Commit, models.CASCADE, null=True, blank=True, related_name="+")

    def __str__(self) -> str:
        return f"issue {self.issue_id} {self.type}"


class IssueCommit(models.Model):
    """A commit whose message says that it fixes an issue."""

    issue = models.ForeignKey(Issue, models.CASCADE, related_name="+", db_index=False)
    commit = models.ForeignKey(Commit, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint("issue", "commit", name="issues_issuecommit_commit")]

    def __str__(self) -> str:
        return f"issue {self.issue_id} in {self.commit_id}"


class IssueSnooze(Settlement):
    """Ignored until one of these conditions is met. Windows are minutes."""

    until = models.DateTimeField(null=True, blank=True)
    count = models.PositiveIntegerField(null=True, blank=True, help_text="So many events more.")
    window = models.PositiveIntegerField(null=True, blank=True, help_text="… within minutes.")
    user_count = models.PositiveIntegerField(null=True, blank=True, help_text="So many users more.")
    user_window = models.PositiveIntegerField(null=True, blank=True, help_text="… within minutes.")
    # What had been counted when the issue was ignored.
    times_seen_before = models.BigIntegerField(default=0, editable=False)
    user_count_before = models.IntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return f"issue {self.issue_id} ignored"

    def events_left(self, issue: Issue) -> int | None:
        """How many events more it takes; within a window, how many there have to be in it."""
        if self.count is None or self.window is not None:
            return self.count
        return self.count - (issue.times_seen - self.times_seen_before)

    def users_left(self, issue: Issue) -> int | None:
        """How many users more it takes; within a window, how many there have to be in it."""
        if self.user_count is None or self.user_window is not None:
            return self.user_count
        return self.user_count - (issue.user_count - self.user_count_before)

    def is_over(self, issue: Issue, now: datetime) -> bool:
        """Whether a condition is met. Windows are looked at when events arrive."""
        if self.until is not None and self.until <= now:
            return True
        left = (self.events_left(issue), self.users_left(issue))
        return any(number is not None and number <= 0 for number in left)


class IssueTombstone(Settlement):
    """Discarded: nobody wants to hear of the issue again (issues contract, section 5)."""

    def __str__(self) -> str:
        return f"issue {self.issue_id} discarded"
