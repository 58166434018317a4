import asyncio
import base64
import gzip
import json
import logging
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentrylite.ingest.app import matches
from sentrylite.ingest.authentication import ProjectKeys
from sentrylite.ingest.buffer import Full, NotStored, Unavailable
from sentrylite.organizations.models import ProjectKey
from tests.ingest.sdk import (
    BODIES,
    ENVELOPE_BODY,
    QUERY_AUTH,
    SDK,
    STORE_BODY,
    MakeSDK,
    envelope,
    every_door,
    exchange,
    refused,
    requests,
    sentry_auth,
)

# Paths --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/api/1/store/",
        "/api/1/store",
        "/api/store/",
        "/api/store",
        "/api/abc/envelope/",
        "/api/1/envelope",
        "/api/1/security/",
        "/api/1/csp-report/",
        "/api/1/crossdomain.xml",
        "/api/1/minidump/",
        "/api/00/store/",
    ],
)
def test_paths_of_sdks(path: str) -> None:
    assert matches(path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/",
        "/api/0",
        "/api/0/",
        "/api/0/store/",
        "/api/0/projects/acme/store/",
        "/api/0/organizations/acme/envelope/",
        "/api/abc/",
        "/api/docs/index.html",
        "/admin/",
        "/xapi/1/store/",
    ],
)
def test_paths_of_others(path: str) -> None:
    assert not matches(path)


@pytest.mark.parametrize(
    "path", ["/api/1/store", "/api/1/envelope", "/api/store", "/api/1/minidump/", "/api/1/a/store/"]
)
def test_a_missing_slash_is_not_found_and_never_redirected(sdk: SDK, path: str) -> None:
    response = sdk.send(path, STORE_BODY)
    assert response.status == 404
    assert response.json == {"detail": "The requested resource does not exist"}
    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/1/store/", "GET, POST, HEAD, OPTIONS"),
        ("GET", "/api/1/envelope/", "POST, OPTIONS"),
        ("HEAD", "/api/1/envelope/", "POST, OPTIONS"),
        ("GET", "/api/1/security/", "POST, OPTIONS"),
        ("POST", "/api/1/crossdomain.xml", "GET, HEAD, OPTIONS"),
    ],
)
def test_other_methods_are_not_allowed(sdk: SDK, method: str, path: str, allowed: str) -> None:
    response = sdk.request(method, path, query=QUERY_AUTH)
    assert response.status == 405
    assert response.headers["allow"] == allowed
    if method != "HEAD":
        assert response.json == {"detail": f'Method "{method}" not allowed.'}


# Browsers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/1/store/", "GET, POST, HEAD, OPTIONS"),
        ("/api/1/envelope/", "POST, OPTIONS"),
        ("/api/1/security/", "POST, OPTIONS"),
        ("/api/abc/envelope/", "POST, OPTIONS"),
    ],
)
def test_a_preflight_needs_no_credentials(sdk: SDK, path: str, allowed: str) -> None:
    response = sdk.request("OPTIONS", path, headers={"origin": "https://shop.example"})
    assert (response.status, response.body) == (200, b"")
    assert response.headers["allow"] == allowed
    assert response.headers["access-control-allow-methods"] == allowed
    assert response.headers["access-control-allow-origin"] == "https://shop.example"
    assert response.headers["access-control-max-age"] == "3600"
    names = {n.strip() for n in response.headers["access-control-allow-headers"].lower().split(",")}
    assert names >= {
        "x-sentry-auth",
        "x-requested-with",
        "x-forwarded-for",
        "origin",
        "referer",
        "accept",
        "content-type",
        "authentication",
        "authorization",
        "content-encoding",
        "transfer-encoding",
    }


