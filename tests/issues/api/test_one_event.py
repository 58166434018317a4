"""One event: below its issue, as it is stored, and what came with it"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues.models import Event, Issue
from issues.payload.event import ScrubRules, Sender
from issues.payload.prepare import prepare
from sentrylite.organizations.models import Organization, Project
from tests import factories

EVENT_ID = UUID("9fac2ceed9344f2bbfdd1fdacb0ed9b1")
EVENTS = "/api/0/projects/acme/pump-station/events/"
NOT_FOUND = {"detail": "Event not found"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(hours=1))


@pytest.fixture
def issue(project: Project, now: datetime) -> Issue:
    return factories.IssueFactory(project=project, number=1, first_seen=now)


@pytest.fixture
def event(issue: Issue) -> Event:
    return factories.make_event(issue, {"title": "x"}, event_id=EVENT_ID)


def get(api: APIClient, issue: Issue, which: str, **query: Any) -> Any:
    return api.get(f"/api/0/issues/{issue.pk}/events/{which}/", query)


# Below its issue ----------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [EVENT_ID.hex, EVENT_ID.hex.upper(), "recommended"])
def test_an_event_below_its_issue(api: APIClient, issue: Issue, event: Event, which: str) -> None:
    itself = api.get(f"{EVENTS}{EVENT_ID.hex}/").json()
    assert itself["title"] == "x"
    for address in (
        f"issues/{issue.pk}",
        f"groups/{issue.pk}",
        f"organizations/acme/issues/{issue.pk}",
        "organizations/acme/issues/PUMP-STATION-1",
    ):
        assert api.get(f"/api/0/{address}/events/{which}/").json() == itself


def test_the_recommended_event_is_the_last(api: APIClient, issue: Issue, event: Event) -> None:
    later = factories.make_event(issue, timestamp=event.timestamp + timedelta(seconds=1))
    assert get(api, issue, "recommended").json()["id"] == later.event_id.hex


def test_an_issue_without_events_recommends_none(api: APIClient, issue: Issue) -> None:
    answer = get(api, issue, "recommended")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "No events found for group"}


@pytest.mark.parametrize("which", ["abc", "0" * 32, "9" * 64, "%00", "-", quote("é")])
def test_an_event_that_the_issue_does_not_have(
    api: APIClient, issue: Issue, event: Event, which: str
) -> None:
    assert get(api, issue, which).status_code == 404


def test_an_event_of_another_issue(api: APIClient, issue: Issue, project: Project) -> None:
    for other in (factories.IssueFactory(project=project), factories.IssueFactory()):
        event = factories.make_event(other)
        answer = get(api, issue, event.event_id.hex)
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize("path", ["/api/0/issues/{issue}/events/", EVENTS])
def test_its_neighbours_in_an_environment(
    api: APIClient, issue: Issue, organization: Organization, now: datetime, path: str
) -> None:
    made = {
        name: factories.EnvironmentFactory(organization=organization, name=name)
        for name in ("prod", "stage")
    }
    ids = [
        factories.make_event(
            issue, environment=made[name], timestamp=now + timedelta(seconds=seconds)
        ).event_id.hex
        for seconds, name in enumerate(["prod", "stage", "prod", "stage", "prod"])
    ]
    url = f"{path.format(issue=issue.pk)}{ids[2]}/"

    def neighbours(**query: Any) -> tuple[str, str]:
        answer = api.get(url, query).json()
        return answer["previousEventID"], answer["nextEventID"]

    assert neighbours() == (ids[1], ids[3])
    assert neighbours(environment="prod") == (ids[0], ids[4])
    assert neighbours(environment=["prod", "stage"]) == (ids[1], ids[3])
    assert api.get(url, {"environment": "nope"}).status_code == 404
    assert api.get(url, {"environment": "\0"}).status_code == 400


@pytest.mark.parametrize("events", [2, 20])
def test_it_costs_six_statements(
    api: APIClient,
    issue: Issue,
    event: Event,
    events: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    release = factories.ReleaseFactory(organization=issue.project.organization)
    for _ in range(events):
        last = factories.make_event(issue, release=release)
    with django_assert_num_queries(6):
        assert get(api, issue, last.event_id.hex).status_code == 200


# As it is stored ----------------------------------------------------------------------------------


def test_an_event_as_it_is_stored(api: APIClient, issue: Issue, now: datetime) -> None:
    raw = {
        "event_id": EVENT_ID.hex,
        "timestamp": now.timestamp(),
        "platform": "python",
        "exception": {"values": [{"type": "ValueError", "value": "stuck"}]},
        "request": {"url": "https://example.com/", "data": {"password": "hunter2"}},
        "tags": {"area": "north"},
    }
    prepared = prepare(raw, rules=ScrubRules(), sender=Sender(), now=now.timestamp())
    factories.make_event(issue, event_id=EVENT_ID, payload=prepared.payload, size=prepared.size)
    answer = api.get(f"{EVENTS}{EVENT_ID.hex}/json/")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["event_id"], body["timestamp"]) == (EVENT_ID.hex, now.timestamp())
    assert body["exception"]["values"][0]["type"] == "ValueError"
    assert ["area", "north"] in body["tags"]
    assert "hunter2" not in answer.content.decode()


def test_a_damaged_event_is_empty(api: APIClient, issue: Issue) -> None:
    factories.make_event(issue, event_id=EVENT_ID, payload=b"nope", size=4)
    assert api.get(f"{EVENTS}{EVENT_ID.hex}/json/").json() == {}


# What came with it --------------------------------------------------------------------------------


def test_an_event_has_no_attachments(api: APIClient, event: Event) -> None:
    assert api.get(f"{EVENTS}{EVENT_ID.hex}/attachments/").json() == []


@pytest.mark.parametrize("below", ["json", "attachments"])
@pytest.mark.parametrize("event_id", ["ab" * 16, "abc", "1", "%00", "9" * 64])
def test_what_an_unknown_event_has(
    api: APIClient, issue: Issue, event: Event, event_id: str, below: str
) -> None:
    assert api.get(f"{EVENTS}{event_id}/{below}/").status_code == 404
    theirs = factories.make_event(factories.IssueFactory())
    answer = api.get(f"{EVENTS}{theirs.event_id.hex}/{below}/")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
