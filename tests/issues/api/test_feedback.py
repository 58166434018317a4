"""User feedback: …/user-feedback/ of a project, an organization, an issue."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import ANY
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from issues.models import EventUser, Issue, UserReport
from sentrylite.organizations import dsn
from sentrylite.organizations.models import (
    Environment,
    Organization,
    OrganizationMember,
    Project,
    ProjectKey,
)
from tests import factories
from tests.events import a_user

pytestmark = pytest.mark.django_db

Client = Callable[..., APIClient]

EVENT_ID = "cc0fcc4147914646a75d95f62f344cbe"
SAID = {
    "name": "Jane Smith",
    "email": "jane@example.com",
    "comments": "It broke!",
    "event_id": EVENT_ID,
}
PROJECT = "/api/0/projects/acme/pump-station/user-feedback/"
ORGANIZATION = "/api/0/organizations/acme/user-feedback/"
TOO_LATE = {"detail": "Feedback for this event cannot be modified."}


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project, number=1, last_seen=timezone.now())


@pytest.fixture
def with_dsn(key: ProjectKey) -> APIClient:
    return dsn_client(key)


def dsn_client(key: ProjectKey, **more: Any) -> APIClient:
    api = APIClient()
    text = dsn.build(key.public_key, key.project_id, **more)
    api.credentials(HTTP_AUTHORIZATION=f"DSN {text}")
    return api


def make_report(issue: Issue | None = None, **facts: Any) -> UserReport:
    defaults = {
        "project": issue.project if issue else None,
        "event_id": uuid4().hex,
        "issue": issue,
        "name": "Jane",
        "email": "jane@example.com",
        "comments": "It broke!",
    }
    return UserReport.objects.create(**(defaults | facts))


def path_of(issue: Issue) -> str:
    return f"/api/0/issues/{issue.pk}/user-feedback/"


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [int(report["id"]) for report in answer.json()]


# Submitting ---------------------------------------------------------------------------------------


def test_a_report_on_an_event_that_is_not_there(api: APIClient, project: Project) -> None:
    answer = api.post(PROJECT, SAID)
    assert answer.status_code == 200
    assert answer.json() == {
        "id": str(UserReport.objects.get().pk),
        "eventID": EVENT_ID,
        "name": "Jane Smith",
        "email": "jane@example.com",
        "comments": "It broke!",
        "dateCreated": ANY,
        "user": None,
        "event": {"id": None, "eventID": EVENT_ID},
        "issue": None,
    }
    assert api.get(PROJECT).json() == []


def test_a_report_on_an_event(with_dsn: APIClient, api: APIClient, issue: Issue) -> None:
    """With no more than a DSN; it is then listed in three places."""
    someone = a_user("1", email="one@example.com")
    event = factories.make_event(
        issue,
        {"user": {"id": "1", "email": "one@example.com"}},
        event_id=UUID(EVENT_ID),
        timestamp=timezone.now(),
        user_hash=someone.hash,
    )
    answer = with_dsn.post(PROJECT, SAID | {"event_id": EVENT_ID.upper()})
    assert answer.status_code == 200
    report = answer.json()
    assert report.pop("issue") == {
        **api.get(PROJECT).json()[0]["issue"],
        "permalink": None,
        "id": str(issue.pk),
    }
    digest = hashlib.md5(b"1").hexdigest()
    assert report == {
        "id": str(UserReport.objects.get().pk),
        "eventID": EVENT_ID,
        "name": "Jane Smith",
        "email": "jane@example.com",
        "comments": "It broke!",
        "dateCreated": ANY,
        "user": {
            "id": str(int(digest[:16], 16)),
            "hash": digest,
            "tagValue": "id:1",
            "identifier": "1",
            "username": None,
            "email": "one@example.com",
            "name": "Jane Smith",
            "ipAddress": None,
            "dateCreated": ANY,
            "avatarUrl": ANY,
        },
        "event": {"id": EVENT_ID, "eventID": EVENT_ID},
    }
    assert EventUser.objects.get().name == "Jane Smith"
    assert api.get(path_of(issue)).json() == [report]
    listed = api.get(PROJECT).json()
    assert listed == api.get(ORGANIZATION).json() == [{**report, "issue": ANY}]
    assert listed[0]["issue"]["shortId"] == "PUMP-STATION-1"
    details = api.get(f"/api/0/projects/acme/pump-station/events/{event}/").json()
    assert details["userReport"] == report
    latest = api.get(f"/api/0/issues/{issue.pk}/events/latest/").json()
    assert latest["userReport"] == report
    assert api.get(f"/api/0/issues/{issue.pk}/").json()["userReportCount"] == 1


def test_the_name_of_a_user_who_has_one_stays(api: APIClient, issue: Issue) -> None:
    someone = a_user("1")
    factories.make_event(
        issue,
        {"user": {"id": "1"}},
        event_id=UUID(EVENT_ID),
        timestamp=timezone.now(),
        user_hash=someone.hash,
    )
    EventUser.objects.create(
        project_id=issue.project_id,
        hash=someone.hash,
        tag_value="id:1",
        name="Ada",
        first_seen=timezone.now(),
    )
    assert api.post(PROJECT, SAID).json()["user"]["name"] == "Ada"


def test_a_form_is_taken_too(with_dsn: APIClient) -> None:
    answer = with_dsn.post(
        PROJECT.replace("feedback", "reports"),
        "event_id=abc&name=J%C3%B8rgen&email=j%40example.com&comments=It+broke",
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 200
    assert (answer.json()["eventID"], answer.json()["name"]) == ("abc", "Jørgen")


def test_again_within_five_minutes_replaces_it(api: APIClient, project: Project) -> None:
    first = api.post(PROJECT, SAID).json()
    again = api.post(PROJECT, SAID | {"comments": "Twice!", "event_id": EVENT_ID.upper()})
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert UserReport.objects.get().comments == "Twice!"
    UserReport.objects.update(created_at=timezone.now() - timedelta(minutes=5, seconds=1))
    later = api.post(PROJECT, SAID)
    assert (later.status_code, later.json()) == (409, TOO_LATE)
    assert UserReport.objects.get().comments == "Twice!"


def test_nothing_more_is_said_of_an_event_of_half_an_hour_ago(api: APIClient, issue: Issue) -> None:
    old = timezone.now() - timedelta(minutes=30, seconds=1)
    factories.make_event(issue, event_id=UUID(EVENT_ID), timestamp=old)
    answer = api.post(PROJECT, SAID)
    assert (answer.status_code, answer.json()) == (409, TOO_LATE)
    assert not UserReport.objects.exists()


REQUIRED = ["This field is required."]


@pytest.mark.parametrize(
    "body, errors",
    [
        ({}, dict.fromkeys(SAID, REQUIRED)),
        ({"event_id": "x" * 36}, ["Ensure this field has no more than 32 characters."]),
        ({"event_id": ""}, ["This field may not be blank."]),
        ({"event_id": ["x"]}, ["Not a valid string."]),
        ({"event_id": "a\0"}, ["Null characters are not allowed."]),
        ({"name": "n" * 129}, ["Ensure this field has no more than 128 characters."]),
        ({"name": None}, ["This field may not be null."]),
        ({"name": {}}, ["Not a valid string."]),
        ({"email": "nobody"}, ["Enter a valid email address."]),
        (
            {"email": f"{'x' * 64}@example.com"},
            ["Ensure this field has no more than 75 characters."],
        ),
        ({"comments": "a\0b"}, ["Null characters are not allowed."]),
        ({"comments": ""}, ["This field may not be blank."]),
    ],
)
def test_what_cannot_be_said(with_dsn: APIClient, body: Any, errors: Any) -> None:
    sent = SAID | body if body else {}
    answer = with_dsn.post(PROJECT, sent)
    assert answer.status_code == 400
    assert answer.json() == (errors if not body else {next(iter(body)): errors})
    assert not UserReport.objects.exists()


@pytest.mark.parametrize("body", ["[]", "1", '"x"', "{", '{"comments": "\\ud800"}'])
def test_a_body_that_is_no_object(with_dsn: APIClient, body: str) -> None:
    answer = with_dsn.post(PROJECT, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()


def test_ten_kilobytes_of_words_are_kept(with_dsn: APIClient) -> None:
    assert with_dsn.post(PROJECT, SAID | {"comments": "é" * 10_000}).status_code == 200
    assert len(UserReport.objects.get().comments) == 10_000


# With a DSN ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "http://nonsense",
        "http://[::1",
        "http://{public}@localhost/999",
        "http://{public}@localhost/x",
        "http://00000000000000000000000000000000@localhost/{project}",
        "http://{public}:00000000000000000000000000000000@localhost/{project}",
    ],
)
def test_an_unknown_dsn(key: ProjectKey, text: str) -> None:
    api = APIClient()
    text = text.format(public=key.public_key, project=key.project_id)
    answer = api.post(PROJECT, SAID, HTTP_AUTHORIZATION=f"DSN {text}")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token"})
    assert answer.headers["WWW-Authenticate"] == 'xBasic realm="api"'


def test_a_dsn_that_is_not_in_use(key: ProjectKey) -> None:
    api = dsn_client(key, secret_key=key.secret_key)
    assert api.post(PROJECT, SAID).status_code == 200
    Project.objects.update(status="pending_deletion")
    assert api.post(PROJECT, SAID).status_code == 401
    Project.objects.update(status="active")
    ProjectKey.objects.update(is_active=False)
    assert api.post(PROJECT, SAID).json() == {"detail": "Invalid token"}


def test_a_dsn_reads_nothing(with_dsn: APIClient, project: Project) -> None:
    answer = with_dsn.get(PROJECT)
    assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize("path", ["acme/other", "acme/nope", "nope/pump-station"])
def test_a_dsn_of_another_project(
    with_dsn: APIClient, organization: Organization, path: str
) -> None:
    factories.ProjectFactory(organization=organization, slug="other")
    answer = with_dsn.post(f"/api/0/projects/{path}/user-feedback/", SAID)
    assert (answer.status_code, answer.content) == (400, b"")
    assert not UserReport.objects.exists()


def test_a_dsn_opens_nothing_else(with_dsn: APIClient, issue: Issue) -> None:
    for path in (ORGANIZATION, path_of(issue), "/api/0/projects/acme/pump-station/issues/"):
        assert with_dsn.get(path).status_code == 401


def test_ids_name_a_project_too(with_dsn: APIClient, project: Project) -> None:
    path = f"/api/0/projects/{project.organization_id}/{project.pk}/user-feedback/"
    assert with_dsn.post(path, SAID).status_code == 200


# Lists --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PROJECT, PROJECT.replace("feedback", "reports"), ORGANIZATION])
def test_only_what_is_about_unresolved_issues(api: APIClient, issue: Issue, path: str) -> None:
    now = timezone.now()
    resolved = factories.IssueFactory(project=issue.project, status=Issue.Status.RESOLVED)
    deleted = factories.IssueFactory(project=issue.project, status=Issue.Status.PENDING_DELETION)
    quiet = factories.IssueFactory(project=issue.project, last_seen=now - timedelta(hours=2))
    first = make_report(issue, created_at=now - timedelta(hours=3))
    of_resolved = make_report(resolved, created_at=now - timedelta(hours=2))
    of_quiet = make_report(quiet, created_at=now - timedelta(hours=1))
    alone = make_report(project=issue.project, stands_alone=True, created_at=now)
    make_report(deleted)
    make_report(project=issue.project)
    assert ids(api.get(path)) == ids(api.get(path, {"status": "unresolved"}))
    assert ids(api.get(path)) == [of_quiet.pk, first.pk]
    everything = [alone.pk, of_quiet.pk, of_resolved.pk, first.pk]
    assert ids(api.get(path, {"status": ""})) == everything
    Project.objects.update(resolve_age=1)
    assert ids(api.get(path)) == [first.pk]
    for status in ("resolved", "x", "\0"):
        answer = api.get(path, {"status": status})
        assert (answer.status_code, answer.json()) == (400, {"status": "Invalid status choice"})


def test_one_that_stands_alone_has_no_issue(api: APIClient, project: Project) -> None:
    report = make_report(project=project, stands_alone=True, name="")
    listed = api.get(PROJECT, {"status": ""}).json()
    assert listed[0] | {"dateCreated": ANY} == {
        "id": str(report.pk),
        "eventID": report.event_id,
        "name": "jane@example.com",
        "email": "jane@example.com",
        "comments": "It broke!",
        "dateCreated": ANY,
        "user": None,
        "event": {"id": None, "eventID": report.event_id},
        "issue": None,
    }


@pytest.mark.parametrize("prefix", ["", "organizations/acme/"])
@pytest.mark.parametrize("issues", ["issues", "groups"])
@pytest.mark.parametrize("reports", ["user-feedback", "user-reports"])
def test_the_reports_of_an_issue(
    api: APIClient, issue: Issue, prefix: str, issues: str, reports: str, now: datetime
) -> None:
    """Whatever its status; without the issue, which is known."""
    Issue.objects.update(status=Issue.Status.RESOLVED)
    report = make_report(issue, email="", created_at=now)
    make_report(factories.IssueFactory(project=issue.project))
    answer = api.get(f"/api/0/{prefix}{issues}/{issue.pk}/{reports}/", {"status": "x"})
    assert answer.json() == [
        {
            "id": str(report.pk),
            "eventID": report.event_id,
            "name": "Jane",
            "email": None,
            "comments": "It broke!",
            "dateCreated": "2026-03-04T05:06:07Z",
            "user": None,
            "event": {"id": report.event_id, "eventID": report.event_id},
        }
    ]


@pytest.mark.parametrize("of", ["project", "organization", "issue"])
def test_by_environment_and_page_by_page(api: APIClient, issue: Issue, of: str) -> None:
    path = {"project": PROJECT, "organization": ORGANIZATION, "issue": path_of(issue)}[of]
    environments = [
        Environment.objects.create(organization=issue.project.organization, name=name)
        for name in ("production", "")
    ]
    now = timezone.now()
    # Three in one moment.
    reports = [
        make_report(
            issue,
            environment=environments[n % 2],
            created_at=now - timedelta(seconds=max(n, 2)),
        )
        for n in range(7)
    ]
    reports.sort(key=lambda report: (report.created_at, report.pk), reverse=True)
    every = [report.pk for report in reports]
    walked: list[int] = []
    query: dict[str, Any] = {"per_page": 2}
    while True:
        answer = api.get(path, query)
        walked += ids(answer)
        link = answer.headers["Link"].partition(", ")[2]
        if 'results="false"' in link:
            break
        query["cursor"] = link.rpartition('cursor="')[2].rstrip('"')
    assert walked == every
    for name, environment in (("production", environments[0]), ("", environments[1])):
        expected = [report.pk for report in reports if report.environment == environment]
        assert ids(api.get(path, {"environment": name})) == expected
    assert ids(api.get(path, {"environment": ["production", ""]})) == every
    assert ids(api.get(path, {"environment": "nope"})) == []
    for bad in ({"environment": "a\0b"}, {"per_page": "x"}, {"cursor": "x"}):
        assert set(api.get(path, bad).json()) == {"detail"}


def test_the_projects_of_an_organization(
    api: APIClient, issue: Issue, organization: Organization, team: Any, api_as: Client
) -> None:
    other = factories.IssueFactory(
        project=factories.ProjectFactory(organization=organization, teams=[team])
    )
    first, second = make_report(issue), make_report(other)
    make_report(factories.IssueFactory())  # of somebody else
    assert ids(api.get(ORGANIZATION)) == [second.pk, first.pk]
    assert ids(api.get(ORGANIZATION, {"project": issue.project_id})) == [first.pk]
    both = [issue.project_id, other.project_id]
    assert ids(api.get(ORGANIZATION, {"project": both})) == [second.pk, first.pk]
    assert api.get(ORGANIZATION, {"project": 2**62}).status_code == 403
    assert ids(api.get(ORGANIZATION, {"project": -1})) == [second.pk, first.pk]
    for bad in ("x", str(2**63)):
        assert api.get(ORGANIZATION, {"project": bad}).status_code == 400
    # A member of no team, where membership is closed, reaches no project.
    Organization.objects.update(open_membership=False)
    outside = factories.OrganizationMemberFactory(organization=organization, role="member")
    assert ids(api_as(outside.user).get(ORGANIZATION)) == []
    assert ids(api_as(organization=organization).get(ORGANIZATION)) == [second.pk, first.pk]


def test_somebody_elses_feedback(issue: Issue, member: OrganizationMember, api_as: Client) -> None:
    stranger = factories.OrganizationMemberFactory(role="owner")
    for path in (PROJECT, ORGANIZATION, path_of(issue)):
        assert api_as(stranger.user).get(path).status_code == 403
    assert api_as(stranger.user).post(PROJECT, SAID).status_code == 403


@pytest.mark.parametrize("path", [PROJECT, ORGANIZATION, "issue"])
def test_what_a_list_costs(api: APIClient, issue: Issue, path: str) -> None:
    def statements(size: int) -> int:
        for n in range(size):
            someone = a_user(f"{size} {n}")
            of = issue
            if path != "issue":
                of = factories.IssueFactory(project=issue.project, last_seen=timezone.now())
            make_report(of, user_hash=someone.hash)
            EventUser.objects.create(
                project_id=issue.project_id,
                hash=someone.hash,
                tag_value=someone.tag_value,
                first_seen=timezone.now(),
            )
        with CaptureQueriesContext(connection) as captured:
            answer = api.get(path_of(issue) if path == "issue" else path, {"environment": ""})
            assert answer.status_code == 200
        with CaptureQueriesContext(connection) as captured:
            answer = api.get(path_of(issue) if path == "issue" else path)
            assert all(report["user"] for report in answer.json())
        return len(captured)

    expected = {PROJECT: 7, ORGANIZATION: 7, "issue": 4}[path]
    assert statements(2) == statements(18) == expected
    assert UserReport.objects.count() == 20


def test_submitting_costs_the_same_for_any_project(api: APIClient, project: Project) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert api.post(PROJECT, SAID).status_code == 200
    # credentials, organization, project; a transaction of three statements; the report
    sql = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    assert len(sql) == 7
