"""Events and sessions of the past, stored and counted as they would have been at the time."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction

from issues.payload.event import PreparedEvent, Sender
from issues.payload.prepare import prepare
from sentrylite.arrays import literal
from sentrylite.releases.sessions import Session
from stats.periods import WIDTHS, oldest_bucket

from .authentication import KeyInfo
from .digest import digest
from .increments import Increments
from .sessions import PreparedSessions

EVENTS_AT_ONCE = 250

# Ingestion notes when it met the first event of a release: in the past that was when it happened.
DATE_RELEASES = """
    UPDATE releases_releaseproject link SET first_event_at = to_timestamp(batch.moment)
    FROM unnest(%s::bigint[], %s::bigint[], %s::float8[]) AS batch(project_id, release_id, moment)
    WHERE link.project_id = batch.project_id AND link.release_id = batch.release_id
        AND link.first_event_at > to_timestamp(batch.moment)
"""


class Replay:
    """Takes events oldest first and writes them in batches; the last one with `flush`. Sessions are
    written at once.

    Buckets that are past their lifetime by `now` (epoch seconds) are not written.
    """

    def __init__(self, *, now: float) -> None:
        self._batch: list[PreparedEvent] = []
        self._oldest = {width: oldest_bucket(width, now) for width in WIDTHS}
        self.stored = 0
        """How many events were new."""

    def add(self, key: KeyInfo, raw: dict[str, Any], *, moment: float, client: str) -> None:
        """Take an event that arrived with this key at `moment` (epoch seconds)."""
        event = prepare(raw, rules=key.scrub, sender=Sender(client=client), now=moment)
        event.project_id = key.project_id
        event.organization_id = key.organization_id
        event.key_id = key.key_id
        self._batch.append(event)
        if len(self._batch) >= EVENTS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Events whose id their project knows are left out."""
        if self._batch:
            increments = self._write(self._batch)
            self.stored += sum(times for times, _ in increments.issues.values())
            self._batch.clear()

    def write_sessions(self, key: KeyInfo, arrivals: Iterable[tuple[float, list[Session]]]) -> None:
        """Write the sessions that arrived with this key at these moments (epoch seconds).

        A session is counted once as long as its id is tracked (`releases.sessions.MAX_AGE`).
        """
        envelopes = [
            PreparedSessions(
                sessions,
                len(sessions),
                moment,
                project_id=key.project_id,
                organization_id=key.organization_id,
                key_id=key.key_id,
            )
            for moment, sessions in arrivals
        ]
        self._write([], envelopes)

    def _write(
        self, events: Sequence[PreparedEvent], sessions: Sequence[PreparedSessions] = ()
    ) -> Increments:
        with transaction.atomic(), connection.cursor() as cursor:
            increments = digest(cursor.cursor, events, sessions)
            self._drop_expired(increments)
            increments.apply(cursor.cursor)
            self._date_releases(cursor, increments)
        return increments

    def _date_releases(self, cursor: Any, increments: Increments) -> None:
        first: dict[tuple[int, int], float] = {}
        for (project_id, _, _, release_id), span in increments.seen_in.items():
            key = (project_id, release_id)
            first[key] = min(span.first, first.get(key, span.first))
        if first:
            rows = sorted((*key, moment) for key, moment in first.items())
            cursor.execute(DATE_RELEASES, list(map(literal, zip(*rows, strict=True))))

    def _drop_expired(self, increments: Increments) -> None:
        oldest = self._oldest
        increments.series = {
            (project_id, kind, object_id, width, bucket): quantity
            for (project_id, kind, object_id, width, bucket), quantity in increments.series.items()
            if bucket >= oldest[width]
        }
        increments.health = {
            (project_id, release_id, width, bucket, environment_id): health
            for (project_id, release_id, width, bucket, environment_id), health in (
                increments.health.items()
            )
            if bucket >= oldest[width]
        }
