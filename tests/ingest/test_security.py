import json
from typing import Any

import pytest

from issues.payload import codec
from tests.ingest.sdk import (
    PUBLIC,
    SDK,
    MakeSDK,
    Response,
    refused,
)

CSP = {
    "csp-report": {
        "document-uri": "https://shop.example/cart",
        "referrer": "https://search.example/",
        "violated-directive": "script-src 'self'",
        "effective-directive": "script-src",
        "original-policy": "script-src 'self'",
        "blocked-uri": "https://evil.example/x.js",
    }
}


def report(sdk: SDK, body: Any, path: str = "security", **options: Any) -> Response:
    options.setdefault("headers", {"content-type": "application/csp-report"})
    options.setdefault("query", f"sentry_key={PUBLIC}")
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return sdk.send(f"/api/1/{path}/", data, auth=None, **options)


@pytest.mark.parametrize("path", ["security", "csp-report"])
def test_a_csp_report_becomes_an_event(sdk: SDK, path: str) -> None:
    query = f"sentry_key={PUBLIC}&sentry_environment=live&sentry_release=shop%401.0"
    response = report(sdk, CSP, path, query=query)
    assert (response.status, response.body) == (201, b"")
    assert response.headers["content-type"] == "application/javascript"
    (event,) = sdk.buffer.events
    assert event.type == event.logger == "csp"
    assert event.platform == "other"
    assert event.title == "Blocked 'script' from 'evil.example'"
    assert event.culprit == "script-src 'self'"
    assert (event.environment, event.release) == ("live", "shop@1.0")
    assert event.user is not None
    assert event.user.ip_address == "198.51.100.7"
    assert dict(event.tags)["effective-directive"] == "script-src"
    stored = codec.unpack(event.payload)
    assert stored["request"]["url"] == "https://shop.example/cart"
    assert ["User-Agent", "test-agent/1.0"] in stored["request"]["headers"]
    assert stored["csp"]["blocked_uri"] == "https://evil.example/x.js"


@pytest.mark.parametrize(
    ("body", "kind", "content_type"),
    [
        ({"expect-ct-report": {"hostname": "shop.example"}}, "expectct", "expect-ct-report+json"),
        (
            {"expect-staple-report": {"hostname": "shop.example"}},
            "expectstaple",
            "expect-staple-report",
        ),
        ({"known-pins": [], "hostname": "shop.example"}, "hpkp", "json; charset=utf-8"),
    ],
)
def test_other_reports_become_events(
    sdk: SDK, body: dict[str, Any], kind: str, content_type: str
) -> None:
    headers = {"content-type": f"application/{content_type}"}
    assert report(sdk, body, headers=headers).status == 201
    assert sdk.buffer.events[0].type == kind


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b"", 400, "No report or interface data"),
        ({}, 400, "Unrecognized security report type"),
        ([], 400, "Unrecognized security report type"),
        ({"other-report": {}}, 400, "Unrecognized security report type"),
        ({"csp-report": "text"}, 400, "Unrecognized security report type"),
        (
            {"csp-report": {"document-uri": "https://shop.example"}},
            400,
            "Invalid security report: violated-directive or document-uri is missing",
        ),
        (
            {"expect-ct-report": {"hostname": 5}},
            400,
            "Invalid security report: hostname is missing",
        ),
        (
            b"{",
            400,
            "Bad data reconstructing object (JSONDecodeError, Expecting property name enclosed in "
            "double quotes: line 1 column 2 (char 1))",
        ),
    ],
)
def test_what_is_no_report_is_refused(sdk: SDK, body: Any, status: int, text: str) -> None:
    assert refused(report(sdk, body)) == (status, text)
    assert sdk.buffer.events == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/reports+json", None])
def test_reports_have_a_content_type_of_their_own(sdk: SDK, content_type: str | None) -> None:
    response = report(sdk, CSP, headers={"content-type": content_type})
    assert refused(response) == (415, "Invalid Content-Type")


def test_a_report_about_another_site_is_refused(make_sdk: MakeSDK) -> None:
    sdk = make_sdk(domains=["other.example"])
    assert refused(report(sdk, CSP)) == (403, "Invalid origin")
    assert sdk.buffer.counts == [(11, "invalid_origin", "error", 1)]


def test_a_report_needs_a_key(sdk: SDK) -> None:
    response = report(sdk, CSP, query="")
    assert refused(response) == (401, "Unable to find authentication information")
