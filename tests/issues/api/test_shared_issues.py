"""GET /shared/issues/{share_id}/, also below its organization"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues.models import Issue, IssueResolution, IssueSnooze, IssueSubscription
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, Project
from tests import factories

SHARE = UUID(int=10**30)
PREFIXES = ("/api/0", "/api/0/organizations/acme")
SECRET = "hunter2"

FRAME = {"function": "open_valve", "lineno": 10, "in_app": True, "vars": {"password": SECRET}}
STACK = {"frames": [FRAME]}
EVENT: dict[str, Any] = {
    "type": "error",
    "title": "ValueError: stuck",
    "culprit": "pump.valves in open_valve",
    "metadata": {"type": "ValueError", "value": "stuck"},
    "platform": "python",
    "exception": {
        "values": [
            {
                "type": "ValueError",
                "value": "stuck",
                "stacktrace": STACK,
                "raw_stacktrace": STACK,
            }
        ]
    },
    "stacktrace": STACK,
    "threads": {"values": [{"id": 1, "stacktrace": STACK}]},
    "breadcrumbs": {"values": [{"message": SECRET}]},
    "request": {
        "method": "POST",
        "url": f"https://example.com/pumps?token={SECRET}",
        "query_string": [["token", SECRET]],
        "data": SECRET,
        "headers": [["Authorization", SECRET]],
        "cookies": [["session", SECRET]],
        "env": {"REMOTE_ADDR": SECRET},
        "fragment": SECRET,
    },
    "user": {"email": SECRET},
    "contexts": {"device": {"name": SECRET}},
    "extra": {"password": SECRET},
    "sdk": {"name": "sentry.python", "version": "2.0"},
    "errors": [{"type": "invalid_data", "name": "x", "value": SECRET}],
    "modules": {"pump": "1.0"},
    "debug_meta": {"images": [{"code_file": f"/home/{SECRET}/app"}]},
    "csp": {"document_uri": f"https://example.com/?token={SECRET}"},
    "unknown": SECRET,
}


@pytest.fixture
def issue(project: Project, now: datetime) -> Issue:
    return factories.IssueFactory(
        project=project, number=1, first_seen=now, share_id=SHARE, times_seen=2, user_count=1
    )


def get(share_id: str = SHARE.hex, prefix: str = PREFIXES[0], **headers: str) -> Any:
    return APIClient().get(f"{prefix}/shared/issues/{share_id}/", **headers)


def test_an_issue_for_everybody_who_knows_its_address(
    issue: Issue, user: User, now: datetime
) -> None:
    Issue.objects.update(assigned_user=user)
    IssueSubscription.objects.create(issue=issue, user=user)
    factories.make_event(issue, {"title": "older"}, timestamp=now - timedelta(seconds=1))
    event = factories.make_event(issue, EVENT, tags=[("user", f"email:{SECRET}")])
    answer = get()
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == sorted(body)
    latest = body.pop("latestEvent")
    assert body == {
        "annotations": [],
        "assignedTo": None,
        "count": "2",
        "culprit": "",
        "firstSeen": "2026-03-04T05:06:07Z",
        "hasSeen": False,
        "id": str(issue.pk),
        "isBookmarked": False,
        "isPublic": True,
        "isSubscribed": False,
        "lastSeen": "2026-03-04T05:06:07Z",
        "level": "error",
        "logger": None,
        "metadata": {},
        "numComments": 0,
        "permalink": None,
        "platform": None,
        "project": {
            "id": str(issue.project_id),
            "name": "Pump Station",
            "platform": None,
            "slug": "pump-station",
            "features": [],
            "organization": {"name": "Acme", "slug": "acme"},
        },
        "shareId": SHARE.hex,
        "shortId": "PUMP-STATION-1",
        "status": "unresolved",
        "statusDetails": {},
        "subscriptionDetails": None,
        "title": "ValueError: it broke",
        "type": "default",
        "userCount": 1,
    }
    assert (latest["id"], latest["title"]) == (event.event_id.hex, "ValueError: stuck")


def test_an_event_without_what_is_private(api: APIClient, issue: Issue) -> None:
    event = factories.make_event(
        issue, EVENT, tags=[("level", "error"), ("user", f"email:{SECRET}")]
    )
    answer = get()
    assert SECRET not in answer.content.decode()
    shown = answer.json()["latestEvent"]
    known = api.get(f"/api/0/projects/acme/pump-station/events/{event.event_id.hex}/").json()
    more = {"nextEventID", "previousEventID", "release", "sdkUpdates", "userReport", "occurrence"}
    assert shown.keys() == known.keys() - more
    hidden = {
        "user": None,
        "tags": [],
        "contexts": {},
        "context": {},
        "sdk": None,
        "errors": [],
    }
    entries = {entry["type"]: entry["data"] for entry in shown.pop("entries")}
    assert shown == {key: known[key] for key in shown} | hidden
    assert list(entries) == ["exception", "stacktrace", "threads", "request"]
    (frame,) = entries["exception"]["values"][0]["stacktrace"]["frames"]
    assert (frame["function"], frame["vars"]) == ("open_valve", None)
    assert entries["request"] == {
        "method": "POST",
        "url": "https://example.com/pumps",
        "query": [],
        "fragment": "",
        "data": None,
        "headers": [],
        "cookies": [],
        "env": None,
        "inferredContentType": None,
    }


@pytest.mark.parametrize("status", [Issue.Status.RESOLVED, Issue.Status.IGNORED])
def test_who_settled_it_is_not_told(issue: Issue, user: User, status: int) -> None:
    release = factories.ReleaseFactory(organization=issue.project.organization, version="1.0")
    Issue.objects.update(status=status)
    if status == Issue.Status.RESOLVED:
        IssueResolution.objects.create(
            issue=issue, actor=user, release=release, type=IssueResolution.Type.IN_RELEASE
        )
    else:
        IssueSnooze.objects.create(issue=issue, actor=user, count=9)
    answer = get()
    assert answer.json()["statusDetails"]["actor"] is None
    assert user.email not in answer.content.decode()


def test_an_issue_whose_events_are_gone(issue: Issue) -> None:
    assert get().json()["latestEvent"] is None


def test_a_damaged_payload(issue: Issue) -> None:
    event = factories.make_event(issue, {"title": "x"}, payload=b"nope", size=4)
    assert get().json()["latestEvent"]["id"] == event.event_id.hex


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("share_id", [SHARE.hex, SHARE.hex.upper()])
def test_the_address(issue: Issue, prefix: str, share_id: str) -> None:
    assert get(share_id, prefix).json()["id"] == str(issue.pk)


def test_below_its_organization_by_id(issue: Issue, organization: Organization) -> None:
    factories.OrganizationFactory(slug="other")
    assert get(prefix=f"/api/0/organizations/{organization.pk}").status_code == 200
    for other in ("other", "nope", f"{organization.pk}0"):
        assert get(prefix=f"/api/0/organizations/{other}").status_code == 404


@pytest.mark.parametrize(
    "share_id",
    ["ab" * 16, "0", "x" * 32, SHARE.hex[:-1], SHARE.hex * 300, "%00", "1", str(SHARE)],
)
def test_no_such_address(issue: Issue, share_id: str) -> None:
    for prefix in PREFIXES:
        answer = get(share_id, prefix)
        assert answer.status_code == 404
        assert answer.json() == {"detail": "The requested resource does not exist"}


def test_the_id_of_an_issue_is_no_address(issue: Issue) -> None:
    assert get(str(issue.pk)).status_code == 404


@pytest.mark.parametrize("status", [Issue.Status.PENDING_DELETION, Issue.Status.PENDING_MERGE])
def test_an_issue_that_is_gone(issue: Issue, status: int) -> None:
    Issue.objects.update(status=status)
    assert get().status_code == 404


def test_what_is_not_allowed_is_not_shared(
    issue: Issue, organization: Organization, project: Project
) -> None:
    organization.allow_shared_issues = False
    organization.save()
    assert get().status_code == 404
    organization.allow_shared_issues = True
    organization.status = "pending_deletion"
    organization.save()
    assert get().status_code == 404
    organization.status = "active"
    organization.save()
    assert get().status_code == 200
    project.status = "pending_deletion"
    project.save()
    assert get().status_code == 404


def test_sharing_and_taking_it_back(api: APIClient, issue: Issue) -> None:
    path = f"/api/0/issues/{issue.pk}/"
    share_id = api.put(path, {"isPublic": True}).json()["shareId"]
    assert get().status_code == 404
    assert get(share_id).status_code == 200
    api.put(path, {"isPublic": False})
    assert get(share_id).status_code == 404


def test_credentials_change_nothing(issue: Issue) -> None:
    factories.make_event(issue, EVENT)
    assert get(HTTP_AUTHORIZATION="Bearer nope").content == get().content


def test_nobody_keeps_a_copy(issue: Issue) -> None:
    answer = get()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("events", [2, 20])
def test_it_costs_two_statements(
    issue: Issue, events: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(events):
        factories.make_event(issue, EVENT)
    with django_assert_num_queries(2):
        assert get().status_code == 200
