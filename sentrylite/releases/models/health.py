"""What sessions say about the health of releases.

Both tables grow with traffic: `project_id` comes first in their keys, nothing refers to them and
they refer to nothing, so that they can be distributed by project unchanged.
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from ..sketches import BINS, BITS


class BitmapField(models.Field[Any, Any]):
    """Distinct users (`releases.sketches`). Read and written by SQL only."""

    def db_type(self, connection: Any) -> str:
        return f"bit({BITS})"


class ReleaseHealth(models.Model):
    """The sessions of one release in one environment that began in one bucket."""

    pk = models.CompositePrimaryKey("project_id", "release_id", "width", "bucket", "environment_id")
    project_id = models.BigIntegerField()
    release_id = models.BigIntegerField()
    width = models.IntegerField()
    bucket = models.IntegerField(help_text="Epoch seconds divided by the width.")
    environment_id = models.BigIntegerField()
    sessions = models.BigIntegerField(help_text="All of them; the next four are some of these.")
    errored = models.BigIntegerField()
    unhandled = models.BigIntegerField()
    abnormal = models.BigIntegerField()
    crashed = models.BigIntegerField()
    durations = ArrayField(models.IntegerField(), size=BINS, null=True)
    duration_sum = models.FloatField(help_text="Seconds.")
    duration_max = models.FloatField(help_text="Seconds.")
    users = BitmapField(null=True)
    users_errored = BitmapField(null=True, help_text="Those whose sessions were not all healthy.")
    users_unhandled = BitmapField(null=True)
    users_abnormal = BitmapField(null=True)
    users_crashed = BitmapField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["project_id", "width", "bucket"], name="releases_health_time")
        ]

    def __str__(self) -> str:
        return f"{self.release_id} at {self.bucket * self.width}"


class TrackedSession(models.Model):
    """A session that may still be updated, so that it counts once and as the worst it came to.

    Adding what an update says is one statement, which leaves in the row what was known before.
    """

    pk = models.CompositePrimaryKey("project_id", "day", "session_id")
    project_id = models.BigIntegerField()
    day = models.IntegerField(help_text="On which it began, in days since 1970-01-01.")
    session_id = models.UUIDField()
    status = models.SmallIntegerField(help_text="`releases.sessions.Status`")
    is_over = models.BooleanField()
    status_before = models.SmallIntegerField(null=True)
    was_over = models.BooleanField()

    def __str__(self) -> str:
        return str(self.session_id)
