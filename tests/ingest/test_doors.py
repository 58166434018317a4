import base64
import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import brotli
import pytest
import zstandard

from issues.payload import codec
from sentrylite.ingest import answers, items
from stats import usage
from tests.ingest.sdk import (
    BODIES,
    ENVELOPE_BODY,
    EVENT,
    EVENT_ID,
    OTHER_PUBLIC,
    PUBLIC,
    QUERY_AUTH,
    SDK,
    STORE_BODY,
    KnownKeys,
    MakeSDK,
    envelope,
    every_door,
    refused,
    sentry_auth,
)

# Events -------------------------------------------------------------------------------------------


@every_door
def test_an_event_is_stored(sdk: SDK, door: str) -> None:
    response = sdk.send(f"/api/1/{door}/", BODIES[door])
    assert response.status == 200
    assert response.body == b'{"id":"%s"}' % EVENT_ID.encode()
    assert response.headers["content-type"] == "application/json"
    (event,) = sdk.buffer.events
    assert event.event_id.hex == EVENT_ID
    assert (event.project_id, event.organization_id, event.key_id) == (1, 7, 11)
    assert event.title == "it broke"
    assert sdk.buffer.counts == []


def test_the_legacy_door_takes_the_project_from_the_key(sdk: SDK) -> None:
    assert sdk.send("/api/store/", STORE_BODY, auth=sentry_auth(OTHER_PUBLIC)).status == 200
    assert sdk.buffer.events[0].project_id == 2


@every_door
@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body)[2:-4]),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_every_encoding_is_read(
    sdk: SDK, door: str, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    body = encode(BODIES[door])
    response = sdk.send(f"/api/1/{door}/", body, headers={"content-encoding": encoding})
    assert response.json == {"id": EVENT_ID}


@pytest.mark.parametrize(
    "body", [base64.b64encode(STORE_BODY), base64.b64encode(zlib.compress(STORE_BODY))]
)
@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/json", None])
def test_old_sdks_send_base64(sdk: SDK, body: bytes, content_type: str | None) -> None:
    response = sdk.send("/api/1/store/", body, headers={"content-type": content_type})
    assert response.json == {"id": EVENT_ID}


@every_door
def test_a_chunked_body_without_length_and_type_is_read(sdk: SDK, door: str) -> None:
    body = BODIES[door]
    chunks = [body[:10], b"", body[10:11], body[11:], b""]
    response = sdk.send(f"/api/1/{door}/", chunks, auth=None, query=QUERY_AUTH)
    assert response.json == {"id": EVENT_ID}
    assert sdk.buffer.events[0].title == "it broke"


@pytest.mark.parametrize(
    ("event_id", "answered"),
    [
        (EVENT_ID.upper(), EVENT_ID),
        ("01234567-89ab-cdef-0123-456789abcdef", EVENT_ID),
        ("nonsense", None),
        (None, None),
    ],
)
def test_the_store_door_always_answers_with_an_id(
    sdk: SDK, event_id: str | None, answered: str | None
) -> None:
    body = json.dumps({"event_id": event_id, "message": "x"}).encode()
    given = sdk.send("/api/1/store/", body).json["id"]
    assert given == sdk.buffer.events[0].event_id.hex
    assert answered in (None, given)


def test_an_empty_object_is_an_event(sdk: SDK) -> None:
    assert sdk.send("/api/1/store/", b"{}").status == 200
    assert len(sdk.buffer.events) == 1


def test_events_say_whether_their_platform_is_new_to_the_project(
    make_sdk: MakeSDK,
) -> None:
    keys = KnownKeys(["*"])
    keys.known[PUBLIC] = replace(keys.known[PUBLIC], platforms=("python", "ruby"))
    sdk = make_sdk(keys=keys)
    for platform in ("python", "node", "nonsense"):
        body = json.dumps({"message": "it broke", "platform": platform}).encode()
        assert sdk.send("/api/1/store/", body).status == 200
    assert [(event.platform, event.is_new_platform) for event in sdk.buffer.events] == [
        ("python", False),
        ("node", True),
        ("other", True),
    ]


def test_what_is_said_about_the_sender_is_used(sdk: SDK) -> None:
    body = json.dumps({"message": "x", "user": {"ip_address": "{{auto}}"}}).encode()
    sdk.send("/api/1/store/", body)
    (event,) = sdk.buffer.events
    assert event.user is not None
    assert event.user.ip_address == "198.51.100.7"
    assert codec.unpack(event.payload)["sdk"]["name"] == "test"


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        (False, "203.0.113.9", "198.51.100.7"),
        (True, "203.0.113.9", "203.0.113.9"),
        (True, " 203.0.113.9 , 10.0.0.1", "203.0.113.9"),
        (True, "2001:db8::1", "2001:db8::1"),
        (True, "unknown", "198.51.100.7"),
        (True, None, "198.51.100.7"),
    ],
)
def test_a_proxy_names_the_sender_where_it_is_trusted(
    make_sdk: MakeSDK, trusted: bool, forwarded: str | None, address: str
) -> None:
    sdk = make_sdk(trust_proxy_headers=trusted)
    body = json.dumps({"user": {"ip_address": "{{auto}}"}}).encode()
    sdk.send("/api/1/store/", body, headers={"x-forwarded-for": forwarded})
    user = sdk.buffer.events[0].user
    assert user is not None
    assert user.ip_address == address


