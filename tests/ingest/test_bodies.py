import asyncio
import gc
import gzip
import tracemalloc
import zlib

import pytest

from sentrylite.ingest import doors
from sentrylite.ingest.limits import MIB, Limits
from tests.ingest.sdk import (
    BODIES,
    QUERY_AUTH,
    SDK,
    STORE_BODY,
    MakeSDK,
    Response,
    envelope,
    every_door,
    exchange,
    refused,
    requests,
    sentry_auth,
)


@pytest.mark.parametrize(
    ("body", "headers", "status", "text"),
    [
        (b"", {}, 400, "No JSON data was found"),
        (b" \n", {}, 400, "No JSON data was found"),
        (b"nope", {"content-encoding": "gzip"}, 400, "No JSON data was found"),
        (b"nope", {"content-encoding": "deflate"}, 400, "No JSON data was found"),
        (
            b"--x\r\n\r\n--x--",
            {"content-type": "multipart/form-data; boundary=x"},
            400,
            "No JSON data was found",
        ),
        (
            b"hello, world",
            {},
            400,
            "Bad data decoding request (TypeError, Incorrect padding)",
        ),
        (
            b'{"message": ',
            {},
            400,
            "Bad data reconstructing object "
            "(JSONDecodeError, Expecting value: line 1 column 13 (char 12))",
        ),
        (
            b"[]",
            {},
            400,
            "Bad data reconstructing object "
            "(JSONDecodeError, Expecting value: line 1 column 1 (char 0))",
        ),
        (STORE_BODY, {"content-encoding": "b64"}, 415, "Unsupported content encoding 'b64'"),
    ],
)
def test_the_store_door_refuses_broken_bodies(
    sdk: SDK, body: bytes, headers: dict[str, str], status: int, text: str
) -> None:
    assert refused(sdk.send("/api/1/store/", body, headers=headers)) == (status, text)
    assert sdk.buffer.events == []


SMALL = Limits(body=2_000, envelope=10_000, event=1_000, items=10)


def event_of(size: int) -> bytes:
    start, end = b'{"message": "', b'"}'
    return start + b"x" * (size - len(start) - len(end)) + end


@every_door
@pytest.mark.parametrize("sizes", [None, [2_001], [1_500, 501], [1_500, 501, 5_000]])
def test_a_body_over_the_limit_is_refused(
    make_sdk: MakeSDK, door: str, sizes: list[int] | None
) -> None:
    sdk = make_sdk(limits=SMALL)
    body = b" " * 2_001 if sizes is None else [b" " * size for size in sizes]
    response = sdk.send(f"/api/1/{door}/", body)
    assert refused(response) == (413, "Larger than the 2000 bytes that are accepted")


@every_door
def test_an_event_over_the_limit_is_refused(make_sdk: MakeSDK, door: str) -> None:
    sdk = make_sdk(limits=SMALL)

    def send(size: int) -> Response:
        event = event_of(size)
        body = event if door == "store" else envelope({}, {"type": "event"}, event)
        return sdk.send(
            f"/api/1/{door}/", gzip.compress(body), headers={"content-encoding": "gzip"}
        )

    assert send(1_000).status == 200
    assert refused(send(1_001)) == (413, "Larger than the 1000 bytes that are accepted")
    assert len(sdk.buffer.events) == 1


def test_an_envelope_over_the_limit_is_refused(make_sdk: MakeSDK) -> None:
    sdk = make_sdk(limits=SMALL)

    def send(size: int) -> Response:
        body = envelope({}, {"type": "attachment"}, b"x" * size)
        return sdk.send(
            "/api/1/envelope/", zlib.compress(body), headers={"content-encoding": "deflate"}
        )

    assert send(9_000).status == 200
    assert refused(send(10_000)) == (413, "Larger than the 10000 bytes that are accepted")


def test_an_ordinary_large_event_is_stored(sdk: SDK) -> None:
    assert sdk.send("/api/1/store/", event_of(500_000)).status == 200
    body = gzip.compress(envelope({}, {"type": "event"}, event_of(1_000_000)))
    response = sdk.send("/api/1/envelope/", body, headers={"content-encoding": "gzip"})
    assert response.status == 200
    assert len(sdk.buffer.events) == 2


