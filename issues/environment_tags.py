"""The tags of a project in some of its environments.

Tags are counted by issue, not by environment. An issue that was in these environments only has
there the tags that were counted; of one that was elsewhere too, its newest events are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from sentrylite.arrays import literal
from sentrylite.organizations.models import Project

from . import queries
from .payload.tags import UNCOUNTED
from .project_tags import (
    MAX_KEYS,
    MAX_VALUES,
    NEWEST_ISSUES,
    VALUES_SEARCHED,
    VISIBLE,
    TagValue,
    Wanted,
)

# Of the issues that were elsewhere too, those seen last in the environments; and how many events of
# all of these together.
MIXED_SEARCHED = 200
EVENTS_SEARCHED = 10_000

# The key is NULL for all of them.
_TAGS = f"""
    WITH seen AS MATERIALIZED (
        SELECT newest.id, part.last_seen, part.times_seen >= newest.times_seen AS is_whole
        FROM ({NEWEST_ISSUES}) newest
        CROSS JOIN LATERAL (
            SELECT sum(times_seen) AS times_seen, max(last_seen) AS last_seen
            FROM issues_issuerelease
            WHERE project_id = %(project)s AND issue_id = newest.id
                AND environment_id = ANY(%(environments)s::bigint[])
        ) part
        WHERE part.times_seen > 0
    ), mixed AS MATERIALIZED (
        SELECT id FROM seen WHERE NOT is_whole
        ORDER BY last_seen DESC, id DESC LIMIT {MIXED_SEARCHED}
    ), tag AS MATERIALIZED (
        (
            SELECT counted.key, counted.value, counted.times_seen, counted.first_seen,
                counted.last_seen
            FROM seen CROSS JOIN LATERAL (
                SELECT key, value, times_seen, first_seen, last_seen FROM issues_issuetag
                WHERE project_id = %(project)s AND issue_id = seen.id
                    AND (%(key)s::text IS NULL OR key = %(key)s)
                    AND last_seen >= coalesce(%(seen_from)s, '-infinity'::timestamptz)
                    AND first_seen <= coalesce(%(seen_to)s, 'infinity'::timestamptz)
            ) counted
            WHERE seen.is_whole
            LIMIT {VALUES_SEARCHED}
        )
        UNION ALL
        SELECT pair.key, pair.value, count(*), min(event."timestamp"), max(event."timestamp")
        FROM mixed CROSS JOIN LATERAL (
            SELECT environment_id, tags, "timestamp" FROM issues_event
            WHERE project_id = %(project)s AND issue_id = mixed.id
                AND received_at >= coalesce(%(received_from)s, '-infinity'::timestamptz)
                AND received_at <= %(received_to)s
                AND "timestamp" >= coalesce(%(seen_from)s, '-infinity'::timestamptz)
                AND "timestamp" <= coalesce(%(seen_to)s, 'infinity'::timestamptz)
            ORDER BY "timestamp" DESC, event_id DESC
            LIMIT (SELECT {EVENTS_SEARCHED} / count(*) FROM mixed)
        ) event
        CROSS JOIN LATERAL unnest(event.tags) AS text
        CROSS JOIN LATERAL (
            SELECT split_part(text, '=', 1), substr(text, strpos(text, '=') + 1)
        ) AS pair (key, value)
        WHERE event.environment_id = ANY(%(environments)s::bigint[])
            AND (%(key)s::text IS NULL OR pair.key = %(key)s)
            AND pair.key <> ALL(%(uncounted)s::text[])
        GROUP BY 1, 2
    )
"""

COUNT_VALUES = f"""
    {_TAGS}
    SELECT key, least(count(DISTINCT value), {MAX_VALUES}) FROM tag
    GROUP BY key ORDER BY key LIMIT {MAX_KEYS}
"""

_FIND_VALUES = f"""
    {_TAGS}
    SELECT value, sum(times_seen)::bigint, min(first_seen), max(last_seen) FROM tag
    WHERE %(text)s::text IS NULL OR strpos(lower(value), lower(%(text)s)) > 0
    GROUP BY value
    HAVING %(start)s::timestamptz IS NULL OR max(last_seen) {{side}} %(start)s
    ORDER BY 4 {{direction}}, value {{direction}}
    LIMIT %(limit)s OFFSET %(offset)s
"""
VALUES_FORWARD = _FIND_VALUES.format(side="<=", direction="DESC")
VALUES_BACKWARD = _FIND_VALUES.format(side=">", direction="ASC")


@dataclass(frozen=True, slots=True)
class Part:
    """What a project is in these environments."""

    project: Project
    environment_ids: Sequence[int]
    now: datetime

    def parameters(self, key: str | None, wanted: Wanted) -> dict[str, Any]:
        # Nothing happens long after it was received: that chooses the partitions.
        oldest = wanted.start or self.project.first_event_at
        return {
            "project": self.project.pk,
            "environments": literal(self.environment_ids),
            "statuses": VISIBLE,
            "key": key,
            "uncounted": literal(UNCOUNTED),
            "seen_from": wanted.start,
            "seen_to": wanted.end,
            "received_from": oldest and oldest - queries.CLOCKS_DIFFER,
            "received_to": self.now + queries.CLOCKS_DIFFER,
        }


def count_values(part: Part, key: str | None = None) -> dict[str, int]:
    """How many values each key has, or this one, up to MAX_VALUES; by key, the first MAX_KEYS. One
    statement."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_VALUES, part.parameters(key, Wanted()))
        return dict(sorted(cursor.fetchall()))


def find_values(
    part: Part,
    key: str,
    wanted: Wanted,
    *,
    start: datetime | None = None,
    is_backward: bool = False,
    offset: int = 0,
    limit: int,
) -> list[TagValue]:
    """The values of a key as `project_tags.find_values` finds those of the whole project. One
    statement."""
    place = {"text": wanted.text, "start": start, "offset": offset, "limit": limit}
    with connection.cursor() as cursor:
        statement = VALUES_BACKWARD if is_backward else VALUES_FORWARD
        cursor.execute(statement, {**part.parameters(key, wanted), **place})
        return [TagValue(key, *row) for row in cursor.fetchall()]
