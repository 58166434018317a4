"""What ingestion writes here: the releases that a batch of events and sessions comes from, and what
the sessions say of their health."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from sentrylite.arrays import Element, literal
from sentrylite.statements import Statement

from .sessions import Change, Health, HealthKey, Session, Status
from .sketches import BINS, BITS, bitmap


class Mention(NamedTuple):
    """A release as an event names it."""

    organization_id: int
    project_id: int
    version: str


class Known(NamedTuple):
    release_id: int
    version: str
    """Not always the one mentioned: see `ensure_releases`."""


# A release of the project named `<project slug>-<version>` is preferred: with ORDER BY, the
# mention's last row is the better one (ingest contract, section 11).
FIND_RELEASES = Statement(
    "find_mentioned_releases",
    """
    SELECT wanted.organization_id, wanted.project_id, wanted.version, release.id, release.version,
        link.id IS NOT NULL
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[])
        AS wanted(organization_id, project_id, version)
    JOIN organizations_project project ON project.id = wanted.project_id
    JOIN releases_release release ON release.organization_id = wanted.organization_id
        AND release.version IN (wanted.version, project.slug || '-' || wanted.version)
    LEFT JOIN releases_releaseproject link
        ON link.release_id = release.id AND link.project_id = wanted.project_id
    WHERE release.version = wanted.version OR link.id IS NOT NULL
    ORDER BY release.version <> wanted.version
""",
)

ADD_RELEASES = """
    INSERT INTO releases_release (organization_id, version, ref, url, created_at)
    SELECT organization_id, version, '', '', to_timestamp(min(created_at))
    FROM unnest(%s::bigint[], %s::text[], %s::float8[])
        AS wanted(organization_id, version, created_at)
    GROUP BY organization_id, version
    ORDER BY organization_id, version
    ON CONFLICT DO NOTHING
"""

LINK_RELEASES = """
    INSERT INTO releases_releaseproject (release_id, project_id, new_issues)
    SELECT release.id, wanted.project_id, 0
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[])
        AS wanted(organization_id, project_id, version)
    JOIN releases_release release USING (organization_id, version)
    ORDER BY wanted.project_id, release.id
    ON CONFLICT DO NOTHING
"""

ADD_EVENTS = Statement(
    "add_release_events",
    """
    UPDATE releases_releaseproject link
    SET new_issues = link.new_issues + batch.new_issues,
        first_event_at = coalesce(link.first_event_at, now()),
        last_event_at = greatest(link.last_event_at, to_timestamp(batch.last_event_at))
    FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::float8[])
        AS batch(project_id, release_id, new_issues, last_event_at)
    WHERE link.project_id = batch.project_id AND link.release_id = batch.release_id
""",
)

LOCK_LINKS = Statement(
    "lock_release_links",
    """
    SELECT 1 FROM releases_releaseproject link
    JOIN unnest(%s::bigint[], %s::bigint[]) AS batch(project_id, release_id)
        USING (project_id, release_id)
    ORDER BY link.project_id, link.release_id FOR NO KEY UPDATE OF link
""",
)

# A row tells what was known before, so that one statement says what is new, whoever else updates
# the same session. What changes nothing is not written, and not returned.
TRACK_SESSIONS = Statement(
    "track_sessions",
    """
    INSERT INTO releases_trackedsession AS known
        (project_id, day, session_id, status, is_over, status_before, was_over)
    SELECT project_id, day, session_id, status, is_over, NULL, false
    FROM unnest(%s::bigint[], %s::int[], %s::uuid[], %s::smallint[], %s::bool[])
        AS batch(project_id, day, session_id, status, is_over)
    ON CONFLICT (project_id, day, session_id) DO UPDATE SET
        status = greatest(known.status, excluded.status),
        is_over = known.is_over OR excluded.is_over,
        status_before = known.status,
        was_over = known.is_over
    WHERE excluded.status > known.status OR excluded.is_over > known.is_over
    RETURNING project_id, session_id::text, status, status_before, is_over AND NOT was_over