def test_proxies_are_trusted_by_a_setting(make_sdk: MakeSDK, settings: Any) -> None:
    settings.TRUST_PROXY_HEADERS = True
    sdk = make_sdk(trust_proxy_headers=None)
    body = json.dumps({"user": {"ip_address": "{{auto}}"}}).encode()
    sdk.send("/api/1/store/", body, headers={"x-forwarded-for": "203.0.113.9"})
    user = sdk.buffer.events[0].user
    assert user is not None
    assert user.ip_address == "203.0.113.9"


def test_a_sender_without_an_address_is_accepted(sdk: SDK) -> None:
    assert sdk.send("/api/1/store/", STORE_BODY, client=None).status == 200


def test_the_project_decides_what_is_scrubbed(sdk: SDK) -> None:
    sdk.send("/api/1/store/", json.dumps({"extra": {"password": "hunter2"}}).encode())
    assert b"hunter2" not in json.dumps(codec.unpack(sdk.buffer.events[0].payload)).encode()


@pytest.mark.parametrize("body", [b'{"extra": {"a": NaN}}', rb'{"message": "\ud800"}'])
def test_what_old_sdks_call_json_is_stored(sdk: SDK, body: bytes) -> None:
    assert sdk.send("/api/1/store/", body).status == 200


# Events in a URL ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        "%7B%22event_id%22%3A%22" + EVENT_ID + "%22%7D",
        base64.b64encode(STORE_BODY).decode(),
        base64.b64encode(zlib.compress(STORE_BODY)).decode(),
    ],
)
def test_an_event_in_the_query_is_answered_with_a_picture(sdk: SDK, data: str) -> None:
    response = sdk.request("GET", "/api/1/store/", query=f"{QUERY_AUTH}&sentry_data={data}")
    assert response.status == 200
    assert response.headers["content-type"] == "image/gif"
    assert response.headers["x-sentry-id"] == EVENT_ID
    assert response.body.startswith(b"GIF89a")
    assert len(sdk.buffer.events) == 1


def test_head_is_get_without_the_picture(sdk: SDK) -> None:
    query = f"{QUERY_AUTH}&sentry_data=%7B%7D"
    response = sdk.request("HEAD", "/api/1/store/", query=query)
    assert (response.status, response.body) == (200, b"")
    assert response.headers["content-length"] == str(len(answers.PIXEL))


def test_a_url_without_data_has_no_event(sdk: SDK) -> None:
    response = sdk.request("GET", "/api/1/store/", query=QUERY_AUTH)
    assert refused(response) == (400, "No JSON data was found")


# Envelopes ----------------------------------------------------------------------------------------


def test_an_event_without_an_id_gets_that_of_its_envelope(sdk: SDK) -> None:
    response = sdk.send(
        "/api/1/envelope/", envelope({"event_id": EVENT_ID}, {"type": "event"}, {"message": "x"})
    )
    assert response.json == {"id": EVENT_ID}
    assert sdk.buffer.events[0].event_id.hex == EVENT_ID


def test_the_id_of_the_event_wins_over_that_of_its_envelope(sdk: SDK) -> None:
    response = sdk.send(
        "/api/1/envelope/", envelope({"event_id": "f" * 32}, {"type": "event"}, EVENT)
    )
    assert response.json == {"id": EVENT_ID}


@pytest.mark.parametrize(
    ("headers", "answer"),
    [({}, {}), ({"event_id": "nonsense"}, {}), ({"event_id": EVENT_ID}, {"id": EVENT_ID})],
)
def test_an_envelope_without_an_event_has_its_own_id_or_none(
    sdk: SDK, headers: dict[str, str], answer: dict[str, str]
) -> None:
    response = sdk.send("/api/1/envelope/", envelope(headers, {"type": "session"}, b"{}"))
    assert (response.status, response.json) == (200, answer)
    assert sdk.buffer.events == []


