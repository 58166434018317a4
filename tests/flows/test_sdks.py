"""Real SDKs, and requests as other SDKs send them, to a real server; then what the API says."""

import base64
import gzip
import http.client
import json
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import brotli
import pytest
import zstandard

from tests import live

pytestmark = pytest.mark.live

HERE = Path(__file__).parent
SHAPES = HERE.parent / "shapes"


@dataclass(frozen=True)
class Project:
    """A project on the live server, and what somebody with a token sees of it."""

    server: live.Server
    organization: str
    slug: str
    id: str
    dsn: str
    token: str

    @property
    def key(self) -> str:
        return urlsplit(self.dsn).username or ""

    def get(self, path: str) -> Any:
        status, body = self.server.get(f"/api/0/{path}", token=self.token)
        assert status == 200, body
        return json.loads(body)

    def issues(self) -> list[Any]:
        return self.get(f"projects/{self.organization}/{self.slug}/issues/")

    def issue(self, title: str) -> Any:
        """The details of the only issue with this title."""
        [found] = [issue for issue in self.issues() if issue["title"] == title]
        return self.get(f"issues/{found['id']}/")

    def event(self, event_id: str) -> Any:
        return self.get(f"projects/{self.organization}/{self.slug}/events/{event_id}/")

    def stats(self) -> list[list[float]]:
        return self.get(f"organizations/{self.organization}/stats/")

    def run(self, sdk: str) -> list[str]:
        """Run a program that sends with an SDK; returns the event ids that it prints."""
        program = [sys.executable, str(HERE / "sdks" / f"{sdk}.py"), self.dsn]
        result = subprocess.run(program, capture_output=True, text=True, timeout=30)
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    def post(
        self, door: str, body: bytes | Iterator[bytes], query: str = "", **headers: str
    ) -> tuple[int, bytes]:
        """Send a request as it stands, with no headers but these; an iterator goes in chunks."""
        connection = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=20)
        is_chunked = not isinstance(body, bytes)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"transfer-encoding": "chunked"} if is_chunked else {}
        path = f"/api/{self.id}/{door}/?{query}"
        try:
            connection.request("POST", path, body, sent, encode_chunked=is_chunked)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    @property
    def auth(self) -> str:
        return f"Sentry sentry_version=7, sentry_client=test/1.0, sentry_key={self.key}"

    @property
    def query_auth(self) -> str:
        client = "sentry.javascript.node%2F11.0.0"
        return f"sentry_version=7&sentry_key={self.key}&sentry_client={client}"


@pytest.fixture(scope="module")
def server() -> Iterator[live.Server]:
    with live.server() as server:
        yield server


@pytest.fixture(scope="module")
def make_project(server: live.Server) -> Callable[[], Project]:
    numbers = count(1)

    def make() -> Project:
        """In an organization of its own, so that its stats are the project's."""
        number = next(numbers)
        made = server.setup(organization=f"acme-{number}", project="shop")
        return Project(
            server, made["organization"], "shop", made["project_id"], made["dsn"], made["token"]
        )

    return make


@pytest.fixture(scope="module")
def by_hand(make_project: Callable[[], Project]) -> Project:
    """For requests that are told apart by their events."""
    return make_project()


def keys_of(shape: str) -> set[str]:
    """The keys of a documented answer."""
    document = json.loads((SHAPES / f"{shape}.json").read_text())
    return set(document[0] if isinstance(document, list) else document)


def total(points: list[list[float]]) -> float:
    return sum(quantity for _, quantity in points)


def entry(event: Any, kind: str) -> Any:
    [data] = [entry["data"] for entry in event["entries"] if entry["type"] == kind]
    return data


# SDKs ---------------------------------------------------------------------------------------------

RELEASES = {"sentry_sdk_client": "shop@1.2.0", "raven_client": "shop@1.1.0"}
SDK_NAMES = {"sentry_sdk_client": "sentry.python", "raven_client": "raven-python"}
MESSAGES = {
    "sentry_sdk_client": "Only 3 of hammers left",
    # It sends parameters as `repr` writes them.
    "raven_client": "Only 3 of 'hammers' left",
}


