"""The tags of a project: its keys, the values of one, and a key's end.

Nothing counts tags by project: what is asked for is put together from the tags of its issues, and
never from more of them than an answer may cost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from sentrylite.arrays import literal
from sentrylite.organizations.models import Project

from .models import Issue

# Keys of an answer, and values of a key that are told apart when they are counted.
MAX_KEYS = 200
MAX_VALUES = 1_000
# A value that was seen lately is in an issue that was: those seen last are searched for values.
ISSUES_SEARCHED = 5_000
VALUES_SEARCHED = 50_000
# How many issues' counts of values are added up for a page; fewer for each value of many.
COUNTS_ADDED = 50_000
# Ingestion waits for no more issues than have these tags.
REMOVED_AT_ONCE = 1_000

# From each key to the next, and from each value to the next, by one look into the index.
_NEXT_KEY = """
    SELECT key FROM issues_issuetag WHERE project_id = %(project)s AND {behind}
    ORDER BY key LIMIT 1
"""
_NEXT_VALUE = """
    SELECT value FROM issues_issuetag
    WHERE project_id = %(project)s AND key = {key} AND {behind}
    ORDER BY value LIMIT 1
"""
_COUNT_VALUES = f"""
    WITH RECURSIVE step AS (
        (SELECT value, 1 AS number FROM ({_NEXT_VALUE.format(key="{key}", behind="true")}) first)
        UNION ALL
        SELECT later.value, step.number + 1 FROM step CROSS JOIN LATERAL
            ({_NEXT_VALUE.format(key="{key}", behind="value > step.value")}) later
        WHERE step.number < {MAX_VALUES}
    )
    SELECT coalesce(max(number), 0) FROM step
"""
COUNT_VALUES = _COUNT_VALUES.format(key="%(key)s")
FIND_KEYS = f"""
    WITH RECURSIVE found AS (
        (SELECT key, 1 AS number FROM ({_NEXT_KEY.format(behind="true")}) first)
        UNION ALL
        SELECT later.key, found.number + 1 FROM found CROSS JOIN LATERAL
            ({_NEXT_KEY.format(behind="key > found.key")}) later
        WHERE found.number < {MAX_KEYS}
    )
    SELECT found.key, ({_COUNT_VALUES.format(key="found.key")}) FROM found
"""

# The issues that are searched.
NEWEST_ISSUES = f"""
    SELECT i.id, i.times_seen FROM unnest(%(statuses)s::smallint[]) AS wanted (status)
    CROSS JOIN LATERAL (
        SELECT id, times_seen, last_seen FROM issues_issue
        WHERE project_id = %(project)s AND status = wanted.status
        ORDER BY last_seen DESC, id DESC LIMIT {ISSUES_SEARCHED}
    ) i
    ORDER BY i.last_seen DESC, i.id DESC LIMIT {ISSUES_SEARCHED}
"""

_FIND_VALUES = f"""
    WITH searched AS MATERIALIZED (
        SELECT tag.value, tag.last_seen
        FROM ({NEWEST_ISSUES}) newest
        CROSS JOIN LATERAL (
            SELECT value, last_seen FROM issues_issuetag
            WHERE project_id = %(project)s AND issue_id = newest.id AND key = %(key)s
                AND (%(text)s::text IS NULL OR strpos(lower(value), lower(%(text)s)) > 0)
                AND last_seen >= coalesce(%(seen_from)s, '-infinity'::timestamptz)
                AND first_seen <= coalesce(%(seen_to)s, 'infinity'::timestamptz)
        ) tag
        LIMIT {VALUES_SEARCHED}
    ), page AS MATERIALIZED (
        SELECT value, max(last_seen) AS last_seen FROM searched GROUP BY value
        HAVING %(start)s::timestamptz IS NULL OR max(last_seen) {{side}} %(start)s
        ORDER BY 2 {{direction}}, value {{direction}}
        LIMIT %(limit)s OFFSET %(offset)s
    )
    SELECT page.value, counted.times_seen, counted.first_seen, page.last_seen
    FROM page CROSS JOIN LATERAL (
        SELECT sum(newest.times_seen)::bigint AS times_seen, min(newest.first_seen) AS first_seen
        FROM (
            SELECT times_seen, first_seen FROM issues_issuetag
            WHERE project_id = %(project)s AND key = %(key)s AND value = page.value
            ORDER BY issue_id DESC LIMIT (SELECT {COUNTS_ADDED} / count(*) FROM page)
        ) newest
    ) counted
    ORDER BY page.last_seen {{direction}}, page.value {{direction}}
