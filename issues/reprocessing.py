"""Events are restored again, from what was sent, with the files that are there by now.

First the payloads: afterwards each is what it would be, had the files been there when it came. Then
each event goes where it would be: to the issue that its hashes lead to, a new one if they lead to
none. An issue that would be left without any keeps those that are like its newest event if no other
issue has these; else it is merged into the one that has.

Every batch is a transaction of its own, in which the issue's row of IssueReprocessing says how far
it has got: interrupted anywhere, it goes on there.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import Error, connection, transaction

from sentrylite import rows
from sentrylite.arrays import literal
from sentrylite.releases import intake as release_intake

from . import intake, merging, moving, ownership
from .intake import Facts, Placed
from .merging import Merged
from .models import Activity, Event, Issue, IssueHash, IssueReprocessing
from .payload import codec
from .payload.event import PreparedEvent, Uploads
from .payload.prepare import finish_again, reopen
from .payload.stacktrace import restored_frames
from .queries import hashes_in, unpack
from .symbolication import Symbolicator, may_have_symbols

logger = logging.getLogger(__name__)

Step = IssueReprocessing.Step

EVENTS_AT_ONCE = 50
# That a batch and one of its events may take: who reads files may have to be waited for.
BATCH_SECONDS = 5.0
EVENT_SECONDS = 30.0
ALL = Uploads(artifacts=True, debug_files=True)


class _Gone(Exception):
    """The issue was deleted or merged away meanwhile, or is not reprocessed: nothing to do."""


def _read(issue_id: int, *, is_locked: bool = False) -> IssueReprocessing:
    """How far it has got. Raises _Gone."""
    found = IssueReprocessing.objects.select_related("issue", "actor").filter(pk=issue_id)
    if is_locked:
        found = found.select_for_update(of=("self",))
    progress = found.first()
    if progress is None or progress.issue.status >= Issue.Status.PENDING_DELETION:
        raise _Gone
    return progress


# Restoring ----------------------------------------------------------------------------------------

NEWER_THAN_ALL = datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1)

READ_BACKWARD = f"""
    SELECT {rows.columns(Event, "e")} FROM issues_event e
    WHERE e.project_id = %(project)s AND e.issue_id = %(issue)s
        AND e.received_at <= %(began_at)s
        AND (e."timestamp", e.event_id) < (%(timestamp)s, %(event)s)
    ORDER BY e."timestamp" DESC, e.event_id DESC LIMIT %(limit)s
"""

WRITE_EVENTS = """
    UPDATE issues_event event
    SET message = batch.message, size = batch.size, payload = batch.payload
    FROM unnest(%(moments)s::timestamptz[], %(events)s::uuid[], %(messages)s::text[],
            %(sizes)s::int[], %(payloads)s::bytea[])
        AS batch(received_at, event_id, message, size, payload)
    WHERE event.project_id = %(project)s AND event.received_at = batch.received_at
        AND event.event_id = batch.event_id
"""

OWN_HASHES = """
    SELECT hash::text FROM issues_issuehash
    WHERE project_id = %(project)s AND issue_id = %(issue)s AND hash = ANY(%(hashes)s::uuid[])
