"""Events leave an issue with all that was counted of them: for other issues, or for good.

All of them have to be counted where they are (`unmerging.wait`). The issues on both sides are
locked by the caller, in the transaction of every call.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sentrylite import rows
from sentrylite.arrays import literal
from sentrylite.releases.queries import load_releases
from stats import counters
from stats.periods import HOUR, HOURS_OF_DAY, bucket

from . import intake
from .intake import Facts
from .models import Event, Issue
from .payload.tags import UNCOUNTED
from .queries import unpack

# Older than any event: an issue takes over nothing of it.
UNKNOWN = Facts(0.0, 0, "", "", "", "", "", "{}", "")

_BATCH = """
    unnest(%(moments)s::timestamptz[], %(events)s::uuid[], %(targets)s::bigint[])
        AS batch(received_at, event_id, target_id)
"""

MOVE_EVENTS = f"""
    UPDATE issues_event event SET issue_id = batch.target_id FROM {_BATCH}
    WHERE event.project_id = %(project)s AND event.received_at = batch.received_at
        AND event.event_id = batch.event_id AND event.issue_id = %(source)s
    RETURNING event.event_id::text
"""

MOVE_REPORTS = """
    UPDATE issues_userreport report SET issue_id = batch.target_id
    FROM unnest(%(ids)s::text[], %(targets)s::bigint[]) AS batch(event_id, target_id)
    WHERE report.project_id = %(project)s AND report.issue_id = %(source)s
        AND report.event_id = batch.event_id
"""

# With its address, so that its id is free.
DELETE_EVENTS = f"""
    WITH gone AS (
        DELETE FROM issues_event event USING {_BATCH}
        WHERE event.project_id = %(project)s AND event.received_at = batch.received_at
            AND event.event_id = batch.event_id AND event.issue_id = %(source)s
        RETURNING event.event_id
    ), addresses AS (
        DELETE FROM issues_eventaddress address USING gone
        WHERE address.project_id = %(project)s AND address.event_id = gone.event_id
    )
    SELECT event_id::text FROM gone
"""

# An issue that is ignored until it has so many events or users more still is: of what leaves it,
# none were these, and what comes to it does not make them.
EXPECT = """
    UPDATE issues_issuesnooze snooze
    SET times_seen_before = snooze.times_seen_before + batch.events,
        user_count_before = snooze.user_count_before + batch.users
    FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS batch(issue_id, events, users)
    WHERE snooze.issue_id = batch.issue_id
"""


def move_events(
    cursor: Any,
    locked: intake.Locked,
    source: Issue,
    events: Sequence[Event],
    targets: Mapping[UUID, int],
    facts: Mapping[int, Facts] | None = None,
) -> list[Event]:
    """Move events, oldest first, from one issue to others of its project, by their ids, with what
    was counted of them; but see `settle`. Returns those that were still there.

    `facts` is what the issues that they go to take over, where it is newer than what they know.
    """
    place = _place(source, events, targets)
    cursor.execute(MOVE_EVENTS, place)
    moved = _those(events, cursor)
    reports = {"ids": literal(event.event_id.hex for event in events)}
    cursor.execute(MOVE_REPORTS, place | reports)
    _count(cursor, locked, source, moved, targets, facts or {})
    return moved


def delete_events(
    cursor: Any, locked: intake.Locked, source: Issue, events: Sequence[Event]
) -> None:
    """Delete events of an issue, with what was counted of them; but see `settle`."""
    cursor.execute(DELETE_EVENTS, _place(source, events, {}))
    _count(cursor, locked, source, _those(events, cursor), {}, {})


def _place(source: Issue, events: Sequence[Event], targets: Mapping[UUID, int]) -> dict[str, Any]:
    return {
        "project": source.project_id,
        "source": source.pk,
        "moments": literal(event.received_at.isoformat() for event in events),
        "events": literal(event.event_id for event in events),
        "targets": literal(targets.get(event.event_id) for event in events),
    }


def _those(events: Sequence[Event], cursor: Any) -> list[Event]:
    """Those of the events whose ids the cursor has."""
    ids = {UUID(event_id) for (event_id,) in cursor.fetchall()}
    return [event for event in events if event.event_id in ids]


def _count(
    cursor: Any,
    locked: intake.Locked,
    source: Issue,
    events: Sequence[Event],
    targets: Mapping[UUID, int],
    facts: Mapping[int, Facts],
) -> None:
    """Take events away from what is counted in the source, add them where they went."""
    if not events:
        return
    project_id = source.project_id
    issues: Counter[tuple[int, int]] = Counter()
    tags: dict[tuple[int, int, str, str], tuple[int, float]] = {}
    days: dict[tuple[int, int, int, int], list[int]] = defaultdict(lambda: [0] * HOURS_OF_DAY)
    seen_in: dict[tuple[int, int, int, int], tuple[int, float, float]] = {}
    users = set()
    for event in events:
        moment = event.timestamp.timestamp()
        day, hour = divmod(bucket(moment, HOUR), HOURS_OF_DAY)
        counted = [tag for tag in event.tag_pairs if tag[0] not in UNCOUNTED]
        sides = [(source.pk, -1)]
        if target_id := targets.get(event.event_id):
            sides.append((target_id, 1))
            if event.user_hash is not None:
                users.add((project_id, target_id, event.user_hash))
        for issue_id, sign in sides:
            issue = (project_id, issue_id)
            issues[issue] += sign
            for tag in counted:
                times, _ = tags.get((*issue, *tag), (0, moment))
                tags[*issue, *tag] = (times + sign, moment)
            days[*issue, day, event.environment_id][hour] += sign
            where = (*issue, event.environment_id, event.release_id)
            times, first, _ = seen_in.get(where, (0, moment, moment))
            seen_in[where] = (times + sign, first, moment)
    new_users = intake.add_to_issues(
        cursor,
        locked,
        {issue: (times, facts.get(issue[1], UNKNOWN)) for issue, times in issues.items()},
        users,
        tags,
        {},
    )
    counters.add_issue_days(cursor, days)
    intake.add_seen_in(cursor, seen_in)
    expected = [(issue_id, times, new_users[issue_id]) for (_, issue_id), times in issues.items()]
    _expect(cursor, expected)


def _expect(cursor: Any, rows: Sequence[tuple[int, int, int]]) -> None:
    cursor.execute(EXPECT, [literal(column) for column in zip(*sorted(rows), strict=True)])


# The end ------------------------------------------------------------------------------------------

# Who has an event left in the source stays there. So does who is in none of the issues that events
# went to, unless some were deleted: of what retention has taken, only the source still tells.
REMOVE_USERS = """
    WITH gone AS (
        DELETE FROM issues_issueuser leaving
        WHERE leaving.project_id = %(project)s AND leaving.issue_id = %(source)s
            AND (%(everybody)s OR leaving.user_hash IN (
                SELECT user_hash FROM issues_issueuser
                WHERE project_id = %(project)s AND issue_id = ANY(%(targets)s::bigint[])))
            AND NOT EXISTS (
                SELECT 1 FROM issues_event event
                WHERE event.project_id = %(project)s AND event.issue_id = %(source)s
                    AND event.user_hash = leaving.user_hash)
        RETURNING 1
    )
    UPDATE issues_issue SET user_count = user_count - (SELECT count(*) FROM gone)
    WHERE id = %(source)s RETURNING (SELECT count(*) FROM gone)
