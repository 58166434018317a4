"""Power cuts under load: what was answered with 200 is there afterwards, once, and counted."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
import pytest

from benchmarks import audit, load
from benchmarks.load import Outcome, Plan
from benchmarks.servers import Served
from sentrylite import postgres
from sentrylite.releases.sessions import Status
from tests import live

pytestmark = pytest.mark.live

Event = dict[str, Any]

EVENTS = 10_000
CONNECTIONS = 32
# The load is in full swing by then, and far from its end.
KILL_AFTER = 1000
PATIENCE = 40.0


@dataclass
class Sender:
    """An SDK that knows what it was told."""

    project_id: str
    key: str
    acknowledged: set[str] = field(default_factory=set)

    def send(self, server: live.Server, events: Sequence[Event]) -> Outcome:
        """Each of the events once, with its session, over many connections."""
        requests = [self._request(event) for event in events]
        outcome = load.run(Plan(Served(server).port, requests, CONNECTIONS))
        self.acknowledged |= {events[index]["event_id"] for index in outcome.succeeded}
        return outcome

    def _request(self, event: Event) -> bytes:
        auth = f"Sentry sentry_version=7, sentry_client=test/1.0, sentry_key={self.key}"
        parts = ({}, {"type": "session"}, a_session_of(event), {"type": "event"}, event)
        body = b"\n".join(json.dumps(part).encode() for part in parts)
        return load.post(f"/api/{self.project_id}/envelope/", body, x_sentry_auth=auth)


def test_nothing_acknowledged_is_lost_when_all_processes_are_killed() -> None:
    with live.temporary_dir() as top:
        data_dir = top / "data"
        with live.server(data_dir=data_dir, workers=2) as server:
            made = server.setup(organization="acme", project="shop")
            sender = Sender(made["project_id"], urlsplit(made["dsn"]).username or "")
            sent = kill_under_load(server, sender, with_postgres=False)
        with live.server(data_dir=data_dir, workers=2) as server:
            check_all_is_there(server, sender, sent)
            sent = kill_under_load(server, sender, with_postgres=True)
        with live.server(data_dir=data_dir, workers=2) as server:
            check_all_is_there(server, sender, sent)


def kill_under_load(server: live.Server, sender: Sender, *, with_postgres: bool) -> list[Event]:
    """Kill all processes while events come in; returns the events that were on their way or in."""
    served = Served(server)
    events = [an_event(number) for number in range(EVENTS)]
    with database(server.data_dir) as cursor, ThreadPoolExecutor(1) as thread:
        before = len(stored_ids(cursor))
        sending = thread.submit(sender.send, server, events)
        wait_until(lambda: len(stored_ids(cursor)) - before > KILL_AFTER)
        victims = served.server_pids()
        if with_postgres:
            victims |= served.postgres_pids()
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        server.process.wait()
        outcome = sending.result(PATIENCE)
    assert set(outcome.statuses) <= {200, 503}  # 503 where PostgreSQL went first
    assert outcome.unanswered
    assert len(outcome.succeeded) < EVENTS
    return events[: sum(outcome.statuses.values()) + outcome.unanswered]


def check_all_is_there(server: live.Server, sender: Sender, sent: list[Event]) -> None:
    with database(server.data_dir) as cursor:
        check_database(cursor, sender)
        # SDKs that had no answer send again.
        outcome = sender.send(server, sent)
        assert outcome.statuses == {200: len(sent)}
        check_database(cursor, sender)


def check_database(cursor: Any, sender: Sender) -> None:
    # What a killed server had stored and not yet counted, the next one counts before it takes
    # requests; a session that outlived it for a moment may make that a little later.
    wait_until(lambda: is_folded(cursor))
    stored = stored_ids(cursor)
    assert sender.acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    assert audit.differences(cursor) == []
    cursor.execute("SELECT count(*), max(times_seen) > %s FROM issues_issue", [len(stored) // 3])
    assert cursor.fetchone() == (101, True)
    check_sessions(cursor, sender)


def check_sessions(cursor: Any, sender: Sender) -> None:
    """Each that is known counts once, in its hour and in its day, as what it came to."""
    cursor.execute("SELECT replace(session_id::text, '-', ''), status FROM releases_trackedsession")
    known = dict(cursor.fetchall())
    assert sender.acknowledged <= set(known)
    crashed = sum(status == Status.CRASHED for status in known.values())
    cursor.execute(
        "SELECT sum(sessions)::int, sum(crashed)::int FROM releases_releasehealth GROUP BY width"
    )
    assert cursor.fetchall() == [(len(known), crashed)] * 2


def an_event(number: int) -> Event:
    """Every second one in the same issue, the others in a hundred more."""
    return {
        "event_id": uuid4().hex,
        "message": "hot" if number % 2 else f"problem {number % 200}",
        "platform": "python",
        "release": f"shop@1.{number % 3}",
        "environment": ("production", "staging")[number % 5 == 0],
        "user": {"id": str(number % 70)},
        "tags": {"shard": str(number % 16), "region": "eu"},
    }


def a_session_of(event: Event) -> dict[str, Any]:
    """The session that an event ended."""
    return {
        "sid": event["event_id"],
        "started": time.time() - 1,
        "status": "crashed" if event["message"] == "hot" else "exited",
        "did": event["user"]["id"],
        "attrs": {"release": event["release"], "environment": event["environment"]},
    }


@contextmanager
def database(data_dir: Path) -> Iterator[Any]:
    with closing(psycopg2.connect(postgres.Cluster(data_dir).url)) as connection:
        connection.autocommit = True
        yield connection.cursor()


def stored_ids(cursor: Any) -> list[str]:
    cursor.execute("SELECT replace(event_id::text, '-', '') FROM issues_event")
    return [event_id for (event_id,) in cursor.fetchall()]


def is_folded(cursor: Any) -> bool:
    cursor.execute("SELECT NOT EXISTS (SELECT 1 FROM issues_journalentry)")
    return cursor.fetchone()[0]


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.02)
