"""Delete what sessions said that nobody can read any more."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from sentrylite.arrays import literal
from stats.periods import DAY, bucket, oldest_bucket
from stats.retention import prune

from .sessions import MAX_AGE, WIDTHS

PRUNE_HEALTH = """
    DELETE FROM releases_releasehealth h USING (
        SELECT project_id, release_id, width, bucket, environment_id FROM releases_releasehealth
        WHERE (project_id, release_id, width, bucket, environment_id) > (%s, %s, %s, %s, %s)
            AND width = %s AND bucket < %s
        ORDER BY project_id, release_id, width, bucket, environment_id LIMIT %s
    ) AS expired
    WHERE h.project_id = expired.project_id AND h.release_id = expired.release_id
        AND h.width = expired.width AND h.bucket = expired.bucket
        AND h.environment_id = expired.environment_id
    RETURNING h.project_id, h.release_id, h.width, h.bucket, h.environment_id
"""

PRUNE_SESSIONS = """
    DELETE FROM releases_trackedsession s USING (
        SELECT project_id, day, session_id FROM releases_trackedsession
        WHERE (project_id, day, session_id) > (%s, %s, %s::uuid) AND day < %s
        ORDER BY project_id, day, session_id LIMIT %s
    ) AS expired
    WHERE s.project_id = expired.project_id AND s.day = expired.day
        AND s.session_id = expired.session_id
    RETURNING s.project_id, s.day, s.session_id::text
"""
NO_SESSION = "00000000-0000-0000-0000-000000000000"


FORGET_RELEASE = """
    DELETE FROM releases_releasehealth
    WHERE project_id = ANY(%s::bigint[]) AND release_id = %s
"""


def forget_release(release_id: int, project_ids: Iterable[int]) -> None:
    """Delete what was counted of a release in its projects. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET_RELEASE, [literal(project_ids), release_id])


def prune_health(now: datetime) -> int:
    """Delete sessions that are not updated any more, and buckets past their lifetime (stats
    contract, section 1); returns how many rows. As `stats.retention.prune_counters` does.
    """
    epoch = now.timestamp()
    pruned = sum(
        prune(PRUNE_HEALTH, (-1, 0, 0, 0, 0), [width, oldest_bucket(width, epoch)])
        for width in WIDTHS
    )
    # A day more: the session may have begun at the end of its first one.
    oldest_day = bucket(epoch - MAX_AGE, DAY) - 1
    return pruned + prune(PRUNE_SESSIONS, (-1, 0, NO_SESSION), [oldest_day])
