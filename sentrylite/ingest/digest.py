"""One transaction for a batch of events, step by step."""

from collections.abc import Sequence
from typing import Any

from issues import announcements, feedback, intake, ownership
from issues.intake import Placed
from issues.payload import codec
from issues.payload.event import PreparedEvent
from sentrylite.organizations import intake as organization_intake
from sentrylite.releases import intake as release_intake
from sentrylite.releases.intake import Known, Mention

from .increments import Increments


def digest(cursor: Any, events: Sequence[PreparedEvent]) -> Increments:
    """Write a batch, all but its counters; returns what it adds to those.

    `cursor` is psycopg2's own, inside a transaction that the caller commits. The number of
    statements does not depend on the size of the batch: five when everything was seen before,
    about twenty when new environments, releases, issues, regressions and reports meet in one, and
    two more when service hooks are told of it. Events of discarded issues are only counted, as
    often as they are sent. Raises `KeysClosed` when a key was disabled or deleted since: the caller
    rolls back.
    """
    increments = Increments()
    events = intake.claim_event_ids(cursor, events)
    if not events:
        return increments
    placed = _place(cursor, events)
    settled = intake.assign_issues(cursor, placed)
    placed, dropped = intake.drop_discarded(cursor, placed, settled.discarded)
    increments.add_discarded(dropped)
    if not placed:
        return increments
    reopened = intake.reopen_issues(cursor, placed, settled.resolved)
    intake.insert_events(cursor, placed)
    woken = intake.wake_issues(cursor, placed, settled.ignored)
    ownership.assign_owners(cursor, placed, settled.owned)
    feedback.bind_reports(cursor, placed, settled.awaited)
    increments.add_events(placed)
    announcements.announce_events(cursor, placed, reopened | woken, increments.series)
    return increments


def _place(cursor: Any, events: Sequence[PreparedEvent]) -> list[Placed]:
    """The environment and the release of each event, made when they are new."""
    environments = organization_intake.ensure_environments(
        cursor,
        {
            organization_intake.Mention(
                event.organization_id, event.project_id, event.key_id, event.environment
            )
            for event in events
        },
    )
    mentions: dict[Mention, float] = {}
    for event in events:
        if event.release:
            mention = Mention(event.organization_id, event.project_id, event.release)
            mentions[mention] = min(event.timestamp, mentions.get(mention, event.timestamp))
    releases = release_intake.ensure_releases(cursor, mentions)
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
