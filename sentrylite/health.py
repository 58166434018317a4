"""`/_health/`: 200 when the server can take events, else 503 and why. The API's own path for it,
which clients know, says the same as JSON."""

import asyncio
import time

import orjson

from sentrylite.bodies import Receive
from sentrylite.ingest.buffer import Buffer
from sentrylite.ingest.connection import Connection, Lost
from sentrylite.wsgi_bridge import Scope, Send

TEXT = "/_health/"
JSON = ("/0/internal/health/", "/api/0/internal/health/")
PATHS = frozenset({TEXT, *JSON})

# Asked more often than this, it repeats its last answer.
SECONDS = 1.0


class Health:
    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._connection = Connection("health")
        self._lock = asyncio.Lock()
        self._problem: str | None = None
        self._checked_at = float("-inf")

    async def problem(self) -> str | None:
        """Why the server cannot take events; None when it can."""
        async with self._lock:
            if time.monotonic() - self._checked_at > SECONDS:
                self._problem = await asyncio.to_thread(self._check)
                self._checked_at = time.monotonic()
        return self._problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = await self.problem()
        status = 503 if problem else 200
        if scope["path"] == TEXT:
            kind, body = b"text/plain; charset=utf-8", (problem or "ok").encode()
        else:
            kind, body = b"application/json", _as_json(problem)
        content = b"" if scope["method"] == "HEAD" else body
        headers = [(b"content-type", kind), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _check(self) -> str | None:
        if not self._buffer.is_running:
            return "The thread that stores events is not running."
        try:
            self._connection.run(lambda cursor: cursor.execute("SELECT 1"))
        except Lost:
            return "The database cannot be reached."
        return None


def _as_json(problem: str | None) -> bytes:
    problems = [{"id": "events", "message": problem, "severity": "critical", "url": None}]
    return orjson.dumps(
        {"healthy": {"events": problem is None}, "problems": problems if problem else []}
    )
