"""Events that are symbolicated behind the doors: these tests really commit."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import OperationalError, connection

from issues.payload import codec
from issues.payload.event import Sender, Uploads
from issues.symbolication import Symbolicator
from sentrylite.ingest import symbolication
from sentrylite.ingest.admission import Admitted
from sentrylite.ingest.authentication import ProjectKeys, find_key
from sentrylite.ingest.doors import Doors
from sentrylite.ingest.limits import DEFAULT_LIMITS
from sentrylite.organizations.models import Project, ProjectKey
from tests import factories, scripts, uploads
from tests.ingest.sdk import SDK, sentry_auth

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(project: Project, now: datetime) -> None:
    """What was uploaded for the release of the events here."""
    uploads.release_file(project, "~/assets/shop.min.js", scripts.script("esbuild"), now)
    uploads.release_file(project, "~/assets/shop.min.js.map", scripts.source_map("esbuild"), now)


@pytest.fixture
def sdk() -> Iterator[SDK]:
    sdk = SDK(keys=ProjectKeys())
    yield sdk
    sdk.close()


def send(sdk: SDK, key: ProjectKey, **event: Any) -> dict[str, Any]:
    """What is stored of the shop's error."""
    body = json.dumps(scripts.error("esbuild", release="shop@1.0", **event)).encode()
    path = f"/api/{key.project_id}/store/"
    response = sdk.send(path, body, auth=sentry_auth(key.public_key))
    assert response.status == 200, response.body
    return codec.unpack(sdk.buffer.events[-1].payload)


def last_frame(stored: dict[str, Any]) -> dict[str, Any]:
    return stored["exception"]["values"][0]["stacktrace"]["frames"][-1]


def reasons(stored: dict[str, Any]) -> list[str]:
    return [each["reason"] for each in stored.get("errors", ())]


def test_an_event_is_stored_with_its_original_frames(sdk, key, shop):
    stored = send(sdk, key)

    assert last_frame(stored)["function"] == "Cart.priceOf"
    assert stored["culprit"] == "Cart.priceOf(src/cart)"
    assert stored["metadata"]["function"] == "Cart.priceOf"
    raw = stored["exception"]["values"][0]["raw_stacktrace"]
    assert raw["frames"][-1]["function"] == "i.priceOf"
    assert sdk.buffer.events[-1].project_id == key.project_id


def test_its_connection_ends_with_it(key, shop):
    sdk = SDK(keys=ProjectKeys())
    send(sdk, key)
    before = others()

    sdk.close()

    # That of the keys, and ours; the database takes a moment to notice.
    deadline = time.monotonic() + 10
    while before - others() < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert before - others() == 2


