import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django_tasks_db.models import DBTaskResult

from sentrylite.accounts.models import User
from sentrylite.background import queue, runner
from sentrylite.background.retries import DATABASE
from sentrylite.background.runner import Runner
from tests.background import errands

pytestmark = pytest.mark.django_db

RunTasks = Callable[[datetime], int]
PATIENCE = 30.0


def emails() -> set[str]:
    return set(User.objects.values_list("email", flat=True))


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.02)


@contextmanager
def running(*runners: Runner) -> Iterator[None]:
    for each in runners:
        each.start()
    try:
        yield
    finally:
        for each in runners:
            each.stop()


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "IDLE", 0.02)
    monkeypatch.setattr(runner, "ELECTION_EVERY", 0.05)


# Taking -------------------------------------------------------------------------------------------


def test_a_task_runs_once(run_tasks: RunTasks, now: datetime) -> None:
    errands.greet.enqueue("ada")
    assert run_tasks(now) == 1
    assert emails() == {"ada@example.com"}
    assert run_tasks(now) == 0
    task = DBTaskResult.objects.get()
    assert (task.status, task.started_at, len(task.worker_ids)) == ("SUCCESSFUL", now, 1)
    assert str(os.getpid()) in task.worker_ids[0]


def test_a_task_of_a_transaction_that_is_rolled_back_never_runs(
    run_tasks: RunTasks, now: datetime
) -> None:
    with suppress(ZeroDivisionError), transaction.atomic():
        errands.greet.enqueue("ada")
        raise ZeroDivisionError
    assert run_tasks(now) == 0


@pytest.mark.django_db(transaction=True)
def test_a_task_runs_after_the_commit(brisk: None) -> None:
    with running(Runner()):
        with transaction.atomic():
            errands.greet.enqueue("ada")
            time.sleep(0.2)
            assert DBTaskResult.objects.get().status == "READY"
        wait_until(lambda: emails() == {"ada@example.com"})


def test_a_task_waits_for_its_time(run_tasks: RunTasks, now: datetime) -> None:
    errands.greet.using(run_after=now + timedelta(minutes=5)).enqueue("ada")
    assert run_tasks(now + timedelta(minutes=4)) == 0
    assert run_tasks(now + timedelta(minutes=5)) == 1


def test_urgent_tasks_go_first(run_tasks: RunTasks, now: datetime) -> None:
    errands.greet.using(priority=-10).enqueue("last")
    errands.greet.enqueue("second")
    errands.greet.using(priority=10).enqueue("first")
    run_tasks(now)
    in_order = User.objects.order_by("pk").values_list("email", flat=True)
    assert [email.partition("@")[0] for email in in_order] == ["first", "second", "last"]


@pytest.mark.django_db(transaction=True)
def test_runners_never_run_one_task_at_once(brisk: None) -> None:
    for number in range(100):
        errands.greet.enqueue(str(number))  # twice would break the uniqueness of its email
    with running(*(Runner() for _ in range(4))):
        wait_until(lambda: not DBTaskResult.objects.filter(status__in=["READY", "RUNNING"]))
    assert set(DBTaskResult.objects.values_list("status", flat=True)) == {"SUCCESSFUL"}
    assert User.objects.count() == 100


@pytest.mark.django_db(transaction=True)
def test_of_elected_runners_one_works_and_another_follows(brisk: None) -> None:
    first, second = Runner(is_elected=True), Runner(is_elected=True)
    with running(second):
        with running(first):
            wait_until(lambda: bool(first._name or second._name))
            time.sleep(0.3)
            assert bool(first._name) != bool(second._name)
            errands.greet.enqueue("ada")
            wait_until(lambda: emails() == {"ada@example.com"})
        # whichever it was, the other is there
        errands.greet.enqueue("grace")
        wait_until(lambda: "grace@example.com" in emails())


@pytest.mark.django_db(transaction=True)
def test_a_runner_without_work_asks_in_one_statement(django_assert_num_queries: Any) -> None:
    idle = Runner()
    assert idle._hold_locks()
    idle._run_due()
    with django_assert_num_queries(1):
        idle._run_due()
    idle._release_locks()


