"""/projects/{organization}/{project}/tombstones/, and how an issue gets there"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues import actions
from issues.models import Issue, IssueHash, IssueTombstone
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, Project
from tests import factories

PATH = "/api/0/projects/acme/pump-station/tombstones/"

Client = Callable[..., APIClient]


@pytest.fixture
def issue(project: Project) -> Issue:
    issue = factories.IssueFactory(
        project=project,
        title="ValueError: it broke",
        culprit="app.views in index",
        level=50,
        type="error",
        message="ValueError it broke",
        metadata={"type": "ValueError", "value": "it broke"},
    )
    IssueHash.objects.create(project_id=project.pk, hash="0" * 32, issue_id=issue.pk)
    return issue


def discard(api: APIClient, path: str, body: Any = None, status: int = 204) -> Any:
    answer = api.put(path, body or {"discard": True}, format="json")
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


def test_a_discarded_issue_is_listed(api: APIClient, user: User, issue: Issue) -> None:
    assert discard(api, f"/api/0/issues/{issue.pk}/") is None
    assert api.get(f"/api/0/issues/{issue.pk}/").status_code == 404
    answer = api.get(PATH)
    assert answer.status_code == 200
    body = answer.json()
    actor = body[0].pop("actor")
    assert (actor["id"], actor["username"]) == (str(user.pk), user.username)
    assert body == [
        {
            "culprit": "app.views in index",
            "id": str(issue.pk),
            "level": "fatal",
            "message": "ValueError it broke",
            "metadata": {"type": "ValueError", "value": "it broke"},
            "type": "error",
        }
    ]


def test_many_are_discarded_at_once(api: APIClient, project: Project, issue: Issue) -> None:
    more = factories.IssueFactory.create_batch(2, project=project)
    issues = "/api/0/projects/acme/pump-station/issues/"
    discard(api, f"{issues}?id={issue.pk}&id={more[0].pk}")
    assert [row["id"] for row in api.get(issues).json()] == [str(more[1].pk)]
    assert len(api.get(PATH).json()) == 2


def test_an_api_key_is_nobody(api_as: Client, organization: Organization, issue: Issue) -> None:
    client = api_as(organization=organization)
    discard(client, f"/api/0/issues/{issue.pk}/")
    assert client.get(PATH).json()[0]["actor"] is None


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (
            {"discard": True, "status": "resolved"},
            {"non_field_errors": ["Other attributes cannot be updated when discarding"]},
        ),
        (
            {"discard": True, "assignedTo": ""},
            {"non_field_errors": ["Other attributes cannot be updated when discarding"]},
        ),
        ({"discard": "x"}, {"discard": ["Must be a valid boolean."]}),
        ({"discard": [1]}, {"discard": ["Must be a valid boolean."]}),
    ],
)
def test_what_is_refused(
    api: APIClient, issue: Issue, body: dict[str, Any], answer: dict[str, Any]
) -> None:
    for path in (f"/api/0/issues/{issue.pk}/", "/api/0/projects/acme/pump-station/issues/"):
        assert discard(api, path, body, 400) == answer
    issue.refresh_from_db()
    assert issue.status == Issue.Status.UNRESOLVED


@pytest.mark.parametrize("body", [{"discard": False}, {"discard": None, "status": "resolved"}])
def test_nothing_is_discarded_unless_it_is_said(
    api: APIClient, issue: Issue, body: dict[str, Any]
) -> None:
    discard(api, f"/api/0/issues/{issue.pk}/", body, 200)
    assert not IssueTombstone.objects.exists()


def test_the_list_has_pages(api: APIClient, project: Project, now: datetime) -> None:
    issues = factories.IssueFactory.create_batch(3, project=project)
    for minutes, issue in enumerate(issues):
        actions.discard_issues([issue], by=None, now=now + timedelta(minutes=minutes))
    seen, path = [], f"{PATH}?per_page=1"
    for _ in range(3):
        answer = api.get(path)
        seen += [int(row["id"]) for row in answer.json()]
        path = answer.headers["Link"].split(", ")[1].split(">")[0].removeprefix("<")
    assert seen == [issue.pk for issue in reversed(issues)]
    assert api.get(f"{PATH}?per_page=x").status_code == 400
    assert api.get(f"{PATH}?cursor=x").status_code == 400


def test_removing_one(api: APIClient, issue: Issue) -> None:
    discard(api, f"/api/0/issues/{issue.pk}/")
    answer = api.delete(f"{PATH}{issue.pk}/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(PATH).json() == []
    assert not IssueHash.objects.exists()
    assert api.delete(f"{PATH}{issue.pk}/").status_code == 404


@pytest.mark.parametrize("name", ["x", "1x", "-1", "9" * 30, "%00", "٣"])
def test_what_is_no_tombstone_is_not_there(api: APIClient, project: Project, name: str) -> None:
    assert api.delete(f"{PATH}{name}/").status_code == 404


def test_an_issue_is_no_tombstone(api: APIClient, issue: Issue) -> None:
    assert api.delete(f"{PATH}{issue.pk}/").status_code == 404
    issue.refresh_from_db()
    assert issue.status == Issue.Status.UNRESOLVED


def test_those_of_other_projects_are_not_there(
    api: APIClient, organization: Organization, project: Project, now: datetime
) -> None:
    other = factories.IssueFactory(project=factories.ProjectFactory(organization=organization))
    actions.discard_issues([other], by=None, now=now)
    assert api.get(PATH).json() == []
    assert api.delete(f"{PATH}{other.pk}/").status_code == 404


@pytest.mark.parametrize("rows", [2, 20])
def test_what_the_list_costs(
    api: APIClient,
    project: Project,
    user: User,
    now: datetime,
    rows: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    issues = factories.IssueFactory.create_batch(rows, project=project)
    actions.discard_issues(issues, by=user, now=now)
    with django_assert_num_queries(4):
        assert len(api.get(PATH).json()) == rows
