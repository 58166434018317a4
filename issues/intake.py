"""What ingestion writes here: a batch's issues, hashes, events, tags and users.

Every function runs a fixed number of statements whatever the size of the batch. Arrays travel as
literals, rows sorted by key; times travel as epoch seconds.
"""

import io
import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from sentrylite.arrays import literal
from sentrylite.statements import Statement

from .models import Activity, Issue, IssueResolution, IssueText
from .payload.event import EventUser, PreparedEvent

# (project, hash)
Hash = tuple[int, UUID]


@dataclass(slots=True)
class Placed:
    """An event and where it belongs."""

    event: PreparedEvent
    environment_id: int
    release_id: int = 0
    issue_id: int = 0
    is_new_issue: bool = False


class Facts(NamedTuple):
    """What an issue takes over from its newest event. They compare by time."""

    timestamp: float
    level: int
    type: str
    title: str
    culprit: str
    logger: str
    platform: str
    metadata: str
    message: str

    @classmethod
    def of(cls, event: PreparedEvent) -> "Facts":
        return cls(
            event.timestamp,
            event.level,
            event.type,
            event.title,
            event.culprit,
            event.logger,
            event.platform,
            orjson.dumps(event.metadata).decode(),
            event.message,
        )


def _columns(rows: Iterable[Sequence[Any]]) -> list[str]:
    return [literal(column) for column in zip(*rows, strict=True)]


# Events that are new ------------------------------------------------------------------------------

# In whole microseconds, as the events' own rows have it: an event is looked up by the very moment
# that its address says, and to_timestamp() would round some fractions the other way.
ADD_ADDRESSES = Statement(
    "add_event_addresses",
    """
    INSERT INTO issues_eventaddress (project_id, event_id, received_at)
    SELECT project_id, event_id, timestamptz 'epoch' + received_at * interval '1 microsecond'
    FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[])
        AS event(project_id, event_id, received_at)
    ON CONFLICT DO NOTHING
    RETURNING project_id, event_id::text
""",
)


def claim_event_ids(cursor: Any, events: Sequence[PreparedEvent]) -> list[PreparedEvent]:
    """Take the ids of a batch; returns the events whose id the project has not seen before.

    Whoever commits an id first has it: also two processes, also the same id twice in a batch.
    """
    first: dict[tuple[int, UUID], PreparedEvent] = {}
    for event in events:
        first.setdefault((event.project_id, event.event_id), event)
    rows = [(*key, _microseconds(first[key].received_at)) for key in sorted(first)]
    ADD_ADDRESSES.run(cursor, *_columns(rows))
    new = {(project_id, UUID(event_id)) for project_id, event_id in cursor.fetchall()}
    return [event for key, event in first.items() if key in new]


# Issues -------------------------------------------------------------------------------------------

# An issue that was quiet for its project's resolve age when an event happens counts as resolved
# (`issues.expiry` writes that a little later). One that came back since is not quiet.
_IS_QUIET = f"""
    issue.status = {Issue.Status.UNRESOLVED:d} AND project.resolve_age > 0
    AND greatest(issue.last_seen, issue.active_at)
        <= to_timestamp({{moment}}) - project.resolve_age * interval '1 hour'
"""

# Also which projects assign their issues by rules, and whether somebody has reported on one of the
# events already: that is asked by a statement that begins when the events' ids are claimed (see
# `issues.feedback`). A hash that was bound to an issue while that was merged away leads to where
# the issue is now.
FIND_HASHES = Statement(
    "find_hashes",
    f"""
    SELECT hash.project_id, hash.hash::text, coalesce(issue.merged_into_id, issue.id),
        CASE WHEN {_IS_QUIET.format(moment="wanted.moment")} THEN {Issue.Status.RESOLVED:d}
            ELSE issue.status END
    FROM unnest(%s::bigint[], %s::uuid[], %s::float8[]) AS wanted(project_id, hash, moment)
    JOIN issues_issuehash hash USING (project_id, hash)
    JOIN issues_issue issue ON issue.id = hash.issue_id
    JOIN organizations_project project ON project.id = hash.project_id
    WHERE issue.status <> {Issue.Status.PENDING_DELETION:d}
    UNION ALL
    SELECT report.project_id, report.event_id, NULL, NULL
    FROM unnest(%s::bigint[], %s::text[]) AS event(project_id, event_id)
    JOIN issues_userreport report USING (project_id, event_id)
    WHERE report.issue_id IS NULL
    UNION ALL
    SELECT project_id, '', NULL, NULL FROM issues_projectownership
    WHERE project_id = ANY(%s::bigint[]) AND is_active AND auto_assignment AND raw <> ''
""",
)

