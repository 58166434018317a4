"""Group commit: many requests wait for one transaction.

A request adds its event to the open batch and waits. One thread takes the batch, writes it in one
transaction and only then wakes everybody in it: what was answered with 200 is on disk.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from typing import NamedTuple

import psycopg2.extensions

from issues import feedback
from issues.payload.event import PreparedEvent
from issues.payload.feedback import PreparedReport
from sentrylite.organizations.intake import KeysClosed
from stats import counters

from . import outcomes
from .authentication import KeyInfo
from .connection import Connection, Lost
from .digest import digest
from .increments import Increments
from .journal import Journal
from .quotas import Allowance, RateLimit
from .sessions import PreparedSessions

logger = logging.getLogger(__name__)

EVENTS_AT_ONCE = 500
BYTES_AT_ONCE = 16 * 1024 * 1024
# From this many events on a batch is journaled; a smaller one is counted at once, so that a
# server that is not busy shows an event as soon as it has answered.
JOURNAL_FROM = 8
# When a batch had so many, more are sure to come: the next one is given a moment (seconds) to fill.
# A batch costs about as much as six events do, so under load that is a quarter of all work saved;
# who sends one event after the other is never made to wait.
GATHER_AFTER = 4
GATHER = 0.01
# What to write of a session costs about as much as so many bytes of an event.
BYTES_OF_SESSION = 1024
MAX_EVENTS = 5_000
MAX_BYTES = 64 * 1024 * 1024
ATTEMPTS = 3


class Full(Exception):
    """More events wait than the buffer holds: try again in a moment."""


class Unavailable(Exception):
    """The database cannot be reached: nothing was stored."""


class NotStored(Exception):
    """The database refuses this one event."""


What = PreparedEvent | PreparedReport | PreparedSessions


class Waiting(NamedTuple):
    what: What
    size: int
    future: asyncio.Future[None]
    limit: RateLimit | None

    @property
    def key_id(self) -> int:
        """Reports are asked for no key."""
        return 0 if isinstance(self.what, PreparedReport) else self.what.key_id


# What single events of a batch fail with; the others are stored.
Errors = dict[asyncio.Future[None], Exception]


class Buffer:
    """The events of one process on their way to the database; it belongs to one event loop."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._connection = Connection("digest")
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._counts: counters.Counts = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="digest", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what waits and end."""
        with self._changed:
            self._stopping.set()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._connection.close()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    # Called on the event loop -------------------------------------------------------------------

    async def submit(self, what: What, limit: RateLimit | None = None) -> None:
        """Return when the event, the report or the sessions are stored, or when what has their
        ids was before.

        `limit` is that of an event's key. Raises Full, Unavailable, NotStored, KeysClosed but for
        reports, and RateLimited for events; it is then not stored.
        """
        size = _size(what)
        future = asyncio.get_running_loop().create_future()
        with self._changed:
            if (
                self._stopping.is_set()
                or len(self._waiting) >= MAX_EVENTS
                or self._bytes + size > MAX_BYTES
            ):
                raise Full
            self._waiting.append(Waiting(what, size, future, limit))
            self._bytes += size
            if len(self._waiting) == 1:
                self._changed.notify()
        await future

    def count(self, key: KeyInfo, outcome: str, category: str = "error", quantity: int = 1) -> None:
        """Count what came to something else than an event (`outcomes.add`), with the next batch.

        Nobody waits for it.
        """
        with self._changed:
            outcomes.add(self._counts, key, outcome, category, quantity, now=time.time())
            self._changed.notify()

    # The thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        batch: list[Waiting] = []
        while True:
            if len(batch) >= GATHER_AFTER:
                self._stopping.wait(GATHER)
            with self._changed:
                while not (self._waiting or self._counts or self._stopping.is_set()):
                    self._changed.wait()
                batch, counts = self._take()
            if not (batch or counts):
                return
            reports = [each for each in batch if isinstance(each.what, PreparedReport)]
            if counts or len(reports) < len(batch):
                others = [each for each in batch if not isinstance(each.what, PreparedReport)]
                self._write_batch(others, counts)
            if reports:
                # Not in one transaction with events: a report may have to wait for an event of
                # another process, and nobody is to wait for us meanwhile.
                self._write_batch(reports, {})

    def _take(self) -> tuple[list[Waiting], counters.Counts]:
        batch: list[Waiting] = []
        size = 0
        while self._waiting and len(batch) < EVENTS_AT_ONCE and size < BYTES_AT_ONCE:
            waiting = self._waiting.popleft()
            batch.append(waiting)
            size += waiting.size
        self._bytes -= size
        counts, self._counts = self._counts, {}
        return batch, counts

    def _write_batch(self, batch: list[Waiting], counts: counters.Counts) -> None:
        """One transaction for all; if that is refused, one for each, so that a bad event only
        refuses itself. All are events and sessions, or all are reports."""
        try:
            errors = self._attempt(batch, counts)
        except NotStored:
            if len(batch) > 1:
                logger.warning("a batch of %d was refused, writing them one by one", len(batch))
                self._write_batch([], counts)
                for waiting in batch:
                    self._write_batch([waiting], {})
                return
            errors = {waiting.future: NotStored() for waiting in batch}
        except Unavailable:
            errors = {waiting.future: Unavailable() for waiting in batch}
        _wake(batch, errors)

    def _attempt(self, batch: list[Waiting], counts: counters.Counts) -> Errors:
        """Write, and again after a lost connection, a deadlock or a row that was deleted meanwhile:
        ids that are stored already are not stored twice, so trying again is always right.

        Returns the errors of single events. Raises Unavailable, and NotStored for a batch with a
        bad event in it.
        """
        closed: Errors = {}
        attempts_left = ATTEMPTS
        while True:
            try:
                return closed | self._write(batch, counts)
            except KeysClosed as error:
                key_ids = error.key_ids
                refused = [waiting for waiting in batch if waiting.key_id in key_ids]
                closed |= {waiting.future: KeysClosed(key_ids) for waiting in refused}
                batch = [waiting for waiting in batch if waiting.key_id not in key_ids]
            except (*Lost, psycopg2.extensions.TransactionRollbackError) as error:
                self._journal.doubt()
                attempts_left -= 1
                if not attempts_left:
                    logger.error("events cannot be stored: %s", str(error).strip())
                    raise Unavailable from error
            except Exception as error:
                self._journal.doubt()
                attempts_left -= 1
                # What was just found there, such as a release, was just deleted.
                if isinstance(error, psycopg2.errors.ForeignKeyViolation) and attempts_left:
                    continue
                logger.exception("a batch of %d was refused", len(batch))
                raise NotStored from error

    def _write(self, batch: list[Waiting], counts: counters.Counts) -> Errors:
        """One transaction; returns the errors of the events that are over their keys' limits."""
        reports = [each.what for each in batch if isinstance(each.what, PreparedReport)]
        entry: tuple[int, Increments] | None = None
        over: Errors = {}

        def work(cursor: object) -> None:
            nonlocal entry
            if reports:
                feedback.store_reports(cursor, reports, now=time.time())
            asking = ((waiting.key_id, waiting.limit) for waiting in batch)
            allowance = Allowance(cursor, asking, now=time.time())
            events, sessions = [], []
            for waiting in batch:
                if isinstance(waiting.what, PreparedSessions):
                    sessions.append(waiting.what)
                elif error := allowance.spend(waiting.key_id):
                    over[waiting.future] = error
                elif isinstance(waiting.what, PreparedEvent):
                    events.append(waiting.what)
            increments = digest(cursor, events, sessions)
            for bucket, quantity in counts.items():
                increments.series[bucket] = increments.series.get(bucket, 0) + quantity
            if len(events) + len(sessions) >= JOURNAL_FROM:
                entry = self._journal.record(cursor, increments), increments
            else:
                increments.apply(cursor)

        self._connection.run(work)
        if entry:
            self._journal.recorded(*entry)
        return over


def _size(what: What) -> int:
    if isinstance(what, PreparedEvent):
        return len(what.payload)
    if isinstance(what, PreparedSessions):
        return len(what.sessions) * BYTES_OF_SESSION
    return len(what.comments)


def _wake(batch: list[Waiting], errors: Errors) -> None:
    """Finish the waiting requests: one call into the event loop, not one an event."""
    if not batch:
        return
    loop = batch[0].future.get_loop()

    def finish() -> None:
        for waiting in batch:
            if waiting.future.done():  # its client has gone
                continue
            error = errors.get(waiting.future)
            if error is None:
                waiting.future.set_result(None)
            else:
                waiting.future.set_exception(error)

    loop.call_soon_threadsafe(finish)