"""
VALUES_FORWARD = _FIND_VALUES.format(side="<=", direction="DESC")
VALUES_BACKWARD = _FIND_VALUES.format(side=">", direction="ASC")


# Whoever counts in issues locks them first, by id: so does who takes their tags away.
FIND_TAGGED = f"""
    SELECT DISTINCT issue_id FROM (
        SELECT issue_id FROM issues_issuetag WHERE project_id = %(project)s AND key = %(key)s
        LIMIT {REMOVED_AT_ONCE}
    ) tagged
"""
LOCK_ISSUES = """
    SELECT id FROM issues_issue WHERE id = ANY(%(issues)s::bigint[])
    ORDER BY id FOR NO KEY UPDATE
"""
REMOVE_TAGS = """
    DELETE FROM issues_issuetag
    WHERE project_id = %(project)s AND issue_id = ANY(%(issues)s::bigint[]) AND key = %(key)s
"""
FORGET_KEY = """
    UPDATE issues_issue SET tag_keys = tag_keys - %(key)s WHERE id = ANY(%(issues)s::bigint[])
"""

VISIBLE = literal(status for status in Issue.Status if status < Issue.Status.PENDING_DELETION)


class TagValue(NamedTuple):
    """How often a project had a value."""

    key: str
    value: str
    times_seen: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which values of a key are wanted; all of them by default."""

    text: str | None = None
    """In the value, in capitals or not."""
    start: datetime | None = None
    end: datetime | None = None


def find_keys(project: Project) -> dict[str, int]:
    """How many values each key has, up to MAX_VALUES: by key, the first MAX_KEYS. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_KEYS, {"project": project.pk})
        return dict(sorted(cursor.fetchall()))


def count_values(project: Project, key: str) -> int:
    """How many values a key has, up to MAX_VALUES; 0 for one that nobody knows. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_VALUES, {"project": project.pk, "key": key})
        return cursor.fetchone()[0]


def find_values(
    project: Project,
    key: str,
    wanted: Wanted,
    *,
    start: datetime | None = None,
    is_backward: bool = False,
    offset: int = 0,
    limit: int,
) -> list[TagValue]:
    """The values of a key, those seen last first, then by value.

    From `start` on, without the first `offset`; backward those before `start`, the nearest first.
    One statement.
    """
    parameters: dict[str, Any] = {
        "project": project.pk,
        "key": key,
        "statuses": VISIBLE,
        "text": wanted.text,
        "seen_from": wanted.start,
        "seen_to": wanted.end,
        "start": start,
        "offset": offset,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(VALUES_BACKWARD if is_backward else VALUES_FORWARD, parameters)
        return [TagValue(key, *row) for row in cursor.fetchall()]


def remove_key(project_id: int, key: str, after_batch: Callable[[], None]) -> None:
    """Take a key from all of a project's issues. Events keep it, and those to come bring it back.

    Every batch is a transaction of its own, after which `after_batch` is called; what that raises
    ends the work, which goes on where it stopped when it is asked for again.
    """
    while _remove_some(project_id, key):
        after_batch()


@transaction.atomic
def _remove_some(project_id: int, key: str) -> bool:
    """Whether there was something to remove. At most four statements."""
    with connection.cursor() as cursor:
        place: dict[str, Any] = {"project": project_id, "key": key}
        cursor.execute(FIND_TAGGED, place)
        if not (tagged := [issue_id for (issue_id,) in cursor.fetchall()]):
            return False
        place["issues"] = literal(sorted(tagged))
        cursor.execute(LOCK_ISSUES, place)
        cursor.execute(REMOVE_TAGS, place)
        cursor.execute(FORGET_KEY, place)
    return True
