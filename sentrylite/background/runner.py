"""What takes tasks that are due and runs them, one after the other.

A runner holds the advisory lock of a number of its own, which is in its name, on the connection
that its tasks use. So whoever sees a running task can tell whether its runner is still there; when
it is not, the task is put back, and run again.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from traceback import format_exception
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from django_tasks import TaskContext, TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from .interruption import Interrupted, interruptible
from .retries import DATABASE, retry_after

logger = logging.getLogger(__name__)

# Seconds.
IDLE = 1.0
ELECTION_EVERY = 3.0
RECOVER_EVERY = 30.0
# By then a task that gives way is put behind those that are more urgent.
SLICE = 10.0

# Arbitrary, and nobody else's: advisory locks are numbers.
ELECTION = 7_265_741_100_000_003

TABLE = DBTaskResult._meta.db_table
TRY_LOCK = "SELECT pg_try_advisory_lock(%s)"
UNLOCK = "SELECT pg_advisory_unlock(%s)"

# A task without `run_after` is due; the library writes that as the end of time. Who became due
# first comes first, so that one who keeps coming back cannot keep others waiting.
TAKE = f"""
    UPDATE {TABLE}
    SET status = 'RUNNING', started_at = %(now)s,
        worker_ids = worker_ids || to_jsonb(%(name)s::text)
    WHERE id = (
        SELECT id FROM {TABLE}
        WHERE status = 'READY' AND (run_after <= %(now)s OR run_after = %(any_time)s)
        ORDER BY priority DESC,
            CASE WHEN run_after = %(any_time)s THEN enqueued_at ELSE run_after END, enqueued_at
        LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING *
"""

# The lock of a runner that is gone is free. One whose tasks end in its death is not to go on.
RECOVER = rf"""
    WITH runners AS MATERIALIZED (
        SELECT DISTINCT worker_ids ->> -1 AS name FROM {TABLE} WHERE status = 'RUNNING'
    ), gone AS MATERIALIZED (
        SELECT name FROM runners
        WHERE pg_try_advisory_xact_lock(substring(name FROM ':(\d{{1,18}})$')::bigint)
    ), orphans AS MATERIALIZED (
        SELECT id, jsonb_array_length(worker_ids) >= %(attempts)s AS is_hopeless
        FROM {TABLE} JOIN gone ON worker_ids ->> -1 = name
        WHERE status = 'RUNNING' ORDER BY id FOR UPDATE OF {TABLE} SKIP LOCKED
    )
    UPDATE {TABLE} task
    SET status = CASE WHEN is_hopeless THEN 'FAILED' ELSE 'READY' END,
        finished_at = CASE WHEN is_hopeless THEN %(now)s::timestamptz END,
        traceback = CASE WHEN is_hopeless THEN 'Its process died each time.' ELSE traceback END
    FROM orphans WHERE task.id = orphans.id
    RETURNING task.id, task.task_path, is_hopeless
"""


class Runner:
    """Runs tasks in the thread that calls `run` or `run_due`, or after `start` in its own.

    `is_elected` runners of one database, one in each process of its servers, leave the work to one
    of them, and when that is gone to another a few seconds later: an idle one costs a connection
    and a statement a second. `clock` tells what is due.
    """

    def __init__(
        self, *, is_elected: bool = False, clock: Callable[[], datetime] = timezone.now
    ) -> None:
        self._is_elected = is_elected
        self._clock = clock
        self._name = ""
        self._numbers: list[int] = []
        self._locked: object = None  # the connection that has the locks
        self._recovered_at = float("-inf")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name="background", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Begin nothing new. May be called by a signal handler."""
        self._stopping.set()

    def stop(self) -> None:
        """Wait for the task that runs, up to its next checkpoint; what is left of it goes on
        another time."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def run(self) -> None:
        """Run what is due, whenever it is due, until told to stop."""
        is_waiting = False
        while not self._stopping.is_set():
            pause = IDLE
            try:
                if self._hold_locks():
                    self._run_due()
                else:
                    pause = ELECTION_EVERY
                is_waiting = False
            except (OperationalError, InterfaceError) as error:
                if not is_waiting:
                    logger.warning("background work waits for the database: %s", _line(error))
                is_waiting = True
                connection.close()
            except Exception:
                logger.exception("background work is interrupted")
                connection.close()
            self._stopping.wait(pause)
        connection.close()

    def run_due(self) -> int:
        """Run what is due now, and what becomes due by it; returns how many were begun."""
        self._hold_locks()
        try:
            return self._run_due()
        finally:
            self._release_locks()

    def _run_due(self) -> int:
        begun = 0
        if time.monotonic() - self._recovered_at > RECOVER_EVERY:
            self._recover()
        while not self._stopping.is_set():
            taken = self._take()
            if taken is None:
                break
            self._run(taken)
            begun += 1
        return begun

    # Locks --------------------------------------------------------------------------------------

    def _hold_locks(self) -> bool:
        """Whether this runner may run: it has a name whose lock it holds and, if need be, was
        elected. On a new connection it has a new name: nobody has to wait for the old one."""
        if connection.connection is not None and connection.connection is self._locked:
            return True
        number = secrets.randbits(59)
        numbers = [ELECTION, number] if self._is_elected else [number]
        with connection.cursor() as cursor:
            for wanted in numbers:
                cursor.execute(TRY_LOCK, [wanted])
                if not cursor.fetchone()[0]:
                    connection.close()
                    return False
        self._name = f"{socket.gethostname()}:{os.getpid()}:{number}"
        self._numbers, self._locked = numbers, connection.connection
        self._recovered_at = float("-inf")
        return True

    def _release_locks(self) -> None:
        if connection.connection is self._locked:
            with connection.cursor() as cursor:
                for number in self._numbers:
                    cursor.execute(UNLOCK, [number])
        self._locked = None

    def _recover(self) -> None:
        """Put back what runners were at that are gone, this one's earlier names among them."""
        with connection.cursor() as cursor:
            cursor.execute(RECOVER, {"attempts": DATABASE.attempts, "now": self._clock()})
            for task_id, path, is_hopeless in cursor.fetchall():
                if is_hopeless:
                    logger.error("task %s %s failed: its process died each time", path, task_id)
                else:
                    logger.warning("task %s %s is run again: its process died", path, task_id)
        self._recovered_at = time.monotonic()

    # One task -----------------------------------------------------------------------------------

    def _take(self) -> DBTaskResult | None:
        """One statement also when there is nothing to do."""
        values = {"now": self._clock(), "any_time": get_date_max(), "name": self._name}
        for taken in DBTaskResult.objects.raw(TAKE, values):
            return taken
        return None

    def _run(self, taken: DBTaskResult) -> None:
        function: Callable[..., object] | None = None
        begun = time.monotonic()
        try:
            task = taken.task
            function = task.func
            result: Any = taken.task_result
            arguments = [TaskContext(task_result=result)] if task.takes_context else []
            with interruptible(lambda: self._stopping.is_set() or time.monotonic() - begun > SLICE):
                value = task.call(*arguments, *result.args, **result.kwargs)
            taken.set_successful(value)
        except Interrupted:
            # Not an attempt that failed: it is not counted.
            _put_back(taken, run_after=self._clock(), worker_ids=taken.worker_ids[:-1])
        except Exception as error:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            self._go_on_after(taken, function, error)
        else:
            logger.debug("task %s %s is done", taken.task_path, taken.pk)

    def _go_on_after(
        self, taken: DBTaskResult, function: Callable[..., object] | None, error: Exception
    ) -> None:
        attempt = len(taken.worker_ids)
        # A function that is not there may be a later version's: whoever runs that can take it.
        retry = retry_after(function, error) if function else DATABASE
        if retry is None or attempt >= retry.attempts:
            logger.error(
                "task %s %s failed", taken.task_path, taken.pk, exc_info=error, stacklevel=2
            )
            taken.set_failed(error)
            return
        pause = retry.pause_after(attempt)
        _put_back(
            taken,
            run_after=self._clock() + pause,
            exception_class_path=f"{type(error).__module__}.{type(error).__qualname__}",
            traceback="".join(format_exception(error)),
        )
        logger.warning(
            "task %s %s is run again in %s s: %s",
            taken.task_path,
            taken.pk,
            round(pause / timedelta(seconds=1)),
            _line(error),
        )


def _put_back(taken: DBTaskResult, **changes: object) -> None:
    DBTaskResult.objects.filter(pk=taken.pk, status=TaskResultStatus.RUNNING).update(
        status=TaskResultStatus.READY, **changes
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
