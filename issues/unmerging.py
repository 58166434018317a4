"""The past of hashes that were unmerged follows them: their events leave the issue they were in,
and so does what was counted of them.

New events are in the new issue since the moment of unmerging. Those of before are told apart by
their first hash, which is the one that led them where they are; only their payloads have it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict
from uuid import UUID

from django.db import connection, transaction

from sentrylite import rows
from sentrylite.arrays import literal
from sentrylite.releases.queries import load_releases
from stats import counters
from stats.periods import HOUR, HOURS_OF_DAY, bucket

from . import intake, merging
from .intake import Facts
from .models import Event, Issue
from .payload.tags import UNCOUNTED
from .queries import unpack

# What an issue knows of itself before anything is counted in it.
FACTS = (
    *("type", "level", "title", "culprit", "logger", "platform", "metadata", "message"),
    *("first_seen", "last_seen", "first_release_id"),
)

EVENTS_AT_ONCE = 100
PAUSE = timedelta(seconds=1)
# A transaction of somebody else may stay open for ever; none of ours is open for so long.
LONGEST_WAIT = timedelta(minutes=5)

# Waiting ------------------------------------------------------------------------------------------

NEXT_TRANSACTION = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
IS_RUNNING = """
    SELECT EXISTS (
        SELECT 1 FROM pg_snapshot_xip(pg_current_snapshot()) AS running (id)
        WHERE running.id < %s::text::xid8)
"""
NEWEST_ENTRY = "SELECT coalesce(max(id), 0) FROM issues_journalentry"
IS_JOURNALED = "SELECT EXISTS (SELECT 1 FROM issues_journalentry WHERE id <= %s)"


class Waiting(TypedDict):
    """How far it has got."""

    since: float
    transaction: int
    """Those before it may have put events into the source."""
    entry: int | None
    """The journal's newest entry of theirs, when they are all over."""


def wait(waiting: Waiting | None, now: datetime) -> Waiting | None:
    """Find out whether everything that the hashes led to the source is counted there: what is taken
    away has to be there. None when it is; else what to ask with again, a little later.

    First come the ends of the batches that may have read where the hashes led before, then the end
    of what those left to be counted.
    """
    with connection.cursor() as cursor:

        def ask(question: str, *parameters: int) -> Any:
            cursor.execute(question, parameters)
            return cursor.fetchone()[0]

        if waiting is None:
            waiting = Waiting(since=now.timestamp(), transaction=ask(NEXT_TRANSACTION), entry=None)
        if now.timestamp() > waiting["since"] + LONGEST_WAIT.total_seconds():
            return None
        if waiting["entry"] is None:
            if ask(IS_RUNNING, waiting["transaction"]):
                return waiting
            waiting = Waiting(
                since=waiting["since"],
                transaction=waiting["transaction"],
                entry=ask(NEWEST_ENTRY),
            )
        return waiting if ask(IS_JOURNALED, waiting["entry"] or 0) else None


# Moving -------------------------------------------------------------------------------------------

READ_EVENTS = f"""
    SELECT {rows.columns(Event, "e")} FROM issues_event e
    WHERE e.project_id = %(project)s AND e.issue_id = %(issue)s
        AND (e."timestamp", e.event_id) > (%(timestamp)s, %(event)s)
    ORDER BY e."timestamp", e.event_id LIMIT %(limit)s
"""

MOVE_EVENTS = """
    UPDATE issues_event event SET issue_id = %(target)s
    FROM unnest(%(moments)s::timestamptz[], %(events)s::uuid[]) AS batch(received_at, event_id)
    WHERE event.project_id = %(project)s AND event.received_at = batch.received_at
        AND event.event_id = batch.event_id AND event.issue_id = %(source)s
    RETURNING event.event_id::text
"""

MOVE_REPORTS = """
    UPDATE issues_userreport SET issue_id = %(target)s
    WHERE project_id = %(project)s AND issue_id = %(source)s AND event_id = ANY(%(events)s::text[])
"""

# An issue that is ignored until it has so many events more still is: these were none of them.
EXPECT_LESS = """
    UPDATE issues_issuesnooze
    SET times_seen_before = times_seen_before - %(events)s,
        user_count_before = user_count_before - %(users)s
    WHERE issue_id = %(source)s
"""

# Older than any event: an issue takes over nothing of it.
UNKNOWN = Facts(0.0, 0, "", "", "", "", "", "{}", "")


def move_events(
    source_id: int, destination_id: int, hashes: Collection[str], after_batch: Callable[[], None]
) -> None:
    """Move the events whose first hash is one of these, and what was counted of them.

    Both issues may have been merged into others since: then it is about those. Every batch is a
    transaction of its own, after which `after_batch` is called; what that raises ends the work,
    which goes on where it stopped when it is asked for again.
    """
    while (source := _left_of(source_id)) is not None:
        merged = Issue.objects.filter(merged_into=source, status=Issue.Status.PENDING_MERGE)
        merging.move_rows(list(merged.values_list("pk", flat=True)), after_batch)
        if _move_from(source, destination_id, set(hashes), after_batch):
            return


def _left_of(issue_id: int) -> Issue | None:
    """An issue, or the one that it was merged into."""
    issue = Issue.objects.select_related("merged_into").filter(pk=issue_id).first()
    return issue and (issue.merged_into or issue)


