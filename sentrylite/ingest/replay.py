"""Events of the past, stored and counted as they would have been at the time."""

from typing import Any

from django.db import connection, transaction

from issues.payload.event import PreparedEvent, Sender
from issues.payload.prepare import prepare

from .authentication import KeyInfo
from .digest import digest

EVENTS_AT_ONCE = 250


class Replay:
    """Takes events oldest first and writes them in batches; the last one with `flush`."""

    def __init__(self) -> None:
        self._batch: list[PreparedEvent] = []
        self.stored = 0
        """How many were new."""

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
        if not self._batch:
            return
        with transaction.atomic(), connection.cursor() as cursor:
            increments = digest(cursor.cursor, self._batch)
            increments.apply(cursor.cursor)
        self.stored += sum(times for times, _ in increments.issues.values())
        self._batch.clear()
