"""Issues: what events that have a hash in common form."""

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from sentrylite.organizations.models import Project, Team
from sentrylite.releases.models import Release
from stats.periods import Points

if TYPE_CHECKING:
    from .status import IssueResolution, IssueSnooze

BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U
LOOKALIKES = str.maketrans("OIL", "011")
SHORT_ID = re.compile(r"([-\w ]{1,50})[-_ ]([0-9A-TV-Za-tv-z]{1,7})", re.ASCII)


def short_id(project_slug: str, number: int) -> str:
    """The name people use for an issue: `PUMP-STATION-1` (ingest contract, section 11)."""
    digits = ""
    while number:
        number, digit = divmod(number, 32)
        digits = BASE32[digit] + digits
    return f"{project_slug.upper()}-{digits or '0'}"


def read_short_id(text: str) -> tuple[str, int] | None:
    """The project's slug in lower case and the number that a short id names; None for other text.

    In any letter case, and with the letters that look like digits (organizations contract,
    section 13).
    """
    match = SHORT_ID.fullmatch(text)
    if match is None:
        return None
    number = 0
    for digit in match[2].upper().translate(LOOKALIKES):
        number = number * 32 + BASE32.index(digit)
    return (match[1].lower(), number) if number < 2**31 else None


class SeenIn(NamedTuple):
    """What an issue is in some of its environments only."""

    times_seen: int
    first_seen: datetime | None
    last_seen: datetime | None
    user_count: int | None = None
    """This and the next by issues.environments, where they are not those of the whole issue."""
    tag_keys: dict[str, list[int]] | None = None


class Level(models.IntegerChoices):
    SAMPLE = 0, "sample"
    DEBUG = 10, "debug"
    INFO = 20, "info"
    WARNING = 30, "warning"
    ERROR = 40, "error"
    FATAL = 50, "fatal"


def priority_of(level: int) -> str:
    """How soon to look at issues of this level, as later years call it."""
    if level >= Level.ERROR:
        return "high"
    return "medium" if level >= Level.WARNING else "low"


class IssueQuerySet(models.QuerySet["Issue"]):
    def visible(self) -> Self:
        """Without those that were deleted, merged away or discarded."""
        return self.filter(status__lt=Issue.Status.PENDING_DELETION)

    def unresolved(self) -> Self:
        return self.filter(status=Issue.Status.UNRESOLVED)


