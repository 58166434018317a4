"""GET /issues/{issue_id}/activities/, …/participants/ and …/external-issues/"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues.models import Activity, Issue, IssueSubscription
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Project
from tests import factories

PREFIXES = pytest.mark.parametrize("prefix", ["", "organizations/acme/"])

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue(project: Project, now: datetime) -> Issue:
    return factories.IssueFactory(project=project, first_seen=now)


def get(api: APIClient, issue: Issue, rest: str = "activities", prefix: str = "") -> Any:
    return api.get(f"/api/0/{prefix}issues/{issue.pk}/{rest}/")


@PREFIXES
def test_the_activities_of_an_issue(
    api: APIClient, issue: Issue, user: User, now: datetime, prefix: str
) -> None:
    for minutes, kind in enumerate([Activity.Type.NOTE, Activity.Type.SET_REGRESSION]):
        Activity.objects.create(
            issue=issue,
            type=kind,
            data={"text": "Who was it?"} if kind == Activity.Type.NOTE else {"version": ""},
            user=user if kind == Activity.Type.NOTE else None,
            created_at=now + timedelta(minutes=minutes),
        )
    answer = get(api, issue, prefix=prefix).json()
    assert answer.keys() == {"activity"}
    regression, note, first = answer["activity"]
    assert regression == {
        "data": {"version": ""},
        "dateCreated": "2026-03-04T05:07:07Z",
        "id": regression["id"],
        "type": "set_regression",
        "user": None,
    }
    assert (note["type"], note["data"]) == ("note", {"text": "Who was it?"})
    assert note["user"]["id"] == str(user.pk)
    assert first == {
        "data": {},
        "dateCreated": "2026-03-04T05:06:07Z",
        "id": "0",
        "type": "first_seen",
        "user": None,
    }
    assert api.get(f"/api/0/issues/{issue.pk}/").json()["activity"] == answer["activity"]


@PREFIXES
def test_there_are_no_external_issues(api: APIClient, issue: Issue, prefix: str) -> None:
    assert get(api, issue, "external-issues", prefix).json() == []


@pytest.mark.parametrize("rest", ["activities", "external-issues"])
def test_an_issue_that_is_gone(api: APIClient, issue: Issue, rest: str) -> None:
    Issue.objects.update(status=Issue.Status.PENDING_DELETION)
    assert get(api, issue, rest).status_code == 404


@pytest.mark.parametrize("many", [2, 20])
def test_activities_cost_three_statements(
    api: APIClient, issue: Issue, many: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(many):
        Activity.objects.create(issue=issue, type="set_resolved", user=factories.UserFactory())
    with django_assert_num_queries(3):
        assert len(get(api, issue).json()["activity"]) == many + 1


# Participants -------------------------------------------------------------------------------------


@PREFIXES
def test_the_participants_of_an_issue(
    api: APIClient, issue: Issue, user: User, prefix: str
) -> None:
    other, gone = factories.UserFactory(), factories.UserFactory()
    for person in (other, user, gone):
        IssueSubscription.objects.create(issue=issue, user=person, is_active=person != gone)
    answer = get(api, issue, "participants", prefix).json()
    assert [person["id"] for person in answer] == [str(other.pk), str(user.pk)]
    assert answer == api.get(f"/api/0/issues/{issue.pk}/").json()["participants"]


@pytest.mark.parametrize("people", [2, 20])
def test_the_number_of_statements_does_not_depend_on_the_participants(
    api: APIClient,
    issue: Issue,
    people: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    assert get(api, issue, "participants").json() == []
    for person in factories.UserFactory.create_batch(people):
        IssueSubscription.objects.create(issue=issue, user=person)
    with django_assert_num_queries(3):
        assert len(get(api, issue, "participants").json()) == people
