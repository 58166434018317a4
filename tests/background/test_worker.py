"""A server and a worker as operators start them."""

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from sentrylite import postgres
from tests import live

pytestmark = pytest.mark.live

PATIENCE = 30.0

COUNT = "SELECT count(*) FROM issues_issue"
STATUSES = "SELECT array_agg(status::text) FROM django_tasks_database_dbtaskresult"
NO_GRACE = "UPDATE django_tasks_database_dbtaskresult SET run_after = run_after - %s"
RUNNERS = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND (classid::bigint << 32) + objid::bigint = 7265741100000003
"""


def answers(data_dir: Path, statement: str, *values: Any) -> Any:
    with closing(psycopg2.connect(postgres.Cluster(data_dir).url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement, values)
        return cursor.fetchone()[0] if cursor.description else None


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not happen"
        time.sleep(0.05)


def delete_an_issue(server: live.Server) -> None:
    """Make one and delete it; its rows may go at once."""
    made = server.setup(organization="acme", project="shop")
    assert server.send_event(made["dsn"], {"message": "it broke"})[0] == 200
    path = "/api/0/projects/acme/shop/issues/"
    [issue] = json.loads(server.get(path, token=made["token"])[1])
    address = f"{server.url}/api/0/issues/{issue['id']}/"
    assert live.fetch(address, method="DELETE", token=made["token"])[0] == 202
    assert json.loads(server.get(path, token=made["token"])[1]) == []
    answers(server.data_dir, NO_GRACE, timedelta(minutes=5))


def test_a_server_runs_tasks_in_one_of_its_processes_and_another_follows() -> None:
    with live.server(workers=2) as server:
        delete_an_issue(server)
        wait_until(lambda: answers(server.data_dir, STATUSES) == ["SUCCESSFUL"])
        assert answers(server.data_dir, COUNT) == 0
        assert answers(server.data_dir, RUNNERS) == 1
        [name] = answers(
            server.data_dir, "SELECT worker_ids FROM django_tasks_database_dbtaskresult"
        )
        os.kill(int(name.split(":")[1]), signal.SIGKILL)
        delete_an_issue(server)
        wait_until(lambda: answers(server.data_dir, STATUSES) == ["SUCCESSFUL"] * 2)


def test_a_worker_runs_what_a_server_without_background_work_leaves() -> None:
    with live.server("--no-background") as server:
        delete_an_issue(server)
        time.sleep(2)
        assert answers(server.data_dir, STATUSES) == ["READY"]
        with live.worker(server.data_dir) as process:
            wait_until(lambda: answers(server.data_dir, STATUSES) == ["SUCCESSFUL"])
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=10)
        assert process.returncode == 0
        assert f"worker {process.pid} takes tasks" in said
        assert answers(server.data_dir, COUNT) == 0
        with live.worker(server.data_dir) as process:
            assert "takes tasks" in (process.stderr.readline() if process.stderr else "")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=10)
        assert process.returncode == 0


def test_a_worker_without_a_database_says_so() -> None:
    result = live.run(
        "worker", environment={"DATABASE_URL": "postgres://me@127.0.0.1:1/x", "SECRET_KEY": "x"}
    )
    assert result.returncode == 1
    assert "cannot reach the database" in result.stderr
    assert "Traceback" not in result.stderr
