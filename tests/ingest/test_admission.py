import base64

import pytest

from tests.ingest.sdk import (
    BODIES,
    DISABLED_PUBLIC,
    ENVELOPE_BODY,
    EVENT,
    EVENT_ID,
    OTHER_PUBLIC,
    PUBLIC,
    QUERY_AUTH,
    SDK,
    SECRET,
    STORE_BODY,
    MakeSDK,
    envelope,
    every_door,
    refused,
    sentry_auth,
)

# Credentials --------------------------------------------------------------------------------------


@every_door
@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (QUERY_AUTH, {}),
        (f"sentry_key={PUBLIC}", {}),
        ("", {"x-sentry-auth": sentry_auth(sentry_secret=SECRET, sentry_version="6")}),
        ("", {"authorization": sentry_auth()}),
        ("", {"authorization": "Basic " + base64.b64encode(f"{PUBLIC}:".encode()).decode()}),
        ("", {"x-sentry-auth": sentry_auth(PUBLIC.upper())}),
    ],
)
def test_credentials_are_read_from_every_place(
    sdk: SDK, door: str, query: str, headers: dict[str, str]
) -> None:
    response = sdk.send(f"/api/1/{door}/", BODIES[door], auth=None, query=query, headers=headers)
    assert response.json == {"id": EVENT_ID}


def test_the_dsn_of_an_envelope_is_enough(sdk: SDK) -> None:
    body = envelope({"dsn": f"https://{PUBLIC}@sentry.example/1"}, {"type": "event"}, EVENT)
    assert sdk.send("/api/1/envelope/", body, auth=None).json == {"id": EVENT_ID}


REFUSED_CREDENTIALS = [
    # path, auth header, query, status, text of the store door
    ("1", None, "", 401, "Unable to find authentication information"),
    ("1", "Sentry nonsense", "", 401, "Unable to find authentication information"),
    ("1", sentry_auth("c" * 32), "", 401, "Invalid api key"),
    ("1", sentry_auth(sentry_secret="0" * 32), "", 401, "Invalid api key"),
    ("1", sentry_auth("abc"), "", 400, "Invalid api key"),
    ("1", sentry_auth("z" * 32), "", 400, "Invalid api key"),
    ("1", sentry_auth("%00" * 16), "", 400, "Invalid api key"),
    ("1", sentry_auth(DISABLED_PUBLIC), "", 401, "API key is disabled"),
    ("1", sentry_auth(OTHER_PUBLIC), "", 400, "Two different projects were specified"),
    (
        "1",
        sentry_auth(sentry_version="99"),
        "",
        400,
        "Client using unsupported server protocol version (u'99')",
    ),
    (
        "1",
        sentry_auth(),
        QUERY_AUTH,
        400,
        "Authentication information was sent in more than one place",
    ),
    # the project comes before the key
    ("abc", sentry_auth(), "", 400, "Invalid project_id: u'abc'"),
    ("é", None, "", 400, r"Invalid project_id: u'\xe9'"),
    ("99999", sentry_auth(), "", 400, "Invalid project_id: u'99999'"),
    ("99999", sentry_auth("c" * 32), "", 400, "Invalid project_id: u'99999'"),
    ("99999", None, "", 400, "Invalid project_id: u'99999'"),
    ("9" * 30, sentry_auth(), "", 400, f"Invalid project_id: u'{'9' * 30}'"),
    ("٣", sentry_auth(), "", 400, r"Invalid project_id: u'\u0663'"),
]


@pytest.mark.parametrize(("project", "auth", "query", "status", "text"), REFUSED_CREDENTIALS)
def test_the_store_door_refuses_in_the_words_of_old(
    sdk: SDK, project: str, auth: str | None, query: str, status: int, text: str
) -> None:
    response = sdk.send(f"/api/{project}/store/", STORE_BODY, auth=auth, query=query)
    assert response.status == status
    assert response.json == {"error": text}
    assert response.headers["x-sentry-error"] == text
    assert sdk.buffer.events == []


@pytest.mark.parametrize(("project", "auth", "query", "status", "text"), REFUSED_CREDENTIALS)
def test_the_envelope_door_refuses_with_a_detail(
    sdk: SDK, project: str, auth: str | None, query: str, status: int, text: str
) -> None:
    response = sdk.send(f"/api/{project}/envelope/", ENVELOPE_BODY, auth=auth, query=query)
    if text == "Unable to find authentication information":
        text = "missing authorization information"
    if text == "Two different projects were specified":
        status = 401
    assert response.status == status
    assert response.json == {"detail": text, "causes": []}
    assert sdk.buffer.events == []


def test_the_legacy_door_needs_a_key(sdk: SDK) -> None:
    response = sdk.send("/api/store/", STORE_BODY, auth=None)
    assert refused(response) == (401, "Unable to find authentication information")


def test_a_client_names_itself_or_its_user_agent(sdk: SDK) -> None:
    key = f"Sentry sentry_key={PUBLIC}, sentry_version=7"
    nameless = {"user-agent": None}
    assert sdk.send("/api/1/store/", STORE_BODY, auth=key).status == 200
    assert sdk.send("/api/1/store/", STORE_BODY, headers=nameless).status == 200
    response = sdk.send("/api/1/store/", STORE_BODY, auth=key, headers=nameless)
    assert refused(response) == (400, "Client did not send 'client' identifier")
    # today's door does not ask
    response = sdk.send("/api/1/envelope/", ENVELOPE_BODY, auth=key, headers=nameless)
    assert response.status == 200


# Origins ------------------------------------------------------------------------------------------


@every_door
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"referer": "http://evil.example/page?x=1"},
    ],
)
def test_other_origins_are_refused(make_sdk: MakeSDK, door: str, headers: dict[str, str]) -> None:
    sdk = make_sdk(domains=["example.com"])
    response = sdk.send(f"/api/1/{door}/", BODIES[door], headers=headers)
    origin = "null" if headers.get("origin") == "null" else "http://evil.example"
    assert refused(response) == (403, f"Invalid origin: {origin}")
    allowed = "*" if origin == "null" else origin
    assert response.headers["access-control-allow-origin"] == allowed
    assert sdk.buffer.events == []
    assert sdk.buffer.counts == [(11, "invalid_origin", "error", 1)]


@pytest.mark.parametrize("headers", [{}, {"origin": "https://example.com"}])
def test_allowed_origins_and_none_at_all_pass(make_sdk: MakeSDK, headers: dict[str, str]) -> None:
    sdk = make_sdk(domains=["example.com"])
    assert sdk.send("/api/1/store/", STORE_BODY, headers=headers).status == 200


def test_the_origin_comes_before_the_credentials(make_sdk: MakeSDK) -> None:
    sdk = make_sdk(domains=["example.com"])
    headers = {"origin": "http://evil.example"}
    response = sdk.send("/api/1/store/", STORE_BODY, auth=None, headers=headers)
    assert refused(response) == (403, "Invalid origin: http://evil.example")