def _move_from(
    source: Issue, destination_id: int, hashes: set[str], after_batch: Callable[[], None]
) -> bool:
    """False, and nothing more moved, when the source is merged away meanwhile."""
    place: dict[str, Any] = {"project": source.project_id, "issue": source.pk}
    place |= {"timestamp": datetime.min.replace(tzinfo=UTC), "event": UUID(int=0)}
    while True:
        with connection.cursor() as cursor:
            cursor.execute(READ_EVENTS, place | {"limit": EVENTS_AT_ONCE})
            events = [rows.instance(Event, row) for row in cursor.fetchall()]
        wanted = [event for event in events if _first_hash(event) in hashes]
        is_last = len(events) < EVENTS_AT_ONCE
        with transaction.atomic(), connection.cursor() as cursor:
            locked = intake.lock_issues(cursor, {source.pk, destination_id})
            target_id = locked.targets.get(destination_id)
            if target_id is None or target_id == locked.targets.get(source.pk, target_id):
                return True  # one of them is gone, or they are together again
            if locked.targets[source.pk] != source.pk:
                return False
            if wanted:
                _move(cursor, locked, source, target_id, wanted)
            if is_last:
                _finish(cursor, source, target_id)
        after_batch()
        if is_last:
            return True
        place |= {"timestamp": events[-1].timestamp, "event": events[-1].event_id}


def _first_hash(event: Event) -> Any:
    hashes = unpack(event).get("hashes")
    return hashes[0] if isinstance(hashes, list) and hashes else None


def _move(
    cursor: Any, locked: intake.Locked, source: Issue, target_id: int, events: Sequence[Event]
) -> None:
    """Move events, oldest first, from one locked issue to another, with what was counted of them;
    but see `_finish`."""
    cursor.execute(
        MOVE_EVENTS,
        {
            "project": source.project_id,
            "source": source.pk,
            "target": target_id,
            "moments": literal(event.received_at.isoformat() for event in events),
            "events": literal(event.event_id for event in events),
        },
    )
    moved_ids = {UUID(event_id) for (event_id,) in cursor.fetchall()}
    cursor.execute(
        MOVE_REPORTS,
        {
            "project": source.project_id,
            "source": source.pk,
            "target": target_id,
            "events": literal(sorted(event_id.hex for event_id in moved_ids)),
        },
    )
    moved = [event for event in events if event.event_id in moved_ids]
    tags: dict[tuple[str, str], tuple[int, float]] = {}
    days: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * HOURS_OF_DAY)
    seen_in: dict[tuple[int, int], tuple[int, float, float]] = {}
    for event in moved:
        moment = event.timestamp.timestamp()
        for tag in event.tag_pairs:
            if tag[0] not in UNCOUNTED:
                tags[tag] = (tags.get(tag, (0, moment))[0] + 1, moment)
        day, hour = divmod(bucket(moment, HOUR), HOURS_OF_DAY)
        days[day, event.environment_id][hour] += 1
        where = (event.environment_id, event.release_id)
        times, first, _ = seen_in.get(where, (0, moment, moment))
        seen_in[where] = (times + 1, first, moment)

    project_id = source.project_id
    users = {event.user_hash for event in moved if event.user_hash is not None}
    sides = (((project_id, source.pk), -1), ((project_id, target_id), 1))
    intake.add_to_issues(
        cursor,
        locked,
        {issue: (sign * len(moved), UNKNOWN) for issue, sign in sides},
        {(project_id, target_id, user) for user in users},
        {
            (*issue, *tag): (sign * times, last)
            for issue, sign in sides
            for tag, (times, last) in tags.items()
        },
    )
    counters.add_issue_days(
        cursor,
        {
            (*issue, *day): [sign * times for times in hours]
            for issue, sign in sides
            for day, hours in days.items()
        },
    )
    intake.add_seen_in(
        cursor,
        {
            (*issue, *where): (sign * times, first, last)
            for issue, sign in sides
            for where, (times, first, last) in seen_in.items()
        },
    )
    cursor.execute(EXPECT_LESS, {"events": len(moved), "users": 0, "source": source.pk})


# The end ------------------------------------------------------------------------------------------

# Who has an event left in the source stays there.
REMOVE_USERS = """
    WITH gone AS (
        DELETE FROM issues_issueuser leaving USING issues_issueuser gone_to
        WHERE leaving.project_id = %(project)s AND leaving.issue_id = %(source)s
            AND gone_to.project_id = %(project)s AND gone_to.issue_id = %(target)s
            AND gone_to.user_hash = leaving.user_hash
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


def _finish(cursor: Any, source: Issue, target_id: int) -> None:
    """What can only be said when all events are where they belong. Both issues are locked."""
    place = {"project": source.project_id, "source": source.pk, "target": target_id}
    cursor.execute(REMOVE_USERS, place)
    cursor.execute(EXPECT_LESS, place | {"events": 0, "users": cursor.fetchone()[0]})
    for statement in (*REMOVE_EMPTY, SUM_UP_TAGS):
        cursor.execute(statement, place)
    counters.remove_empty_issue_days(cursor, source.project_id, source.pk)
    source.refresh_from_db(fields=["first_seen", "last_seen"])
    target = Issue.objects.get(pk=target_id)
    moved, left = _ends(cursor, target), _ends(cursor, source)
    if moved:
        _tell(cursor, target, *moved, is_first=True, is_last=True)
    if moved and left:
        # Of what retention has taken, only the issue itself still tells.
        is_first = source.first_seen >= moved[0].timestamp
        is_last = source.last_seen <= moved[1].timestamp
        _tell(cursor, source, *left, is_first=is_first, is_last=is_last)


def _ends(cursor: Any, issue: Issue) -> tuple[Event, Event] | None:
    ends = []
    for statement in READ_ENDS:
        cursor.execute(statement, {"project": issue.project_id, "issue": issue.pk})
        ends += [rows.instance(Event, row) for row in cursor.fetchall()]
    return (ends[0], ends[1]) if ends else None


def _tell(
    cursor: Any, issue: Issue, first: Event, last: Event, *, is_first: bool, is_last: bool
) -> None:
    """Store what the first and the last event say of an issue."""
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