@pytest.mark.parametrize("sdk", ["sentry_sdk_client", "raven_client"])
def test_what_an_sdk_sends_can_be_read_back(make_project: Callable[[], Project], sdk: str) -> None:
    project = make_project()
    exception_id, message_id = project.run(sdk)

    assert {issue["title"] for issue in project.issues()} == {
        "ZeroDivisionError: division by zero",
        MESSAGES[sdk],
    }
    for issue in project.issues():
        assert set(issue) == keys_of("project-issues")
        assert total(issue["stats"]["24h"]) == 1
    assert total(project.stats()) == 2

    check_exception(project, sdk, exception_id)
    check_message(project, sdk, message_id)


def test_sessions_can_be_read_back(make_project: Callable[[], Project]) -> None:
    """Those of a web server and of a program by the real SDK, and of a browser as its SDK sends
    them: at the beginning and again whenever something happened."""
    project = make_project()
    project.run("sessions_client")
    started = datetime.now(UTC).isoformat()
    for number, ends in enumerate([["exited"], ["ok", "exited"], ["ok", "crashed"]]):
        for status in ("ok", *ends):
            errors = int(status != "exited" and ends[0] == "ok")
            update = {
                "sid": f"{number:032x}",
                "init": status == "ok",
                "started": started,
                "timestamp": datetime.now(UTC).isoformat(),
                "status": status,
                "errors": errors,
                "did": f"user-{number}",
                "duration": 12,
                "attrs": {"release": "page@1.0", "environment": "production"},
            }
            body = b'{}\n{"type":"session"}\n' + json.dumps(update).encode()
            status_code, answer = project.post("envelope", body, query=project.query_auth)
            assert (status_code, answer) == (200, b"{}")

    query = "field=sum(session)&field=count_unique(user)&field=crash_free_rate(session)"
    path = f"organizations/{project.organization}/sessions/?{query}&statsPeriod=24h"
    groups = project.get(f"{path}&groupBy=release&orderBy=sum(session)")["groups"]
    assert [(group["by"]["release"], group["totals"]) for group in groups] == [
        (
            "page@1.0",
            {
                "sum(session)": 3,
                "count_unique(user)": 3,
                "crash_free_rate(session)": pytest.approx(2 / 3),
            },
        ),
        (
            "shop@3.0",
            {
                "sum(session)": 6,
                "count_unique(user)": 1,
                "crash_free_rate(session)": pytest.approx(5 / 6),
            },
        ),
    ]
    path = f"projects/{project.organization}/{project.slug}/releases/page@1.0/"
    *_, (_, today) = project.get(f"{path}stats/?statsPeriod=24h")["stats"]
    assert (today["sessions"], today["sessions_crashed"], today["sessions_errored"]) == (3, 1, 1)
    [shipped] = project.get(f"{path}?health=1")["projects"]
    assert shipped["healthData"]["crashFreeUsers"] == 66.67


def check_exception(project: Project, sdk: str, event_id: str) -> None:
    issue = project.issue("ZeroDivisionError: division by zero")
    assert set(issue) == keys_of("issue-detail")
    assert issue["culprit"] == "__main__ in charge"
    assert (issue["level"], issue["type"], issue["status"]) == ("error", "error", "unresolved")
    assert (issue["count"], issue["userCount"]) == ("1", 1)
    assert issue["firstRelease"]["version"] == RELEASES[sdk]
    assert [len(issue["stats"][period]) for period in ("24h", "30d")] == [25, 31]
    assert [total(issue["stats"][period]) for period in ("24h", "30d")] == [1, 1]
    tags = {tag["key"] for tag in issue["tags"]}
    assert tags >= {"environment", "level", "region", "release", "server_name", "user"}

    event = project.event(event_id)
    assert set(event) == keys_of("event-details")
    assert event["groupID"] == issue["id"]
    assert event["sdk"]["name"].startswith(SDK_NAMES[sdk])
    assert (event["user"]["id"], event["user"]["email"]) == ("7", "ann@example.com")
    assert event["release"]["version"] == RELEASES[sdk]
    sent = {tag["key"]: tag["value"] for tag in event["tags"]}
    assert (sent["region"], sent["environment"]) == ("eu-west-1", "staging")
    [exception] = entry(event, "exception")["values"]
    frame = exception["stacktrace"]["frames"][-1]
    assert frame["function"] == "charge"
    assert [frame["lineNo"], "    return 100 / amount"] in frame["context"]
    assert frame["vars"] == {"amount": "0"}
    assert entry(event, "breadcrumbs")["values"][0]["message"] == "checkout began"


