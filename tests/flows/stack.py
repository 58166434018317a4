"""The whole server in this process: SDK doors, API, digest and counters, without a socket."""

import asyncio
import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from issues.models import JournalEntry
from sentrylite.asgi import Server
from sentrylite.ingest.app import IngestApp
from sentrylite.ingest.authentication import ProjectKeys
from sentrylite.organizations.models import ProjectKey

PATIENCE = 20.0


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: bytes = b""
    query: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Stack:
    """The application of `sentrylite.asgi` on an event loop of its own. A context manager.

    It does without the hourly maintenance, and leaves the garbage collector alone.
    """

    def __enter__(self) -> Self:
        self._server = Server()
        self._keys = ProjectKeys()
        self._server.ingest = IngestApp(self._server.buffer, self._keys)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loop")
        self._thread.start()
        self._server.journal.start()
        self._server.buffer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._keys.close()

    def request(self, method: str, path: str, **parts: Any) -> Answer:
        [answer] = self.together([Request(method, path, **parts)])
        return answer

    def together(self, requests: Iterable[Request]) -> list[Answer]:
        """The answers to requests that come at the same time."""
        running = asyncio.run_coroutine_threadsafe(self._answer_all(requests), self._loop)
        return running.result(PATIENCE)

    def api(self, method: str, path: str, token: str, body: Any = None) -> Answer:
        """A request to the web API."""
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        data = b"" if body is None else json.dumps(body).encode()
        return self.request(method, f"/api/0/{path}", body=data, headers=headers)

    def wait_until_counted(self) -> None:
        """Until what was stored is in the counters."""
        give_up_at = time.monotonic() + PATIENCE
        while JournalEntry.objects.exists():
            assert time.monotonic() < give_up_at, "the journal is not folded"
            time.sleep(0.01)

    async def _answer_all(self, requests: Iterable[Request]) -> list[Answer]:
        return await asyncio.gather(*(self._answer(request) for request in requests))

    async def _answer(self, request: Request) -> Answer:
        incoming = [{"type": "http.request", "body": request.body}]
        sent: list[Any] = []

        async def receive() -> Any:
            return incoming.pop() if incoming else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        headers = {"host": "testserver", "content-length": str(len(request.body))} | request.headers
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "path": request.path,
            "query_string": request.query,
            "headers": [
                (name.encode(), value.encode("latin-1")) for name, value in headers.items()
            ],
            "client": ("127.0.0.1", 40_000),
            "server": ("127.0.0.1", 8000),
            "scheme": "http",
        }
        await self._server(scope, receive, send)
        start, *rest = sent
        return Answer(
            start["status"],
            {name.decode(): value.decode("latin-1") for name, value in start["headers"]},
            b"".join(message["body"] for message in rest),
        )


def event_request(key: ProjectKey, event: Any, *, door: str = "store") -> Request:
    """An event, any JSON value in fact, on its way to one of the doors."""
    body = json.dumps(event).encode()
    if door == "envelope":
        body = b'{}\n{"type":"event"}\n' + body
    return body_request(key, body, door=door)


def body_request(key: ProjectKey, body: bytes, *, door: str, encoding: str = "") -> Request:
    auth = f"Sentry sentry_version=7, sentry_client=test/1.0, sentry_key={key.public_key}"
    headers = {"x-sentry-auth": auth, "content-encoding": encoding}
    return Request("POST", f"/api/{key.project_id}/{door}/", body, headers=headers)