""",
)

_SUM_OF_DURATIONS = ", ".join(
    f"h.durations[{number}] + excluded.durations[{number}]" for number in range(1, BINS + 1)
)
# Bitmaps are added by OR; NULL is none, and so is the OR of NULL and anything.
_USERS = ("users", "users_errored", "users_unhandled", "users_abnormal", "users_crashed")
_ALL_USERS = ",\n        ".join(
    f"{name} = coalesce(h.{name} | excluded.{name}, h.{name}, excluded.{name})" for name in _USERS
)

# unnest() would flatten an array of arrays, so each histogram travels as the text of one.
ADD_HEALTH = Statement(
    "add_release_health",
    f"""
    INSERT INTO releases_releasehealth AS h (project_id, release_id, width, bucket, environment_id,
        sessions, errored, unhandled, abnormal, crashed, durations, duration_sum, duration_max,
        {", ".join(_USERS)})
    SELECT project_id, release_id, width, bucket, environment_id,
        sessions, errored, unhandled, abnormal, crashed, durations::integer[], duration_sum,
        duration_max, {", ".join(f"{name}::bit({BITS})" for name in _USERS)}
    FROM unnest(%s::bigint[], %s::bigint[], %s::integer[], %s::integer[], %s::bigint[],
        %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
        %s::float8[], %s::float8[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
        AS n (project_id, release_id, width, bucket, environment_id,
        sessions, errored, unhandled, abnormal, crashed, durations, duration_sum, duration_max,
        {", ".join(_USERS)})
    ON CONFLICT (project_id, release_id, width, bucket, environment_id) DO UPDATE SET
        sessions = h.sessions + excluded.sessions,
        errored = h.errored + excluded.errored,
        unhandled = h.unhandled + excluded.unhandled,
        abnormal = h.abnormal + excluded.abnormal,
        crashed = h.crashed + excluded.crashed,
        durations = CASE
            WHEN excluded.durations IS NULL THEN h.durations
            WHEN h.durations IS NULL THEN excluded.durations
            ELSE ARRAY[{_SUM_OF_DURATIONS}] END,
        duration_sum = h.duration_sum + excluded.duration_sum,
        duration_max = greatest(h.duration_max, excluded.duration_max),
        {_ALL_USERS}
""",
)


def ensure_releases(cursor: Any, mentions: dict[Mention, float]) -> dict[Mention, Known]:
    """Make the releases that are new, link them to their projects, return all of them.

    `mentions` holds the time (epoch seconds) of the event that mentions each: a new release is
    dated by it. One statement when nothing is new, else four.
    """
    wanted = sorted(mentions)
    if not wanted:
        return {}
    known, new = _find(cursor, wanted)
    if new:
        organizations, _, versions = columns = _columns(new)
        moments = literal([mentions[mention] for mention in new])
        cursor.execute(ADD_RELEASES, [organizations, versions, moments])
        cursor.execute(LINK_RELEASES, columns)
        known, _ = _find(cursor, wanted)
    return known


def add_events(cursor: Any, counts: dict[tuple[int, int], tuple[int, float]]) -> None:
    """Note new issues and the newest event's time by (project, release). Two statements."""
    if not counts:
        return
    rows = sorted((*key, *value) for key, value in counts.items())
    columns = _columns(rows)
    LOCK_LINKS.run(cursor, *columns[:2])
    ADD_EVENTS.run(cursor, *columns)


def track_sessions(
    cursor: Any, sessions: Mapping[tuple[int, UUID], Session]
) -> dict[tuple[int, UUID], Change]:
    """Note how sessions go, by project and id; returns what is new of those of which something is.

    An update may be noted twice, and updates in any order. One statement.
    """
    rows = sorted(
        (project_id, session.day, session_id, int(session.status), session.is_over)
        for (project_id, session_id), session in sessions.items()
    )
    if not rows:
        return {}
    TRACK_SESSIONS.run(cursor, *_columns(rows))
    return {
        (project_id, UUID(session_id)): Change(
            Status(status), None if before is None else Status(before), has_ended
        )
        for project_id, session_id, status, before, has_ended in cursor.fetchall()
    }


def add_health(cursor: Any, health: Mapping[HealthKey, Health]) -> None:
    """Add what sessions say to the buckets that they began in, made where missing. One
    statement."""
    rows = [(*key, *_health_row(each)) for key, each in sorted(health.items())]
    if rows:
        ADD_HEALTH.run(cursor, *_columns(rows))


def _health_row(health: Health) -> Iterable[Element]:
    histogram = None
    if health.durations:
        histogram = literal(health.durations.get(number, 0) for number in range(BINS))
    return (
        *health.counts,
        histogram,
        health.duration_sum,
        health.duration_max,
        *(bitmap(health.users[group]) if group in health.users else None for group in Status),
    )


def _columns(rows: Iterable[Iterable[Element]]) -> list[str]:
    return [literal(column) for column in zip(*rows, strict=True)]


def _find(cursor: Any, wanted: list[Mention]) -> tuple[dict[Mention, Known], list[Mention]]:
    FIND_RELEASES.run(cursor, *_columns(wanted))
    known, linked = {}, set()
    for organization_id, project_id, version, release_id, name, is_linked in cursor.fetchall():
        mention = Mention(organization_id, project_id, version)
        known[mention] = Known(release_id, name)
        if is_linked:
            linked.add(mention)
    return known, [mention for mention in wanted if mention not in linked]