def check_message(project: Project, sdk: str, event_id: str) -> None:
    issue = project.issue(MESSAGES[sdk])
    assert (issue["level"], issue["logger"], issue["count"]) == ("warning", "shop.stock", "1")
    event = project.event(event_id)
    assert event["groupID"] == issue["id"]
    message = entry(event, "message")
    assert message["message"] == "Only %s of %s left"
    assert message["formatted"] == MESSAGES[sdk]


# Requests as other SDKs send them -----------------------------------------------------------------


def an_event(**more: Any) -> tuple[str, dict[str, Any]]:
    """An event with its id."""
    event_id = uuid4().hex
    return event_id, {"event_id": event_id, "message": "it broke", "platform": "node", **more}


def an_envelope(event: dict[str, Any], **headers: Any) -> bytes:
    return b"\n".join(json.dumps(part).encode() for part in (headers, {"type": "event"}, event))


def in_chunks(body: bytes) -> Iterator[bytes]:
    """In pieces of a size that cuts lines and multi-byte characters."""
    for start in range(0, len(body), 37):
        yield body[start : start + 37]


def test_an_envelope_from_node(by_hand: Project) -> None:
    """Chunked, without a length or a type, with the credentials in the query."""
    event_id, event = an_event(extra={"city": "Zürich"})
    body = an_envelope(event, event_id=event_id, sent_at="2026-11-22T05:00:00.000Z")
    answer = by_hand.post("envelope", in_chunks(body), by_hand.query_auth)
    assert answer == (200, json.dumps({"id": event_id}, separators=(",", ":")).encode())
    assert by_hand.event(event_id)["context"] == {"city": "Zürich"}


def test_a_browsers_envelope(by_hand: Project) -> None:
    """`sendBeacon` and `fetch` without a preflight send text/plain."""
    event_id, event = an_event(platform="javascript")
    body = an_envelope(event, dsn=by_hand.dsn)
    status, _ = by_hand.post(
        "envelope",
        body,
        content_type="text/plain;charset=UTF-8",
        origin="https://shop.example.com",
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    )
    assert status == 200
    found = by_hand.event(event_id)
    assert found["contexts"]["browser"]["name"] == "Firefox"
    assert found["user"]["ip_address"] == "127.0.0.1"


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate without a header": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
}


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("door", ["envelope", "store"])
def test_compressed_bodies(by_hand: Project, door: str, encoding: str) -> None:
    event_id, event = an_event()
    name, compress = ENCODERS[encoding]
    body = an_envelope(event) if door == "envelope" else json.dumps(event).encode()
    headers = {"x_sentry_auth": by_hand.auth, "content_encoding": name}
    assert by_hand.post(door, compress(body), **headers)[0] == 200
    assert by_hand.post(door, in_chunks(compress(body)), **headers)[0] == 200  # the same event
    assert by_hand.event(event_id)["message"] == "it broke"


def test_a_store_body_from_raven_node(by_hand: Project) -> None:
    """base64 of zlib, with no word about it in the headers."""
    event_id, event = an_event()
    body = base64.b64encode(zlib.compress(json.dumps(event).encode()))
    headers = {"x_sentry_auth": by_hand.auth, "content_type": "application/octet-stream"}
    assert by_hand.post("store", body, **headers)[0] == 200
    assert by_hand.event(event_id)["platform"] == "node"