def test_a_small_body_that_turns_out_large_is_read_in_a_thread(sdk: SDK) -> None:
    body = envelope({}, {"type": "attachment"}, bytes(3 * doors.INLINE_DECODED))
    response = sdk.send(
        "/api/1/envelope/", gzip.compress(body), headers={"content-encoding": "gzip"}
    )
    assert response.status == 200
    assert sdk.buffer.counts == [(11, "accepted_item", "attachment", 1)]


def test_a_refused_body_is_read_to_its_end_but_not_kept(sdk: SDK) -> None:
    """Many clients only read the answer when they have sent everything."""
    incoming = requests([b"x" * 1000] * 5)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/1/store/",
        "query_string": b"",
        "headers": [],
        "client": None,
    }
    start, _ = exchange(sdk.app, scope, incoming)
    assert start["status"] == 401
    assert incoming == []


@pytest.mark.parametrize(
    "body",
    [
        envelope({}, {"type": "event"}, b"nope", {"type": "attachment"}, b"x" * MIB),
        envelope({}, {"type": "attachment"}, b"x" * MIB, {"type": "event", "length": 99}, b"{}"),
        envelope({}, {"type": "event"}, b"x" * 2 * MIB),
        b"x" * 2 * MIB,
    ],
)
def test_what_was_refused_is_let_go_at_once(sdk: SDK, body: bytes) -> None:
    """Not when the garbage collector comes: by then there may be gigabytes."""
    compressed = gzip.compress(body)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(10):
            response = sdk.send(
                "/api/1/envelope/", compressed, headers={"content-encoding": "gzip"}
            )
            assert response.status in (400, 413)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    # a thread that has only just answered may still hold the last one
    assert kept < 4 * MIB


def test_there_is_an_end_to_reading_what_is_not_kept(make_sdk: MakeSDK) -> None:
    sdk = make_sdk(limits=SMALL)
    incoming = requests([b"x" * 1000] * 10)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/1/store/",
        "query_string": b"",
        "headers": [(b"content-length", b"10000"), (b"x-sentry-auth", sentry_auth().encode())],
        "client": None,
    }
    start, _ = exchange(sdk.app, scope, incoming)
    assert start["status"] == 413
    assert incoming


def test_bodies_under_way_take_no_memory(sdk: SDK) -> None:
    """Twenty of 10 MiB each, at the same time, of which the last chunk does not come."""
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/1/store/",
        "query_string": QUERY_AUTH.encode(),
        "headers": [],
        "client": None,
    }

    async def main() -> int:
        incoming = [requests([bytes(64 * 1024)] * 160 + [b""]) for _ in range(20)]
        ends = asyncio.Event()

        async def send(message: object) -> None: ...

        async def request(messages: list[dict[str, object]]) -> None:
            async def receive() -> dict[str, object]:
                await asyncio.sleep(0)
                if len(messages) == 1:
                    await ends.wait()
                    return {"type": "http.disconnect"}
                return messages.pop(0)

            await sdk.app(scope, receive, send)

        running = [asyncio.create_task(request(messages)) for messages in incoming]
        while any(len(messages) > 1 for messages in incoming):
            await asyncio.sleep(0)
        kept, _ = tracemalloc.get_traced_memory()
        ends.set()
        await asyncio.gather(*running)
        return kept

    tracemalloc.start()
    try:
        assert asyncio.run(main()) < 20 * MIB
    finally:
        tracemalloc.stop()


@every_door
def test_a_body_for_which_the_disk_is_too_full_is_refused(
    sdk: SDK, door: str, full_disk: None
) -> None:
    response = sdk.send(f"/api/1/{door}/", [b" " * 100_000] * 3)
    assert refused(response) == (503, "There is no space for the request body")


@every_door
def test_a_client_that_leaves_gets_no_answer(sdk: SDK, door: str) -> None:
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/api/1/{door}/",
        "query_string": QUERY_AUTH.encode(),
        "headers": [],
        "client": None,
    }
    part = {"type": "http.request", "body": BODIES[door][:20], "more_body": True}
    assert exchange(sdk.app, scope, [part, {"type": "http.disconnect"}]) == []
    assert sdk.buffer.events == []
