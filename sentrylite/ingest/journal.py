"""Counter increments: one row a batch when many events come, folded into the counters in the
background, exactly once.

A process owns its rows while its folder's connection holds the advisory lock of the owner's
number. Rows of a dead owner are folded by whoever notices. Rows are deleted in the transaction
that applies them, so they can be folded neither twice nor never, whoever tries.
"""

import logging
import secrets
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from sentrylite.arrays import literal
from sentrylite.statements import Statement

from .connection import Connection, Lost
from .increments import Increments

logger = logging.getLogger(__name__)

INTERVAL = 0.5
ROWS_AT_ONCE = 500
ORPHANS_EVERY = 30.0
LAST_ATTEMPTS = 3

RECORD = Statement(
    "record_in_journal",
    "INSERT INTO issues_journalentry (owner, data) VALUES (%s, %s) RETURNING id",
)
TAKE = Statement(
    "take_from_journal", "DELETE FROM issues_journalentry WHERE id = ANY(%s::bigint[])"
)
OWNERS = "SELECT DISTINCT owner FROM issues_journalentry WHERE owner <> %s"
LOCK = "SELECT pg_advisory_lock(%s)"
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"
TAKE_OLDEST = f"""
    DELETE FROM issues_journalentry WHERE id IN (
        SELECT id FROM issues_journalentry WHERE owner = %s ORDER BY id
        LIMIT {ROWS_AT_ONCE} FOR UPDATE)
    RETURNING data
"""


class Journal:
    """This process's rows, and the thread that folds them."""

    def __init__(self) -> None:
        self.owner = secrets.randbits(63)
        self._connection = Connection("folder", self._own)
        self._lock = threading.Lock()
        self._ids: list[int] = []
        self._sum = Increments()
        # Whether there may be rows of ours that are not in `_ids`.
        self._is_incomplete = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="folder", daemon=True)

    def start(self) -> None:
        """Own a number, fold what dead processes left, and begin. Raises when there is no
        database."""
        self._connection.run(lambda cursor: None)
        self.fold_orphans()
        self._thread.start()

    def stop(self) -> None:
        """Fold what is left and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._connection.close()

    # Called by the digest's thread --------------------------------------------------------------

    def record(self, cursor: Any, increments: Increments) -> int:
        """Write a batch's increments in the batch's own transaction; returns the row's id."""
        RECORD.run(cursor, self.owner, increments.dump())
        return cursor.fetchone()[0]

    def recorded(self, entry_id: int, increments: Increments) -> None:
        """Say that the transaction with this row is committed."""
        with self._lock:
            self._ids.append(entry_id)
            self._sum += increments

    def doubt(self) -> None:
        """Say that a transaction with a row of ours may or may not have been committed."""
        self._is_incomplete = True

    # Folding ------------------------------------------------------------------------------------

    def fold(self) -> None:
        """Apply what this process has recorded so far. One transaction of a fixed number of
        statements."""
        with self._lock:
            ids, increments = self._ids, self._sum
            self._ids, self._sum = [], Increments()
        is_complete = not self._is_incomplete
        if ids and is_complete:
            is_complete = self._connection.run(lambda cursor: _apply(cursor, ids, increments))
        if not is_complete:
            # What is in the table is the truth; what was in memory is only its shortcut.
            self._is_incomplete = True
            while self._connection.run(lambda cursor: _fold_oldest(cursor, self.owner)):
                pass
            self._is_incomplete = False

    def fold_orphans(self) -> int:
        """Apply what dead processes left behind; returns how many rows."""
        owners = self._connection.run(self._other_owners)
        folded = 0
        for owner in owners:
            while count := self._connection.run(partial(_adopt, owner=owner)):
                folded += count
        if folded:
            logger.info("counted %d batches that an earlier process had left behind", folded)
        return folded

    def _own(self, cursor: Any) -> None:
        cursor.execute(LOCK, [self.owner])

    def _other_owners(self, cursor: Any) -> list[int]:
        cursor.execute(OWNERS, [self.owner])
        return [owner for (owner,) in cursor.fetchall()]

    def _run(self) -> None:
        since_orphans = 0.0
        while not self._stopping.wait(INTERVAL):
            self._try(self.fold)
            since_orphans += INTERVAL
            if since_orphans >= ORPHANS_EVERY:
                since_orphans = 0.0
                self._try(self.fold_orphans)
        # Not more often: what stays behind is folded by who starts next.
        for _ in range(LAST_ATTEMPTS):
            if self._try(self.fold):
                return

    def _try(self, work: Callable[[], object]) -> bool:
        try:
            work()
            return True
        except Lost as error:
            self.doubt()
            logger.warning("counters wait for the database: %s", str(error).strip())
        except Exception:
            self.doubt()
            logger.exception("counters could not be written; trying again")
        return False


def _apply(cursor: Any, ids: list[int], increments: Increments) -> bool:
    """Take the rows and apply their sum; False, and nothing done, when not all are there."""
    TAKE.run(cursor, literal(ids))
    if cursor.rowcount != len(ids):
        cursor.connection.rollback()
        return False
    increments.apply(cursor)
    return True


def _fold_oldest(cursor: Any, owner: int) -> int:
    cursor.execute(TAKE_OLDEST, [owner])
    rows = cursor.fetchall()
    increments = Increments()
    for (data,) in rows:
        increments += Increments.load(bytes(data))
    increments.apply(cursor)
    return len(rows)


def _adopt(cursor: Any, owner: int) -> int:
    """Fold some rows of an owner if it is dead: nobody holds its lock."""
    cursor.execute(TRY_LOCK, [owner])
    return _fold_oldest(cursor, owner) if cursor.fetchone()[0] else 0