@pytest.mark.parametrize("origin", [None, "null", "https://shop.example"])
@pytest.mark.parametrize(
    ("method", "path", "auth", "body", "error", "status"),
    [
        ("POST", "/api/1/store/", sentry_auth(), STORE_BODY, None, 200),
        ("POST", "/api/1/envelope/", sentry_auth(), ENVELOPE_BODY, None, 200),
        ("POST", "/api/1/envelope/", sentry_auth(), b"", None, 400),
        ("POST", "/api/1/envelope/", None, ENVELOPE_BODY, None, 401),
        ("POST", "/api/1/envelope", None, ENVELOPE_BODY, None, 404),
        ("PUT", "/api/1/envelope/", None, ENVELOPE_BODY, None, 405),
        ("POST", "/api/1/envelope/", sentry_auth(), ENVELOPE_BODY, Full(), 429),
        ("POST", "/api/1/envelope/", sentry_auth(), ENVELOPE_BODY, ValueError(), 500),
        ("OPTIONS", "/api/1/envelope/", None, b"", None, 200),
    ],
)
def test_a_browser_may_read_every_answer(
    sdk: SDK,
    method: str,
    path: str,
    auth: str | None,
    body: bytes,
    error: Exception | None,
    status: int,
    origin: str | None,
) -> None:
    sdk.buffer.error = error
    response = sdk.request(method, path, body, auth=auth, headers={"origin": origin})
    assert response.status == status
    allowed = "https://shop.example" if origin == "https://shop.example" else "*"
    assert response.headers["access-control-allow-origin"] == allowed
    exposed = response.headers["access-control-expose-headers"].lower()
    assert exposed == "x-sentry-error, x-sentry-rate-limits, retry-after"


def test_no_answer_is_kept_in_a_cache(sdk: SDK) -> None:
    headers = sdk.send("/api/1/store/", STORE_BODY).headers
    assert headers["cache-control"].startswith("max-age=0")
    assert headers["expires"] == headers["last-modified"]
    assert headers["expires"].endswith(" GMT")


# When it cannot be stored -------------------------------------------------------------------------


def test_a_full_buffer_asks_to_wait(sdk: SDK) -> None:
    sdk.buffer.error = Full()
    response = sdk.send("/api/1/store/", STORE_BODY)
    assert response.status == 429
    assert response.json == {
        "error": "Creation of this event was denied due to rate limiting",
        "error_name": "rate_limit",
    }
    assert response.headers["retry-after"] == "1"
    seconds, categories, scope, reason = response.headers["x-sentry-rate-limits"].split(":")
    assert (seconds, scope, reason) == ("1", "organization", "queue_full")
    assert "error" in categories.split(";")
    assert sdk.buffer.counts == [(11, "rate_limited", "error", 1)]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (NotStored(), 500, "The event could not be stored."),
        (Unavailable(), 503, "The database is not available."),
        (psycopg2.OperationalError("gone"), 503, "The database is not available."),
    ],
)
def test_an_event_that_is_not_stored_is_not_acknowledged(
    sdk: SDK, error: Exception, status: int, text: str
) -> None:
    sdk.buffer.error = error
    assert refused(sdk.send("/api/1/envelope/", ENVELOPE_BODY)) == (status, text)


@every_door
def test_an_unexpected_error_is_logged_and_answered(
    sdk: SDK, door: str, caplog: pytest.LogCaptureFixture
) -> None:
    sdk.buffer.error = ZeroDivisionError("secret detail")
    with caplog.at_level(logging.ERROR):
        response = sdk.send(f"/api/1/{door}/", BODIES[door])
    assert (response.status, response.json) == (500, {"detail": "Internal Error"})
    assert "secret detail" in caplog.text
    assert f"/api/1/{door}/" in caplog.text


# Everything together ------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_key_from_the_database_opens_the_doors(make_sdk: MakeSDK, key: ProjectKey) -> None:
    sdk = make_sdk(keys=ProjectKeys())
    path = f"/api/{key.project_id}/envelope/"
    assert sdk.send(path, ENVELOPE_BODY, auth=sentry_auth(key.public_key)).status == 200
    assert sdk.buffer.events[0].project_id == key.project_id
    assert sdk.buffer.events[0].organization_id == key.project.organization_id
    assert sdk.send(path, ENVELOPE_BODY).status == 401
    assert sdk.send("/api/999/envelope/", ENVELOPE_BODY).status == 400


