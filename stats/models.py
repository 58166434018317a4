"""Counters. They know ids and numbers, not what the ids stand for.

Both tables grow with events: `project_id` comes first in their keys, nothing refers to them and
they refer to nothing, so that they can be distributed by project unchanged.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Kind(models.IntegerChoices):
    """What a series counts, and which id it is filed under.

    Organizations' series have `project_id` 0. Received, rejected and blacklisted count at the
    time of receipt, the others at the time of the event (stats contract, section 1).
    """

    ORGANIZATION_RECEIVED = 10
    ORGANIZATION_REJECTED = 11
    ORGANIZATION_BLACKLISTED = 12
    PROJECT_RECEIVED = 20
    PROJECT_REJECTED = 21
    PROJECT_BLACKLISTED = 22
    PROJECT_GENERATED = 23
    PROJECT_FORWARDED = 24
    KEY_RECEIVED = 30
    KEY_REJECTED = 31
    KEY_BLACKLISTED = 32
    ENVIRONMENT_GENERATED = 40
    RELEASE_GENERATED = 50
    # Filed under an inbound filter's number, `stats.usage.FILTERS`.
    FILTERED = 60
    # Filed under an envelope item category's number, `stats.usage.ITEM_CATEGORIES`.
    ITEMS = 70
    INVALID_ITEMS = 71
    # What a service hook was told, could not be told, and was not told because too much waited.
    HOOK_FIRED = 80
    HOOK_FAILED = 81
    HOOK_DROPPED = 82


class SeriesCount(models.Model):
    """How often something happened in one bucket of `width` seconds."""

    pk = models.CompositePrimaryKey("project_id", "kind", "object_id", "width", "bucket")
    project_id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=Kind)
    object_id = models.BigIntegerField()
    width = models.IntegerField()
    bucket = models.IntegerField(help_text="Epoch seconds divided by the width.")
    quantity = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{Kind(self.kind).label} {self.object_id} at {self.bucket * self.width}"


class IssueDay(models.Model):
    """The events of one issue in one environment on one UTC day, by the hour.

    Six times smaller than a row an hour, and one write serves the hourly and the daily series.
    """

    pk = models.CompositePrimaryKey("project_id", "issue_id", "day", "environment_id")
    project_id = models.BigIntegerField()
    issue_id = models.BigIntegerField()
    day = models.IntegerField(help_text="Days since 1970-01-01.")
    environment_id = models.BigIntegerField()
    total = models.IntegerField()
    hours = ArrayField(models.IntegerField(), size=24)

    def __str__(self) -> str:
        return f"{self.issue_id} on day {self.day}"