LOCK_PROJECTS = """
    SELECT 1 FROM organizations_project WHERE id = ANY(%s::bigint[])
    ORDER BY id FOR NO KEY UPDATE
"""

TAKE_NUMBERS = Statement(
    "take_issue_numbers",
    """
    UPDATE organizations_project project
    SET last_short_id = project.last_short_id + batch.quantity,
        first_event_at = coalesce(project.first_event_at, to_timestamp(batch.first_event_at))
    FROM unnest(%s::bigint[], %s::int[], %s::float8[])
        AS batch(project_id, quantity, first_event_at)
    WHERE project.id = batch.project_id
    RETURNING project.id, project.last_short_id
""",
)

ADD_ISSUES = Statement(
    "add_issues",
    f"""
    WITH made AS (
        INSERT INTO issues_issue (project_id, number, first_release_id, first_seen, last_seen,
            active_at, level, type, title, culprit, logger, platform, metadata, message,
            status, times_seen, user_count, comment_count, tag_keys)
        SELECT project_id, number, nullif(release_id, 0), to_timestamp(moment),
            to_timestamp(moment), to_timestamp(moment), level, type, title, culprit, logger,
            platform, metadata, message, {Issue.Status.UNRESOLVED:d}, 0, 0, 0, '{{}}'
        FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::float8[], %s::smallint[],
                %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[], %s::text[])
            AS issue(project_id, number, release_id, moment, level, type, title, culprit, logger,
                platform, metadata, message)
        RETURNING project_id, number, id, title, culprit, message
    ), texts AS (
        INSERT INTO issues_issuetext (project_id, issue_id, text)
        SELECT project_id, id, {IssueText.TEXT_OF.format(issue="made")} FROM made
    )
    SELECT project_id, number, id FROM made
""",
)

ADD_HASHES = Statement(
    "add_hashes",
    """
    INSERT INTO issues_issuehash (project_id, hash, issue_id)
    SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[])
    ON CONFLICT DO NOTHING
""",
)


class Settled(NamedTuple):
    """What waits for the events of a batch."""

    resolved: set[int]
    ignored: set[int]
    """Issues that they may bring back."""
    discarded: set[int]
    """Issues of which nobody wants any."""
    awaited: set[tuple[int, str]]
    """Those of them, by project and event id, that users have reported on already."""
    owned: set[int]
    """Projects in which issues of nobody are to be assigned."""


def assign_issues(cursor: Any, placed: Sequence[Placed]) -> Settled:
    """Find or make the issue of each event (ingest contract, section 10); fills `issue_id`.

    Of an event's hashes, the first that belongs to an issue decides; its other hashes then belong
    to that issue too, unless that was discarded. Returns what waits for these events. One statement
    when every hash is known, else six.
    """
    known, settled = _find_hashes(cursor, placed)
    if not all(hash in known for hash in _hashes(placed)):
        makers = _unknown(placed, known)
        if makers:
            # The project row is the queue of those who make issues in it: look again inside.
            projects = sorted({place.event.project_id for place in makers})
            cursor.execute(LOCK_PROJECTS, [literal(projects)])
            known, settled = _find_hashes(cursor, placed)
        if settled.discarded:
            wanted = [place for place in placed if _deciding(place, known) not in settled.discarded]
        else:
            wanted = list(placed)
        _bind_hashes(cursor, wanted, known)
    for place in placed:
        place.issue_id = _deciding(place, known)
    return settled


def _deciding(place: Placed, known: Mapping[Hash, int]) -> int:
    """The issue that the first known of an event's hashes belongs to; 0 when none is known."""
    return next((known[hash] for hash in _hashes([place]) if hash in known), 0)


def _hashes(placed: Iterable[Placed]) -> list[Hash]:
    return [(place.event.project_id, hash) for place in placed for hash in place.event.hashes]


