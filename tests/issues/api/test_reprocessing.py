"""POST of /issues/{issue_id}/reprocessing/"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from issues import unmerging
from issues.models import Activity, Issue, IssueReprocessing
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, Project
from tests import factories


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project, number=7)


def path_of(issue: Issue) -> str:
    return f"/api/0/issues/{issue.pk}/reprocessing/"


def reprocess(api: APIClient, path: str, body: Any = None) -> Any:
    return api.post(path, {} if body is None else body, format="json")


@pytest.mark.parametrize(
    "path",
    [
        "issues/{0.pk}",
        "groups/{0.pk}",
        "organizations/acme/issues/{0.pk}",
        "organizations/acme/groups/{0.short_id}",
    ],
)
def test_an_issue_is_reprocessed(api: APIClient, issue: Issue, user: User, path: str) -> None:
    answer = reprocess(api, f"/api/0/{path.format(issue)}/reprocessing/")

    assert (answer.status_code, answer.content) == (200, b"")
    begun = IssueReprocessing.objects.get()
    assert (begun.issue, begun.actor) == (issue, user)
    assert (begun.max_events, begun.deletes_others, begun.step) == (None, False, "restore")


@pytest.mark.parametrize(
    ("body", "max_events", "deletes_others"),
    [
        ({"maxEvents": 7}, 7, False),
        ({"maxEvents": "7", "remainingEvents": "keep"}, 7, False),
        ({"maxEvents": 2**31 - 1, "remainingEvents": "delete"}, 2**31 - 1, True),
        ({"maxEvents": None, "remainingEvents": "delete", "x": 1}, None, False),
    ],
)
def test_how_many_events_and_what_becomes_of_the_others(
    api: APIClient, issue: Issue, body: Any, max_events: int | None, deletes_others: bool
) -> None:
    assert reprocess(api, path_of(issue), body).status_code == 200
    begun = IssueReprocessing.objects.get()
    assert (begun.max_events, begun.deletes_others) == (max_events, deletes_others)


@pytest.mark.parametrize(
    "body",
    [
        {"maxEvents": 0},
        {"maxEvents": -1},
        {"maxEvents": 2**31},
        {"maxEvents": 10**30},
        {"maxEvents": True},
        {"maxEvents": "many\0"},
        {"maxEvents": [1]},
        {"remainingEvents": "drop"},
        {"remainingEvents": None},
        {"remainingEvents": "x" * 10_000},
        {"remainingEvents": ["delete"]},
        {"remainingEvents": {"delete": 1}},
        [],
        "delete",
        7,
    ],
)
def test_what_cannot_be_read_is_refused(api: APIClient, issue: Issue, body: Any) -> None:
    answer = reprocess(api, path_of(issue), body)
    assert answer.status_code == 400, answer.content
    assert answer.json()
    assert not IssueReprocessing.objects.exists()


def test_it_is_not_begun_twice(
    api: APIClient,
    issue: Issue,
    run_tasks: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unmerging, "LONGEST_WAIT", timedelta(0))
    assert reprocess(api, path_of(issue)).status_code == 200
    again = reprocess(api, path_of(issue), {"maxEvents": 1})
    assert again.status_code == 409
    assert again.json() == {"detail": "The issue is being reprocessed already."}
    assert IssueReprocessing.objects.get().max_events is None

    later = timezone.now() + timedelta(seconds=1)
    assert run_tasks(later) >= 1
    run_tasks(later + timedelta(minutes=1))

    assert not IssueReprocessing.objects.exists()
    assert reprocess(api, path_of(issue)).status_code == 200


def test_it_is_an_activity(api: APIClient, issue: Issue, user: User) -> None:
    Activity.objects.create(
        issue=issue,
        user=user,
        type="reprocess",
        data={"eventCount": 3, "oldGroupId": issue.pk, "newGroupId": issue.pk},
    )
    (activity, _) = api.get(f"/api/0/issues/{issue.pk}/activities/").json()["activity"]
    assert activity["type"] == "reprocess"
    assert activity["data"] == {"eventCount": 3, "oldGroupId": issue.pk, "newGroupId": issue.pk}


def test_an_api_key_has_it_done_for_nobody(
    api_as: Callable[..., APIClient], issue: Issue, organization: Organization
) -> None:
    api = api_as(organization=organization, scopes=["event:write"])
    assert reprocess(api, path_of(issue)).status_code == 200
    assert IssueReprocessing.objects.get().actor is None


def test_strangers_and_readers_are_refused(
    api_as: Callable[..., APIClient], user: User, issue: Issue
) -> None:
    stranger = factories.OrganizationMemberFactory(role="owner").user
    assert reprocess(api_as(stranger), path_of(issue)).status_code == 403
    assert reprocess(api_as(user, scopes=["event:read"]), path_of(issue)).status_code == 403
    assert not IssueReprocessing.objects.exists()


@pytest.mark.parametrize("status", [Issue.Status.PENDING_DELETION, Issue.Status.DISCARDED])
def test_what_is_gone_is_not_there(api: APIClient, issue: Issue, status: int) -> None:
    Issue.objects.filter(pk=issue.pk).update(status=status)
    assert reprocess(api, path_of(issue)).status_code == 404
    assert reprocess(api, "/api/0/issues/999999999999/reprocessing/").status_code == 404
