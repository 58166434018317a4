"""Lists of events: an issue's and a project's, newest first; the ends of an issue's and those of
its hashes.

The order is by when events happened and then by id. Every read bounds `received_at` on both sides
with constants: an event was received at most a minute before and thirty days after it happened.

What a search asks of events is in no index, nor are environments: it looks at the next SEARCHED
events and at no more.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from sentrylite import rows
from sentrylite.arrays import literal
from sentrylite.organizations.models import Project

from .filters import EVERYTHING, Where
from .models import Event, Issue
from .models.event import CLOCKS_DIFFER, LONGEST_WAY
from .queries import hashes_in, load_seen_in, unpack

_FIND_EVENTS = f"""
    SELECT {rows.columns(Event, "e")}
    FROM (
        SELECT * FROM issues_event e
        WHERE e.project_id = %(project)s AND {{of}}
            AND e.received_at BETWEEN %(received_from)s AND %(received_to)s
            AND e."timestamp" > %(after)s AND e."timestamp" <= %(until)s
        ORDER BY e."timestamp" {{direction}}, e.event_id {{direction}}
        LIMIT %(searched)s
    ) e CROSS JOIN (VALUES (%(project)s::bigint)) AS place (project_id)
    WHERE {{{{where}}}}
        AND (%(environments)s::bigint[] IS NULL
            OR e.environment_id = ANY(%(environments)s::bigint[]))
    ORDER BY e."timestamp" {{direction}}, e.event_id {{direction}}
    LIMIT %(limit)s OFFSET %(offset)s
"""

ISSUE_EVENTS_FORWARD = _FIND_EVENTS.format(of="e.issue_id = %(issue)s", direction="DESC")
ISSUE_EVENTS_BACKWARD = _FIND_EVENTS.format(of="e.issue_id = %(issue)s", direction="ASC")
PROJECT_EVENTS_FORWARD = _FIND_EVENTS.format(of="true", direction="DESC")
PROJECT_EVENTS_BACKWARD = _FIND_EVENTS.format(of="true", direction="ASC")

FIND_HASHES = """
    SELECT hash, last_event_id FROM issues_issuehash
    WHERE project_id = %(project)s AND issue_id = %(issue)s
    ORDER BY hash LIMIT %(limit)s OFFSET %(offset)s
"""
FIND_ADDRESSES = """
    SELECT event_id, received_at FROM issues_eventaddress
    WHERE project_id = %(project)s AND event_id = ANY(%(events)s::uuid[])
"""
FIND_LAST_EVENTS = f"""
    SELECT {rows.columns(Event, "e")}
    FROM unnest(%(events)s::uuid[], %(moments)s::timestamptz[]) AS wanted(event_id, received_at)
    JOIN issues_event e USING (event_id, received_at)
    WHERE e.project_id = %(project)s AND e.received_at BETWEEN %(first)s AND %(last)s
"""
# What a search may cost: about as much as a page of what it finds.
SEARCHED = 4000

# No event is older: where nothing else bounds a list.
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events of a list are wanted; all of them by default."""

    where: Where = EVERYTHING
    """Conditions from `issues.event_filters`."""
    environment_ids: Sequence[int] | None = None
    """In any of these."""
    start: datetime | None = None
    end: datetime | None = None
    parts: Collection[str] | None = None
    """What is wanted of their payloads, if not all. A hundred payloads are some ten megabytes of
    objects; what is not wanted of one is gone before the next is read."""


def find_issue_events(
    issue: Issue,
    wanted: Wanted,
    now: datetime,
    *,
    start: datetime | None = None,
    is_backward: bool = False,
    offset: int = 0,
    limit: int,
) -> list[Event]:
    """An issue's events, newest first, with their payloads unpacked.

    From `start` on, without the first `offset`; backward those before `start`, the nearest first.
    One statement; two more where a search of environments begins too far from what is in them.
    """
    sql = ISSUE_EVENTS_BACKWARD if is_backward else ISSUE_EVENTS_FORWARD
    parameters = {"project": issue.project_id, "issue": issue.pk, "offset": offset, "limit": limit}
    span = _span(issue.first_seen, wanted, now, start, is_backward)
    events = _find(sql, {**parameters, **span}, wanted)
    if not events and wanted.environment_ids:
        wanted = _where_seen(issue, wanted)
        span = _span(issue.first_seen, wanted, now, start, is_backward)
        events = _find(sql, {**parameters, **span}, wanted)
    for event in events:
        event.issue_first_seen = issue.first_seen
    return events


def _where_seen(issue: Issue, wanted: Wanted) -> Wanted:
    """The same in the time in which the issue was seen in the environments. One statement."""
    load_seen_in([issue], wanted.environment_ids or ())
    seen = issue.seen_in
    if seen is None or seen.first_seen is None or seen.last_seen is None:
        return wanted
    # What is counted may differ from what is stored by a rounded microsecond.
    first, last = seen.first_seen - _MICROSECOND, seen.last_seen + _MICROSECOND
    return replace(
        wanted, start=max(wanted.start or first, first), end=min(wanted.end or last, last)
    )


