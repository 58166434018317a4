"""What an issue is in some of its environments only.

An issue's days and releases are counted by environment. Its tags and users are not: what they are
in an environment is counted when it is asked for, among the issue's newest events. Where all the
issue's events are in the chosen environments, what was counted of the whole issue holds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from sentrylite import rows
from sentrylite.arrays import literal
from stats.periods import HOUR, HOURS_OF_DAY, Points, Span

from . import queries
from .models import Issue, IssueTag
from .models.event import CLOCKS_DIFFER
from .payload.tags import UNCOUNTED
from .tags import VALUES, Order, TagKey

# How many of an issue's newest events are looked at, whatever environment they are in: about 30 ms.
LOOKED_AT = 5_000

_NEWEST = f"""
    SELECT newest.* FROM (
        SELECT environment_id, release_id, user_hash, tags, "timestamp" FROM issues_event
        WHERE project_id = %(project)s AND issue_id = %(issue)s
            AND received_at BETWEEN %(received_from)s AND %(received_to)s
        ORDER BY "timestamp" DESC, event_id DESC LIMIT {LOOKED_AT}
    ) newest
    WHERE newest.environment_id = ANY(%(environments)s::bigint[])
"""

# As rows of issues_issuetag.
_TAGS = f"""
    SELECT %(project)s::bigint AS project_id, %(issue)s::bigint AS issue_id, tag.key,
        substr(tag.text, length(tag.key) + 2) AS value, tag.times_seen, tag.first_seen,
        tag.last_seen
    FROM (
        SELECT text, split_part(text, '=', 1) AS key, count(*) AS times_seen,
            min("timestamp") AS first_seen, max("timestamp") AS last_seen
        FROM ({_NEWEST}) event CROSS JOIN LATERAL unnest(event.tags) text GROUP BY text
    ) tag
    WHERE tag.key <> ALL(%(uncounted)s::text[])
"""

COUNT_USERS_AND_TAGS = f"""
    WITH event AS MATERIALIZED ({_NEWEST})
    SELECT NULL, count(DISTINCT user_hash), 0 FROM event
    UNION ALL
    SELECT tag.key, count(*), sum(tag.times)::bigint FROM (
        SELECT split_part(text, '=', 1) AS key, count(*) AS times
        FROM event CROSS JOIN LATERAL unnest(event.tags) text GROUP BY text
    ) tag
    WHERE tag.key <> ALL(%(uncounted)s::text[])
    GROUP BY tag.key
"""

FIND_TOP_VALUES = f"""
    SELECT {rows.columns(IssueTag, "t")}, t.of_key, t.events
    FROM (
        SELECT tag.*, count(*) OVER of_key AS of_key,
            (sum(tag.times_seen) OVER of_key)::bigint AS events,
            row_number() OVER (of_key ORDER BY tag.times_seen DESC, tag.value) AS place
        FROM ({_TAGS}) tag
        WHERE %(keys)s::text[] IS NULL OR tag.key = ANY(%(keys)s::text[])
        WINDOW of_key AS (PARTITION BY tag.key)
    ) t
    WHERE t.place <= %(limit)s
    ORDER BY t.key, t.place
"""

# By the order and by whether it is read backward.
FIND_VALUES: dict[tuple[Order, bool], str] = {
    way: sql.format(tags=f"({_TAGS})") for way, sql in VALUES.items()
}

FIND_NEWEST_RELEASE = """
    SELECT release.id, environment.id, environment.name, seen_in.first_seen, seen_in.last_seen
    FROM issues_issuerelease seen_in
    JOIN releases_release release ON release.id = seen_in.release_id
    JOIN organizations_environment environment ON environment.id = seen_in.environment_id
    WHERE seen_in.project_id = %(project)s AND seen_in.issue_id = %(issue)s
        AND seen_in.environment_id = ANY(%(environments)s::bigint[])
    ORDER BY coalesce(release.released_at, release.created_at) DESC, release.id DESC,
        seen_in.last_seen DESC, environment.id
    LIMIT 1
"""

COUNT_HOURS = f"""
    SELECT floor(extract(epoch FROM event."timestamp") / {HOUR})::bigint, count(*)
    FROM ({_NEWEST}) event
    WHERE event.release_id = %(release)s AND event."timestamp" >= to_timestamp(%(since)s)
    GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Part:
    """Those of an issue's events that are in some environments."""

    issue: Issue
    environment_ids: Sequence[int]
    now: datetime

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "project": self.issue.project_id,
            "issue": self.issue.pk,
            "environments": literal(self.environment_ids),
            "received_from": self.issue.first_seen - CLOCKS_DIFFER,
            "received_to": self.now + CLOCKS_DIFFER,
            "uncounted": literal(UNCOUNTED),
        }