def test_slow_requests_do_not_hold_up_others(sdk: SDK) -> None:
    """Many requests on one event loop, each of which waits for its commit."""
    committed = asyncio.Event()
    submit = sdk.buffer.submit

    async def slow_submit(event: Any, limit: Any) -> None:
        await committed.wait()
        await submit(event, limit)

    sdk.buffer.submit = slow_submit  # type: ignore[method-assign]

    async def send_one(sent: list[Any]) -> None:
        incoming = requests([STORE_BODY])

        async def receive() -> Any:
            return incoming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/1/store/",
            "query_string": QUERY_AUTH.encode(),
            "headers": [],
            "client": None,
        }
        await sdk.app(scope, receive, send)

    async def main() -> list[list[Any]]:
        outputs: list[list[Any]] = [[] for _ in range(20)]
        tasks = [asyncio.ensure_future(send_one(output)) for output in outputs]
        for _ in range(5):
            await asyncio.sleep(0)
        assert not any(outputs)
        committed.set()
        await asyncio.gather(*tasks)
        return outputs

    assert all(output[0]["status"] == 200 for output in asyncio.run(main()))
    assert len(sdk.buffer.events) == 20


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=10), children, max_size=3)
    ),
    max_leaves=8,
)
event_like = st.dictionaries(
    st.sampled_from(
        [
            "event_id",
            "message",
            "exception",
            "tags",
            "user",
            "request",
            "timestamp",
            "type",
            "level",
        ]
    ),
    json_values,
    max_size=4,
)
bodies = st.one_of(
    st.binary(max_size=300),
    json_values.map(lambda value: json.dumps(value).encode()),
    event_like.map(lambda event: json.dumps(event).encode()),
    event_like.map(lambda event: envelope({}, {"type": "event"}, event)),
    st.binary(max_size=100).map(lambda data: envelope({}, {"type": "event"}, data)),
    event_like.map(lambda event: json.dumps({"csp-report": event}).encode()),
)


@settings(deadline=None)
@given(
    body=bodies,
    door=st.sampled_from(["store", "envelope", "security", "csp-report"]),
    compress=st.sampled_from([bytes, gzip.compress, base64.b64encode]),
    encoding=st.sampled_from(["", "gzip", "deflate", "br", "zstd", "x"]),
    with_key=st.booleans(),
)
def test_any_bytes_at_any_door_are_answered(
    body: bytes, door: str, compress: Callable[[bytes], bytes], encoding: str, with_key: bool
) -> None:
    sdk = SDK()
    try:
        response = sdk.send(
            f"/api/1/{door}/",
            compress(body),
            auth=None,
            query=QUERY_AUTH if with_key else "",
            headers={"content-encoding": encoding, "content-type": "application/json"},
        )
    finally:
        sdk.close()
    assert response.status < 500
    assert len(sdk.buffer.events) <= 1


@settings(deadline=None)
@given(
    query=st.binary(max_size=100),
    header=st.binary(max_size=100),
    path=st.text(max_size=20),
    method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "HEAD"]),
)
def test_any_request_is_answered(query: bytes, header: bytes, path: str, method: str) -> None:
    sdk = SDK()
    scope = {
        "type": "http",
        "method": method,
        "path": f"/api/{path}/store/",
        "query_string": query,
        "headers": [
            (name, header)
            for name in (
                b"x-sentry-auth",
                b"authorization",
                b"origin",
                b"referer",
                b"content-length",
            )
        ],
        "client": None,
    }
    try:
        start, _ = exchange(sdk.app, scope, requests([b"{}"]))
    finally:
        sdk.close()
    assert start["status"] < 500
