"""The items `session` and `sessions`: what is read of them and what is refused."""

import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from sentrylite.ingest.buffer import Full
from sentrylite.ingest.sessions import MAX_SESSIONS, PreparedSessions
from sentrylite.organizations.intake import KeysClosed
from sentrylite.releases import sketches
from sentrylite.releases.sessions import Session, Status
from tests.ingest.sdk import EVENT, EVENT_ID, SDK, envelope, refused

SID = "7c7b6585-f901-4351-bf8d-02711b721929"


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def now() -> float:  # type: ignore[override]
    return time.time()


@pytest.fixture
def update(now: float) -> dict[str, Any]:
    """As browsers send it."""
    return {
        "sid": SID.replace("-", ""),
        "init": True,
        "started": moment(now - 60),
        "timestamp": moment(now),
        "status": "ok",
        "errors": 0,
        "did": "user-1",
        "attrs": {
            "release": "shop@1.0",
            "environment": "production",
            "ip_address": "10.0.0.1",
            "user_agent": "Mozilla/5.0",
        },
    }


@pytest.fixture
def aggregates(now: float) -> dict[str, Any]:
    """As web servers send it."""
    return {
        "attrs": {"release": "shop@1.0", "environment": "production"},
        "aggregates": [
            {"started": moment(now - 120), "exited": 40, "errored": 2, "crashed": 1},
            {"started": moment(now - 60), "did": 7, "exited": 3, "abnormal": 1, "unhandled": 2},
        ],
    }


def send(sdk: SDK, *parts: Any) -> Any:
    return sdk.send("/api/1/envelope/", envelope({}, *parts))


def taken(sdk: SDK) -> list[Session]:
    """The sessions of the one batch that was submitted."""
    [prepared] = sdk.buffer.events
    assert isinstance(prepared, PreparedSessions)
    sessions: list[Session] = prepared.sessions
    return sessions


def test_a_session_is_stored(sdk: SDK, update: dict[str, Any], now: float) -> None:
    response = send(sdk, {"type": "session"}, update)
    assert (response.status, response.json) == (200, {})
    [prepared] = sdk.buffer.events
    assert isinstance(prepared, PreparedSessions)
    assert prepared == PreparedSessions(
        [
            Session(
                UUID(SID),
                pytest.approx(now - 60, abs=0.001),
                "shop@1.0",
                "production",
                user=sketches.place_of("user-1"),
            )
        ],
        1,
        pytest.approx(now, abs=30),
        project_id=1,
        organization_id=7,
        key_id=11,
    )
    # It is counted with the batch that it is stored in.
    assert sdk.buffer.counts == []


@pytest.mark.parametrize(
    ("said", "status", "is_over"),
    [
        ({}, Status.HEALTHY, False),
        ({"errors": 2}, Status.ERRORED, False),
        ({"status": "exited"}, Status.HEALTHY, True),
        ({"status": "exited", "errors": 1}, Status.ERRORED, True),
        ({"status": "errored"}, Status.ERRORED, True),
        ({"status": "unhandled"}, Status.UNHANDLED, True),
        ({"status": "abnormal"}, Status.ABNORMAL, True),
        ({"status": "crashed", "errors": 0}, Status.CRASHED, True),
        ({"status": "made-up"}, Status.HEALTHY, True),
        ({"status": ["crashed"]}, Status.HEALTHY, True),
        ({"errors": "many"}, Status.HEALTHY, False),
        ({"errors": -1}, Status.HEALTHY, False),
    ],
)
def test_how_a_session_goes(
    sdk: SDK, update: dict[str, Any], said: dict[str, Any], status: Status, is_over: bool
) -> None:
    send(sdk, {"type": "session"}, {**update, **said})
    [session] = taken(sdk)
    assert (session.status, session.is_over) == (status, is_over)