def _find_hashes(cursor: Any, placed: Sequence[Placed]) -> tuple[dict[Hash, int], Settled]:
    events = sorted((place.event.project_id, place.event.event_id.hex) for place in placed)
    newest: dict[Hash, float] = {}
    for place in placed:
        for hash in _hashes([place]):
            moment = place.event.timestamp
            newest[hash] = max(moment, newest.get(hash, moment))
    hashes = sorted((*hash, moment) for hash, moment in newest.items())
    projects = literal(sorted({project_id for project_id, _ in events}))
    FIND_HASHES.run(cursor, *_columns(hashes), *_columns(events), projects)
    known, settled = {}, Settled(set(), set(), set(), set(), set())
    for project_id, key, issue_id, status in cursor.fetchall():
        if issue_id is None:
            if key:
                settled.awaited.add((project_id, key))
            else:
                settled.owned.add(project_id)
            continue
        known[project_id, UUID(key)] = issue_id
        if status == Issue.Status.RESOLVED:
            settled.resolved.add(issue_id)
        elif status == Issue.Status.IGNORED:
            settled.ignored.add(issue_id)
        elif status == Issue.Status.DISCARDED:
            settled.discarded.add(issue_id)
    return known, settled


def _unknown(placed: Iterable[Placed], known: Mapping[Hash, int]) -> list[Placed]:
    return [place for place in placed if not any(hash in known for hash in _hashes([place]))]


def _bind_hashes(cursor: Any, placed: Sequence[Placed], known: dict[Hash, int]) -> None:
    """Make the issues that no known hash leads to, and tie all hashes without one to theirs."""
    # Events of this batch that share a hash share the new issue: it goes by its first event.
    new: list[Placed] = []
    owner: dict[Hash, int | Placed] = dict(known)
    for place in placed:
        hashes = _hashes([place])
        found = next((owner[hash] for hash in hashes if hash in owner), None)
        if found is None:
            found = place
            place.is_new_issue = True
            new.append(place)
        for hash in hashes:
            owner.setdefault(hash, found)
    if new:
        _make_issues(cursor, new)
    rows = []
    for hash, found in owner.items():
        if hash not in known:
            known[hash] = found if isinstance(found, int) else found.issue_id
            rows.append((*hash, known[hash]))
    if rows:  # else another process has made the issues while we waited
        ADD_HASHES.run(cursor, *_columns(sorted(rows)))


def _make_issues(cursor: Any, new: Sequence[Placed]) -> None:
    quantities = Counter(place.event.project_id for place in new)
    earliest: dict[int, float] = {}
    for place in new:
        project_id, moment = place.event.project_id, place.event.timestamp
        earliest[project_id] = min(moment, earliest.get(project_id, moment))
    taken = ((project, n, earliest[project]) for project, n in sorted(quantities.items()))
    TAKE_NUMBERS.run(cursor, *_columns(taken))
    next_number = {project: last - quantities[project] + 1 for project, last in cursor.fetchall()}
    rows, by_number = [], {}
    for place in new:
        project_id = place.event.project_id
        number = next_number[project_id]
        next_number[project_id] += 1
        by_number[project_id, number] = place
        rows.append((project_id, number, place.release_id, *Facts.of(place.event)))
    ADD_ISSUES.run(cursor, *_columns(rows))
    for project_id, number, issue_id in cursor.fetchall():
        by_number[project_id, number].issue_id = issue_id


# Discarded issues ---------------------------------------------------------------------------------

GIVE_BACK_ADDRESSES = """
    DELETE FROM issues_eventaddress address
    USING unnest(%s::bigint[], %s::uuid[]) AS event(project_id, event_id)
    WHERE address.project_id = event.project_id AND address.event_id = event.event_id
"""


def drop_discarded(
    cursor: Any, placed: Iterable[Placed], discarded: set[int]
) -> tuple[list[Placed], list[PreparedEvent]]:
    """Part events that are wanted from those of discarded issues, of which nothing is kept: also
    their ids are not taken. No statement when there are none, else one."""
    kept, dropped = [], []
    for place in placed:
        if place.issue_id in discarded:
            dropped.append(place.event)
        else:
            kept.append(place)
    if dropped:
        addresses = sorted((event.project_id, event.event_id) for event in dropped)
        cursor.execute(GIVE_BACK_ADDRESSES, _columns(addresses))
    return kept, dropped


# Regressions --------------------------------------------------------------------------------------

