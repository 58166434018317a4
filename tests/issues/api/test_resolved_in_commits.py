"""Issues resolved in commits, and the issues of a release (issues contract, sections 1.1 and 5;
releases contract, section 7)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from issues import actions
from issues.models import Activity, Issue, IssueCommit
from issues.payload.event import PreparedEvent
from sentrylite.accounts.models import User
from sentrylite.ingest.digest import digest
from sentrylite.organizations.models import Organization, Project, ProjectKey
from sentrylite.releases.models import Commit, Release
from tests import factories
from tests.events import prepared

pytestmark = pytest.mark.django_db

Client = Callable[..., APIClient]
RELEASES = "/api/0/organizations/acme/releases/"
BODY = {
    "status": "resolved",
    "statusDetails": {"inCommit": {"commit": "abc", "repository": "shop"}},
}


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project, number=1)


@pytest.fixture
def commit(project: Project) -> Commit:
    return factories.CommitFactory(
        repository__organization=project.organization,
        repository__name="shop",
        repository__created_at=datetime(2026, 3, 1, tzinfo=UTC),
        key="abc",
        message="Shut the valve",
        created_at=datetime(2026, 3, 2, tzinfo=UTC),
        author=factories.CommitAuthorFactory(
            organization=project.organization, name="Ada", email="ada@example.com"
        ),
    )


def whole(commit: Commit, **changes: Any) -> dict[str, Any]:
    return {
        "author": {"email": "ada@example.com", "name": "Ada"},
        "dateCreated": "2026-03-02T00:00:00Z",
        "id": "abc",
        "message": "Shut the valve",
        "releases": [],
        "repository": {
            "dateCreated": "2026-03-01T00:00:00Z",
            "externalSlug": None,
            "id": str(commit.repository_id),
            "integrationId": None,
            "name": "shop",
            "provider": {"id": "unknown", "name": "Unknown Provider"},
            "status": "active",
            "url": None,
        },
    } | changes


def details(issue: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return issue["status"], issue["statusDetails"]


PATHS = pytest.mark.parametrize(
    "path",
    [
        "/api/0/issues/{id}/",
        "/api/0/organizations/acme/issues/{id}/",
        "/api/0/projects/acme/pump-station/issues/?id={id}",
        "/api/0/organizations/acme/issues/?id={id}",
    ],
)


@PATHS
def test_an_issue_waits_for_its_commit(
    api: APIClient, user: User, issue: Issue, commit: Commit, path: str
) -> None:
    answer = api.put(path.format(id=issue.pk), BODY, format="json")
    assert answer.status_code == 200
    assert details(answer.json()) == ("resolved", {"inCommit": whole(commit)})
    shown = api.get(f"/api/0/issues/{issue.pk}/").json()
    assert details(shown) == ("resolved", {"inCommit": whole(commit)})
    assert shown["activity"][0]["type"] == "set_resolved_in_commit"
    assert shown["activity"][0]["data"] == {"commit": whole(commit)}
    assert shown["activity"][0]["user"]["id"] == str(user.pk)
    listed = api.get("/api/0/projects/acme/pump-station/issues/?query=").json()
    assert details(listed[0]) == ("resolved", {"inCommit": whole(commit)})


def test_when_a_release_has_it_it_is_resolved_in_the_release(
    api: APIClient, user: User, issue: Issue, commit: Commit
) -> None:
    api.put(f"/api/0/issues/{issue.pk}/", BODY, format="json")
    body = {
        "version": "1.0",
        "projects": ["pump-station"],
        "commits": [{"id": "abc", "repository": "shop"}],
    }
    assert api.post(RELEASES, body, format="json").status_code == 201
    status, shown = details(api.get(f"/api/0/issues/{issue.pk}/").json())
    assert (status, shown["inRelease"], shown["actor"]["id"]) == ("resolved", "1.0", str(user.pk))
    activity = api.get(f"/api/0/organizations/acme/issues/{issue.pk}/activities/").json()[
        "activity"
    ]
    assert [each["type"] for each in activity] == [
        "set_resolved_in_release",
        "set_resolved_in_commit",
        "first_seen",
    ]
    assert activity[1]["data"]["commit"]["releases"][0]["version"] == "1.0"


def test_a_commit_of_a_release_is_the_release(
    api: APIClient, project: Project, issue: Issue, commit: Commit
) -> None:
    for version, days in (("1.0", 2), ("2.0", 1), ("foreign", 0)):
        release = factories.ReleaseFactory(
            organization=project.organization,
            version=version,
            created_at=datetime(2026, 3, 4, tzinfo=UTC) - timedelta(days=days),
        )
        release.release_commits.create(commit=commit, order=0)
        if version != "foreign":
            release.projects.add(project)
    answer = api.put(f"/api/0/issues/{issue.pk}/", BODY, format="json").json()
    assert (answer["status"], answer["statusDetails"]["inRelease"]) == ("resolved", "2.0")
    activity = Activity.objects.get()
    assert (activity.type, activity.data) == ("set_resolved_in_commit", {"commit": commit.pk})


def test_reopened_it_is_as_if_nothing_had_been(
    api: APIClient, issue: Issue, commit: Commit
) -> None:
    path = f"/api/0/issues/{issue.pk}/"
    api.put(path, BODY, format="json")
    answer = api.put(path, {"status": "unresolved"}, format="json")
    assert details(answer.json()) == ("unresolved", {})
    assert details(api.put(path, {"status": "resolved"}, format="json").json()) == ("resolved", {})


def test_a_deleted_commit_leaves_its_activity(api: APIClient, issue: Issue, commit: Commit) -> None:
    path = f"/api/0/issues/{issue.pk}/"
    api.put(path, BODY, format="json")
    commit.delete()
    shown = api.get(path).json()
    assert details(shown) == ("resolved", {})
    assert shown["activity"][0]["data"] == {"commit": None}


def test_strangers_do_not_see_the_commit(issue: Issue, commit: Commit, now: datetime) -> None:
    actions.resolve_issues_in_commit([issue], commit, None, by=None, now=now)
    actions.share_issues([issue], by=None, now=now)
    assert issue.share_id is not None
    answer = APIClient().get(f"/api/0/shared/issues/{issue.share_id.hex}/").json()
    assert details(answer) == ("resolved", {})


@PATHS
@pytest.mark.parametrize(
    "sent, error",
    [
        (
            {"commit": "abc", "repository": "nope"},
            {"repository": ["Unable to find the given repository."]},
        ),
        (
            {"commit": "abc", "repository": "foreign"},
            {"repository": ["Unable to find the given repository."]},
        ),
        (
            {"commit": "nope", "repository": "shop"},
            {"commit": ["Unable to find the given commit."]},
        ),
        ({"commit": "abc"}, {"repository": ["This field is required."]}),
        ({"repository": "shop"}, {"commit": ["This field is required."]}),
        ({"commit": 1.5, "repository": []}, {"repository": ["Not a valid string."]}),
        (
            {"commit": "x" * 65, "repository": "shop"},
            {"commit": ["Ensure this field has no more than 64 characters."]},
        ),
        ({"commit": "a\0", "repository": "shop"}, {"commit": ["Null characters are not allowed."]}),
        ("abc", {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}),
        ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
    ],
)
def test_commits_that_are_refused(
    api: APIClient, issue: Issue, commit: Commit, path: str, sent: Any, error: Any
) -> None:
    factories.CommitFactory(repository__name="foreign", key="abc")
    body = {"status": "resolved", "statusDetails": {"inCommit": sent}}
    answer = api.put(path.format(id=issue.pk), body, format="json")
    assert (answer.status_code, answer.json()) == (400, {"statusDetails": {"inCommit": error}})
    assert not Activity.objects.exists()


def test_issues_of_several_projects_have_no_release_in_common(
    api: APIClient, issue: Issue, commit: Commit
) -> None:
    other = factories.IssueFactory(
        project=factories.ProjectFactory(organization=issue.project.organization)
    )
    path = f"/api/0/organizations/acme/issues/?id={issue.pk}&id={other.pk}"
    assert api.put(path, BODY, format="json").status_code == 400


@pytest.mark.parametrize(
    "path", ["/api/0/issues/{id}/", "/api/0/projects/acme/pump-station/issues/?query="]
)
def test_a_list_of_them_costs_the_same(
    api: APIClient, issue: Issue, commit: Commit, path: str, now: datetime
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get(path.format(id=issue.pk)).status_code == 200
        return len(captured)

    actions.resolve_issues_in_commit([issue], commit, None, by=None, now=now)
    few = count()
    for _ in range(18):
        other = factories.IssueFactory(project=issue.project)
        actions.resolve_issues_in_commit([other], commit, None, by=None, now=now)
    assert count() == few


# Events -------------------------------------------------------------------------------------------


def ingest(*events: PreparedEvent) -> None:
    with connection.cursor() as cursor:
        digest(cursor.cursor, list(events)).apply(cursor.cursor)


def test_no_event_reopens_it_before_a_release_has_the_commit(
    api: APIClient, key: ProjectKey, commit: Commit, now: datetime
) -> None:
    ingest(prepared(key, "broken", release="1.0"))
    issue = Issue.objects.get()
    actions.resolve_issues_in_commit([issue], commit, None, by=None, now=now)
    ingest(prepared(key, "broken", release="1.1"), prepared(key, "broken"))
    issue.refresh_from_db()
    assert issue.status == Issue.Status.RESOLVED

    body = {
        "version": "2.0",
        "projects": ["pump-station"],
        "commits": [{"id": "abc", "repository": "shop"}],
    }
    api.post(RELEASES, body, format="json")
    ingest(prepared(key, "broken", release="1.1"))
    issue.refresh_from_db()
    assert issue.status == Issue.Status.RESOLVED
    ingest(prepared(key, "broken", release="2.0"))
    issue.refresh_from_db()
    assert issue.status == Issue.Status.UNRESOLVED
    newest = Activity.objects.order_by("-pk").first()
    assert newest is not None
    assert (newest.type, newest.data) == ("set_regression", {"version": "2.0"})


# The issues of a release --------------------------------------------------------------------------

OF_ORGANIZATION = "/api/0/organizations/acme/releases/1.0/resolved/"
OF_PROJECT = "/api/0/projects/acme/pump-station/releases/1.0/resolved/"
BOTH = pytest.mark.parametrize("path", [OF_ORGANIZATION, OF_PROJECT])


@pytest.fixture
def release(project: Project) -> Release:
    release = factories.ReleaseFactory(organization=project.organization, version="1.0")
    release.projects.add(project)
    return release


@BOTH
def test_the_issues_that_are_resolved_in_a_release(
    api: APIClient, project: Project, release: Release, commit: Commit, path: str, now: datetime
) -> None:
    assert api.get(path).json() == []
    resolved, in_next, fixed, deleted, other = factories.IssueFactory.create_batch(
        5, project=project
    )
    release.release_commits.create(commit=commit, order=0)
    IssueCommit.objects.create(issue=fixed, commit=commit)
    in_release = actions.resolve_issues_in_release
    in_release([resolved, deleted], release, is_next=False, by=None, now=now)
    in_release([in_next], release, is_next=True, by=None, now=now)
    actions.delete_issues([deleted], now=now)
    actions.resolve_issues([other], by=None, now=now)
    answer = api.get(path)
    assert answer.status_code == 200
    assert "Link" not in answer.headers
    assert {issue["id"] for issue in answer.json()} == {str(resolved.pk), str(fixed.pk)}
    shown = next(issue for issue in answer.json() if issue["id"] == str(resolved.pk))
    listed = api.get("/api/0/projects/acme/pump-station/issues/?query=&statsPeriod=").json()
    assert shown == next(issue for issue in listed if issue["id"] == str(resolved.pk))


def test_only_issues_in_reach(
    api: APIClient,
    api_as: Client,
    organization: Organization,
    project: Project,
    release: Release,
    now: datetime,
) -> None:
    team = factories.TeamFactory(organization=organization)
    boiler = factories.ProjectFactory(organization=organization, teams=[team])
    release.projects.add(boiler)
    issues = [factories.IssueFactory(project=each) for each in (project, boiler)]
    actions.resolve_issues_in_release(issues, release, is_next=False, by=None, now=now)
    assert len(api.get(OF_ORGANIZATION).json()) == 2
    assert [each["id"] for each in api.get(OF_PROJECT).json()] == [str(issues[0].pk)]
    Organization.objects.update(open_membership=False)
    inside = factories.OrganizationMemberFactory(organization=organization, teams=[team])
    answer = api_as(inside.user).get(OF_ORGANIZATION)
    assert [each["id"] for each in answer.json()] == [str(issues[1].pk)]


@BOTH
def test_many_issues_cost_as_much_as_two(
    api: APIClient,
    project: Project,
    release: Release,
    path: str,
    now: datetime,
    django_assert_num_queries: Any,
) -> None:
    for number in (2, 18):
        made = factories.IssueFactory.create_batch(number, project=project)
        actions.resolve_issues_in_release(made, release, is_next=False, by=None, now=now)
        # token, organization, project, release, ids, issues, marks
        with django_assert_num_queries(7):
            api.get(path)


@BOTH
def test_an_unknown_release_is_404(api: APIClient, project: Project, path: str) -> None:
    assert api.get(path).status_code == 404