@pytest.mark.parametrize(
    ("said", "duration"),
    [
        ({"duration": 12.5}, 12.5),
        ({"duration": 0}, 0.0),
        ({}, None),
        ({"duration": -1}, None),
        ({"duration": "12"}, None),
        ({"duration": True}, None),
        ({"duration": 1e300}, None),
        ({"duration": 12.5, "status": "ok"}, None),
    ],
)
def test_the_duration_of_a_session_that_is_over(
    sdk: SDK, update: dict[str, Any], said: dict[str, Any], duration: float | None
) -> None:
    send(sdk, {"type": "session"}, {**update, "status": "exited", **said})
    assert taken(sdk)[0].duration == duration


def test_numbers_of_sessions_are_stored(sdk: SDK, aggregates: dict[str, Any], now: float) -> None:
    assert send(sdk, {"type": "sessions"}, aggregates).status == 200
    first, second = taken(sdk)
    assert first.aggregate == (40, 2, 0, 0, 1)
    assert second.aggregate == (3, 0, 2, 1, 0)
    assert first.session_id != second.session_id
    assert (first.user, second.user) == (None, sketches.place_of("7"))
    assert first.started_at == pytest.approx(now - 120, abs=0.001)


def test_all_sessions_of_an_envelope_are_written_together(
    sdk: SDK, update: dict[str, Any], aggregates: dict[str, Any]
) -> None:
    parts = [part for _ in range(100) for part in ({"type": "session"}, update)]
    response = sdk.send(
        "/api/1/envelope/",
        envelope(
            {"event_id": EVENT_ID},
            *parts,
            {"type": "sessions"},
            aggregates,
            {"type": "event"},
            EVENT,
        ),
    )
    assert response.json == {"id": EVENT_ID}
    sessions, event = sdk.buffer.events
    assert isinstance(sessions, PreparedSessions)
    assert (len(sessions.sessions), sessions.items) == (102, 101)
    assert event.event_id.hex == EVENT_ID


def test_a_session_without_an_id_is_one_of_its_own(sdk: SDK, update: dict[str, Any]) -> None:
    del update["sid"]
    send(sdk, {"type": "session"}, update, {"type": "session"}, update)
    first, second = taken(sdk)
    assert first.session_id != second.session_id


def test_a_clock_that_is_a_little_ahead_is_forgiven(
    sdk: SDK, update: dict[str, Any], now: float
) -> None:
    send(sdk, {"type": "session"}, {**update, "started": moment(now + 1800)})
    assert taken(sdk)[0].started_at == pytest.approx(now, abs=30)


def test_texts_are_made_storable(sdk: SDK, update: dict[str, Any]) -> None:
    update["attrs"] = {"release": " a\0b\ud800 ", "environment": "e" * 100}
    update["did"] = "u\0" * 10_000
    assert send(sdk, {"type": "session"}, update).status == 200
    [session] = taken(sdk)
    session.release.encode()
    assert len(session.environment) == 64


@pytest.mark.parametrize(
    "wrong",
    [
        {"attrs": None},
        {"attrs": {}},
        {"attrs": {"release": ""}},
        {"attrs": {"release": ["1.0"]}},
        {"attrs": {"release": "a\nb"}},
        {"attrs": {"release": "a/b"}},
        {"sid": "nope"},
        {"sid": 7},
        {"sid": ["a"]},
        {"started": None},
        {"started": "yesterday"},
        {"started": {}},
        {"started": "1970-01-01T00:00:00Z"},
        {"started": "2999-01-01T00:00:00Z"},
        {"started": "99999-01-01"},
        {"started": 1e300},
        {"started": -5},
    ],
)
def test_what_cannot_be_right_is_counted_as_invalid(
    sdk: SDK, update: dict[str, Any], wrong: dict[str, Any]
) -> None:
    assert send(sdk, {"type": "session"}, {**update, **wrong}).status == 200
    assert sdk.buffer.events == []
    assert sdk.buffer.counts == [(11, "invalid_item", "session", 1)]


