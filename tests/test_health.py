"""/_health/ and its JSON."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from sentrylite import health
from sentrylite.ingest.buffer import Buffer
from sentrylite.ingest.journal import Journal


@pytest.fixture
def buffer(db: None) -> Iterator[Buffer]:
    buffer = Buffer(Journal())
    yield buffer
    if buffer.is_running:
        buffer.stop()


def ask(buffer: Buffer, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    asyncio.run(health.Health(buffer)({"path": path, "method": method}, receive, send))
    start, body = sent
    return start["status"], dict(start["headers"])[b"content-type"].decode(), body["body"]


def test_all_is_well(buffer: Buffer) -> None:
    buffer.start()
    assert ask(buffer, "/_health/") == (200, "text/plain; charset=utf-8", b"ok")
    for path in ("/0/internal/health/", "/api/0/internal/health/"):
        status, kind, body = ask(buffer, path)
        assert (status, kind) == (200, "application/json")
        assert json.loads(body) == {"healthy": {"events": True}, "problems": []}
        assert ask(buffer, path, "HEAD") == (200, "application/json", b"")


def test_what_is_wrong_is_said(buffer: Buffer) -> None:
    problem = "The thread that stores events is not running."
    assert ask(buffer, "/_health/") == (503, "text/plain; charset=utf-8", problem.encode())
    status, _, body = ask(buffer, "/api/0/internal/health/")
    assert status == 503
    assert json.loads(body) == {
        "healthy": {"events": False},
        "problems": [{"id": "events", "message": problem, "severity": "critical", "url": None}],
    }