# An issue is resolved in a release: only an event of that release or a later one reopens it; in the
# next release: only one of a later release than the newest there was. Of the events that do, the
# newest counts.
REOPEN_ISSUES = f"""
    WITH regression AS (
        SELECT DISTINCT ON (event.issue_id) event.issue_id, event.moment, event.version
        FROM unnest(%s::bigint[], %s::bigint[], %s::float8[], %s::text[])
            AS event(issue_id, release_id, moment, version)
        LEFT JOIN issues_issueresolution resolution ON resolution.issue_id = event.issue_id
        LEFT JOIN releases_release resolved_in ON resolved_in.id = resolution.release_id
        LEFT JOIN releases_release release ON release.id = event.release_id
        WHERE resolution.issue_id IS NULL
            OR resolution.type = '{IssueResolution.Type.BY_AGE}'
            OR release.created_at > resolved_in.created_at
            OR (resolution.type = '{IssueResolution.Type.IN_RELEASE}'
                AND release.id = resolved_in.id)
        ORDER BY event.issue_id, event.moment DESC
    ), outlived AS (
        DELETE FROM issues_issueresolution resolution USING regression
        WHERE resolution.issue_id = regression.issue_id
        RETURNING resolution.issue_id, resolution.release_id
    )
    UPDATE issues_issue issue
    SET status = {Issue.Status.UNRESOLVED:d}, resolved_at = NULL,
        active_at = to_timestamp(regression.moment)
    FROM regression LEFT JOIN outlived USING (issue_id), organizations_project project
    WHERE issue.id = regression.issue_id AND project.id = issue.project_id
        AND (issue.status = {Issue.Status.RESOLVED:d}
            OR {_IS_QUIET.format(moment="regression.moment")})
    RETURNING issue.id, regression.version, outlived.release_id IS NOT NULL
"""

# What was resolved in the next release was resolved in the one that these events come from.
NAME_RESOLUTIONS = f"""
    UPDATE issues_activity activity
    SET data = jsonb_build_object('version', event.version)
    FROM unnest(%s::bigint[], %s::text[]) AS event(issue_id, version)
    WHERE activity.issue_id = event.issue_id
        AND activity.type = '{Activity.Type.SET_RESOLVED_IN_RELEASE}'
        AND activity.data ->> 'version' = ''
"""

ADD_REGRESSIONS = f"""
    INSERT INTO issues_activity (issue_id, type, data, created_at)
    SELECT issue_id, '{Activity.Type.SET_REGRESSION}', jsonb_build_object('version', version), now()
    FROM unnest(%s::bigint[], %s::text[]) AS event(issue_id, version)
    ORDER BY issue_id
"""


def reopen_issues(cursor: Any, placed: Iterable[Placed], resolved: set[int]) -> set[int]:
    """Resolved issues that happen again are unresolved again, and say so once; returns which ones.
    Events of releases that an issue is not resolved in yet do not count.

    (Ingest contract, section 11.) No statement when `resolved` is empty, else at most four.
    """
    if not resolved:
        return set()
    newest: dict[tuple[int, int], PreparedEvent] = {}
    for place in placed:
        if place.issue_id in resolved:
            key = (place.issue_id, place.release_id)
            before = newest.get(key, place.event)
            newest[key] = max(before, place.event, key=lambda event: event.timestamp)
    lock_issues(cursor, {issue_id for issue_id, _ in newest})
    rows = [(*key, newest[key].timestamp, newest[key].release or "") for key in sorted(newest)]
    cursor.execute(REOPEN_ISSUES, _columns(rows))
    reopened = sorted(cursor.fetchall())
    if not reopened:
        return set()
    versions = [(issue_id, version) for issue_id, version, _ in reopened]
    named = [
        (issue_id, version) for issue_id, version, was_in_release in reopened if was_in_release
    ]
    if named:
        cursor.execute(NAME_RESOLUTIONS, _columns(named))
    cursor.execute(ADD_REGRESSIONS, _columns(versions))
    return {issue_id for issue_id, _ in versions}


# Snoozes ------------------------------------------------------------------------------------------

# What an issue had in the last minutes, no more of it than it takes. The index knows when events
# happened; the bounds of `received_at` choose the partitions (issues.models.Event).
_IN_WINDOW = """(
    SELECT count(*) FROM (
        SELECT {what} FROM issues_event event
        WHERE event.project_id = batch.project_id AND event.issue_id = batch.issue_id
            AND event."timestamp"
                > to_timestamp(batch.moment) - snooze.{window} * interval '1 minute'
            AND event.received_at
                > to_timestamp(batch.moment) - snooze.{window} * interval '1 minute'
            AND event.received_at <= to_timestamp(batch.moment)
            AND {condition}
        LIMIT snooze.{enough}
    ) recent
)"""
_EVENTS_IN_WINDOW = _IN_WINDOW.format(what="1", window='"window"', condition="true", enough="count")
_USERS_IN_WINDOW = _IN_WINDOW.format(
    what="DISTINCT event.user_hash",
    window="user_window",
    condition="event.user_hash IS NOT NULL",
    enough="user_count",
)