class Issue(models.Model):
    class Status(models.IntegerChoices):
        UNRESOLVED = 0, "unresolved"
        RESOLVED = 1, "resolved"
        IGNORED = 2, "ignored"
        # From here on an issue does not exist for anyone outside.
        PENDING_DELETION = 3, "pending_deletion"
        PENDING_MERGE = 5, "pending_merge"
        # Its events are dropped: the row and its hashes stay to know them by.
        DISCARDED = 6, "discarded"

    project = models.ForeignKey(Project, models.CASCADE, related_name="issues")
    number = models.PositiveIntegerField(help_text="Counts the project's issues from 1.")
    status = models.SmallIntegerField(choices=Status, default=Status.UNRESOLVED)

    # What the newest event says.
    type = models.CharField(max_length=32, default="default")
    level = models.SmallIntegerField(choices=Level, default=Level.ERROR)
    title = models.TextField()
    culprit = models.TextField(blank=True)
    logger = models.CharField(max_length=64, blank=True)
    platform = models.CharField(max_length=64, blank=True)
    metadata = models.JSONField(default=dict)
    message = models.TextField(blank=True, help_text="What a free-text search looks at.")

    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    times_seen = models.BigIntegerField(default=0)
    user_count = models.IntegerField(default=0)
    comment_count = models.IntegerField(default=0)
    # Key → [how many values, how many events]: the sums of the issue's tags.
    tag_keys = models.JSONField(default=dict, editable=False)
    # When it last became unresolved; older "seen" marks do not count.
    active_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Its row stays, so that its id and its short id lead to the issue that has its events now:
    # always to that one directly, which is merged into no other.
    merged_into = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, editable=False, related_name="merged"
    )
    first_release = models.ForeignKey(
        Release, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    assigned_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    assigned_team = models.ForeignKey(
        Team, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    share_id = models.UUIDField(null=True, blank=True, unique=True, editable=False)

    objects = IssueQuerySet.as_manager()

    # Filled by issues.queries, where a page needs them.
    series: dict[str, Points]  # load_series: by the name of the period, such as 24h
    is_bookmarked: bool  # this and the next two load_marks: by the caller
    has_seen: bool
    subscription_reason: str | None  # None when not subscribed
    is_unhandled: bool  # load_handled
    resolution: "IssueResolution | None" = None  # this and the next read_issue
    snooze: "IssueSnooze | None" = None
    matching_event_id: UUID | None = None  # find_issue_of_event
    matching_environment: str | None = None
    seen_in: SeenIn | None = None  # load_seen_in: in the chosen environments
    sort_key: Any  # search_issues: the column that they are sorted by

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "number", name="issues_issue_number"),
            models.CheckConstraint(
                condition=models.Q(assigned_user=None) | models.Q(assigned_team=None),
                name="issues_issue_one_assignee",
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "status", "-last_seen", "-id"], name="issues_issue_last_seen"
            ),
            models.Index(
                fields=["project", "status", "-first_seen", "-id"], name="issues_issue_first_seen"
            ),
            models.Index(
                fields=["project", "status", "-times_seen", "-id"], name="issues_issue_times_seen"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def short_id(self) -> str:
        return short_id(self.project.slug, self.number)

    def status_at(self, now: datetime) -> Status:
        """The status that is shown (issues contract, section 1.1): an issue may be resolved by
        its age, and no longer be ignored though nothing has happened since to say so."""
        if self.is_auto_resolved(now):
            return self.Status.RESOLVED
        is_ignored = self.status == self.Status.IGNORED
        if is_ignored and self.snooze is not None and self.snooze.is_over(self, now):
            return self.Status.UNRESOLVED
        return self.Status(self.status)

    def is_auto_resolved(self, now: datetime) -> bool:
        """Whether it counts as resolved because it has been quiet for the project's resolve age
        (issues contract, section 1.1)."""
        if self.status != self.Status.UNRESOLVED or not self.project.resolve_age:
            return False
        return self.last_seen <= now - timedelta(hours=self.project.resolve_age)


class IssueHash(models.Model):
    """Which issue the events with a grouping hash belong to."""

    pk = models.CompositePrimaryKey("project_id", "hash")
    project_id = models.BigIntegerField()
    hash = models.UUIDField()
    issue_id = models.BigIntegerField()
    # The last event of the issue that has it, and when that happened; None when it is not known.
    last_event_id = models.UUIDField(null=True)
    last_event_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["project_id", "issue_id"], name="issues_issuehash_issue")]

    def __str__(self) -> str:
        return self.hash.hex


class IssueText(models.Model):
    """What a free-text search of issues looks at: TEXT_OF of the issue.

    In a table of its own, because the issue's row is rewritten with every batch of events, and
    this one only when the text is another.
    """

    pk = models.CompositePrimaryKey("project_id", "issue_id")
    project_id = models.BigIntegerField()
    issue_id = models.BigIntegerField()
    text = models.TextField()

    # Of the issue `{issue}`. Lower case, which is what a search in any letter case compares.
    TEXT_OF = "lower(concat_ws(E'\\n', {issue}.title, {issue}.culprit, {issue}.message))"

    class Meta:
        indexes = [
            # What is not in the index proper yet is searched row by row: not much of it.
            GinIndex(
                fields=["text"],
                opclasses=["gin_trgm_ops"],
                gin_pending_list_limit=256,
                name="issues_issuetext_trigrams",
            )
        ]

    def __str__(self) -> str:
        return self.text


class IssueUser(models.Model):
    """Somebody an issue happened to: the rows of an issue are its user count."""

    pk = models.CompositePrimaryKey("project_id", "issue_id", "user_hash")
    project_id = models.BigIntegerField()
    issue_id = models.BigIntegerField()
    user_hash = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.user_hash:x}"


class IssueRelease(models.Model):
    """An issue in one release and environment: sums by either are one small read.

    `release_id` and `environment_id` are 0 for events without a release.
    """

    pk = models.CompositePrimaryKey("project_id", "issue_id", "environment_id", "release_id")
    project_id = models.BigIntegerField()
    issue_id = models.BigIntegerField()
    environment_id = models.BigIntegerField()
    release_id = models.BigIntegerField()
    times_seen = models.BigIntegerField()
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.issue_id} in release {self.release_id}"
