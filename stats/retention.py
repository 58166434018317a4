"""Delete counts that nobody can read any more."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from .periods import DAY, WIDTHS, oldest_bucket

ROWS_AT_ONCE = 10_000
"""Of one transaction: its locks are short, and others write meanwhile."""

# Each chunk begins after the key that the one before ended with: the whole index is walked once,
# in its order, and not searched anew for every chunk.

PRUNE_SERIES = """
    DELETE FROM stats_seriescount c USING (
        SELECT project_id, kind, object_id, width, bucket FROM stats_seriescount
        WHERE (project_id, kind, object_id, width, bucket) > (%s, %s, %s, %s, %s)
            AND width = %s AND bucket < %s
        ORDER BY project_id, kind, object_id, width, bucket LIMIT %s
    ) AS expired
    WHERE c.project_id = expired.project_id AND c.kind = expired.kind
        AND c.object_id = expired.object_id AND c.width = expired.width
        AND c.bucket = expired.bucket
    RETURNING c.project_id, c.kind, c.object_id, c.width, c.bucket
"""

PRUNE_ISSUE_DAYS = """
    DELETE FROM stats_issueday d USING (
        SELECT project_id, issue_id, day, environment_id FROM stats_issueday
        WHERE (project_id, issue_id, day, environment_id) > (%s, %s, %s, %s) AND day < %s
        ORDER BY project_id, issue_id, day, environment_id LIMIT %s
    ) AS expired
    WHERE d.project_id = expired.project_id AND d.issue_id = expired.issue_id
        AND d.day = expired.day AND d.environment_id = expired.environment_id
    RETURNING d.project_id, d.issue_id, d.day, d.environment_id
"""


def prune_counters(now: datetime) -> int:
    """Delete all counts past their lifetime (stats contract, section 1); returns how many rows.

    In transactions of at most ROWS_AT_ONCE rows, unless the caller has begun one of his own.
    Interrupted, it has done a part; the next call does the rest.
    """
    epoch = now.timestamp()
    pruned = sum(
        prune(PRUNE_SERIES, (-1, 0, 0, 0, 0), [width, oldest_bucket(width, epoch)])
        for width in WIDTHS
    )
    return pruned + prune(PRUNE_ISSUE_DAYS, (-1, 0, 0, 0), [oldest_bucket(DAY, epoch)])


def prune(statement: str, after: tuple[int | str, ...], expired: Sequence[int]) -> int:
    """Run a statement, chunk after chunk, from the key `after` on, until it finds no more; returns
    how many rows it deleted.

    It takes `after`, `expired` and a limit, and returns the keys that it deleted.
    """
    pruned = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(statement, [*after, *expired, ROWS_AT_ONCE])
            keys = cursor.fetchall()
            pruned += len(keys)
            if len(keys) < ROWS_AT_ONCE:
                return pruned
            after = max(keys)
