"""Clients that hold connections and hardly use them, against a server that waits a second."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from tests import live

pytestmark = pytest.mark.live

CONNECTIONS = 1_500
FILES = CONNECTIONS + 200
TIMEOUT = 1


class Doors(NamedTuple):
    server: live.Server
    dsn: str
    token: str

    @property
    def store(self) -> str:
        key, _, address = self.dsn.partition("://")[2].partition("@")
        project_id = address.rpartition("/")[2]
        return f"/api/{project_id}/store/?sentry_version=7&sentry_client=a&sentry_key={key}"


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    environment = {"SENTRYLITE_CLIENT_TIMEOUT": str(TIMEOUT)}
    with live.server(environment=environment) as server:
        made = server.setup(organization="acme", project="shop")
        yield Doors(server, made["dsn"], made["token"])


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < FILES:
        pytest.skip("the system allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def head(path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def connect(server: live.Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=15)


def all_of(client: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    received = b""
    try:
        while piece := client.recv(65536):
            received += piece
    except ConnectionResetError:  # it had not read all that we sent
        pass
    return received


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST /api/1/store/ HT", id="half the headers"),
        pytest.param(b"GET /_health/ HTTP/1.1\r\nHost: localhost\r\n\r\n", id="no more requests"),
        pytest.param(head("{store}", "Content-Length: 99"), id="a body that never begins"),
        pytest.param(head("/api/0/teams/", "Content-Length: 9"), id="nor one for the API"),
    ],
)
def test_more_silent_connections_than_anybody_needs_hold_up_nobody(
    doors: Doors, sent: bytes, many_files: None
) -> None:
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            client = stack.enter_context(connect(doors.server))
            client.sendall(sent.replace(b"{store}", doors.store.encode()))
        started = time.monotonic()
        assert doors.server.send_event(doors.dsn, {"message": "hello"})[0] == 200
        assert time.monotonic() - started < 10
        all_of(client)  # returns when the server has closed it


@pytest.mark.parametrize("length", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("pause", [0.2, 3 * TIMEOUT])
@pytest.mark.parametrize(
    ("door", "expected"),
    [
        ("store", b'{"error":"The request body came too slowly"}'),
        ("envelope", b'{"detail":"The request body came too slowly","causes":[]}'),
        ("api", b'{"detail":"The request body came too slowly."}'),
    ],
)
def test_a_body_that_dribbles_is_answered_408(
    doors: Doors, door: str, expected: bytes, pause: float, length: str
) -> None:
    path = "/api/0/teams/" if door == "api" else doors.store.replace("store", door)
    byte = b"1\r\n \r\n" if "chunked" in length else b" "
    with connect(doors.server) as client:
        client.sendall(head(path, length) + byte)
        started = time.monotonic()
        client.settimeout(pause)
        while time.monotonic() < started + 5 * TIMEOUT:
            try:
                answer = client.recv(65536)
                break
            except TimeoutError:
                client.sendall(byte)
        waited = time.monotonic() - started
        client.settimeout(15)
        answer += all_of(client)
    assert TIMEOUT - 0.1 < waited < 2 * TIMEOUT
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\n" + expected)


def test_who_is_refused_need_not_send_the_rest(doors: Doors) -> None:
    with connect(doors.server) as client:
        client.sendall(head(doors.store.partition("?")[0], "Content-Length: 99"))
        assert all_of(client).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("door", ["store", "api"])
def test_a_body_that_is_slow_but_steady_is_taken(doors: Doors, door: str) -> None:
    """For three times as long as there may be silence, at 50 kB/s."""
    body = b'{"message": "' + b"x" * 150_000 * TIMEOUT + b'"}'
    path = doors.store if door == "store" else "/api/0/organizations/acme/teams/"
    headers = ["Connection: close", f"Content-Length: {len(body)}"]
    headers.append(f"Authorization: Bearer {doors.token}" if door == "api" else "User-Agent: a")
    with connect(doors.server) as client:
        client.sendall(head(path, *headers))
        for start in range(0, len(body), 10_000):
            client.sendall(body[start : start + 10_000])
            time.sleep(0.2)
        answer = all_of(client)
    # The team has no name, which is known once its body has been read.
    assert answer.startswith(b"HTTP/1.1 200 " if door == "store" else b"HTTP/1.1 400 ")
