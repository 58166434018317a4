"""One issue with all that an issue can have, and each answer about it whole.

Its forms are in `tests/shapes/rich-issue.json`. There and here `"<user>"` stands for somebody in
the full form, `"<me>"` for the caller in it, `"<release>"` for a release, and `"<24 points: 7>"`
for a series with the sum of its counts: each is written out once in the file, or checked as it is
read.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from issues.models import (
    Activity,
    Issue,
    IssueBookmark,
    IssueHash,
    IssueRelease,
    IssueSeen,
    IssueSubscription,
    IssueTag,
)
from sentrylite.accounts.models import User
from sentrylite.organizations.access import ALL_SCOPES
from sentrylite.releases.models import ReleaseProject
from stats.models import IssueDay
from tests import factories

pytestmark = pytest.mark.django_db

SHAPES = Path(__file__).parents[2] / "shapes"
FORMS = json.loads((SHAPES / "rich-issue.json").read_text())
EVENT_ID = "9fac2ceed9344f2bbfdd1fdacb0ed9b1"
ISSUE = "/api/0/issues/900001/"
BELOW = "/api/0/organizations/acme/issues/PUMP-STATION-10/"
LIST = "/api/0/projects/acme/pump-station/issues/"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)


def person(pk: int, name: str, **more: Any) -> User:
    return factories.UserFactory(
        pk=pk,
        name=name,
        username=name.lower(),
        email=f"{name.lower()}@example.com",
        date_joined=datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
        **more,
    )


@pytest.fixture
def me() -> User:
    return person(900010, "Jane", last_login=datetime(2026, 3, 4, 5, tzinfo=UTC))


@pytest.fixture
def api(me: User) -> APIClient:
    token = factories.ApiTokenFactory(user=me, scopes=sorted(ALL_SCOPES))
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {token.secret}")
    return api


@pytest.fixture
def issue(me: User, now: datetime) -> Issue:
    other = person(900011, "Omar")
    organization = factories.OrganizationFactory(pk=900000, slug="acme")
    team = factories.TeamFactory(pk=900008, organization=organization, slug="rockets")
    factories.OrganizationMemberFactory(
        organization=organization, user=me, role="owner", teams=[team]
    )
    project = factories.ProjectFactory(
        pk=900002,
        organization=organization,
        slug="pump-station",
        name="Pump Station",
        platform="python-django",
        teams=[team],
    )
    release = factories.ReleaseFactory(
        pk=900003,
        organization=organization,
        version="pump@1.0",
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        released_at=datetime(2026, 3, 2, tzinfo=UTC),
        ref="main",
        url="https://example.com/1.0",
        owner=other,
    )
    ReleaseProject.objects.create(
        release=release,
        project=project,
        first_event_at=datetime(2026, 3, 1, 20, 36, 35, 5_000, tzinfo=UTC),
        last_event_at=datetime(2026, 3, 4, 4, 59, 59, tzinfo=UTC),
        new_issues=1,
    )
    issue = factories.IssueFactory(
        pk=900001,
        project=project,
        number=32,
        type="error",
        level=50,
        title="ValueError: it broke",
        culprit="pump.valves in open_valve",
        logger="pump",
        platform="python",
        metadata={"type": "ValueError", "value": "it broke", "filename": "pump/valves.py"},
        first_seen=datetime(2026, 3, 1, 20, 36, 34, tzinfo=UTC),
        last_seen=datetime(2026, 3, 4, 4, 59, 59, 590_000, tzinfo=UTC),
        times_seen=497,
        user_count=12,
        comment_count=1,
        share_id=UUID("fc6d8c0c43fc4630ad850ee518f1b9d0"),
        assigned_user=other,
        first_release=release,
        tag_keys={"level": [1, 497], "release": [1, 497], "handled": [1, 497]},
    )
    IssueRelease.objects.create(
        project_id=project.pk,
        issue_id=issue.pk,
        environment_id=900004,
        release_id=release.pk,
        times_seen=497,
        first_seen=issue.first_seen,
        last_seen=issue.last_seen,
    )
    for key, value, times in (
        ("level", "fatal", 497),
        ("release", "pump@1.0", 497),
        ("handled", "no", 497),
    ):
        IssueTag.objects.create(
            project_id=project.pk,
            issue_id=issue.pk,
            key=key,
            value=value,
            times_seen=times,
            first_seen=issue.first_seen,
            last_seen=issue.last_seen,
        )
    IssueDay.objects.create(
        project_id=project.pk,
        issue_id=issue.pk,
        day=int(now.timestamp()) // 86400,
        environment_id=1,
        total=7,
        hours=[0, 0, 0, 0, 7] + [0] * 19,
    )
    event = factories.make_event(
        issue,
        {
            "type": "error",
            "title": "ValueError: it broke",
            "hashes": ["c4a4d06bc314205bb3b6bdb612dde7f1"],
            "platform": "python",
        },
        event_id=UUID(EVENT_ID),
        release=release,
        environment=factories.EnvironmentFactory(
            pk=900004, organization=organization, name="production"
        ),
        tags=[("level", "fatal"), ("release", "pump@1.0"), ("user", "id:1")],
        size=7055,
    )
    IssueHash.objects.create(
        project_id=project.pk,
        hash=UUID("c4a4d06bc314205bb3b6bdb612dde7f1"),
        issue_id=issue.pk,
        last_event_id=event.event_id,
        last_event_at=event.timestamp,
    )
    for user in (me, other):
        IssueSeen.objects.create(issue=issue, user=user, last_seen=now - timedelta(user.pk % 10))
    IssueBookmark.objects.create(issue=issue, user=me)
    IssueSubscription.objects.create(issue=issue, user=me, reason="bookmarked")
    IssueSubscription.objects.create(issue=issue, user=other, reason="assigned")
    conditions = dict.fromkeys(
        [
            *("ignoreCount", "ignoreDuration", "ignoreUntil"),
            *("ignoreUserCount", "ignoreUserWindow", "ignoreWindow"),
        ]
    )
    for number, (kind, data, by) in enumerate(
        [
            ("set_regression", {"version": "pump@1.0"}, None),
            ("set_public", {}, me),
            ("set_private", {}, me),
            ("set_ignored", conditions | {"ignoreCount": 10}, other),
            ("set_unresolved", {}, me),
            ("set_resolved", {}, None),
            ("set_resolved_in_release", {"version": ""}, me),
            ("unassigned", {}, me),
            (
                "assigned",
                {
                    "assignee": "900011",
                    "assigneeEmail": "omar@example.com",
                    "assigneeType": "user",
                },
                me,
            ),
            ("note", {"text": "seen it on staging ✓"}, other),
        ]
    ):
        Activity.objects.create(
            pk=900100 + number,
            issue=issue,
            type=kind,
            data=data,
            user=by,
            created_at=now - timedelta(hours=1) + timedelta(minutes=number),
        )
    return issue


def marked(answer: Any) -> Any:
    """The answer with markers for people, releases and series that are whole."""
    if isinstance(answer, list):
        if answer and all(isinstance(point, list) and len(point) == 2 for point in answer):
            assert all(isinstance(start, float) and isinstance(n, int) for start, n in answer)
            return f"<{len(answer)} points: {sum(n for _, n in answer)}>"
        return [marked(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    found = {key: marked(value) for key, value in answer.items()}
    for marker in ("<me>", "<user>", "<release>"):
        if found == FORMS[marker]:
            return marker
        if found == FORMS[marker] | {"lastSeen": found.get("lastSeen")}:
            return [marker, found["lastSeen"]]
    return found


def whole(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return marked(response.json())


# The forms of an issue: in lists, with the keys of later years, and without those that are not in
# the documented example.
BASE = FORMS["issue"]
FULL = BASE | FORMS["later keys"]
BARE = {key: value for key, value in BASE.items() if key != "platform"} | {
    "project": {key: value for key, value in BASE["project"].items() if key != "platform"}
}
NOTE = FORMS["details"]["activity"][0]
NOTHING = {
    "ignoreCount": None,
    "ignoreUntil": None,
    "ignoreUserCount": None,
    "ignoreUserWindow": None,
    "ignoreWindow": None,
    "actor": "<me>",
}


# One issue ----------------------------------------------------------------------------------------


def test_who_am_i(api: APIClient) -> None:
    assert whole(api.get("/api/0/")) == {
        "version": "0",
        "auth": {"scopes": sorted(ALL_SCOPES)},
        "user": "<me>",
    }


def test_an_issue(api: APIClient, issue: Issue) -> None:
    assert whole(api.get(ISSUE)) == BARE | FORMS["details"]


def test_an_issue_of_an_organization(api: APIClient, issue: Issue) -> None:
    assert whole(api.get(BELOW)) == FULL | FORMS["details"]


CHANGES: list[tuple[Any, dict[str, Any]]] = [
    ({}, {}),
    ({"status": "resolved"}, {"status": "resolved"}),
    (
        {"status": "resolvedInNextRelease"},
        {"status": "resolved", "statusDetails": {"inNextRelease": True, "actor": "<me>"}},
    ),
    (
        {"status": "resolved", "statusDetails": {"inRelease": "latest"}},
        {"status": "resolved", "statusDetails": {"inRelease": "pump@1.0", "actor": "<me>"}},
    ),
    ({"status": "ignored"}, {"status": "ignored"}),
    (
        {"status": "ignored", "ignoreDuration": 60},
        {
            "status": "ignored",
            "statusDetails": NOTHING | {"ignoreUntil": "2026-03-04T06:06:07Z"},
        },
    ),
    (
        {"status": "ignored", "statusDetails": {"ignoreCount": 10, "ignoreWindow": 5}},
        {
            "status": "ignored",
            "statusDetails": NOTHING | {"ignoreCount": 10, "ignoreWindow": 5},
        },
    ),
    (
        {"status": "ignored", "statusDetails": {"ignoreUserCount": 3, "ignoreUserWindow": 7}},
        {
            "status": "ignored",
            "statusDetails": NOTHING | {"ignoreUserCount": 3, "ignoreUserWindow": 7},
        },
    ),
    (
        {"assignedTo": "team:900008"},
        {"assignedTo": {"type": "team", "id": "900008", "name": "rockets"}},
    ),
    (
        {"assignedTo": "jane"},
        {
            "assignedTo": {
                "type": "user",
                "id": "900010",
                "name": "Jane",
                "email": "jane@example.com",
            }
        },
    ),
    ({"assignedTo": ""}, {"assignedTo": None}),
    ({"hasSeen": False}, {"hasSeen": False}),
    ({"isBookmarked": False}, {"isBookmarked": False}),
    ({"isSubscribed": False}, {"isSubscribed": False, "subscriptionDetails": None}),
    ({"isPublic": False}, {"isPublic": False, "shareId": None}),
]


@pytest.mark.parametrize("sent, changed", CHANGES)
def test_a_changed_issue(api: APIClient, issue: Issue, sent: Any, changed: dict[str, Any]) -> None:
    assert whole(api.put(ISSUE, sent)) == BARE | changed
    answer = whole(api.get(BELOW))
    for later in ("activity", "participants", "seenBy"):
        answer[later] = FORMS["details"][later]
    status, details = answer["status"], answer["statusDetails"]
    archived = "archived_until_condition_met" if details else "archived_forever"
    substatus = {"substatus": {"unresolved": "ongoing", "ignored": archived}.get(status)}
    assert answer == FULL | FORMS["details"] | changed | substatus
    assert whole(api.put(BELOW, {})) == FULL | changed | substatus


@pytest.mark.parametrize("sent, changed", CHANGES)
def test_what_was_changed_of_many(
    api: APIClient, issue: Issue, sent: Any, changed: dict[str, Any]
) -> None:
    expected = dict(changed)
    if "status" in expected:
        expected.setdefault("statusDetails", {})
    if "isSubscribed" in expected:
        expected["subscriptionDetails"] = {"reason": "unknown"}
    assert whole(api.put(f"{LIST}?id=900001", sent)) == expected


# Issues -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query, more",
    [
        ("", {"stats": {"24h": "<24 points: 7>"}}),
        ("?statsPeriod=14d", {"stats": {"14d": "<14 points: 7>"}}),
        ("?statsPeriod=", {}),
        (
            f"?statsPeriod=&query={EVENT_ID}",
            {"matchingEventId": EVENT_ID, "matchingEventEnvironment": "production"},
        ),
    ],
)
def test_issues(api: APIClient, issue: Issue, query: str, more: dict[str, Any]) -> None:
    assert whole(api.get(LIST + query)) == [BASE | more]


def test_an_issue_resolved_by_age(api: APIClient, issue: Issue, now: datetime) -> None:
    issue.project.resolve_age = 1
    issue.project.save()
    Issue.objects.update(last_seen=now - timedelta(hours=2))
    resolved = {
        "status": "resolved",
        "statusDetails": {"autoResolved": True},
        "lastSeen": "2026-03-04T03:06:07Z",
    }
    assert whole(api.get(ISSUE)) == BARE | FORMS["details"] | resolved
    assert whole(api.get(f"{LIST}?statsPeriod=&query=")) == [BASE | resolved]


def test_what_a_short_id_stands_for(api: APIClient, issue: Issue) -> None:
    assert whole(api.get("/api/0/organizations/acme/shortids/PUMP-STATION-10/")) == {
        "organizationSlug": "acme",
        "projectSlug": "pump-station",
        "groupId": "900001",
        "group": FULL,
        "shortId": "PUMP-STATION-10",
    }


# Events -------------------------------------------------------------------------------------------

LISTED = "/api/0/projects/acme/pump-station/events/"
WITH_NEIGHBOURS = FORMS["event"] | {
    "nextEventID": None,
    "previousEventID": None,
    "release": "<release>",
    "userReport": None,
    "sdkUpdates": [],
    "occurrence": None,
}


@pytest.mark.parametrize("path", [f"{ISSUE}events/", f"{BELOW}events/", LISTED])
def test_events(api: APIClient, issue: Issue, path: str) -> None:
    assert whole(api.get(path)) == [FORMS["event summary"]]
    assert whole(api.get(f"{path}?full=1")) == [FORMS["event"]]


@pytest.mark.parametrize(
    "path", [f"{ISSUE}events/latest/", f"{BELOW}events/oldest/", f"{LISTED}{EVENT_ID}/"]
)
def test_an_event(api: APIClient, issue: Issue, path: str) -> None:
    assert whole(api.get(path)) == WITH_NEIGHBOURS


def test_hashes(api: APIClient, issue: Issue) -> None:
    assert whole(api.get(f"{ISSUE}hashes/")) == [
        {"id": "c4a4d06bc314205bb3b6bdb612dde7f1", "latestEvent": FORMS["event"]}
    ]


def test_what_an_event_id_stands_for(api: APIClient, issue: Issue) -> None:
    assert whole(api.get(f"/api/0/organizations/acme/eventids/{EVENT_ID}/")) == {
        "organizationSlug": "acme",
        "projectSlug": "pump-station",
        "groupId": "900001",
        "eventId": EVENT_ID,
        "event": FORMS["event"],
    }


# Notes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{ISSUE}notes/", f"{BELOW}comments/"])
def test_notes(api: APIClient, issue: Issue, path: str) -> None:
    assert whole(api.get(path)) == [NOTE]
    written = whole(api.post(path, {"text": "so"}), 201)
    mine = {
        "data": {"text": "so"},
        "dateCreated": "2026-03-04T05:06:07Z",
        "id": written["id"],
        "type": "note",
        "user": "<me>",
    }
    assert written == mine
    edited = whole(api.put(f"{path}{mine['id']}/", {"text": "or so"}))
    assert edited == mine | {"data": {"text": "or so"}}
    assert whole(api.get(path)) == [edited, NOTE]


# What a change leaves behind ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent, kind, data",
    [
        ({"status": "resolved"}, "set_resolved", {}),
        ({"status": "resolvedInNextRelease"}, "set_resolved_in_release", {"version": ""}),
        (
            {"status": "resolved", "statusDetails": {"inRelease": "pump@1.0"}},
            "set_resolved_in_release",
            {"version": "pump@1.0"},
        ),
        (
            {"status": "ignored", "ignoreDuration": 60, "ignoreCount": 3},
            "set_ignored",
            {
                "ignoreCount": 3,
                "ignoreDuration": 60,
                "ignoreUntil": "2026-03-04T06:06:07Z",
                "ignoreUserCount": None,
                "ignoreUserWindow": None,
                "ignoreWindow": None,
            },
        ),
        (
            {"assignedTo": "team:900008"},
            "assigned",
            {"assignee": "900008", "assigneeEmail": None, "assigneeType": "team"},
        ),
        (
            {"assignedTo": "jane"},
            "assigned",
            {"assignee": "900010", "assigneeEmail": "jane@example.com", "assigneeType": "user"},
        ),
        ({"assignedTo": None}, "unassigned", {}),
        ({"isPublic": False}, "set_private", {}),
    ],
)
def test_an_activity(api: APIClient, issue: Issue, sent: Any, kind: str, data: Any) -> None:
    whole(api.put(ISSUE, sent))
    activity = whole(api.get(ISSUE))["activity"]
    assert activity[0] == {
        "data": data,
        "dateCreated": "2026-03-04T05:06:07Z",
        "id": activity[0]["id"],
        "type": kind,
        "user": "<me>",
    }
    assert activity[1:] == FORMS["details"]["activity"]