# Users of the batch that the issue has not had before.
_NEW_USERS = """(
    SELECT count(*) FROM unnest(%s::bigint[], %s::bigint[]) AS seen(issue_id, user_hash)
    WHERE seen.issue_id = batch.issue_id AND NOT EXISTS (
        SELECT 1 FROM issues_issueuser known
        WHERE known.project_id = batch.project_id AND known.issue_id = seen.issue_id
            AND known.user_hash = seen.user_hash)
)"""

# The batch's events are stored, but not counted yet.
FIND_OVER = f"""
    SELECT snooze.issue_id, snooze.created_at::text
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::float8[])
        AS batch(issue_id, project_id, times, moment)
    JOIN issues_issuesnooze snooze ON snooze.issue_id = batch.issue_id
    JOIN issues_issue issue ON issue.id = batch.issue_id
    WHERE snooze.until <= to_timestamp(batch.moment)
        OR snooze.count <= CASE WHEN snooze."window" IS NULL
            THEN issue.times_seen + batch.times - snooze.times_seen_before
            ELSE {_EVENTS_IN_WINDOW} END
        OR snooze.user_count <= CASE WHEN snooze.user_window IS NULL
            THEN issue.user_count + {_NEW_USERS} - snooze.user_count_before
            ELSE {_USERS_IN_WINDOW} END
"""

# A snooze that somebody has renewed meanwhile is another one.
WAKE_ISSUES = f"""
    WITH over AS (
        DELETE FROM issues_issuesnooze snooze
        USING unnest(%s::bigint[], %s::timestamptz[]) AS found(issue_id, created_at)
        WHERE snooze.issue_id = found.issue_id AND snooze.created_at = found.created_at
        RETURNING snooze.issue_id
    )
    UPDATE issues_issue issue SET status = {Issue.Status.UNRESOLVED:d}
    FROM over WHERE issue.id = over.issue_id AND issue.status = {Issue.Status.IGNORED:d}
    RETURNING issue.id
"""


def wake_issues(cursor: Any, placed: Iterable[Placed], ignored: set[int]) -> set[int]:
    """Ignored issues whose condition these events meet are unresolved again, and do not say so
    (issues contract, section 1.1); returns which ones. The events are stored already.

    No statement when `ignored` is empty, one when no condition is met, else three. It is as late
    as the newest event.
    """
    if not ignored:
        return set()
    times: Counter[tuple[int, int]] = Counter()
    newest: dict[tuple[int, int], float] = {}
    users: set[tuple[int, int]] = set()
    for place in placed:
        if place.issue_id in ignored:
            event, key = place.event, (place.issue_id, place.event.project_id)
            times[key] += 1
            newest[key] = max(event.received_at, newest.get(key, event.received_at))
            if event.user:
                users.add((place.issue_id, event.user.hash))
    rows = [(*key, times[key], newest[key]) for key in sorted(times)]
    # In the order of the parameters: the users are in the WHERE clause.
    columns = [*_columns(rows), *(_columns(sorted(users)) or ("{}", "{}"))]
    cursor.execute(FIND_OVER, columns)
    return end_snoozes(cursor, cursor.fetchall())


def end_snoozes(cursor: Any, over: Iterable[tuple[int, str]]) -> set[int]:
    """Reopen the issues of snoozes that are over, each known by its issue and by when it was made;
    returns which ones. No statement without any, else two."""
    if not (over := sorted(over)):
        return set()
    lock_issues(cursor, [issue_id for issue_id, _ in over])
    cursor.execute(WAKE_ISSUES, _columns(over))
    return {issue_id for (issue_id,) in cursor.fetchall()}


# Events -------------------------------------------------------------------------------------------

COPY_EVENTS = """
    COPY issues_event (project_id, received_at, event_id, issue_id, "timestamp", environment_id,
        release_id, level, user_hash, message, tags, size, payload)
    FROM STDIN (FORMAT BINARY)
"""

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
# The driver's own 8 kB would make two or three calls for every event.
COPY_CHUNK = 1024 * 1024
POSTGRES_EPOCH = 946_684_800
TEXT_OID = 25

# Each value is preceded by its length in bytes; -1 is NULL.
_fixed = struct.Struct("!h iq iq i16s iq iq iq iq ih").pack
_bigint = struct.Struct("!iq").pack
_null = struct.pack("!i", -1)
_array = struct.Struct("!iiiiii").pack
_length = struct.Struct("!i").pack
_integer = struct.Struct("!ii").pack


