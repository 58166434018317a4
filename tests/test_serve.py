import json
import os
import re
import signal
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sentrylite import postgres
from tests import live

pytestmark = pytest.mark.live

EVENT = {"platform": "python", "message": "the pump is on fire"}

# A server whose processes cannot load the application.
BROKEN = """
import sys

class Broken:
    def find_spec(self, name, path, target=None):
        if name == "sentrylite.asgi":
            raise RuntimeError("broken on purpose")

sys.meta_path.insert(0, Broken())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[live.Server]:
    with live.server(workers=2) as server:
        yield server


@pytest.fixture
def top() -> Iterator[Path]:
    with live.temporary_dir() as top:
        yield top


def fails(*arguments: str, **environment: str) -> str:
    """Run `sentrylite` to its failure; the one line it says, without who says it."""
    result = live.run(*arguments, environment=environment)
    assert result.returncode == 1, result.stdout + result.stderr
    assert re.fullmatch(r"sentrylite: .*\n", result.stderr), result.stderr
    return result.stderr.strip().removeprefix("sentrylite: ")


@contextmanager
def half_a_request(server: live.Server, dsn: str) -> Iterator[tuple[socket.socket, bytes]]:
    """A connection on which an event is being sent, and what is still to be sent."""
    key, _, address = dsn.partition("://")[2].partition("@")
    host, _, project_id = address.partition("/")
    body = f'{{}}\n{{"type":"event"}}\n{json.dumps(EVENT)}\n'.encode()
    head = (
        f"POST /api/{project_id}/envelope/?sentry_key={key} HTTP/1.1\r\n"
        f"Host: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(head.encode() + body[:10])
        time.sleep(0.3)
        yield client, body[10:]


def test_an_event_becomes_an_issue(server: live.Server) -> None:
    assert server.get("/_health/") == (200, b"ok")
    assert server.get("/api/0/internal/health/")[0] == 200
    made = server.setup(organization="acme", project="pump-station", platform="python")
    assert made["dsn"].endswith(f"@{server.url.removeprefix('http://')}/{made['project_id']}")

    status, _ = server.send_event(made["dsn"], EVENT)
    assert status == 200
    status, body = server.get("/api/0/projects/acme/pump-station/issues/", token=made["token"])
    assert status == 200
    assert [issue["title"] for issue in json.loads(body)] == ["the pump is on fire"]


def test_two_servers_do_not_share(server: live.Server) -> None:
    port = server.url.rpartition(":")[2]
    elsewhere = str(live.free_port())
    data_dir = str(server.data_dir)
    taken = fails("serve", "--data-dir", data_dir, "--port", port)
    assert taken.startswith(f"port {port} is taken: ")
    in_use = fails("serve", "--data-dir", data_dir, "--port", elsewhere)
    assert f"is in use by process {server.process.pid}" in in_use
    assert server.get("/_health/")[0] == 200


def test_a_second_start_keeps_everything_and_is_quick(top: Path) -> None:
    data_dir = top / "data"
    with live.server("--demo", data_dir=data_dir) as first:
        demo = json.loads((data_dir / "demo.json").read_text())
        issue_path = f"/api/0/issues/{demo['issue']}/"
        status, before = first.get(issue_path, token=demo["token"])
        assert first.get("/api/0/projects/", token=demo["token"])[1]  # of the person's own teams
        assert status == 200
        begun = time.monotonic()
        assert first.stop() == 0
        assert time.monotonic() - begun < 10
    assert not postgres.Cluster(data_dir).is_running()
    printed = first.log.read_text()
    assert demo["password"] in printed
    assert f"curl -H 'Authorization: Bearer {demo['token']}' {first.url}{issue_path}" in printed
    for name in ("demo.json", "secret-key"):
        assert stat.S_IMODE((data_dir / name).stat().st_mode) == 0o600

    # The database is there for other commands all the same.
    made = live.Server("", data_dir, first.process, first.log).setup(organization="demo")
    assert made["role"] == "owner"

    begun = time.monotonic()
    with live.server("--demo", data_dir=data_dir) as second:
        assert time.monotonic() - begun < 15
        again = json.loads((data_dir / "demo.json").read_text())
        assert again == demo | {"dsn": again["dsn"]}
        status, after = second.get(issue_path, token=made["token"])
        assert status == 200
        assert json.loads(after)["count"] == json.loads(before)["count"]
        with half_a_request(second, again["dsn"]) as (client, other_half):
            second.process.send_signal(signal.SIGINT)
            time.sleep(0.3)
            second.process.send_signal(signal.SIGINT)  # impatience changes nothing
            client.sendall(other_half)
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert second.process.wait(10) == 0
    assert not postgres.Cluster(data_dir).is_running()


def test_workers_that_cannot_start_end_the_server(top: Path) -> None:
    (top / "sitecustomize.py").write_text(BROKEN)
    result = live.run(
        *("serve", "--data-dir", str(top / "data"), "--port", str(live.free_port())),
        environment={"PYTHONPATH": str(top), "SENTRYLITE_WORKERS": "2"},
    )
    assert result.returncode == 1
    assert "RuntimeError: broken on purpose" in result.stderr
    assert result.stderr.endswith(
        "the workers die as soon as they start; the reason stands above\n"
    )
    assert not postgres.Cluster(top / "data").is_running()


def test_a_database_that_was_killed_ends_the_server_and_a_new_one_recovers_it(top: Path) -> None:
    with live.server(data_dir=top / "data") as server:
        dsn = server.setup(organization="acme", project="shop")["dsn"]
        assert server.send_event(dsn, EVENT)[0] == 200
        postmaster = (server.data_dir / "pgdata" / "postmaster.pid").read_text().split()[0]
        os.kill(int(postmaster), signal.SIGKILL)
        assert server.process.wait(30) == 1
        assert "sentrylite: PostgreSQL has ended by itself" in server.log.read_text()
    with live.server(data_dir=top / "data") as server:
        assert server.send_event(dsn, EVENT)[0] == 200


def test_a_database_elsewhere_needs_a_secret_key(top: Path) -> None:
    said = fails("serve", "--data-dir", str(top), DATABASE_URL="postgres://x@localhost:1/x")
    assert said.startswith("SECRET_KEY is not set. Make one with: python -c '")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgres://me:hidden@127.0.0.1:1/x", "cannot reach the database: .* refused.*Check"),
        ("mysql://me:hidden@127.0.0.1/x", "DATABASE_URL names no PostgreSQL: it looks like "),
    ],
)
def test_a_database_that_cannot_be_used_is_named(top: Path, url: str, expected: str) -> None:
    said = fails(
        *("serve", "--data-dir", str(top), "--port", str(live.free_port())),
        DATABASE_URL=url,
        SECRET_KEY="secret",
    )
    assert re.match(expected, said)
    assert "hidden" not in said


def test_a_setting_that_is_wrong_is_named(server: live.Server, top: Path) -> None:
    said = fails(
        *("serve", "--data-dir", str(top), "--port", str(live.free_port())),
        DATABASE_URL="postgres://me@127.0.0.1:1/x",
        SECRET_KEY="secret",
        EVENT_RETENTION_DAYS="many",
    )
    assert said.startswith("a setting is wrong: ")
    assert "many" in said


def test_without_a_database_there_is_a_hint(top: Path) -> None:
    said = fails("createsuperuser", "--data-dir", str(top / "typo"))
    assert said.startswith("there is no database in ")
    assert not (top / "typo").exists()