class Sighting(NamedTuple):
    """An issue in one release and one environment."""

    release_id: int
    environment_id: int
    environment: str
    first_seen: datetime
    last_seen: datetime


def part_of(issue: Issue, environment_ids: Sequence[int], now: datetime) -> Part | None:
    """Those of the issue's events that are in these environments; None when they all are.

    Fills in `seen_in`, without users and tags. One statement.
    """
    queries.load_seen_in([issue], environment_ids)
    is_whole = issue.seen_in is None or issue.seen_in.times_seen >= issue.times_seen
    return None if is_whole else Part(issue, environment_ids, now)


def load_seen_in(issue: Issue, environment_ids: Sequence[int], now: datetime) -> None:
    """Fill in all that an issue is in these environments. At most two statements."""
    part = part_of(issue, environment_ids, now)
    if part is not None and issue.seen_in is not None:
        users, tag_keys = _count_users_and_tags(part)
        issue.seen_in = issue.seen_in._replace(user_count=users, tag_keys=tag_keys)


def _count_users_and_tags(part: Part) -> tuple[int, dict[str, list[int]]]:
    tag_keys, users = {}, 0
    with connection.cursor() as cursor:
        cursor.execute(COUNT_USERS_AND_TAGS, part.parameters)
        for key, count, events in cursor.fetchall():
            if key is None:
                users = count
            else:
                tag_keys[key] = [count, events]
    return users, tag_keys


def find_top_values(part: Part, keys: Collection[str] | None, limit: int) -> dict[str, TagKey]:
    """The keys, all or those of these that there are, with their most frequent values, at most
    `limit` of each. One statement."""
    wanted = None if keys is None else literal(sorted(keys))
    found: dict[str, TagKey] = {}
    with connection.cursor() as cursor:
        cursor.execute(FIND_TOP_VALUES, {**part.parameters, "keys": wanted, "limit": limit})
        for *row, values, events in cursor.fetchall():
            tag = rows.instance(IssueTag, row)
            key = found.setdefault(tag.key, TagKey(tag.key, values, events, []))
            key.top_values.append(tag)
    return found


def find_values(
    part: Part,
    key: str,
    order: Order,
    *,
    start: datetime | None = None,
    is_backward: bool = False,
    offset: int = 0,
    limit: int,
) -> list[IssueTag]:
    """The values of a key as `tags.find_values` finds those of the whole issue. One statement."""
    place: dict[str, Any] = {"key": key, "start": start, "offset": offset, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(FIND_VALUES[order, is_backward], {**part.parameters, **place})
        return [rows.instance(IssueTag, row) for row in cursor.fetchall()]


FIND_RELEASES_SEEN_IN = """
    SELECT DISTINCT release_id FROM issues_issuerelease
    WHERE project_id = ANY(%(projects)s::bigint[])
        AND environment_id = ANY(%(environments)s::bigint[]) AND release_id <> 0
"""


def releases_seen_in(environment_ids: Collection[int], project_ids: Collection[int]) -> set[int]:
    """The ids of the releases that issues of these projects were seen in, in one of these
    environments. One statement."""
    parameters = {"projects": literal(project_ids), "environments": literal(environment_ids)}
    with connection.cursor() as cursor:
        cursor.execute(FIND_RELEASES_SEEN_IN, parameters)
        return {release_id for (release_id,) in cursor.fetchall()}


def find_newest_release(issue: Issue, environment_ids: Sequence[int]) -> Sighting | None:
    """The newest release that the issue was seen in in one of these environments. One statement."""
    parameters: dict[str, Any] = {
        "project": issue.project_id,
        "issue": issue.pk,
        "environments": literal(environment_ids),
    }
    with connection.cursor() as cursor:
        cursor.execute(FIND_NEWEST_RELEASE, parameters)
        row = cursor.fetchone()
    return Sighting(*row) if row else None


def release_series(
    issue: Issue, seen: Sighting, spans: Mapping[str, Span], now: datetime
) -> dict[str, Points]:
    """How many of the issue's newest events were in the release and its environment in each of
    the spans. One statement."""
    part, moment = Part(issue, [seen.environment_id], now), now.timestamp()
    periods = {name: span.until(moment) for name, span in spans.items()}
    parameters: dict[str, Any] = {
        **part.parameters,
        "release": seen.release_id,
        "since": min(period.buckets.start * period.width for period in periods.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT_HOURS, parameters)
        hours = dict(cursor.fetchall())
    days: dict[int, int] = {}
    for hour, count in hours.items():
        days[hour // HOURS_OF_DAY] = days.get(hour // HOURS_OF_DAY, 0) + count
    return {
        name: period.fill(hours if period.width == HOUR else days, moment)
        for name, period in periods.items()
    }