def insert_events(cursor: Any, placed: Iterable[Placed]) -> None:
    """Store the events. One COPY in its binary form: text COPY would double the payload as hex."""
    parts = [COPY_HEADER]
    for place in placed:
        parts += _event_row(place)
    parts.append(COPY_TRAILER)
    cursor.copy_expert(COPY_EVENTS, io.BytesIO(b"".join(parts)), COPY_CHUNK)


def _event_row(place: Placed) -> list[bytes]:
    event = place.event
    message = event.message.encode()
    tags = _text_array([f"{key}={value}".encode() for key, value in event.tags])
    return [
        _fixed(
            13,
            *(8, event.project_id),
            *(8, _microseconds(event.received_at) - POSTGRES_EPOCH * 1_000_000),
            *(16, event.event_id.bytes),
            *(8, place.issue_id),
            *(8, _microseconds(event.timestamp) - POSTGRES_EPOCH * 1_000_000),
            *(8, place.environment_id),
            *(8, place.release_id),
            *(2, event.level),
        ),
        _bigint(8, event.user.hash) if event.user else _null,
        _length(len(message)),
        message,
        _length(len(tags)),
        tags,
        _integer(4, event.size),
        _length(len(event.payload)),
        event.payload,
    ]


def _text_array(items: list[bytes]) -> bytes:
    if not items:
        return struct.pack("!iii", 0, 0, TEXT_OID)
    # One dimension, no NULLs, its length and its lower bound.
    parts = [struct.pack("!iiiii", 1, 0, TEXT_OID, len(items), 1)]
    for item in items:
        parts += (_length(len(item)), item)
    return b"".join(parts)


def _microseconds(moment: float) -> int:
    return round(moment * 1_000_000)


# Counters -----------------------------------------------------------------------------------------

# What is counted in an issue that was merged into another is counted in that one. An issue that
# was merged away while we waited for its lock says so in its row, as it is then. In a discarded
# issue nothing is counted.
LOCK_ISSUES = Statement(
    "lock_issues",
    f"""
    SELECT issue.id, target.id, target.merged_into_id IS NULL, target.tag_keys::text
    FROM issues_issue issue
    JOIN issues_issue target ON target.id = coalesce(issue.merged_into_id, issue.id)
    WHERE issue.id = ANY(%s::bigint[]) AND target.status <> {Issue.Status.DISCARDED:d}
    ORDER BY target.id FOR NO KEY UPDATE OF target
""",
)

ADD_USERS = Statement(
    "add_issue_users",
    """
    INSERT INTO issues_issueuser (project_id, issue_id, user_hash)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
    ON CONFLICT DO NOTHING
    RETURNING project_id, issue_id
""",
)

# `first_seen` is when the row was made, as the documents' server had it. A row whose xmax is 0 is
# one that this statement made.
ADD_TAGS = Statement(
    "add_issue_tags",
    """
    WITH tag AS (
        INSERT INTO issues_issuetag AS tag
            (project_id, issue_id, key, value, times_seen, first_seen, last_seen)
        SELECT project_id, issue_id, key, value, times, now(), to_timestamp(last)
        FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::float8[])
            AS batch(project_id, issue_id, key, value, times, last)
        ON CONFLICT (project_id, issue_id, key, value) DO UPDATE
        SET times_seen = tag.times_seen + excluded.times_seen,
            last_seen = greatest(tag.last_seen, excluded.last_seen)
        RETURNING issue_id, key, xmax = 0 AS is_new
    )
    SELECT issue_id, key, count(*) FROM tag WHERE is_new GROUP BY issue_id, key
""",
)

_FACTS = ("level", "type", "title", "culprit", "logger", "platform", "metadata", "message")

# A journal may be folded after newer events were counted at once: facts only move forward.
_NEWER_FACTS = ", ".join(
    f"{fact} = CASE WHEN to_timestamp(batch.moment) >= issue.last_seen"
    f" THEN batch.{fact} ELSE issue.{fact} END"
    for fact in _FACTS
)

# What an issue has not counted any more is no last event of its hashes.
_NOTE_LAST_EVENTS = """
    UPDATE issues_issuehash hash
    SET last_event_id = batch.event_id, last_event_at = to_timestamp(batch.moment)
    FROM unnest(%s::bigint[], %s::bigint[], %s::uuid[], %s::float8[], %s::uuid[])
        AS batch(project_id, issue_id, hash, moment, event_id)
    WHERE hash.project_id = batch.project_id AND hash.hash = batch.hash
        AND hash.issue_id = batch.issue_id
        AND (hash.last_event_at IS NULL OR hash.last_event_at <= to_timestamp(batch.moment))
"""