"""


class Restored(NamedTuple):
    """An event that was looked at."""

    event: Event
    again: PreparedEvent | None
    """What it is now; None of one that comes out as it was."""
    hashes: list[UUID]


def restore_events(
    issue_id: int, symbolicator: Symbolicator, after_batch: Callable[[], None]
) -> None:
    """Restore an issue's events again, the newest first, as far as they have not been yet.

    `after_batch` is called after every transaction; what that raises ends the work.
    """
    try:
        while _restore_some(issue_id, symbolicator):
            after_batch()
    except _Gone:
        return


def _restore_some(issue_id: int, symbolicator: Symbolicator) -> bool:
    """Whether there may be more. The files are read before the transaction."""
    progress = _read(issue_id)
    if progress.step != Step.RESTORE:
        return False
    issue, limit = progress.issue, EVENTS_AT_ONCE
    if progress.max_events is not None:
        limit = min(limit, progress.max_events - progress.events)
    events = _older(progress, limit)
    looked_at: list[Restored] = []
    begun = time.monotonic()
    while len(looked_at) < len(events) and time.monotonic() < begun + BATCH_SECONDS:
        looked_at.append(_restored(events[len(looked_at)], symbolicator))
    with transaction.atomic(), connection.cursor() as cursor:
        progress = _read(issue_id, is_locked=True)
        changed = [each for each in looked_at if each.again is not None]
        _write(cursor, issue, changed)
        own = _own_hashes(cursor, issue, {hash for each in looked_at for hash in each.hashes})
        if any(not each.hashes or not own.isdisjoint(each.hashes) for each in looked_at):
            progress.has_stayers = True
        if looked_at:
            first, last = looked_at[0].event, looked_at[-1].event
            if progress.newest_at is None:
                progress.newest_at, progress.newest_event = first.timestamp, first.event_id
            progress.oldest_at, progress.oldest_event = last.timestamp, last.event_id
        progress.events += len(looked_at)
        progress.restored += len(changed)
        if len(looked_at) == len(events) < EVENTS_AT_ONCE:
            progress.step = Step.REGROUP
        progress.save()
    return progress.step == Step.RESTORE


def _older(progress: IssueReprocessing, limit: int) -> list[Event]:
    """The next events before the oldest that was restored: none that came after it was asked
    for."""
    if progress.oldest_at is None or progress.oldest_event is None:
        return _older_than(progress, *NEWER_THAN_ALL, limit)
    return _older_than(progress, progress.oldest_at, progress.oldest_event, limit)


def _older_than(
    progress: IssueReprocessing, timestamp: datetime, event_id: UUID, limit: int
) -> list[Event]:
    return _events(
        READ_BACKWARD,
        progress.issue,
        began_at=progress.created_at,
        timestamp=timestamp,
        event=event_id,
        limit=limit,
    )


def _restored(event: Event, symbolicator: Symbolicator) -> Restored:
    """An event restored again; as it was when there is nothing to look up, or when less could be
    restored than before, because files are gone. Raises what the database raises."""
    data = unpack(event)
    as_it_is = Restored(event, None, hashes_in(data))
    try:
        frames = restored_frames(data)
        reopen(data)
        if not may_have_symbols(data, ALL):
            return as_it_is
        until = time.monotonic() + EVENT_SECONDS
        symbolicator.symbolicate(data, project_id=event.project_id, uploads=ALL, until=until)
        is_less = restored_frames(data) < frames
        again = finish_again(data)
    except Error:
        raise
    except Exception:
        logger.exception("event %s of project %s cannot be restored", event, event.project_id)
        return as_it_is
    if is_less or codec.unpack(again.payload) == unpack(event):
        return as_it_is
    return Restored(event, again, again.hashes)


def _write(cursor: Any, issue: Issue, changed: Sequence[Restored]) -> None:
    found = [(each.event, each.again) for each in changed if each.again is not None]
    cursor.execute(
        WRITE_EVENTS,
        {
            "project": issue.project_id,
            "moments": literal(event.received_at.isoformat() for event, _ in found),
            "events": literal(event.event_id for event, _ in found),
            "messages": literal(again.message for _, again in found),
            "sizes": literal(again.size for _, again in found),
            "payloads": literal(f"\\x{again.payload.hex()}" for _, again in found),
        },
    )


def _own_hashes(cursor: Any, issue: Issue, hashes: Collection[UUID]) -> set[UUID]:
    """Those of the hashes that lead to an issue."""
    place = {"project": issue.project_id, "issue": issue.pk, "hashes": literal(sorted(hashes))}
    cursor.execute(OWN_HASHES, place)
    return {UUID(hash) for (hash,) in cursor.fetchall()}


# Regrouping ---------------------------------------------------------------------------------------

READ_FORWARD = f"""
    SELECT {rows.columns(Event, "e")} FROM issues_event e
    WHERE e.project_id = %(project)s AND e.issue_id = %(issue)s
        AND (e."timestamp", e.event_id) > (%(timestamp)s, %(event)s)
        AND (e."timestamp", e.event_id) <= (%(newest_at)s, %(newest_event)s)
    ORDER BY e."timestamp", e.event_id LIMIT %(limit)s
