"""GET, PUT and DELETE of /issues/{issue_id}/"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from issues.models import Activity, Issue, IssueBookmark, IssueHash, IssueSeen, IssueSubscription
from sentrylite.accounts.models import User
from sentrylite.ingest.digest import digest
from sentrylite.organizations.access import ALL_SCOPES
from sentrylite.organizations.models import Organization, Project, ProjectKey, Team
from sentrylite.releases.models import Release, ReleaseProject
from stats.models import IssueDay
from tests import factories
from tests.events import NOON, a_hash, a_user, prepared

pytestmark = pytest.mark.django_db

SHAPE = Path(settings.BASE_DIR.parent, "tests/shapes/issue-detail.json")
NOT_FOUND = {"detail": "The requested resource does not exist"}
NO_PERMISSION = {"detail": "You do not have permission to perform this action."}
Client = Callable[..., APIClient]


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(
        project=project, number=1, first_seen=datetime(2026, 3, 4, 12, tzinfo=UTC)
    )


def path(issue: Issue) -> str:
    return f"/api/0/issues/{issue.pk}/"


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: moment)


# The documented answer ----------------------------------------------------------------------------


@pytest.fixture
def documented(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The situation of the documentation; returns its answer."""
    expected = json.loads(SHAPE.read_text())
    organization = factories.OrganizationFactory(slug="the-interstellar-jurisdiction")
    project = factories.ProjectFactory(
        id=2,
        organization=organization,
        slug="pump-station",
        name="Pump Station",
        teams=[factories.TeamFactory(organization=organization)],
    )
    moment = datetime(2018, 9, 10, 20, 36, 34, tzinfo=UTC)
    release = Release.objects.create(
        organization=organization,
        version="88dc638c8ccb84e5b7c750da882232aa1b394ac1",
        created_at=moment.replace(microsecond=590_000),
    )
    ReleaseProject.objects.create(
        release=release,
        project=project,
        first_event_at=moment.replace(microsecond=719_000),
        last_event_at=moment.replace(microsecond=719_000),
    )
    Issue.objects.create(
        id=1,
        project=project,
        number=1,
        title="This is an example Python exception",
        metadata={"title": "This is an example Python exception"},
        culprit="raven.scripts.runner in main",
        first_seen=moment,
        last_seen=moment,
        active_at=moment,
        times_seen=1,
        first_release=release,
    )
    hours = {int(start) // 3600: n for start, n in expected["stats"]["24h"]}
    for start, total in expected["stats"]["30d"]:
        day = int(start) // 86400
        IssueDay.objects.create(
            project_id=2,
            issue_id=1,
            day=day,
            environment_id=1,
            total=total,
            hours=[hours.get(day * 24 + hour, 0) for hour in range(24)],
        )
    set_clock(monkeypatch, moment)
    return expected


@pytest.fixture
def key_client(documented: dict[str, Any], api_as: Client) -> APIClient:
    """With an API key, as the example was made: no page for it, no marks."""
    return api_as(organization=Organization.objects.get())


def test_the_documented_answer_to_the_byte(
    key_client: APIClient, documented: dict[str, Any]
) -> None:
    answer = key_client.get("/api/0/issues/1/")
    assert answer.status_code == 200
    assert answer.content.decode() == json.dumps(documented, separators=(",", ":"))


def test_the_documented_headers(key_client: APIClient) -> None:
    answer = key_client.get("/api/0/issues/1/")
    assert {
        "X-XSS-Protection": "1; mode=block",
        "Content-Language": "en",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Language, Cookie",
        "Allow": "GET, PUT, DELETE, HEAD, OPTIONS",
        "X-Frame-Options": "deny",
        "Content-Type": "application/json",
        "Access-Control-Allow-Methods": "GET, PUT, DELETE, HEAD, OPTIONS",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "X-Sentry-Error, Retry-After",
    }.items() <= answer.headers.items()
    assert answer.headers["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize("points, period", [(25, "24h"), (31, "30d")])
def test_series_end_with_the_current_bucket(
    key_client: APIClient, points: int, period: str
) -> None:
    series = key_client.get("/api/0/issues/1/").json()["stats"][period]
    assert len(series) == points
    assert all(isinstance(moment, float) and isinstance(n, int) for moment, n in series)


# What else it shows -------------------------------------------------------------------------------


def test_a_member_sees_the_page_and_his_marks(api: APIClient, issue: Issue, user: User) -> None:
    IssueSeen.objects.create(issue=issue, user=user, last_seen=issue.active_at + timedelta(1))
    IssueBookmark.objects.create(issue=issue, user=user)
    IssueSubscription.objects.create(issue=issue, user=user, reason="commented")
    answer = api.get(path(issue)).json()
    assert answer["permalink"] == f"http://testserver/organizations/acme/issues/{issue.pk}/"
    assert (answer["hasSeen"], answer["isBookmarked"], answer["isSubscribed"]) == (True,) * 3
    assert answer["subscriptionDetails"] == {"reason": "commented"}
    assert [viewer["id"] for viewer in answer["seenBy"]] == [str(user.pk)]
    assert answer["seenBy"][0]["lastSeen"] == "2026-03-05T12:00:00Z"
    assert [person["email"] for person in answer["participants"]] == [user.email]


def test_a_mark_from_before_the_issue_came_back_does_not_count(
    api: APIClient, issue: Issue, user: User
) -> None:
    IssueSeen.objects.create(issue=issue, user=user, last_seen=issue.active_at - timedelta(1))
    assert api.get(path(issue)).json()["hasSeen"] is False


def test_activities_come_newest_first_and_end_with_the_first_sight(
    api: APIClient, issue: Issue, user: User, now: datetime
) -> None:
    for minutes, kind in enumerate(["set_resolved", "set_regression"]):
        Activity.objects.create(
            issue=issue,
            type=kind,
            user=user if kind == "set_resolved" else None,
            created_at=now + timedelta(minutes=minutes),
        )
    regression, resolved, first = api.get(path(issue)).json()["activity"]
    assert regression | {"id": ""} == {
        "data": {},
        "dateCreated": "2026-03-04T05:07:07Z",
        "id": "",
        "type": "set_regression",
        "user": None,
    }
    assert resolved["user"]["id"] == str(user.pk)
    assert first == {
        "data": {},
        "dateCreated": "2026-03-04T12:00:00Z",
        "id": "0",
        "type": "first_seen",
        "user": None,
    }


def test_a_hundred_activities_push_the_first_sight_out(
    api: APIClient, issue: Issue, now: datetime
) -> None:
    Activity.objects.bulk_create(
        Activity(issue=issue, type="set_resolved", created_at=now) for _ in range(101)
    )
    activity = api.get(path(issue)).json()["activity"]
    assert len(activity) == 100
    assert {item["type"] for item in activity} == {"set_resolved"}


def test_what_ingestion_stored_shows_at_once(
    api: APIClient, key: ProjectKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, datetime(2026, 3, 4, 12, 30, tzinfo=UTC))
    with connection.cursor() as cursor:
        digest(
            cursor.cursor,
            [
                prepared(
                    key,
                    timestamp=NOON + n,
                    release=["1.0", "2.0"][n % 2],
                    tags=[("level", "error"), ("server_name", f"web-{n}"), ("os.name", "Linux")],
                    user=a_user(str(n)),
                )
                for n in range(4)
            ],
        ).apply(cursor.cursor)
    answer = api.get(path(Issue.objects.get())).json()
    assert (answer["count"], answer["userCount"]) == ("4", 4)
    assert answer["firstRelease"]["version"] == "1.0"
    assert answer["firstRelease"]["newGroups"] == 1
    assert answer["lastRelease"]["version"] == "2.0"
    assert answer["tags"] == [
        {"key": "level", "name": "Level", "totalValues": 4, "uniqueValues": 1},
        {"key": "os.name", "name": "Os.Name", "totalValues": 4, "uniqueValues": 1},
        {"key": "server_name", "name": "Server", "totalValues": 4, "uniqueValues": 4},
    ]
    assert answer["stats"]["24h"][-1] == [1772625600.0, 4]
    assert answer["stats"]["30d"][-1] == [1772582400.0, 4]
    assert sum(n for _, n in answer["stats"]["24h"]) == 4


def test_head_and_options_work(api: APIClient, issue: Issue) -> None:
    head = api.head(path(issue))
    assert (head.status_code, head.content) == (200, b"")
    options = APIClient().options(path(issue))
    assert (options.status_code, options.content) == (200, b"")
    assert options.headers["Access-Control-Max-Age"] == "3600"
    assert options.headers["Access-Control-Allow-Methods"] == "GET, PUT, DELETE, HEAD, OPTIONS"


def test_groups_is_another_name(api: APIClient, issue: Issue) -> None:
    assert api.get(f"/api/0/groups/{issue.pk}/").json()["id"] == str(issue.pk)


def test_the_origin_that_asks_may_read(api: APIClient, issue: Issue) -> None:
    answer = api.get(path(issue), HTTP_ORIGIN="https://ui.example.com")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://ui.example.com"


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [1, 12])
def test_an_issue_costs_at_most_six_statements(
    api: APIClient, issue: Issue, many: int, django_assert_num_queries: Any, now: datetime
) -> None:
    for _ in range(many):
        person = factories.UserFactory()
        IssueSeen.objects.create(issue=issue, user=person)
        IssueSubscription.objects.create(issue=issue, user=person)
        Activity.objects.create(issue=issue, type="set_resolved", user=person)
    issue.first_release = factories.ReleaseFactory(organization=issue.project.organization)
    issue.save()
    with django_assert_num_queries(6):
        assert api.get(path(issue)).status_code == 200


def test_an_issue_that_nobody_touched_costs_three(
    api: APIClient, issue: Issue, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):
        assert api.get(path(issue)).status_code == 200


# Changes ------------------------------------------------------------------------------------------


def test_a_change_answers_the_base_form(api: APIClient, issue: Issue) -> None:
    answer = api.put(path(issue), {"status": "resolved"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "resolved"
    assert "activity" not in body
    assert list(body) == sorted(body)
    documented = set(json.loads(SHAPE.read_text()))
    assert documented - set(body) == {
        "activity",
        "firstRelease",
        "lastRelease",
        "participants",
        "pluginActions",
        "pluginContexts",
        "pluginIssues",
        "seenBy",
        "stats",
        "tags",
        "userReportCount",
    }
    assert set(body) < documented


@pytest.mark.parametrize(
    "sent, status, activity",
    [
        ("resolved", "resolved", ("set_resolved", {})),
        (
            "ignored",
            "ignored",
            (
                "set_ignored",
                {
                    "ignoreCount": None,
                    "ignoreDuration": None,
                    "ignoreUntil": None,
                    "ignoreUserCount": None,
                    "ignoreUserWindow": None,
                    "ignoreWindow": None,
                },
            ),
        ),
        ("muted", "ignored", None),
    ],
)
def test_setting_a_status(
    api: APIClient,
    issue: Issue,
    user: User,
    sent: str,
    status: str,
    activity: tuple[str, dict[str, Any]] | None,
) -> None:
    body = api.put(path(issue), {"status": sent}).json()
    assert (body["status"], body["statusDetails"]) == (status, {})
    assert body["isSubscribed"] is True
    assert body["subscriptionDetails"] == {"reason": "changed_status"}
    recorded = Activity.objects.get(issue=issue)
    if activity:
        assert (recorded.type, recorded.data) == activity
    assert recorded.user == user
    # once more changes nothing
    assert api.put(path(issue), {"status": sent}).status_code == 200
    assert Activity.objects.count() == 1
    assert api.put(path(issue), {"status": "unresolved"}).json()["status"] == "unresolved"
    assert Activity.objects.latest("id").type == "set_unresolved"
    issue.refresh_from_db()
    assert issue.resolved_at is None


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": ""}, {"unknown": [1]}])
def test_nothing_sent_changes_nothing(api: APIClient, issue: Issue, body: Any) -> None:
    answer = api.put(path(issue), body)
    assert (answer.status_code, answer.json()["status"]) == (200, "unresolved")
    assert not Activity.objects.exists()


@pytest.mark.parametrize("written", ["{pk}", "user:{pk}", "{username}", "{email}", "{upper}"])
def test_assigning_to_a_person(api: APIClient, issue: Issue, user: User, written: str) -> None:
    actor = written.format(
        pk=user.pk, username=user.username, email=user.email, upper=user.email.upper()
    )
    body = api.put(path(issue), {"assignedTo": actor}).json()
    assert body["assignedTo"] == {
        "type": "user",
        "id": str(user.pk),
        "name": user.email,
        "email": user.email,
    }
    assert body["subscriptionDetails"] == {"reason": "assigned"}
    recorded = Activity.objects.get()
    assert (recorded.type, recorded.data) == (
        "assigned",
        {"assignee": str(user.pk), "assigneeEmail": user.email, "assigneeType": "user"},
    )
    api.put(path(issue), {"assignedTo": actor})
    assert Activity.objects.count() == 1


def test_assigning_to_a_team_and_to_nobody(
    api: APIClient, issue: Issue, team: Team, user: User
) -> None:
    body = api.put(path(issue), {"assignedTo": f"team:{team.pk}"}).json()
    assert body["assignedTo"] == {"type": "team", "id": str(team.pk), "name": "rockets"}
    assert IssueSubscription.objects.get(user=user).reason == "assigned"
    for nobody in ("", None):
        assert api.put(path(issue), {"assignedTo": nobody}).json()["assignedTo"] is None
    assert [item.type for item in Activity.objects.order_by("id")] == ["assigned", "unassigned"]


@pytest.mark.parametrize(
    "written, message",
    [
        ("nobody-here", "Unknown actor input"),
        ("#rockets", "Unknown actor input"),
        ("user:99999", "Unknown actor input"),
        ("team:99999", "Unknown actor input"),
        (True, "Unknown actor input"),
        ([1], "Unknown actor input"),
        ("a\0b", "Unknown actor input"),
        ("9" * 40, "Unknown actor input"),
        ("user:{stranger}", "Cannot assign to non-team member"),
        ("team:{other_team}", "Cannot assign to a team without access to the project"),
        ("team:{foreign_team}", "Unknown actor input"),
    ],
)
def test_who_cannot_be_assigned(
    api: APIClient, issue: Issue, organization: Organization, written: Any, message: str
) -> None:
    if isinstance(written, str):
        written = written.format(
            stranger=factories.UserFactory().pk,
            other_team=factories.TeamFactory(organization=organization).pk,
            foreign_team=factories.TeamFactory().pk,
        )
    answer = api.put(path(issue), {"assignedTo": written})
    assert (answer.status_code, answer.json()) == (400, {"assignedTo": [message]})
    issue.refresh_from_db()
    assert issue.assigned_user is issue.assigned_team is None


def test_marks(api: APIClient, issue: Issue) -> None:
    body = api.put(path(issue), {"hasSeen": True, "isBookmarked": "1"}).json()
    assert (body["hasSeen"], body["isBookmarked"]) == (True, True)
    assert body["subscriptionDetails"] == {"reason": "bookmarked"}
    body = api.put(path(issue), {"hasSeen": False, "isBookmarked": False}).json()
    assert (body["hasSeen"], body["isBookmarked"], body["isSubscribed"]) == (False, False, True)
    body = api.put(path(issue), {"isSubscribed": False}).json()
    assert (body["isSubscribed"], body["subscriptionDetails"]) == (False, None)
    # who does not want to hear of it is not subscribed again by what else they do
    assert api.put(path(issue), {"status": "resolved"}).json()["isSubscribed"] is False
    body = api.put(path(issue), {"isSubscribed": True}).json()
    assert body["subscriptionDetails"] == {"reason": "unknown"}


def test_only_who_looks_after_the_project_has_seen_it(
    issue: Issue, organization: Organization, api_as: Client
) -> None:
    outsider = factories.OrganizationMemberFactory(organization=organization, role="manager")
    answer = api_as(outsider.user).put(path(issue), {"hasSeen": True})
    assert (answer.status_code, answer.json()["hasSeen"]) == (200, False)


def test_sharing(api: APIClient, issue: Issue) -> None:
    first = api.put(path(issue), {"isPublic": True}).json()
    assert first["isPublic"] is True
    assert len(first["shareId"]) == 32
    second = api.put(path(issue), {"isPublic": True}).json()
    assert second["shareId"] != first["shareId"]
    assert api.put(path(issue), {"isPublic": False}).json()["shareId"] is None
    assert [item.type for item in Activity.objects.order_by("id")] == ["set_public", "set_private"]


def test_an_api_key_changes_what_needs_no_person(
    issue: Issue, organization: Organization, api_as: Client
) -> None:
    api = api_as(organization=organization)
    body = api.put(path(issue), {"status": "resolved", "hasSeen": True}).json()
    assert (body["status"], body["hasSeen"], body["permalink"]) == ("resolved", False, None)
    assert Activity.objects.get().user is None
    answer = api.put(path(issue), {"isBookmarked": True, "status": "ignored"})
    assert answer.status_code == 400
    assert answer.json() == {"isBookmarked": ["An API key has no user to do this for."]}
    issue.refresh_from_db()
    assert issue.status == Issue.Status.RESOLVED


@pytest.mark.parametrize(
    "body, error",
    [
        ({"status": "nope"}, {"status": ['"nope" is not a valid choice.']}),
        ({"hasSeen": "maybe"}, {"hasSeen": ["Must be a valid boolean."]}),
        ([1], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
        ("text", {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}),
    ],
)
def test_what_cannot_be_changed(api: APIClient, issue: Issue, body: Any, error: Any) -> None:
    answer = api.put(path(issue), body)
    assert (answer.status_code, answer.json()) == (400, error)
    issue.refresh_from_db()
    assert issue.status == Issue.Status.UNRESOLVED


@pytest.mark.parametrize(
    "body, detail",
    [
        (b"{", "JSON parse error - "),
        (b"hello", "JSON parse error - "),
        (b'{"status": "resol', "JSON parse error - Unterminated string"),
        (b"\xff\xfe", "JSON parse error - "),
        (b"[" * 100_000, "JSON parse error - "),
    ],
)
def test_a_body_that_is_not_json(api: APIClient, issue: Issue, body: bytes, detail: str) -> None:
    answer = api.put(path(issue), body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(detail)


def test_a_body_of_another_type(api: APIClient, issue: Issue) -> None:
    answer = api.put(path(issue), b"status=resolved", content_type="text/plain")
    assert answer.status_code == 415
    assert answer.json() == {"detail": 'Unsupported media type "text/plain" in request.'}


def test_a_form_does_as_well(api: APIClient, issue: Issue) -> None:
    answer = api.put(
        path(issue), "status=resolved", content_type="application/x-www-form-urlencoded"
    )
    assert answer.json()["status"] == "resolved"


def test_an_empty_body_changes_nothing(api: APIClient, issue: Issue) -> None:
    assert api.put(path(issue), b"", content_type="application/json").status_code == 200


# Deletion -----------------------------------------------------------------------------------------


def test_a_deleted_issue_is_gone_at_once(api: APIClient, issue: Issue) -> None:
    IssueHash.objects.create(project_id=issue.project_id, hash=a_hash("x"), issue_id=issue.pk)
    answer = api.delete(path(issue))
    assert (answer.status_code, answer.content) == (202, b"")
    assert "Content-Type" not in answer.headers
    for method in (api.get, api.put, api.delete):
        again = method(path(issue))
        assert (again.status_code, again.json()) == (404, NOT_FOUND)
    assert not IssueHash.objects.exists()


# Access -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "patch", "post"])
def test_without_credentials(issue: Issue, method: str) -> None:
    answer = getattr(APIClient(), method)(path(issue))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'xBasic realm="api"'
    if method != "head":
        assert answer.json() == {"detail": "Authentication credentials were not provided."}


@pytest.mark.parametrize(
    "header, detail",
    [
        ("Bearer nope", "Invalid token"),
        ("bearer nope", "Invalid token"),
        ("Bearer", "Invalid token header. No credentials provided."),
        ("Bearer a b", "Invalid token header. Token string should not contain spaces."),
        ("Basic bm9wZTo=", "API key is not valid"),
        ("Basic", "Invalid basic header. No credentials provided."),
        ("Basic a b", "Invalid basic header. Credentials string should not contain spaces."),
        ("Basic ???", "Invalid basic header. Credentials not correctly base64 encoded."),
        ("Basic bm9wZTpwYXNz", "Authentication credentials were not provided."),
        ("Digest nope", "Authentication credentials were not provided."),
        ("", "Authentication credentials were not provided."),
    ],
)
def test_bad_credentials(issue: Issue, header: str, detail: str) -> None:
    answer = APIClient().get(path(issue), HTTP_AUTHORIZATION=header)
    assert (answer.status_code, answer.json()) == (401, {"detail": detail})


def test_a_token_of_the_past(issue: Issue, user: User) -> None:
    token = factories.ApiTokenFactory(
        user=user, scopes=["event:read"], expires_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    answer = APIClient().get(path(issue), HTTP_AUTHORIZATION=f"Bearer {token.secret}")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Token expired"})


def test_a_token_of_somebody_who_left(api: APIClient, issue: Issue, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)
    answer = api.get(path(issue))
    assert (answer.status_code, answer.json()) == (401, {"detail": "User inactive or deleted"})


def test_a_key_that_is_switched_off(issue: Issue, organization: Organization) -> None:
    key = factories.ApiKeyFactory(organization=organization, scopes=["event:read"], is_active=False)
    answer = APIClient().get(path(issue), HTTP_AUTHORIZATION=factories.basic(key.secret))
    assert (answer.status_code, answer.json()) == (401, {"detail": "Key is disabled"})


SUFFICIENT = {
    "get": {"event:read", "event:write", "event:admin"},
    "head": {"event:read", "event:write", "event:admin"},
    "put": {"event:write", "event:admin"},
    "delete": {"event:admin"},
}


@pytest.mark.parametrize("scope", sorted(ALL_SCOPES))
@pytest.mark.parametrize("method", SUFFICIENT)
def test_one_scope_alone(issue: Issue, user: User, api_as: Client, method: str, scope: str) -> None:
    answer = getattr(api_as(user, scopes=[scope]), method)(path(issue))
    if scope in SUFFICIENT[method]:
        assert answer.status_code in (200, 202)
    else:
        assert answer.status_code == 403


def test_a_role_narrows_a_token(issue: Issue, organization: Organization, api_as: Client) -> None:
    """Every role may do everything with issues; a person without a role may do nothing."""
    for role in ("member", "admin", "manager", "owner"):
        member = factories.OrganizationMemberFactory(organization=organization, role=role)
        assert api_as(member.user).get(path(issue)).status_code == 200
    answer = api_as(factories.UserFactory()).get(path(issue))
    assert (answer.status_code, answer.json()) == (403, NO_PERMISSION)


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_other_organizations_are_refused(issue: Issue, api_as: Client, method: str) -> None:
    other = factories.OrganizationMemberFactory(role="owner")
    for api in (api_as(other.user), api_as(organization=other.organization)):
        answer = getattr(api, method)(path(issue))
        assert (answer.status_code, answer.json()) == (403, NO_PERMISSION)
    assert Issue.objects.visible().exists()


def test_a_closed_organization_shows_members_only_their_teams(
    issue: Issue, organization: Organization, team: Team, api_as: Client
) -> None:
    organization.open_membership = False
    organization.save()
    inside = factories.OrganizationMemberFactory(organization=organization, teams=[team])
    outside = factories.OrganizationMemberFactory(organization=organization)
    manager = factories.OrganizationMemberFactory(organization=organization, role="manager")
    assert api_as(inside.user).get(path(issue)).status_code == 200
    assert api_as(outside.user).get(path(issue)).status_code == 403
    assert api_as(manager.user).get(path(issue)).status_code == 200


def test_the_token_of_a_superuser_has_no_more_power_than_his_memberships(
    issue: Issue, api_as: Client
) -> None:
    root = factories.UserFactory(is_superuser=True)
    assert api_as(root).get(path(issue)).status_code == 403
    api = APIClient()
    api.force_login(root)
    assert api.get(path(issue)).status_code == 200


def test_a_session_needs_the_csrf_token_to_change_something(issue: Issue, user: User) -> None:
    api = APIClient(enforce_csrf_checks=True)
    api.force_login(user)
    assert api.get(path(issue)).status_code == 200
    answer = api.put(path(issue), {"status": "resolved"})
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("CSRF Failed: CSRF")


@pytest.mark.parametrize(
    "issue_id", ["0", "99999999", "9" * 19, "9" * 40, "abc", "PUMP-STATION-1", "-1", "1.0", "%00"]
)
def test_there_is_no_such_issue(api: APIClient, issue: Issue, issue_id: str) -> None:
    answer = api.get(f"/api/0/issues/{issue_id}/")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_a_method_that_there_is_not(api: APIClient, issue: Issue) -> None:
    for method in ("post", "patch"):
        answer = getattr(api, method)(path(issue))
        assert answer.status_code == 405
        assert answer.json() == {"detail": f'Method "{method.upper()}" not allowed.'}


def test_a_path_without_its_slash_is_not_found(api: APIClient, issue: Issue) -> None:
    answer = api.get(f"/api/0/issues/{issue.pk}")
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