# Texts hardly ever change: as a rule this reads them and writes none. Whoever writes one holds the
# lock of its issue.
ADD_TO_ISSUES = Statement(
    "add_to_issues",
    f"""
    WITH counted AS (
        UPDATE issues_issue issue
        SET times_seen = issue.times_seen + batch.times,
            user_count = issue.user_count + batch.users,
            tag_keys = batch.tag_keys,
            last_seen = greatest(issue.last_seen, to_timestamp(batch.moment)),
            {_NEWER_FACTS}
        FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::jsonb[], %s::float8[], %s::smallint[],
                %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[], %s::text[])
            AS batch(issue_id, times, users, tag_keys, moment, {", ".join(_FACTS)})
        WHERE issue.id = batch.issue_id
        RETURNING issue.project_id, issue.id, {IssueText.TEXT_OF.format(issue="issue")} AS text
    ), last_events AS ({_NOTE_LAST_EVENTS})
    INSERT INTO issues_issuetext AS text (project_id, issue_id, text)
    SELECT counted.project_id, counted.id, counted.text
    FROM counted LEFT JOIN issues_issuetext known
        ON known.project_id = counted.project_id AND known.issue_id = counted.id
    WHERE known.text IS DISTINCT FROM counted.text
    ON CONFLICT (project_id, issue_id) DO UPDATE SET text = excluded.text
""",
)

WRITE_TEXTS = f"""
    INSERT INTO issues_issuetext (project_id, issue_id, text)
    SELECT issue.project_id, issue.id, {IssueText.TEXT_OF.format(issue="issue")}
    FROM issues_issue issue WHERE issue.id = ANY(%s::bigint[]) ORDER BY issue.id
    ON CONFLICT (project_id, issue_id) DO UPDATE SET text = excluded.text
"""

# More are only noise, and would make the issue's row a large one. They are still counted as tags.
MAX_TAG_KEYS = 200

Issues = Mapping[tuple[int, int], tuple[int, Facts]]
Tags = Mapping[tuple[int, int, str, str], tuple[int, float]]
Hashes = Mapping[tuple[int, int, UUID], tuple[float, UUID]]
TagKeys = dict[str, list[int]]


class Locked(NamedTuple):
    """Issues in which nobody else counts for the rest of the transaction."""

    targets: dict[int, int]
    """Of each issue that was named, exists and counts, the one that its events belong to: itself,
    or the one that it was merged into."""
    tag_keys: dict[int, TagKeys]
    """Of each of those."""


def lock_issues(cursor: Any, issue_ids: Iterable[int]) -> Locked:
    """Make others who count in these issues, or in those they were merged into, wait.

    One statement; another for issues that are merged away while it waits.
    """
    locked, wanted = Locked({}, {}), set(issue_ids)
    while wanted:
        LOCK_ISSUES.run(cursor, literal(sorted(wanted)))
        wanted = set()
        for issue_id, target_id, is_last, tag_keys in cursor.fetchall():
            if is_last:
                locked.targets[issue_id] = target_id
                locked.tag_keys[target_id] = orjson.loads(tag_keys)
            else:
                wanted.add(issue_id)
    return locked


def add_to_issues(
    cursor: Any,
    locked: Locked,
    issues: Issues,
    users: Iterable[tuple[int, int, int]],
    tags: Tags,
    hashes: Hashes,
) -> Counter[int]:
    """Count events, users and tag values in issues, and take over the newest facts and the last
    event of each hash; returns how many users each issue has not had before.

    `issues` is by (project, issue), `tags` by (project, issue, key, value), `hashes` by (project,
    issue, hash). All issues are to be locked already, by `lock_issues`, and to be the targets that
    it returned.
    """
    new_users: Counter[int] = Counter()
    if not issues:
        return new_users
    if rows := sorted(users):
        ADD_USERS.run(cursor, *_columns(rows))
        new_users.update(issue_id for _, issue_id in cursor.fetchall())
    tag_keys = _add_tags(cursor, locked, tags)
    ADD_TO_ISSUES.run(
        cursor,
        *_columns(
            (
                issue_id,
                times,
                new_users[issue_id],
                orjson.dumps(tag_keys[issue_id]).decode(),
                *facts,
            )
            for (_, issue_id), (times, facts) in sorted(issues.items())
        )
        + _last_events(hashes),
    )
    return new_users