"""

HAS_OTHERS = """
    SELECT EXISTS (
        SELECT 1 FROM issues_event e WHERE e.project_id = %(project)s AND e.issue_id = %(issue)s
            AND (e."timestamp", e.event_id) > (%(newest_at)s, %(newest_event)s)
    ) OR EXISTS (
        SELECT 1 FROM issues_event e WHERE e.project_id = %(project)s AND e.issue_id = %(issue)s
            AND (e."timestamp", e.event_id) < (%(oldest_at)s, %(oldest_event)s)
    )
"""

# An event may be the last of a hash that it does not have any more.
FORGET_LAST_EVENTS = """
    UPDATE issues_issuehash hash SET last_event_id = NULL, last_event_at = NULL
    WHERE hash.project_id = %(project)s AND hash.issue_id = %(issue)s
        AND hash.last_event_id = ANY(%(events)s::uuid[])
        AND NOT EXISTS (
            SELECT 1 FROM unnest(%(has_events)s::uuid[], %(has_hashes)s::uuid[])
                AS has (event_id, hash)
            WHERE has.event_id = hash.last_event_id AND has.hash = hash.hash)
"""

# Issues begin with the first event that they have, whenever it came to them.
BEGIN_EARLIER = """
    UPDATE issues_issue issue
    SET first_seen = batch.first_seen,
        first_release_id = (SELECT id FROM releases_release WHERE id = batch.release_id)
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[])
        AS batch(issue_id, first_seen, release_id)
    WHERE issue.id = batch.issue_id AND batch.first_seen < issue.first_seen
