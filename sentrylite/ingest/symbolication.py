"""Events that are symbolicated on their way to the buffer: in one thread, beside the event loop.

Their requests wait for it, for they are answered when the event is stored; other requests do not.
Whatever happens to it, the event goes on: after ten seconds, when too many wait, or when something
fails, it is stored as it was sent, with an error that says so.
"""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

from django.db import InterfaceError, OperationalError, connection

from issues.payload.values import JsonObject
from issues.symbolication import Symbolicator, detached

from .authentication import KeyInfo

logger = logging.getLogger(__name__)

SECONDS = 10.0
"""That an event waits for it at most."""
MAX_BYTES = 16 * 1024 * 1024
"""Of events that wait for it."""


class Symbolication:
    """Belongs to one event loop. The thread, its database connection and the process that reads
    files are made when the first event needs them."""

    def __init__(self) -> None:
        self._symbolicator = Symbolicator()
        self._thread = ThreadPoolExecutor(1, "symbols")
        self._waiting = 0

    async def symbolicate(self, event: JsonObject, size: int, key: KeyInfo) -> JsonObject:
        """A cleaned event of `size` bytes with its frames where they come from, or else as it was,
        with an error. Raises nothing."""
        if self._waiting + size > MAX_BYTES:
            return _failed(event, "too many events wait for it")
        self._waiting += size
        until = time.monotonic() + SECONDS
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._thread, self._run, event, key, until)
        try:
            return await asyncio.wait_for(work, SECONDS)
        except TimeoutError:
            return _failed(event, f"it takes longer than {SECONDS:g} seconds")
        except Exception:
            logger.exception("an event could not be symbolicated")
            return _failed(event, "it failed")
        finally:
            self._waiting -= size

    def close(self) -> None:
        """End the thread and what it uses, when the last event has been symbolicated."""
        self._thread.submit(_disconnect)
        self._thread.shutdown()
        self._symbolicator.close()

    def _run(self, event: JsonObject, key: KeyInfo, until: float) -> JsonObject:
        try:
            return self._attempt(event, key, until)
        except (OperationalError, InterfaceError):
            connection.close()  # it was lost since the last event; the next one may be good
            return self._attempt(event, key, until)

    def _attempt(self, event: JsonObject, key: KeyInfo, until: float) -> JsonObject:
        copy = detached(event)
        self._symbolicator.symbolicate(
            copy, project_id=key.project_id, uploads=key.uploads, until=until
        )
        return copy


def _disconnect() -> None:
    """Close the connection of the thread that calls: each has its own."""
    connection.close()


def _failed(event: JsonObject, reason: str) -> JsonObject:
    error = {"type": "native_symbolicator_failed", "reason": f"Not symbolicated: {reason}."}
    return event | {"errors": [*event.get("errors", []), error]}
