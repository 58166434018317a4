"""What clients of later years read and change: /organizations/{org}/issues/{issue_id}/"""

from datetime import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from issues.models import Issue
from issues.models.issue import Level
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Project
from tests import factories

PATH = "/api/0/organizations/acme/issues/PUMP-STATION-1/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue(project: Project, now: datetime) -> Issue:
    return factories.IssueFactory(
        project=project, number=1, first_seen=now, platform="python", type="error"
    )


def status_of(body: Any) -> tuple[str, str | None, dict[str, Any]]:
    details = {key: value for key, value in body["statusDetails"].items() if value is not None}
    details.pop("actor", None)
    return body["status"], body["substatus"], details


def test_the_whole_answer(api: APIClient, issue: Issue, user: User) -> None:
    body = api.get(PATH).json()
    assert list(body) == sorted(body)
    stats = body.pop("stats")
    assert {name: len(points) for name, points in stats.items()} == {"24h": 25, "30d": 31}
    assert body == {
        "activity": [
            {
                "data": {},
                "dateCreated": "2026-03-04T05:06:07Z",
                "id": "0",
                "type": "first_seen",
                "user": None,
            }
        ],
        "annotations": [],
        "assignedTo": None,
        "count": "0",
        "culprit": "",
        "firstRelease": None,
        "firstSeen": "2026-03-04T05:06:07Z",
        "hasSeen": False,
        "id": str(issue.pk),
        "isBookmarked": False,
        "isPublic": False,
        "isSubscribed": False,
        "isUnhandled": False,
        "issueCategory": "error",
        "issueType": "error",
        "lastRelease": None,
        "lastSeen": "2026-03-04T05:06:07Z",
        "level": "error",
        "logger": None,
        "metadata": {},
        "numComments": 0,
        "participants": [],
        "permalink": f"http://testserver/organizations/acme/issues/{issue.pk}/",
        "platform": "python",
        "pluginActions": [],
        "pluginContexts": [],
        "pluginIssues": [],
        "priority": "high",
        "project": {
            "id": str(issue.project_id),
            "name": "Pump Station",
            "platform": None,
            "slug": "pump-station",
        },
        "seenBy": [],
        "shareId": None,
        "shortId": "PUMP-STATION-1",
        "status": "unresolved",
        "statusDetails": {},
        "subscriptionDetails": None,
        "substatus": "ongoing",
        "tags": [],
        "title": "ValueError: it broke",
        "type": "error",
        "userCount": 0,
        "userReportCount": 0,
    }


@pytest.mark.parametrize(
    ("level", "priority"),
    [
        (Level.FATAL, "high"),
        (Level.ERROR, "high"),
        (Level.WARNING, "medium"),
        (Level.INFO, "low"),
        (Level.DEBUG, "low"),
        (Level.SAMPLE, "low"),
    ],
)
def test_the_priority_is_that_of_the_level(
    api: APIClient, issue: Issue, level: int, priority: str
) -> None:
    Issue.objects.update(level=level)
    assert api.get(PATH).json()["priority"] == priority


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"status": "resolved"}, ("resolved", None, {})),
        ({"status": "resolved", "substatus": None}, ("resolved", None, {})),
        ({"status": "ignored"}, ("ignored", "archived_forever", {})),
        (
            {"status": "ignored", "substatus": "archived_forever"},
            ("ignored", "archived_forever", {}),
        ),
        ({"substatus": "archived_forever"}, ("ignored", "archived_forever", {})),
        (
            {"status": "muted", "substatus": "archived_until_escalating"},
            ("ignored", "archived_forever", {}),
        ),
        (
            {
                "status": "ignored",
                "substatus": "archived_until_condition_met",
                "ignoreCount": 5,
                "ignoreWindow": 60,
            },
            ("ignored", "archived_until_condition_met", {"ignoreCount": 5, "ignoreWindow": 60}),
        ),
        (
            {
                "substatus": "archived_until_condition_met",
                "statusDetails": {"ignoreUserCount": 3},
            },
            ("ignored", "archived_until_condition_met", {"ignoreUserCount": 3}),
        ),
    ],
)
def test_changing_the_substatus(
    api: APIClient, issue: Issue, sent: dict[str, Any], expected: Any
) -> None:
    answer = api.put(PATH, sent, format="json")
    assert answer.status_code == 200
    assert status_of(answer.json()) == status_of(api.get(PATH).json()) == expected
    for back in ({"status": "unresolved"}, {"status": "unresolved", "substatus": "ongoing"}):
        assert status_of(api.put(PATH, back, format="json").json()) == ("unresolved", "ongoing", {})


def test_many_issues_at_once(api: APIClient, issue: Issue) -> None:
    answer = api.put(
        f"/api/0/projects/acme/pump-station/issues/?id={issue.pk}",
        {"substatus": "archived_forever"},
        format="json",
    )
    assert answer.json() == {"status": "ignored", "statusDetails": {}}
    assert api.get(PATH).json()["substatus"] == "archived_forever"


@pytest.mark.parametrize(
    "sent",
    [
        {"substatus": "nope"},
        {"substatus": 1},
        {"substatus": ["archived_forever"]},
        {"substatus": {}},
        {"substatus": "x" * 10_000},
        {"status": "resolved", "substatus": "archived_forever"},
        {"status": "unresolved", "substatus": "archived_forever"},
        {"status": "ignored", "substatus": "ongoing"},
        {"substatus": "archived_until_condition_met"},
        {"substatus": "archived_until_condition_met", "ignoreCount": 0},
    ],
)
def test_what_cannot_be_is_refused(api: APIClient, issue: Issue, sent: dict[str, Any]) -> None:
    answer = api.put(PATH, sent, format="json")
    assert answer.status_code == 400
    assert list(answer.json()) == ["substatus"]
    assert status_of(api.get(PATH).json()) == ("unresolved", "ongoing", {})
