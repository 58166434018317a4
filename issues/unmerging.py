"""The past of hashes that were unmerged follows them: their events leave the issue they were in,
and so does what was counted of them.

New events are in the new issue since the moment of unmerging. Those of before are told apart by
their first hash, which is the one that led them where they are; only their payloads have it.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict
from uuid import UUID

from django.db import connection, transaction

from sentrylite import rows

from . import intake, merging, moving
from .models import Event, Issue
from .queries import hashes_in, unpack

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
        if _move_from(source, destination_id, set(map(UUID, hashes)), after_batch):
            return


def _left_of(issue_id: int) -> Issue | None:
    """An issue, or the one that it was merged into."""
    issue = Issue.objects.select_related("merged_into").filter(pk=issue_id).first()
    return issue and (issue.merged_into or issue)


def _move_from(
    source: Issue, destination_id: int, hashes: set[UUID], after_batch: Callable[[], None]
) -> bool:
    """False, and nothing more moved, when the source is merged away meanwhile. Of its hashes and of
    those that left it, each gets to know its last event."""
    place: dict[str, Any] = {"project": source.project_id, "issue": source.pk}
    place |= {"timestamp": datetime.min.replace(tzinfo=UTC), "event": UUID(int=0)}
    while True:
        with connection.cursor() as cursor:
            cursor.execute(READ_EVENTS, place | {"limit": EVENTS_AT_ONCE})
            events = [rows.instance(Event, row) for row in cursor.fetchall()]
        own = {event.event_id: hashes_in(unpack(event, ["hashes"])) for event in events}
        wanted = [event for event in events if hashes.intersection(own[event.event_id][:1])]
        is_last = len(events) < EVENTS_AT_ONCE
        with transaction.atomic(), connection.cursor() as cursor:
            locked = intake.lock_issues(cursor, {source.pk, destination_id})
            if locked.targets.get(source.pk) != source.pk:
                return source.pk not in locked.targets
            target_id = locked.targets.get(destination_id, source.pk)
            # Else it is gone, or they are together again.
            is_apart = target_id != source.pk
            targets = {event.event_id: target_id for event in wanted}
            if wanted and is_apart:
                moving.move_events(cursor, locked, source, wanted, targets)
            last = {
                (source.project_id, targets.get(event.event_id, source.pk), hash): (
                    event.timestamp.timestamp(),
                    event.event_id,
                )
                for event in events
                for hash in own[event.event_id]
            }
            intake.note_last_events(cursor, last)
            if is_last and is_apart:
                _finish(cursor, source, target_id)
        after_batch()
        if is_last:
            return True
        place |= {"timestamp": events[-1].timestamp, "event": events[-1].event_id}


def _finish(cursor: Any, source: Issue, target_id: int) -> None:
    """What can only be said when all events are where they belong. Both issues are locked."""
    moving.settle(cursor, source, [target_id])
    source.refresh_from_db(fields=["first_seen", "last_seen"])
    target = Issue.objects.get(pk=target_id)
    moved, left = moving.find_ends(cursor, target), moving.find_ends(cursor, source)
    if moved:
        moving.tell(cursor, target, moved, is_first=True, is_last=True)
    if moved and left:
        # Of what retention has taken, only the issue itself still tells.
        is_first = source.first_seen >= moved[0].timestamp
        is_last = source.last_seen <= moved[1].timestamp
        moving.tell(cursor, source, left, is_first=is_first, is_last=is_last)