# Failing ------------------------------------------------------------------------------------------


def test_a_task_that_fails_is_logged_and_kept(
    run_tasks: RunTasks, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    errands.fail.enqueue("out of paper")
    errands.greet.enqueue("ada")
    assert run_tasks(now) == 2
    assert emails() == {"ada@example.com"}
    task = DBTaskResult.objects.get(status="FAILED")
    assert task.exception_class_path == "builtins.ValueError"
    assert "ValueError: out of paper" in task.traceback
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert f"errands.fail {task.pk} failed" in record.getMessage()
    assert record.exc_info


def test_retries_back_off_and_end(run_tasks: RunTasks, now: datetime) -> None:
    errands.deliver.enqueue("unreachable")
    pauses = []
    moment = now
    for _ in range(2):
        assert run_tasks(moment) == 1
        task = DBTaskResult.objects.get()
        assert task.status == "READY"
        assert "Unreachable" in task.traceback
        assert run_tasks(task.run_after - timedelta(seconds=1)) == 0
        pauses.append((task.run_after - moment).total_seconds())
        moment = task.run_after
    assert 8 <= pauses[0] <= 12
    assert 12 <= pauses[1] <= 18  # 20 seconds, capped at 15
    assert run_tasks(moment) == 1
    task = DBTaskResult.objects.get()
    assert (task.status, len(task.worker_ids)) == ("FAILED", 3)


def test_other_errors_are_not_tried_again(run_tasks: RunTasks, now: datetime) -> None:
    errands.deliver.enqueue("no such address")
    assert run_tasks(now) == 1
    assert DBTaskResult.objects.get().status == "FAILED"


def test_errors_of_the_database_are_tried_again_up_to_an_end(
    run_tasks: RunTasks, now: datetime
) -> None:
    errands.deadlock.enqueue()
    for _ in range(DATABASE.attempts - 1):
        assert run_tasks(now) == 1
        task = DBTaskResult.objects.get()
        assert task.status == "READY"
        now = task.run_after
    assert run_tasks(now) == 1
    assert DBTaskResult.objects.get().status == "FAILED"


def test_a_task_that_is_not_known_waits_for_who_knows_it(
    run_tasks: RunTasks, now: datetime
) -> None:
    errands.greet.enqueue("ada")
    DBTaskResult.objects.update(task_path="tests.background.errands.later")
    assert run_tasks(now) == 1
    assert DBTaskResult.objects.get().status == "READY"


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_opened_again(brisk: None) -> None:
    with running(Runner(is_elected=True)):
        errands.greet.enqueue("ada")
        wait_until(lambda: len(emails()) == 1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks"
                " WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        errands.greet.enqueue("grace")
        wait_until(lambda: len(emails()) == 2)


# Dying and stopping -------------------------------------------------------------------------------


def test_what_a_dead_runner_was_at_is_run_again(run_tasks: RunTasks, now: datetime) -> None:
    errands.greet.enqueue("ada")
    DBTaskResult.objects.update(status="RUNNING", worker_ids=["host:1:123456789"])
    assert run_tasks(now) == 1
    task = DBTaskResult.objects.get()
    assert (task.status, len(task.worker_ids)) == ("SUCCESSFUL", 2)


@pytest.mark.django_db(transaction=True)
def test_what_a_living_runner_is_at_is_left_to_it(run_tasks: RunTasks, now: datetime) -> None:
    errands.greet.enqueue("ada")
    living = Runner()
    held = threading.Event()
    done = threading.Event()

    def hold() -> None:
        living._hold_locks()
        living._take()
        held.set()
        done.wait(PATIENCE)
        connection.close()  # as its death would

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(PATIENCE)
    assert run_tasks(now) == 0
    assert DBTaskResult.objects.get().status == "RUNNING"
    done.set()
    thread.join()
    wait_until(lambda: run_tasks(now) == 1)
    assert emails() == {"ada@example.com"}


def test_a_task_that_kills_its_process_each_time_fails(run_tasks: RunTasks, now: datetime) -> None:
    errands.greet.enqueue("ada")
    names = [f"host:{number}:{number}" for number in range(1, DATABASE.attempts + 1)]
    DBTaskResult.objects.update(status="RUNNING", worker_ids=names)
    assert run_tasks(now) == 0
    task = DBTaskResult.objects.get()
    assert (task.status, task.finished_at) == ("FAILED", now)
    assert task.traceback == "Its process died each time."


def test_tasks_of_other_kinds_of_workers_are_left_alone(run_tasks: RunTasks, now: datetime) -> None:
    errands.greet.enqueue("ada")
    DBTaskResult.objects.update(status="RUNNING", worker_ids=["aWorkerOfTheLibrarys"])
    assert run_tasks(now) == 0
    assert DBTaskResult.objects.get().status == "RUNNING"


@pytest.mark.django_db(transaction=True)
def test_a_task_whose_process_is_killed_is_run_again(tmp_path: Path, run_tasks: RunTasks) -> None:
    path = tmp_path / "processes"
    errands.linger.enqueue(str(path))
    # The tests' own database; a worker is told its name by the environment.
    command = "import django; django.setup(); from sentrylite.background.runner import Runner; "
    command += "Runner().run()"
    name = settings.DATABASES["default"]["NAME"]
    url = connection.settings_dict | {"NAME": name}
    process = subprocess.Popen(
        [sys.executable, "-c", command],
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "sentrylite.settings",
            "DATABASE_URL": _with_name(os.environ["DATABASE_URL"], str(url["NAME"])),
        },
    )
    try:
        wait_until(lambda: path.exists() and path.read_text() == f"{process.pid}\n")
        assert run_tasks(datetime.now(UTC)) == 0
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_until(lambda: run_tasks(datetime.now(UTC)) == 1)
    assert path.read_text() == f"{process.pid}\n{os.getpid()}\n"
    assert DBTaskResult.objects.get().status == "SUCCESSFUL"


def _with_name(url: str, name: str) -> str:
    """A database's address with another name: the part after the host, before the options."""
    address, mark, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{mark}{options}"


@pytest.mark.django_db(transaction=True)
def test_a_task_that_takes_long_gives_way_when_the_runner_stops(
    brisk: None, run_tasks: RunTasks
) -> None:
    errands.count_to.enqueue(100_000)
    with running(Runner()):
        wait_until(lambda: User.objects.exists())
    task = DBTaskResult.objects.get()
    assert (task.status, task.worker_ids) == ("READY", [])  # not an attempt that failed
    counted = User.objects.count()
    DBTaskResult.objects.update(args_kwargs={"args": [counted + 3], "kwargs": {}})
    assert run_tasks(datetime.now(UTC)) == 1
    assert User.objects.count() == counted + 3


def test_a_task_that_takes_long_gives_way_to_urgent_ones(
    run_tasks: RunTasks, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SLICE", 0.0)
    errands.count_to.enqueue(3)
    # a run for each of its three steps, and a last one that finds nothing to do
    assert run_tasks(now) == 4
    assert DBTaskResult.objects.get().status == "SUCCESSFUL"
    assert User.objects.count() == 3


# The table ----------------------------------------------------------------------------------------


def test_a_task_waits_once(run_tasks: RunTasks, now: datetime) -> None:
    assert queue.enqueue_once(errands.greet, "ada")
    assert not queue.enqueue_once(errands.greet, "ada")
    assert queue.enqueue_once(errands.greet, "grace")
    assert run_tasks(now) == 2
    assert queue.enqueue_once(errands.greet, "ada")


@pytest.mark.django_db(transaction=True)
def test_a_task_that_waits_for_a_change_sees_it(run_tasks: RunTasks, now: datetime) -> None:
    """It is not taken between the look at the queue and the commit of what it is to see."""
    errands.greet.enqueue("ada")
    ran: list[int] = []

    def run() -> None:
        ran.append(run_tasks(now))
        connection.close()

    with transaction.atomic():
        assert not queue.enqueue_once(errands.greet, "ada")
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    assert ran == [0]
    assert run_tasks(now) == 1


def test_tasks_that_have_ended_are_forgotten_in_time(run_tasks: RunTasks, now: datetime) -> None:
    errands.greet.enqueue("ada")
    errands.fail.enqueue("paper")
    run_tasks(now)
    DBTaskResult.objects.update(finished_at=now)
    errands.greet.enqueue("waits")
    assert queue.prune(now + timedelta(hours=23)) == 0
    assert queue.prune(now + timedelta(hours=25)) == 1
    assert queue.prune(now + timedelta(days=29)) == 0
    assert queue.prune(now + timedelta(days=31)) == 1
    assert DBTaskResult.objects.get().status == "READY"


# Many at once -------------------------------------------------------------------------------------


def enqueue(*ids: int) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        queue.enqueue_each(cursor, errands.count, ids)


def waiting() -> list[int]:
    found = DBTaskResult.objects.filter(status="READY")
    return sorted(task.args_kwargs["args"][0] for task in found)


def test_a_task_for_each_of_many_ids(
    run_tasks: RunTasks, now: datetime, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1), connection.cursor() as cursor:
        queue.enqueue_each(cursor, errands.count, [2, 1])
    with django_assert_num_queries(0), connection.cursor() as cursor:
        queue.enqueue_each(cursor, errands.count, [])
    enqueue(3, 2)
    assert waiting() == [1, 2, 3]
    [first, *_] = DBTaskResult.objects.filter(args_kwargs__args=[1])
    errands.count.enqueue(1)
    [library, *_] = DBTaskResult.objects.filter(args_kwargs__args=[1]).exclude(pk=first.pk)
    for name in ("args_kwargs", "priority", "task_path", "queue_name", "backend_name", "run_after"):
        assert getattr(first, name) == getattr(library, name)
    library.delete()
    assert run_tasks(now) == 3
    assert emails() == {"1@example.com", "2@example.com", "3@example.com"}


def test_who_waits_for_later_does_not_count(now: datetime) -> None:
    errands.count.using(run_after=now).enqueue(1)
    enqueue(1)
    assert waiting() == [1, 1]


@pytest.mark.django_db(transaction=True)
def test_a_task_that_waits_for_many_ids_sees_the_changes(
    run_tasks: RunTasks, now: datetime
) -> None:
    """And others may wait with it: they do not wait for each other."""
    enqueue(1)
    ran: list[int] = []

    def run() -> None:
        enqueue(1)
        ran.append(run_tasks(now))
        connection.close()

    with transaction.atomic():
        enqueue(1)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(PATIENCE)
        assert ran == [0]
    assert run_tasks(now) == 1


def test_a_task_by_a_moment(now: datetime) -> None:
    queue.enqueue_by(errands.count, 1, moment=now)
    queue.enqueue_by(errands.count, 1, moment=now + timedelta(hours=1))
    assert waiting() == [1]
    queue.enqueue_by(errands.count, 1, moment=now - timedelta(hours=1))
    assert waiting() == [1, 1]
    errands.count.enqueue(2)
    queue.enqueue_by(errands.count, 2, moment=now)
    assert waiting() == [1, 1, 2]


def test_who_became_due_first_comes_first(run_tasks: RunTasks) -> None:
    now = datetime.now(UTC)
    errands.greet.using(run_after=now - timedelta(hours=1)).enqueue("second")
    errands.greet.enqueue("third")
    errands.greet.enqueue("first")
    DBTaskResult.objects.filter(args_kwargs__args=["first"]).update(
        enqueued_at=now - timedelta(hours=2)
    )
    assert run_tasks(now + timedelta(seconds=1)) == 3
    names = User.objects.order_by("pk").values_list("username", flat=True)
    assert list(names) == ["first", "second", "third"]