def test_a_session_that_is_older_than_updates_may_be_is_invalid(
    sdk: SDK, update: dict[str, Any], now: float
) -> None:
    for days, is_taken in ((5.01, False), (4.99, True)):
        sdk.buffer.events.clear()
        send(sdk, {"type": "session"}, {**update, "started": moment(now - days * 86400)})
        assert bool(sdk.buffer.events) == is_taken


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"7", b'"x"', b"[" * 100_000, b"\xff\xfe"]
)
@pytest.mark.parametrize("item_type", ["session", "sessions"])
def test_what_is_no_object_is_invalid(sdk: SDK, item_type: str, body: bytes) -> None:
    assert send(sdk, {"type": item_type, "length": len(body)}, body).status == 200
    assert sdk.buffer.counts == [(11, "invalid_item", "session", 1)]


@pytest.mark.parametrize(
    "lines",
    [
        None,
        {},
        "x",
        [],
        [None],
        [{}],
        [{"started": "now", "exited": 1}],
        [{"exited": 0}],
        [{"exited": -1}],
        [{"exited": 1.5}],
        [{"exited": "1"}],
        [{"exited": True}],
        [{"exited": 10**18}],
        [{"exited": 10**30}],
        [{"exited": 999_999, "crashed": 2}],
        [{"exited": 1}] * (MAX_SESSIONS + 1),
    ],
)
def test_numbers_that_cannot_be_right_are_invalid(
    sdk: SDK, aggregates: dict[str, Any], now: float, lines: Any
) -> None:
    if isinstance(lines, list):
        lines = [
            {"started": moment(now), **line} if isinstance(line, dict) else line for line in lines
        ]
    assert send(sdk, {"type": "sessions"}, {**aggregates, "aggregates": lines}).status == 200
    assert sdk.buffer.events == []
    assert sdk.buffer.counts == [(11, "invalid_item", "session", 1)]


def test_a_bad_line_does_not_take_the_others_along(sdk: SDK, aggregates: dict[str, Any]) -> None:
    aggregates["aggregates"].append({"started": "2999-01-01T00:00:00Z", "exited": 1})
    send(sdk, {"type": "sessions"}, aggregates)
    assert len(taken(sdk)) == 2


def test_of_too_many_sessions_the_first_are_taken(sdk: SDK, update: dict[str, Any]) -> None:
    parts = [part for _ in range(MAX_SESSIONS + 5) for part in ({"type": "session"}, update)]
    assert send(sdk, *parts).status == 200
    assert len(taken(sdk)) == MAX_SESSIONS
    assert sdk.buffer.counts == [(11, "invalid_item", "session", 5)]


def test_an_item_that_is_larger_than_events_may_be_is_invalid(
    sdk: SDK, update: dict[str, Any]
) -> None:
    send(sdk, {"type": "session"}, {**update, "did": "x" * 1024 * 1024})
    assert sdk.buffer.events == []
    assert sdk.buffer.counts == [(11, "invalid_item", "session", 1)]


def test_numbers_beyond_json_are_refused_in_peace(sdk: SDK, update: dict[str, Any]) -> None:
    text = json.dumps(update)[:-1] + ', "errors": ' + "9" * 4000 + ', "duration": Infinity}'
    assert send(sdk, {"type": "session"}, text.encode()).status == 200
    assert len(taken(sdk)) == 1


def test_a_full_buffer_is_said(sdk: SDK, update: dict[str, Any]) -> None:
    sdk.buffer.error = Full()
    response = send(sdk, {"type": "session"}, update, {"type": "log"}, {})
    assert response.status == 429
    assert sdk.buffer.counts == [(11, "accepted_item", "log", 1)]


def test_a_key_that_was_closed_meanwhile_is_refused(sdk: SDK, update: dict[str, Any]) -> None:
    sdk.buffer.error = KeysClosed([11])
    assert refused(send(sdk, {"type": "session"}, update))[0] == 401
