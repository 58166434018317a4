"""Events as they are stored, where to find them, and the people they happened to.

These tables grow with events: `project_id` comes first in every key and they have no foreign
keys, so that they can be distributed by project unchanged.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models

from issues.payload.attributes import MAX_AGE, MAX_AHEAD
from sentrylite.releases.models import Release

if TYPE_CHECKING:
    from .feedback import UserReport

# How long after and before it happened an event can have been received, as ingestion sees to it.
LONGEST_WAY = timedelta(seconds=MAX_AGE) + timedelta(hours=1)
CLOCKS_DIFFER = timedelta(seconds=MAX_AHEAD) + timedelta(hours=1)


class Event(models.Model):
    """One event. Partitioned by the week it was received in; `issues.partitions` tends to that.

    Bound `received_at` on both sides with constants in every query, so that the planner looks at
    one partition and not at all of them.
    """

    pk = models.CompositePrimaryKey("project_id", "received_at", "event_id")
    project_id = models.BigIntegerField()
    received_at = models.DateTimeField()
    event_id = models.UUIDField()
    issue_id = models.BigIntegerField()
    timestamp = models.DateTimeField(help_text="When it happened, as the SDK says.")
    environment_id = models.BigIntegerField()
    release_id = models.BigIntegerField(help_text="0 without a release.")
    level = models.SmallIntegerField()
    user_hash = models.BigIntegerField(null=True)
    message = models.TextField(help_text="What a free-text search looks at.")
    tags = ArrayField(models.TextField(), help_text="As `key=value`.")
    size = models.IntegerField(help_text="Bytes of the payload's JSON.")
    payload = models.BinaryField(help_text="See issues.payload.codec.")

    # Filled by issues.queries, where a page needs them.
    data: dict[str, Any]  # find_event: the payload unpacked, {} for a damaged one
    issue_first_seen: datetime | None  # find_event: None for an event without its issue
    next_event_id: UUID | None  # this and the next two load_neighbours: in the same issue
    previous_event_id: UUID | None
    has_report: bool  # whether a user has said something about it
    release: Release | None  # load_release: None without one, or when it was deleted
    report: "UserReport | None"  # issues.feedback.load_report

    class Meta:
        indexes = [
            models.Index(
                fields=["project_id", "issue_id", "-timestamp", "-event_id"],
                name="issues_event_issue",
            ),
            models.Index(
                fields=["project_id", "-timestamp", "-event_id"], name="issues_event_project"
            ),
        ]

    def __str__(self) -> str:
        return self.event_id.hex

    @property
    def tag_pairs(self) -> list[tuple[str, str]]:
        """Key and value of each tag; a key never holds the `=` between them."""
        return [(key, value) for key, _, value in [tag.partition("=") for tag in self.tags]]


class EventAddress(models.Model):
    """Where an event is, by its id. Its key is what makes an event id count once in a project."""

    pk = models.CompositePrimaryKey("project_id", "event_id")
    project_id = models.BigIntegerField()
    event_id = models.UUIDField()
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.event_id.hex


class EventUser(models.Model):
    """Somebody a project's events happened to (ingest contract, section 9)."""

    pk = models.CompositePrimaryKey("project_id", "hash")
    project_id = models.BigIntegerField()
    hash = models.BigIntegerField()
    tag_value = models.TextField()
    ident = models.TextField(blank=True)
    username = models.TextField(blank=True)
    email = models.TextField(blank=True)
    name = models.TextField(blank=True)
    ip_address = models.GenericIPAddressField(null=True)
    first_seen = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["project_id", "-first_seen", "-hash"], name="issues_eventuser_newest"
            )
        ]

    def __str__(self) -> str:
        return self.tag_value