"""

REMOVE_EMPTY = tuple(
    f"DELETE FROM {table} WHERE project_id = %(project)s AND issue_id = %(source)s"
    " AND times_seen <= 0"
    for table in ("issues_issuetag", "issues_issuerelease")
)

SUM_UP_TAGS = """
    UPDATE issues_issue issue SET tag_keys = coalesce((
        SELECT jsonb_object_agg(key, jsonb_build_array(quantity, events)) FROM (
            SELECT key, count(*) AS quantity, sum(times_seen) AS events FROM issues_issuetag
            WHERE project_id = %(project)s AND issue_id = %(source)s
            GROUP BY key) tag
        WHERE issue.tag_keys ? key), '{}')
    WHERE id = %(source)s
"""

# The first and the last event of an issue.
READ_ENDS = tuple(
    f"""
    SELECT {rows.columns(Event, "e")} FROM issues_event e
    WHERE e.project_id = %(project)s AND e.issue_id = %(issue)s
    ORDER BY e."timestamp" {direction}, e.event_id {direction} LIMIT 1
    """
    for direction in ("ASC", "DESC")
)


def settle(
    cursor: Any, source: Issue, target_ids: Collection[int], *, were_deleted: bool = False
) -> None:
    """What can only be counted when all events are where they belong: users of the source who are
    in these other issues now, or gone with deleted events, and what there is none of any more."""
    place = {
        "project": source.project_id,
        "source": source.pk,
        "targets": literal(target_ids),
        "everybody": were_deleted,
    }
    cursor.execute(REMOVE_USERS, place)
    _expect(cursor, [(source.pk, 0, -cursor.fetchone()[0])])
    for statement in (*REMOVE_EMPTY, SUM_UP_TAGS):
        cursor.execute(statement, place)
    counters.remove_empty_issue_days(cursor, source.project_id, source.pk)


def find_ends(cursor: Any, issue: Issue) -> tuple[Event, Event] | None:
    """The first and the last event that an issue has; None when it has none. Two statements."""
    ends = []
    for statement in READ_ENDS:
        cursor.execute(statement, {"project": issue.project_id, "issue": issue.pk})
        ends += [rows.instance(Event, row) for row in cursor.fetchall()]
    return (ends[0], ends[1]) if ends else None


def tell(
    cursor: Any, issue: Issue, ends: tuple[Event, Event], *, is_first: bool, is_last: bool
) -> None:
    """Store what the first and the last event say of an issue; only that of which it is known that
    no other event says it."""
    first, last = ends
    facts: dict[str, Any] = {}
    if is_first:
        release = load_releases([first.release_id] if first.release_id else [])
        facts |= {"first_seen": first.timestamp, "first_release": release.get(first.release_id)}
    if is_last:
        data = unpack(last)
        facts |= {"last_seen": last.timestamp, "level": last.level, "message": last.message}
        for name in ("type", "title", "culprit", "logger", "platform"):
            if isinstance(said := data.get(name), str):
                facts[name] = said
        if isinstance(metadata := data.get("metadata"), dict):
            facts["metadata"] = metadata
    if facts:
        Issue.objects.filter(pk=issue.pk).update(**facts)
        intake.write_texts(cursor, [issue.pk])