def _last_events(hashes: Hashes) -> list[str]:
    rows = [(*key, *last) for key, last in sorted(hashes.items())]
    return _columns(rows) or ["{}"] * 5


def note_last_events(cursor: Any, hashes: Hashes) -> None:
    """Of these hashes by (project, issue, hash), take over the last event of those that lead to the
    issue. One statement."""
    cursor.execute(_NOTE_LAST_EVENTS, _last_events(hashes))


def _add_tags(cursor: Any, locked: Locked, tags: Tags) -> dict[int, TagKeys]:
    """Count tag values; returns the new sums of the locked issues."""
    sums = {issue_id: dict(tag_keys) for issue_id, tag_keys in locked.tag_keys.items()}
    if not tags:
        return sums
    events: Counter[tuple[int, str]] = Counter()
    for (_, issue_id, key, _), (times, _) in tags.items():
        events[issue_id, key] += times
    ADD_TAGS.run(cursor, *_columns((*key, *value) for key, value in sorted(tags.items())))
    new_values = {(issue_id, key): count for issue_id, key, count in cursor.fetchall()}
    for (issue_id, key), times in events.items():
        add_to_sums(sums[issue_id], key, new_values.get((issue_id, key), 0), times)
    return sums


def add_to_sums(tag_keys: TagKeys, key: str, values: int, events: int) -> None:
    """Add to how many values and events an issue has of a key."""
    if key in tag_keys or len(tag_keys) < MAX_TAG_KEYS:
        values_before, events_before = tag_keys.get(key, (0, 0))
        tag_keys[key] = [values_before + values, events_before + events]


def write_texts(cursor: Any, issue_ids: Iterable[int]) -> None:
    """Let a search find issues by what they say now. For those that are made or changed otherwise
    than by counting events in them."""
    cursor.execute(WRITE_TEXTS, [literal(sorted(issue_ids))])


ADD_SEEN_IN = Statement(
    "add_seen_in",
    """
    INSERT INTO issues_issuerelease AS seen (project_id, issue_id, environment_id, release_id,
        times_seen, first_seen, last_seen)
    SELECT project_id, issue_id, environment_id, release_id, times, to_timestamp(first),
        to_timestamp(last)
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
            %s::float8[], %s::float8[])
        AS batch(project_id, issue_id, environment_id, release_id, times, first, last)
    ON CONFLICT (project_id, issue_id, environment_id, release_id) DO UPDATE
    SET times_seen = seen.times_seen + excluded.times_seen,
        first_seen = least(seen.first_seen, excluded.first_seen),
        last_seen = greatest(seen.last_seen, excluded.last_seen)
""",
)


def add_seen_in(
    cursor: Any, seen_in: Mapping[tuple[int, int, int, int], tuple[int, float, float]]
) -> None:
    """Count events by (project, issue, environment, release): how often, when first and last."""
    if seen_in:
        rows = ((*key, *value) for key, value in sorted(seen_in.items()))
        ADD_SEEN_IN.run(cursor, *_columns(rows))


# Only a person who is new, or says something new, costs a write.
ADD_PEOPLE = Statement(
    "add_people",
    """
    INSERT INTO issues_eventuser AS person
        (project_id, hash, tag_value, ident, username, email, name, ip_address, first_seen)
    SELECT project_id, hash, tag_value, ident, username, email, name,
        nullif(ip_address, '')::inet, now()
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::text[], %s::text[])
        AS batch(project_id, hash, tag_value, ident, username, email, name, ip_address)
    ON CONFLICT (project_id, hash) DO UPDATE
    SET username = coalesce(nullif(excluded.username, ''), person.username),
        email = coalesce(nullif(excluded.email, ''), person.email),
        name = coalesce(nullif(excluded.name, ''), person.name)
    WHERE (excluded.username <> '' AND excluded.username <> person.username)
        OR (excluded.email <> '' AND excluded.email <> person.email)
        OR (excluded.name <> '' AND excluded.name <> person.name)
""",
)


def add_people(cursor: Any, people: Mapping[tuple[int, int], EventUser]) -> None:
    """Note who events happened to, by (project, user)."""
    if not people:
        return
    rows = (
        (
            *key,
            person.tag_value,
            person.ident or "",
            person.username or "",
            person.email or "",
            person.name or "",
            person.ip_address or "",
        )
        for key, person in sorted(people.items())
    )
    ADD_PEOPLE.run(cursor, *_columns(rows))
