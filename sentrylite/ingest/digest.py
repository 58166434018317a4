"""One transaction for a batch of events and sessions, step by step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from issues import announcements, feedback, intake, ownership
from issues.intake import Placed
from issues.payload import codec
from issues.payload.event import PreparedEvent
from sentrylite.organizations import intake as organization_intake
from sentrylite.releases import intake as release_intake
from sentrylite.releases.intake import Known, Mention
from sentrylite.releases.sessions import Session

from .increments import Increments
from .sessions import PreparedSessions

Environments = Mapping[tuple[int, str], int]
Releases = Mapping[Mention, Known]


def digest(
    cursor: Any, events: Sequence[PreparedEvent], sessions: Sequence[PreparedSessions] = ()
) -> Increments:
    """Write a batch, all but its counters; returns what it adds to those.

    `cursor` is psycopg2's own, inside a transaction that the caller commits. The number of
    statements does not depend on the size of the batch: five when everything was seen before,
    about twenty when new environments, releases, issues, regressions and reports meet in one, two
    more when service hooks are told of it, and one more for sessions and for new platforms. Events
    of discarded issues are only counted, as often as they are sent. Raises `KeysClosed` when a key
    was disabled or deleted since: the caller rolls back.
    """
    increments = Increments()
    events = intake.claim_event_ids(cursor, events) if events else []
    if not (events or sessions):
        return increments
    environments = _ensure_environments(cursor, events, sessions)
    releases = _ensure_releases(cursor, events, sessions)
    if sessions:
        _add_sessions(cursor, sessions, environments, releases, increments)
    if not events:
        return increments
    placed = _place(events, environments, releases)
    settled = intake.assign_issues(cursor, placed)
    placed, dropped = intake.drop_discarded(cursor, placed, settled.discarded)
    increments.add_discarded(dropped)
    if not placed:
        return increments
    _ensure_platforms(cursor, placed)
    reopened = intake.reopen_issues(cursor, placed, settled.resolved)
    intake.insert_events(cursor, placed)
    woken = intake.wake_issues(cursor, placed, settled.ignored)
    ownership.assign_owners(cursor, placed, settled.owned)
    feedback.bind_reports(cursor, placed, settled.awaited)
    increments.add_events(placed)
    announcements.announce_events(cursor, placed, reopened | woken, increments.series)
    return increments


def _ensure_environments(
    cursor: Any, events: Sequence[PreparedEvent], sessions: Sequence[PreparedSessions]
) -> Environments:
    """All environments that are mentioned, made when they are new."""
    mentions = {
        organization_intake.Mention(
            event.organization_id, event.project_id, event.key_id, event.environment
        )
        for event in events
    }
    mentions |= {
        organization_intake.Mention(
            each.organization_id, each.project_id, each.key_id, session.environment
        )
        for each in sessions
        for session in each.sessions
    }
    return organization_intake.ensure_environments(cursor, mentions)


def _ensure_releases(
    cursor: Any, events: Sequence[PreparedEvent], sessions: Sequence[PreparedSessions]
) -> Releases:
    """All releases that are mentioned, made when they are new."""
    mentions: dict[Mention, float] = {}

    def mention(organization_id: int, project_id: int, version: str, moment: float) -> None:
        key = Mention(organization_id, project_id, version)
        mentions[key] = min(moment, mentions.get(key, moment))

    for event in events:
        if event.release:
            mention(event.organization_id, event.project_id, event.release, event.timestamp)
    for each in sessions:
        for session in each.sessions:
            mention(each.organization_id, each.project_id, session.release, session.started_at)
    return release_intake.ensure_releases(cursor, mentions)


def _ensure_platforms(cursor: Any, placed: Sequence[Placed]) -> None:
    """What is new to a project, or was when its key was looked up."""
    seen = {
        (place.event.project_id, place.event.platform)
        for place in placed
        if place.event.is_new_platform
    }
    organization_intake.ensure_platforms(cursor, seen)


def _add_sessions(
    cursor: Any,
    sessions: Sequence[PreparedSessions],
    environments: Environments,
    releases: Releases,
    increments: Increments,
) -> None:
    """Count sessions, each once and as what it came to, and who was in them.

    In the bucket that a session began in: all its updates name the same start, release and
    environment.
    """
    known: dict[tuple[int, UUID], Session] = {}
    places: dict[tuple[int, UUID], tuple[int, int]] = {}
    for each in sessions:
        increments.add_items(each, "session", each.items, now=each.received_at)
        for session in each.sessions:
            key = (each.project_id, session.session_id)
            if key in known:
                known[key] += session
            else:
                known[key] = replace(session)
                mention = Mention(each.organization_id, each.project_id, session.release)
                environment_id = environments[each.organization_id, session.environment]
                places[key] = (releases[mention].release_id, environment_id)
            increments.add_session(each.project_id, *places[key], session, None)
    for key, change in release_intake.track_sessions(cursor, known).items():
        increments.add_session(key[0], *places[key], known[key], change)


def _place(
    events: Sequence[PreparedEvent], environments: Environments, releases: Releases
) -> list[Placed]:
    """The environment and the release of each event."""
    placed = []
    for event in events:
        place = Placed(event, environments[event.organization_id, event.environment])
        if event.release:
            known = releases[Mention(event.organization_id, event.project_id, event.release)]
            place.release_id = known.release_id
            if known.version != event.release:
                _rename_release(event, known)
        placed.append(place)
    return placed


def _rename_release(event: PreparedEvent, release: Known) -> None:
    """The event belongs to the release that its project knows by a longer name."""
    event.release = release.version
    event.tags = [
        (key, release.version if key == "release" else value) for key, value in event.tags
    ]
    stored = codec.unpack(event.payload)
    stored["release"] = release.version
    stored["tags"] = [list(tag) for tag in event.tags]
    event.payload, event.size = codec.pack(stored)