def test_other_items_are_accepted_and_counted(sdk: SDK) -> None:
    logs = b'{"items":[{},{},{}]}'
    body = envelope(
        {"event_id": EVENT_ID},
        {"type": "attachment", "length": 3, "filename": "a"},
        b"\n\xff\n",
        {"type": "event"},
        EVENT,
        {"type": "log", "item_count": 3, "length": len(logs)},
        logs,
        {"type": "span", "item_count": 10**9},
        b"{}",
        {"type": "replay_event"},
        b"{}",
        {"type": "made-up"},
        b"{}",
    )
    assert sdk.send("/api/1/envelope/", body).json == {"id": EVENT_ID}
    assert len(sdk.buffer.events) == 1
    assert sdk.buffer.counts == [
        (11, "accepted_item", "attachment", 1),
        (11, "accepted_item", "log", 3),
        (11, "accepted_item", "span", 1),
        (11, "accepted_item", "replay", 1),
        (11, "accepted_item", "other", 1),
    ]


@every_door
def test_a_transaction_is_no_error(sdk: SDK, door: str) -> None:
    transaction = {**EVENT, "type": "transaction"}
    body = {
        "store": json.dumps(transaction).encode(),
        "envelope": envelope({}, {"type": "event"}, transaction),
    }[door]
    assert sdk.send(f"/api/1/{door}/", body).json == {"id": EVENT_ID}
    assert sdk.buffer.events == []
    assert sdk.buffer.counts == [(11, "accepted_item", "transaction", 1)]


def test_every_item_type_has_a_category_that_is_counted() -> None:
    counted = {items.category(item_type) for item_type in items.CATEGORIES} - {"error"}
    assert counted | {items.OTHER} == set(usage.ITEM_CATEGORIES)


def test_a_transaction_without_an_id_gets_one(sdk: SDK) -> None:
    response = sdk.send("/api/1/store/", b'{"type": "transaction"}')
    assert len(response.json["id"]) == 32


def test_a_second_event_does_not_share_the_id_of_the_envelope(sdk: SDK) -> None:
    body = envelope({"event_id": EVENT_ID}, {"type": "event"}, {}, {"type": "event"}, {})
    assert sdk.send("/api/1/envelope/", body).json == {"id": EVENT_ID}
    first, second = sdk.buffer.events
    assert first.event_id.hex == EVENT_ID != second.event_id.hex


def test_of_a_broken_envelope_the_whole_items_are_kept(sdk: SDK) -> None:
    response = sdk.send("/api/1/envelope/", ENVELOPE_BODY + b'\n{"type":"event","length":99}\n{}')
    assert response.status == 400
    assert response.json == {"detail": "invalid event envelope", "causes": ["invalid item length"]}
    assert len(sdk.buffer.events) == 1


def test_a_broken_event_does_not_take_the_other_items_along(sdk: SDK) -> None:
    body = envelope({}, {"type": "event"}, b"nope", {"type": "log"}, {}, {"type": "event"}, EVENT)
    response = sdk.send("/api/1/envelope/", body)
    assert refused(response) == (
        400,
        "Bad data reconstructing object (JSONDecodeError, "
        "Expecting value: line 1 column 1 (char 0))",
    )
    assert [event.event_id.hex for event in sdk.buffer.events] == [EVENT_ID]
    assert sdk.buffer.counts == [(11, "accepted_item", "log", 1)]


@pytest.mark.parametrize(
    ("body", "encoding", "cause"),
    [
        (b"", "", "invalid envelope header"),
        (b"nope", "", "invalid envelope header"),
        (ENVELOPE_BODY, "gzip", "The body is damaged, or not gzip"),
        (gzip.compress(ENVELOPE_BODY)[:-3], "gzip", "The compressed data ends too early"),
    ],
)
def test_what_is_no_envelope_is_refused(sdk: SDK, body: bytes, encoding: str, cause: str) -> None:
    response = sdk.send("/api/1/envelope/", body, headers={"content-encoding": encoding})
    assert response.status == 400
    assert response.json == {"detail": "invalid event envelope", "causes": [cause]}
    assert response.headers["x-sentry-error"] == "invalid event envelope"


# Flash --------------------------------------------------------------------------------------------


def test_the_policy_file_names_the_domains(make_sdk: MakeSDK) -> None:
    sdk = make_sdk(domains=["*.example.com", '"><x'])
    response = sdk.request("GET", "/api/1/crossdomain.xml")
    assert response.status == 200
    assert response.headers["content-type"] == "application/xml"
    assert b'domain="*.example.com"' in response.body
    assert b"<x" not in response.body


@pytest.mark.parametrize("project", ["abc", "99999"])
def test_there_is_no_policy_file_of_an_unknown_project(sdk: SDK, project: str) -> None:
    response = sdk.request("GET", f"/api/{project}/crossdomain.xml")
    assert refused(response) == (400, f"Invalid project_id: u'{project}'")