def find_newest_event(issue: Issue, wanted: Wanted, now: datetime) -> Event | None:
    """An issue's last event. Statements as `find_issue_events`."""
    return next(iter(find_issue_events(issue, wanted, now, limit=1)), None)


def find_oldest_event(issue: Issue, wanted: Wanted, now: datetime) -> Event | None:
    """An issue's first event. Statements as `find_issue_events`."""
    return next(iter(find_issue_events(issue, wanted, now, is_backward=True, limit=1)), None)


class Hash(NamedTuple):
    """A hash that leads to an issue, and the last event of the issue that has it."""

    hash: UUID
    last_event_id: UUID | None


def find_hashes(issue: Issue, offset: int, limit: int) -> list[Hash]:
    """The hashes that lead to an issue, sorted. One statement."""
    parameters = {
        "project": issue.project_id,
        "issue": issue.pk,
        "offset": offset,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(FIND_HASHES, parameters)
        return [Hash(*row) for row in cursor.fetchall()]


def find_last_events(issue: Issue, hashes: Collection[Hash]) -> dict[UUID, Event]:
    """The last event of each of an issue's hashes, where there is one and it is still kept, by
    hash, with its payload unpacked. Two statements; none without events."""
    wanted = sorted({each.last_event_id for each in hashes if each.last_event_id is not None})
    if not wanted:
        return {}
    place: dict[str, Any] = {"project": issue.project_id, "events": literal(wanted)}
    with connection.cursor() as cursor:
        cursor.execute(FIND_ADDRESSES, place)
        addresses = cursor.fetchall()
    if not addresses:
        return {}
    received = [moment for _, moment in addresses]
    place |= {
        "events": literal(event_id for event_id, _ in addresses),
        "moments": literal(moment.isoformat() for moment in received),
        "first": min(received),
        "last": max(received),
    }
    last: dict[UUID, Event] = {}
    for event in _find(FIND_LAST_EVENTS, place, Wanted()):
        event.issue_first_seen = issue.first_seen
        own = hashes_in(event.data)  # another one, if it was restored meanwhile
        last |= {
            each.hash: event
            for each in hashes
            if each.last_event_id == event.event_id and each.hash in own
        }
    return last


def find_project_events(
    project: Project,
    wanted: Wanted,
    now: datetime,
    *,
    start: datetime | None = None,
    is_backward: bool = False,
    offset: int = 0,
    limit: int,
) -> list[Event]:
    """A project's events, as `find_issue_events` finds an issue's. One statement.

    In every partition there is: nothing tells when a project's oldest event was received.
    """
    sql = PROJECT_EVENTS_BACKWARD if is_backward else PROJECT_EVENTS_FORWARD
    span = _span(_BEGINNING, wanted, now, start, is_backward)
    parameters = {"project": project.pk, "offset": offset, "limit": limit}
    return _find(sql, {**parameters, **span}, wanted)


def _find(sql: str, parameters: dict[str, Any], wanted: Wanted) -> list[Event]:
    with connection.cursor() as cursor:
        cursor.execute(sql.format(where=wanted.where.sql), parameters | _conditions(wanted))
        events = [rows.instance(Event, row) for row in cursor.fetchall()]
    for event in events:
        event.data = unpack(event, wanted.parts)
    return events


def _span(
    first_seen: datetime,
    wanted: Wanted,
    now: datetime,
    start: datetime | None,
    is_backward: bool,
) -> dict[str, datetime]:
    """The bounds of when the events happened and of when they can have been received."""
    first_received, last_received = first_seen - CLOCKS_DIFFER, now + CLOCKS_DIFFER
    earliest, latest = first_received - LONGEST_WAY, last_received

    def within(moment: datetime) -> datetime:
        return max(earliest, min(moment, latest))

    after, until = earliest, latest
    if wanted.start is not None:
        after = within(wanted.start) - _MICROSECOND
    if wanted.end is not None:
        until = within(wanted.end)
    if start is not None and is_backward:
        after = max(after, within(start))
    elif start is not None:
        until = min(until, within(start))
    return {
        "after": after,
        "until": until,
        "received_from": max(first_received, after - CLOCKS_DIFFER),
        "received_to": min(last_received, until + LONGEST_WAY),
    }


def _conditions(wanted: Wanted) -> dict[str, Any]:
    is_search = wanted.where.sql != EVERYTHING.sql or wanted.environment_ids is not None
    return {
        **wanted.where.parameters,
        # All there are, where each of them is found.
        "searched": SEARCHED if is_search else None,
        "environments": (
            None if wanted.environment_ids is None else literal(wanted.environment_ids)
        ),
    }