"""


def regroup_events(issue_id: int, after_batch: Callable[[], None]) -> None:
    """Put an issue's restored events where they belong, and delete the others if that was asked
    for. All of them have to be counted (`unmerging.wait`).

    `after_batch` is called after every transaction; what that raises ends the work.
    """
    try:
        while _delete_others(issue_id):
            after_batch()
        _keep_newest(issue_id)
        while _regroup_some(issue_id):
            after_batch()
        while _look_back(issue_id):
            after_batch()
    except _Gone:
        return


@transaction.atomic
def _delete_others(issue_id: int) -> bool:
    """Whether there may be more."""
    progress = _read(issue_id, is_locked=True)
    if not progress.deletes_others or progress.newest_at is None:
        return False
    events = _older(progress, EVENTS_AT_ONCE)
    with connection.cursor() as cursor:
        locked = _lock(cursor, progress.issue)
        moving.delete_events(cursor, locked, progress.issue, events)
    return len(events) == EVENTS_AT_ONCE


@transaction.atomic
def _keep_newest(issue_id: int) -> None:
    """When all events are to leave the issue, the hashes of its newest event become its own, unless
    another issue has one of them."""
    progress = _read(issue_id, is_locked=True)
    if progress.has_stayers or progress.newest_at is None:
        return
    issue = progress.issue
    with connection.cursor() as cursor:
        # The project is the queue of those who make issues in it.
        cursor.execute(intake.LOCK_PROJECTS, [literal([issue.project_id])])
        place = {"project": issue.project_id, "issue": issue.pk}
        cursor.execute(HAS_OTHERS, place | _range(progress))
        if cursor.fetchone()[0]:
            return
    for newest in _older_than(progress, *NEWER_THAN_ALL, 1):
        hashes = hashes_in(unpack(newest))
        if not IssueHash.objects.filter(project_id=issue.project_id, hash__in=hashes).exists():
            IssueHash.objects.bulk_create(
                [
                    IssueHash(project_id=issue.project_id, hash=hash, issue_id=issue.pk)
                    for hash in sorted(hashes)
                ],
                ignore_conflicts=True,  # an event that has another hash too may be faster
            )


def _regroup_some(issue_id: int) -> bool:
    """Whether there may be more."""
    with transaction.atomic(), connection.cursor() as cursor:
        progress = _read(issue_id, is_locked=True)
        if progress.newest_at is None or progress.step != Step.REGROUP:
            return False
        issue = progress.issue
        events = _events(
            READ_FORWARD,
            issue,
            **_range(progress),
            timestamp=progress.settled_at or progress.oldest_at,
            event=progress.settled_event or UUID(int=0),
            limit=EVENTS_AT_ONCE,
        )
        placed = [place for event in events if (place := _placed(event)) is not None]
        owned = intake.assign_issues(cursor, placed).owned if placed else set()
        locked = _lock(cursor, issue, *(place.issue_id for place in placed))
        for place in placed:  # those of discarded issues, which are no targets, stay
            place.issue_id = locked.targets.get(place.issue_id, issue.pk)
        _note_last_events(cursor, issue, placed)
        if leaving := {
            place.event.event_id: place for place in placed if place.issue_id != issue.pk
        }:
            _move(cursor, locked, progress, events, leaving)
            new = [place for place in leaving.values() if place.is_new_issue]
            ownership.assign_owners(cursor, new, owned)
        if events:
            progress.settled_at = events[-1].timestamp
            progress.settled_event = events[-1].event_id
        if is_last := len(events) < EVENTS_AT_ONCE:
            _settle(cursor, progress)
            progress.step = Step.LOOK_BACK
            progress.settled_at = progress.settled_event = None
        progress.save()
    return not is_last


def _note_last_events(cursor: Any, issue: Issue, placed: Sequence[Placed]) -> None:
    """Of hashes that events of the issue have, or had."""
    has = [(place.event.event_id, hash) for place in placed for hash in place.event.hashes]
    cursor.execute(
        FORGET_LAST_EVENTS,
        {
            "project": issue.project_id,
            "issue": issue.pk,
            "events": literal(place.event.event_id for place in placed),
            "has_events": literal(event_id for event_id, _ in has),
            "has_hashes": literal(hash for _, hash in has),
        },
    )
    last = {
        (issue.project_id, place.issue_id, hash): (place.event.timestamp, place.event.event_id)
        for place in sorted(placed, key=lambda place: place.event.timestamp)
        for hash in place.event.hashes
    }
    intake.note_last_events(cursor, last)


@transaction.atomic
def _look_back(issue_id: int) -> bool:
    """Find the last events of hashes that the issue still has, but the newest of its events do not
    have any more. Whether there may be more."""
    progress = _read(issue_id, is_locked=True)
    issue = progress.issue
    unknown = IssueHash.objects.filter(
        project_id=issue.project_id, issue_id=issue.pk, last_event_id=None
    )
    if progress.step != Step.LOOK_BACK or not unknown.exists():
        return False
    timestamp, event_id = NEWER_THAN_ALL
    if progress.settled_at is not None and progress.settled_event is not None:
        timestamp, event_id = progress.settled_at, progress.settled_event
    events = _older_than(progress, timestamp, event_id, EVENTS_AT_ONCE)
    placed = [place for event in events if (place := _placed(event, issue.pk)) is not None]
    with connection.cursor() as cursor:
        _note_last_events(cursor, issue, placed)
    if events:
        progress.settled_at, progress.settled_event = events[-1].timestamp, events[-1].event_id
        progress.save()
    return len(events) == EVENTS_AT_ONCE


def _move(
    cursor: Any,
    locked: intake.Locked,
    progress: IssueReprocessing,
    events: Sequence[Event],
    leaving: Mapping[UUID, Placed],
) -> None:
    """Move some of the events, oldest first, to where they are placed."""
    issue = progress.issue
    targets = {event_id: place.issue_id for event_id, place in leaving.items()}
    facts = {place.issue_id: Facts.of(place.event) for place in leaving.values()}
    going = [event for event in events if event.event_id in leaving]
    moved = moving.move_events(cursor, locked, issue, going, targets, facts)
    if not moved:
        return
    first: dict[int, Event] = {}
    releases: dict[tuple[int, int], tuple[int, float]] = {}
    for event in moved:
        first.setdefault(targets[event.event_id], event)
        if event.release_id and leaving[event.event_id].is_new_issue:
            key = (issue.project_id, event.release_id)
            releases[key] = (releases.get(key, (0, 0.0))[0] + 1, event.timestamp.timestamp())
    begun = [
        (issue_id, event.timestamp.isoformat(), event.release_id)
        for issue_id, event in sorted(first.items())
    ]
    cursor.execute(BEGIN_EARLIER, [literal(column) for column in zip(*begun, strict=True)])
    release_intake.add_events(cursor, releases)
    progress.targets = sorted({*progress.targets, *first})
    progress.destination_id = targets[moved[-1].event_id]


def _settle(cursor: Any, progress: IssueReprocessing) -> None:
    """What can only be said when all events are where they belong. The issue is locked."""
    issue = progress.issue
    issue.refresh_from_db(fields=["first_seen", "last_seen"])
    moving.settle(cursor, issue, progress.targets, were_deleted=progress.deletes_others)
    if ends := moving.find_ends(cursor, issue):
        # Of what retention has taken, only the issue itself still tells; and it knows already what
        # has come since.
        first, last = progress.oldest_at, progress.newest_at
        is_first = progress.deletes_others or (first is not None and issue.first_seen >= first)
        is_last = last is not None and issue.last_seen <= last
        moving.tell(cursor, issue, ends, is_first=is_first, is_last=is_last)


def finish(issue_id: int, now: datetime) -> Merged | None:
    """Forget that an issue was reprocessed, but for an activity. In a transaction of the caller.

    One of which no event is left is merged with the one that its newest event went to; what is left
    to do of that then is returned.
    """
    try:
        progress = _read(issue_id, is_locked=True)
    except _Gone:
        IssueReprocessing.objects.filter(pk=issue_id).delete()
        return None
    issue, merged = progress.issue, None
    left = Event.objects.filter(project_id=issue.project_id, issue_id=issue.pk)
    if progress.destination_id is not None and not left.exists():
        found = Issue.objects.filter(pk=progress.destination_id).first()
        if found is not None:
            merged = merging.merge_issues([issue, found], by=progress.actor, now=now)
    Activity.objects.create(
        issue=merged.parent if merged else issue,
        type=Activity.Type.REPROCESS,
        user=progress.actor,
        data={
            "eventCount": progress.restored,
            "oldGroupId": issue.pk,
            "newGroupId": merged.parent.pk if merged else issue.pk,
        },
        created_at=now,
    )
    progress.delete()
    return merged


# Events -------------------------------------------------------------------------------------------


def _events(statement: str, issue: Issue, **place: Any) -> list[Event]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"project": issue.project_id, "issue": issue.pk, **place})
        return [rows.instance(Event, row) for row in cursor.fetchall()]


def _range(progress: IssueReprocessing) -> dict[str, Any]:
    """Of the events that were restored."""
    return {
        "oldest_at": progress.oldest_at,
        "oldest_event": progress.oldest_event,
        "newest_at": progress.newest_at,
        "newest_event": progress.newest_event,
    }


def _placed(event: Event, issue_id: int = 0) -> Placed | None:
    """A stored event as ingestion places it; None of one whose payload is damaged."""
    data = unpack(event)
    if not (hashes := hashes_in(data)):
        return None
    prepared = PreparedEvent(
        event_id=event.event_id,
        timestamp=event.timestamp.timestamp(),
        received_at=event.received_at.timestamp(),
        platform=data.get("platform", ""),
        level=event.level,
        type=data.get("type", "default"),
        title=data.get("title", ""),
        culprit=data.get("culprit", ""),
        location=data.get("location"),
        logger=data.get("logger", ""),
        metadata=data.get("metadata", {}),
        message=event.message,
        release=data.get("release"),
        dist=data.get("dist"),
        environment=data.get("environment", ""),
        hashes=hashes,
        tags=event.tag_pairs,
        user=None,
        payload=bytes(event.payload),
        size=event.size,
        project_id=event.project_id,
    )
    return Placed(prepared, event.environment_id, event.release_id, issue_id)


def _lock(cursor: Any, issue: Issue, *others: int) -> intake.Locked:
    """Lock an issue and others. Raises _Gone when it was merged away meanwhile, or is not there."""
    locked = intake.lock_issues(cursor, {issue.pk, *others})
    if locked.targets.get(issue.pk) != issue.pk:
        raise _Gone
    return locked
