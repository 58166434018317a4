"""A stand-in for an SDK and its network: requests straight into the ASGI application."""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from issues.payload.event import FilterRules, PreparedEvent, ScrubRules
from sentrylite.ingest.app import IngestApp
from sentrylite.ingest.authentication import KeyInfo, ProjectKeys
from sentrylite.ingest.limits import DEFAULT_LIMITS, Limits
from sentrylite.ingest.quotas import RateLimit

PUBLIC, SECRET = "a" * 32, "5" * 32
OTHER_PUBLIC, DISABLED_PUBLIC = "b" * 32, "d" * 32
EVENT_ID = "0123456789abcdef0123456789abcdef"

KEY = KeyInfo(
    key_id=11,
    public_key=PUBLIC,
    secret_key=SECRET,
    is_active=True,
    project_id=1,
    organization_id=7,
    project_slug="pump-station",
    allowed_domains=("*",),
    scrub=ScrubRules(),
    unwanted=FilterRules(),
    rate_limit=None,
)
QUERY_AUTH = f"sentry_version=7&sentry_key={PUBLIC}&sentry_client=sentry.javascript.node/11.0.0"


def sentry_auth(key: str = PUBLIC, **fields: str) -> str:
    """The value of an X-Sentry-Auth header."""
    pairs = {"sentry_version": "7", "sentry_client": "test/1.0", "sentry_key": key, **fields}
    return "Sentry " + ", ".join(f"{name}={value}" for name, value in pairs.items())


def envelope(*parts: Any) -> bytes:
    """An envelope: JSON for what is a dict, bytes as they are, a line each."""
    return b"\n".join(
        json.dumps(part).encode() if isinstance(part, dict) else part for part in parts
    )


EVENT = {"event_id": EVENT_ID, "message": "it broke", "platform": "python"}
STORE_BODY = json.dumps(EVENT).encode()
ENVELOPE_BODY = envelope({"event_id": EVENT_ID}, {"type": "event"}, EVENT)

# The same event at either door.
BODIES = {"store": STORE_BODY, "envelope": ENVELOPE_BODY}
every_door = pytest.mark.parametrize("door", ["store", "envelope"])


class RecordingBuffer:
    """Remembers what would be written."""

    def __init__(self) -> None:
        self.events: list[PreparedEvent] = []
        self.counts: list[tuple[int, str, str, int]] = []
        self.error: Exception | None = None

    async def submit(self, event: PreparedEvent, limit: RateLimit | None = None) -> None:
        if self.error is not None:
            raise self.error
        self.events.append(event)

    def count(self, key: KeyInfo, outcome: str, category: str = "error", quantity: int = 1) -> None:
        self.counts.append((key.key_id, outcome, category, quantity))


class KnownKeys(ProjectKeys):
    """Project 1 with an active and a disabled key, project 2 with a key; no database."""

    def __init__(self, domains: Iterable[str]) -> None:
        super().__init__()
        self.domains = tuple(domains)
        key = replace(KEY, allowed_domains=self.domains)
        self.known = {
            PUBLIC: key,
            DISABLED_PUBLIC: replace(key, key_id=12, public_key=DISABLED_PUBLIC, is_active=False),
            OTHER_PUBLIC: replace(key, key_id=13, public_key=OTHER_PUBLIC, project_id=2),
        }

    async def get(self, public_key: str) -> KeyInfo | None:
        return self.known.get(public_key)

    async def allowed_domains(self, project_id: int) -> tuple[str, ...] | None:
        return self.domains if project_id in (1, 2) else None


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


def refused(response: Response) -> tuple[int, str]:
    """Status and text of a refusal, in whichever form."""
    body = response.json
    text = body["error"] if "error" in body else body["detail"]
    assert response.headers["x-sentry-error"] == text
    return response.status, text


class SDK:
    """Sends to an application of its own, whose buffer remembers."""

    def __init__(
        self,
        *,
        domains: Iterable[str] = ("*",),
        limits: Limits = DEFAULT_LIMITS,
        trust_proxy_headers: bool | None = False,
        keys: ProjectKeys | None = None,
    ) -> None:
        self.buffer = RecordingBuffer()
        self.keys = keys or KnownKeys(domains)
        self.app = IngestApp(
            self.buffer,  # type: ignore[arg-type]
            self.keys,
            limits=limits,
            trust_proxy_headers=trust_proxy_headers,
        )

    def close(self) -> None:
        self.app.close()
        self.keys.close()

    def send(self, path: str, body: bytes | list[bytes] = b"", **options: Any) -> Response:
        """POST, with `X-Sentry-Auth` unless other credentials are given."""
        options.setdefault("auth", sentry_auth())
        return self.request("POST", path, body, **options)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | list[bytes] = b"",
        *,
        query: str = "",
        auth: str | None = None,
        headers: dict[str, str] | None = None,
        client: tuple[str, int] | None = ("198.51.100.7", 40000),
    ) -> Response:
        """The answer to a request. A list as body is sent in these chunks, without a length."""
        sent = {"user-agent": "test-agent/1.0", **(headers or {})}
        if auth is not None:
            sent["x-sentry-auth"] = auth
        if isinstance(body, bytes):
            sent.setdefault("content-length", str(len(body)))
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [
                (k.encode(), v.encode("latin-1")) for k, v in sent.items() if v is not None
            ],
            "client": client,
        }
        chunks = [body] if isinstance(body, bytes) else body
        messages = exchange(self.app, scope, requests(chunks))
        start, *rest = messages
        assert start["type"] == "http.response.start"
        names = [name for name, _ in start["headers"]]
        assert len(names) == len(set(names))
        return Response(
            start["status"],
            {name.decode(): value.decode("latin-1") for name, value in start["headers"]},
            b"".join(message["body"] for message in rest),
        )


def requests(chunks: list[bytes]) -> list[dict[str, Any]]:
    """The messages with which a server hands on a body."""
    last = len(chunks) - 1
    return [
        {"type": "http.request", "body": chunk, "more_body": index < last}
        for index, chunk in enumerate(chunks)
    ]


def exchange(
    app: Callable[..., Any], scope: dict[str, Any], incoming: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What the application sends when it receives these messages, and nothing after them."""
    sent = []

    async def receive() -> dict[str, Any]:
        # A server is silent after the end of the body; to wait for more would be a hang.
        assert incoming, "the application reads on after the end of the body"
        return incoming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


MakeSDK = Callable[..., SDK]