def others() -> int:
    """The connections to our database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_the_variables_of_original_frames_are_scrubbed(sdk, key, shop):
    raw = scripts.error("esbuild", release="shop@1.0")
    raw["exception"]["values"][0]["stacktrace"]["frames"][-1]["vars"] = {"password": "hunter2"}

    stored = send(sdk, key, exception=raw["exception"])

    assert last_frame(stored)["vars"] == {"password": "[Filtered]"}
    assert "hunter2" not in json.dumps(stored)


def test_a_key_knows_whether_there_is_something_to_look_up(key, project, now):
    def uploads_of(key: ProjectKey) -> Uploads:
        with connection.cursor() as cursor:
            found = find_key(cursor, key.public_key)
        assert found is not None
        return found.uploads

    other = factories.ProjectKeyFactory()
    assert uploads_of(key) == Uploads()
    file = uploads.release_file(project, "~/x.js", b"x", now)
    assert uploads_of(key) == Uploads(artifacts=True)
    file.delete()
    assert uploads_of(key) == Uploads()
    uploads.bundle(project, {"~/x.js": ("minified_source", b"x", {})}, now)
    assert uploads_of(key) == Uploads(artifacts=True)
    assert uploads_of(other) == Uploads()


def test_without_uploads_no_thread_and_no_process_is_started(sdk, key, monkeypatch):
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Symbolicator, "symbolicate", fail)

    assert last_frame(send(sdk, key))["function"] == "i.priceOf"
    assert "symbols_0" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("fault", [RuntimeError("bug"), OperationalError("gone"), MemoryError()])
def test_an_event_that_cannot_be_symbolicated_is_stored_as_it_was_sent(
    sdk, key, shop, monkeypatch, fault
):
    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(Symbolicator, "symbolicate", fail)

    stored = send(sdk, key)

    assert last_frame(stored)["function"] == "i.priceOf"
    assert stored["errors"] == [
        {"type": "native_symbolicator_failed", "reason": "Not symbolicated: it failed."}
    ]


def test_after_a_lost_connection_it_is_tried_again(sdk, key, shop, monkeypatch):
    symbolicate, calls = Symbolicator.symbolicate, []

    def fail_once(*arguments: Any, **options: Any) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            raise OperationalError("server closed the connection unexpectedly")
        symbolicate(*arguments, **options)

    monkeypatch.setattr(Symbolicator, "symbolicate", fail_once)

    assert last_frame(send(sdk, key))["function"] == "Cart.priceOf"
    assert len(calls) == 2


def test_an_event_that_takes_too_long_is_stored_as_it_was_sent(sdk, key, shop, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(symbolication, "SECONDS", 0.2)
    monkeypatch.setattr(Symbolicator, "symbolicate", lambda *_, **__: release.wait(10))
    began = time.monotonic()

    stored = send(sdk, key)

    assert time.monotonic() - began < 5
    release.set()
    assert last_frame(stored)["function"] == "i.priceOf"
    assert reasons(stored) == ["Not symbolicated: it takes longer than 0.2 seconds."]


def test_when_too_many_wait_events_are_stored_as_they_were_sent(sdk, key, shop, monkeypatch):
    monkeypatch.setattr(symbolication, "MAX_BYTES", 100)

    stored = send(sdk, key)

    assert reasons(stored) == ["Not symbolicated: too many events wait for it."]


def test_other_events_do_not_wait_for_one_that_is_symbolicated(key, shop, monkeypatch):
    """Two requests on one loop: the second is stored while the first is held up."""
    release, order = threading.Event(), []
    monkeypatch.setattr(Symbolicator, "symbolicate", lambda *_, **__: release.wait(10))

    class Recorder:
        async def submit(self, event: Any, limit: object = None) -> None:
            order.append(event.title)

        def count(self, *_: object, **__: object) -> None: ...

    keys = ProjectKeys()
    doors = Doors(Recorder(), keys, DEFAULT_LIMITS)

    async def main() -> None:
        info = await keys.get(key.public_key)
        assert info is not None
        admitted = Admitted(info, Sender())
        raw = scripts.error("esbuild", release="shop@1.0")
        slow = asyncio.create_task(doors._take_event(json.dumps(raw).encode(), admitted))
        await asyncio.sleep(0.05)
        await doors._take_event(b'{"message": "quick"}', admitted)
        release.set()
        await slow

    asyncio.run(main())
    doors.close()
    keys.close()
    assert order == ["quick", "RangeError: no price for kettle"]


def test_many_events_at_once_are_all_stored(key, shop):
    keys = ProjectKeys()
    stored = []

    class Recorder:
        async def submit(self, event: Any, limit: object = None) -> None:
            stored.append(codec.unpack(event.payload))

        def count(self, *_: object, **__: object) -> None: ...

    doors = Doors(Recorder(), keys, DEFAULT_LIMITS)

    async def main() -> None:
        info = await keys.get(key.public_key)
        assert info is not None
        body = json.dumps(scripts.error("esbuild", release="shop@1.0")).encode()
        admitted = Admitted(info, Sender())
        await asyncio.gather(*(doors._take_event(body, admitted) for _ in range(200)))

    asyncio.run(main())
    doors.close()
    keys.close()
    assert [last_frame(event)["function"] for event in stored] == ["Cart.priceOf"] * 200
