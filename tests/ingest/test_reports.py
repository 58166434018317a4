"""What users say, as SDKs send it: items `user_report` and `feedback`, and events of that type."""

import json
from typing import Any

import pytest

from issues.payload.feedback import PreparedReport
from sentrylite.ingest.buffer import Full
from tests.ingest.sdk import EVENT, EVENT_ID, SDK, envelope, refused

SAID = {
    "event_id": EVENT_ID,
    "name": "Jane",
    "email": "jane@example.com",
    "comments": "It broke!",
}
OWN_ID = "f" * 32
FEEDBACK = {
    "event_id": OWN_ID,
    "type": "feedback",
    "environment": "production",
    "user": {"email": "user@example.com", "username": "jj"},
    "contexts": {
        "feedback": {
            "name": "Jane",
            "contact_email": "jane@example.com",
            "message": "Please add a dark mode",
            "source": "widget",
        }
    },
}


def feedback(**more: Any) -> dict[str, Any]:
    return {**FEEDBACK, "contexts": {"feedback": {**FEEDBACK["contexts"]["feedback"], **more}}}  # type: ignore[index]


def send(sdk: SDK, *parts: Any) -> Any:
    return sdk.send("/api/1/envelope/", envelope({}, *parts))


def taken(sdk: SDK) -> list[PreparedReport]:
    reports: list[Any] = sdk.buffer.events
    return reports


def test_a_user_report_is_stored(sdk: SDK) -> None:
    said = {**SAID, "event_id": EVENT_ID.upper()}
    body = envelope({"event_id": EVENT_ID}, {"type": "user_report"}, said)
    assert sdk.send("/api/1/envelope/", body).json == {"id": EVENT_ID}
    assert taken(sdk) == [
        PreparedReport(
            EVENT_ID, "Jane", "jane@example.com", "It broke!", project_id=1, organization_id=7
        )
    ]
    assert sdk.buffer.counts == [(11, "accepted_item", "user_report", 1)]


@pytest.mark.parametrize("item_type", ["feedback", "event"])
def test_feedback_stands_alone(sdk: SDK, item_type: str) -> None:
    response = send(sdk, {"type": item_type}, FEEDBACK)
    assert response.status == 200
    assert taken(sdk) == [
        PreparedReport(
            OWN_ID,
            "Jane",
            "jane@example.com",
            "Please add a dark mode",
            stands_alone=True,
            environment="production",
            project_id=1,
            organization_id=7,
        )
    ]
    assert sdk.buffer.counts == [(11, "accepted_item", "feedback", 1)]


def test_the_store_door_takes_feedback_too(sdk: SDK) -> None:
    assert sdk.send("/api/1/store/", json.dumps(FEEDBACK).encode()).json == {"id": OWN_ID}
    assert taken(sdk)[0].comments == "Please add a dark mode"


def test_feedback_on_an_event(sdk: SDK) -> None:
    send(sdk, {"type": "feedback"}, feedback(associated_event_id=EVENT_ID))
    assert (taken(sdk)[0].event_id, taken(sdk)[0].stands_alone) == (EVENT_ID, False)


def test_who_says_nothing_of_himself_is_the_events_user(sdk: SDK) -> None:
    send(sdk, {"type": "feedback"}, feedback(name="", contact_email=None))
    assert (taken(sdk)[0].name, taken(sdk)[0].email) == ("jj", "user@example.com")


def test_texts_are_made_storable(sdk: SDK) -> None:
    said = {
        "event_id": EVENT_ID,
        "name": "n" * 200,
        "email": {"not": "text"},
        "comments": " a\0b\ud800 ",
    }
    assert send(sdk, {"type": "user_report"}, said).status == 200
    report = taken(sdk)[0]
    assert report.name == "n" * 125 + "..."
    assert report.email == ""
    assert report.comments.startswith("ab")
    report.comments.encode()


@pytest.mark.parametrize(
    "item_type, said",
    [
        ("user_report", {}),
        ("user_report", {**SAID, "event_id": "abc"}),
        ("user_report", {**SAID, "event_id": None}),
        ("user_report", {**SAID, "comments": " "}),
        ("user_report", {**SAID, "comments": ["x"]}),
        ("user_report", b"[]"),
        ("user_report", b"{"),
        ("feedback", {}),
        ("feedback", b"1"),
        ("feedback", {"contexts": {"feedback": "x"}}),
        ("feedback", feedback(message=None)),
        ("event", feedback(message="")),
        ("user_report", {**SAID, "comments": "x" * 1024 * 1024}),
    ],
)
def test_a_bad_report_does_not_take_the_other_items_along(
    sdk: SDK, item_type: str, said: Any
) -> None:
    response = send(sdk, {"type": item_type}, said, {"type": "user_report"}, SAID)
    assert response.status in (400, 413)
    assert [report.event_id for report in taken(sdk)] == [EVENT_ID]
    assert sdk.buffer.counts == [(11, "accepted_item", "user_report", 1)]


def test_what_is_missing_is_said(sdk: SDK) -> None:
    response = send(sdk, {"type": "user_report"}, {"event_id": EVENT_ID})
    assert refused(response) == (400, "Invalid user report: comments are missing")


def test_a_report_beside_its_event(sdk: SDK) -> None:
    assert send(sdk, {"type": "event"}, EVENT, {"type": "user_report"}, SAID).status == 200
    event, report = sdk.buffer.events
    assert event.event_id.hex == taken(sdk)[1].event_id
    assert isinstance(report, PreparedReport)


def test_what_is_not_stored_is_not_counted(sdk: SDK) -> None:
    sdk.buffer.error = Full()
    assert send(sdk, {"type": "user_report"}, SAID).status == 429
    assert sdk.buffer.counts == []
