"""PUT and DELETE of /projects/{organization}/{project}/issues/"""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues.models import (
    Activity,
    Issue,
    IssueBookmark,
    IssueHash,
    IssueSeen,
    IssueSubscription,
    IssueTag,
)
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, Project, Team
from tests import factories

PATH = "/api/0/projects/acme/pump-station/issues/"

Client = Callable[..., APIClient]
Status = Issue.Status


@pytest.fixture
def issues(project: Project) -> list[Issue]:
    return factories.IssueFactory.create_batch(3, project=project)


def address(issues: list[Issue], *more: str) -> str:
    return f"{PATH}?{'&'.join([*(f'id={issue.pk}' for issue in issues), *more])}"


def put(api: APIClient, path: str, body: Any, status: int = 200) -> Any:
    response = api.put(path, body, format="json")
    assert response.status_code == status, response.content
    return response.json() if response.content else None


def statuses(issues: list[Issue]) -> list[int]:
    found = dict(Issue.objects.values_list("pk", "status"))
    return [found[issue.pk] for issue in issues]


# Which --------------------------------------------------------------------------------------------


def test_ids_choose(api: APIClient, issues: list[Issue]) -> None:
    Issue.objects.filter(pk=issues[1].pk).update(status=Status.IGNORED)
    put(api, address(issues[:2], "query=is:resolved", "environment=nope"), {"status": "resolved"})
    assert statuses(issues) == [Status.RESOLVED, Status.RESOLVED, Status.UNRESOLVED]


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ("", [True, True, True]),
        ("?status=", [True, True, True]),
        ("?status=ignored", [False, True, False]),
        ("?status=muted", [False, True, False]),
        ("?status=unresolved", [True, False, True]),
        ("?status=ignored&query=is:unresolved", [True, False, True]),
        ("?query=is:unresolved", [True, False, True]),
        ("?query=", [True, True, True]),
        ("?query=is:ignored", [False, True, False]),
        ("?query=area:north", [False, False, True]),
        ("?query=&sort=freq", [True, True, True]),
    ],
)
def test_a_search_chooses(
    api: APIClient, issues: list[Issue], query: str, changed: list[bool]
) -> None:
    Issue.objects.filter(pk=issues[1].pk).update(status=Status.IGNORED)
    IssueTag.objects.create(
        project_id=issues[2].project_id, issue_id=issues[2].pk, key="area", value="north",
        times_seen=1, first_seen=issues[2].first_seen, last_seen=issues[2].last_seen,
    )  # fmt: skip
    put(api, PATH + query, {"status": "resolved"})
    assert [status == Status.RESOLVED for status in statuses(issues)] == changed


def test_without_a_search_only_the_unresolved_are_deleted(
    api: APIClient, issues: list[Issue]
) -> None:
    Issue.objects.filter(pk=issues[1].pk).update(status=Status.IGNORED)
    assert api.delete(PATH).status_code == 204
    assert statuses(issues) == [Status.PENDING_DELETION, Status.IGNORED, Status.PENDING_DELETION]


def test_an_unknown_status_is_refused(api: APIClient, issues: list[Issue]) -> None:
    answer = put(api, f"{PATH}?status=nope", {"status": "resolved"}, 400)
    valid = "unresolved, resolved, ignored, muted, archived"
    assert answer == {"detail": f"Invalid status. Valid choices are {valid}."}
    assert statuses(issues) == [Status.UNRESOLVED] * 3


def test_a_search_changes_a_thousand_at_most(
    api: APIClient, issues: list[Issue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("issues.queries.MAX_HITS", 2)
    put(api, PATH, {"status": "resolved"})
    assert sorted(statuses(issues)) == [Status.UNRESOLVED, Status.RESOLVED, Status.RESOLVED]


def test_nothing_left_is_204(api: APIClient, project: Project) -> None:
    foreign = factories.IssueFactory(
        project=factories.ProjectFactory(organization=project.organization)
    )
    deleted = factories.IssueFactory(project=project, status=Status.PENDING_DELETION)
    for path in (address([foreign, deleted]), PATH, f"{PATH}?environment=nope"):
        response = api.put(path, {"status": "resolved"}, format="json")
        assert (response.status_code, response.content) == (204, b"")
        assert api.delete(path).status_code == 204
    assert statuses([foreign, deleted]) == [Status.UNRESOLVED, Status.PENDING_DELETION]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("id=abc", "Invalid id parameter. Values must be numbers."),
        ("id=1&id=", "Invalid id parameter. Values must be numbers."),
        ("id=%00", "Invalid id parameter. Values must be numbers."),
        ("id=99999999999999999999", "Invalid id parameter. Values must be numbers."),
        (
            "query=age:x",
            "Your search query could not be parsed: x is not a valid datetime query",
        ),
        ("sort=nope", "Invalid sort. Valid choices are date, new, priority, freq, user."),
    ],
)
def test_what_cannot_be_used_is_refused(
    api: APIClient, issues: list[Issue], query: str, detail: str
) -> None:
    assert put(api, f"{PATH}?{query}", {"status": "resolved"}, 400) == {"detail": detail}
    response = api.delete(f"{PATH}?{query}")
    assert (response.status_code, response.json()) == (400, {"detail": detail})
    assert statuses(issues) == [Status.UNRESOLVED] * 3


# What ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, {}),
        ({"x": 1, "status": None, "hasSeen": None, "merge": False}, {"merge": False}),
        ({"status": "resolved"}, {"status": "resolved", "statusDetails": {}}),
        ({"status": "ignored"}, {"status": "ignored", "statusDetails": {}}),
        ({"status": "muted"}, {"status": "ignored", "statusDetails": {}}),
        (
            {"status": "unresolved", "isPublic": False},
            {"status": "unresolved", "statusDetails": {}, "isPublic": False, "shareId": None},
        ),
        ({"assignedTo": ""}, {"assignedTo": None}),
        ({"assignedTo": None}, {"assignedTo": None}),
        ({"hasSeen": "1", "isBookmarked": "false"}, {"hasSeen": True, "isBookmarked": False}),
        (
            {"isSubscribed": True},
            {"isSubscribed": True, "subscriptionDetails": {"reason": "unknown"}},
        ),
    ],
)
def test_the_answer_is_what_changed(
    api: APIClient, issues: list[Issue], body: dict[str, Any], answer: dict[str, Any]
) -> None:
    assert put(api, address(issues), body) == answer


def test_conditions_are_answered_and_hold_for_all_of_them(
    api: APIClient, issues: list[Issue], user: User
) -> None:
    body = put(api, address(issues), {"status": "ignored", "ignoreCount": 5})
    assert body["status"] == "ignored"
    assert body["statusDetails"] | {"actor": None} == {
        "ignoreCount": 5,
        "ignoreUntil": None,
        "ignoreUserCount": None,
        "ignoreUserWindow": None,
        "ignoreWindow": None,
        "actor": None,
    }
    assert body["statusDetails"]["actor"]["id"] == str(user.pk)
    assert set(body) == {"status", "statusDetails"}
    for issue in issues:
        shown = api.get(f"/api/0/issues/{issue.pk}/").json()
        assert shown["statusDetails"]["ignoreCount"] == 5
    assert put(api, address(issues), {"status": "unresolved"})["statusDetails"] == {}


def test_all_of_it_is_done_to_all_of_them(
    api: APIClient, user: User, team: Team, issues: list[Issue]
) -> None:
    body = {
        "status": "resolved",
        "assignedTo": f"team:{team.pk}",
        "hasSeen": True,
        "isBookmarked": True,
        "isSubscribed": True,
        "isPublic": True,
    }
    answer = put(api, address(issues), body)
    assert answer["assignedTo"] == {"type": "team", "id": str(team.pk), "name": "rockets"}
    for issue in issues:
        issue.refresh_from_db()
        assert (issue.status, issue.assigned_team) == (Status.RESOLVED, team)
    assert len({issue.share_id for issue in issues}) == 3
    assert answer["shareId"] in {issue.share_id.hex for issue in issues if issue.share_id}
    for marks in (IssueSeen, IssueBookmark, IssueSubscription):
        assert marks.objects.filter(user=user).count() == 3
    types = Activity.objects.order_by("id").values_list("type", flat=True)
    assert len(types) == 9


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({"status": "nope"}, {"status": ['"nope" is not a valid choice.']}),
        ({"assignedTo": "nobody"}, {"assignedTo": ["Unknown actor input"]}),
        ({"merge": "x"}, {"merge": ["Must be a valid boolean."]}),
        (
            {"discard": True},
            {"non_field_errors": ["Other attributes cannot be updated when discarding"]},
        ),
    ],
)
def test_what_cannot_be_done_is_not(
    api: APIClient, issues: list[Issue], body: dict[str, Any], answer: dict[str, Any]
) -> None:
    assert put(api, address(issues), {"isBookmarked": True, **body}, 400) == answer
    assert not IssueBookmark.objects.exists()


@pytest.mark.parametrize("body", [[], [1], "x", None, 1])
def test_a_body_that_is_no_object(api: APIClient, issues: list[Issue], body: Any) -> None:
    response = api.put(PATH, body, format="json")
    # No body at all changes nothing.
    assert response.status_code == (200 if body is None else 400)


def test_an_api_key_has_no_marks(
    api_as: Client, organization: Organization, issues: list[Issue]
) -> None:
    client = api_as(organization=organization)
    assert put(client, PATH, {"status": "resolved"})["status"] == "resolved"
    put(client, address(issues), {"isBookmarked": True}, 400)


# Merging ------------------------------------------------------------------------------------------


def test_merging(api: APIClient, user: User, issues: list[Issue]) -> None:
    one, two, three = issues
    Issue.objects.filter(pk=two.pk).update(times_seen=5)
    answer = put(api, address(issues), {"merge": True, "status": "resolved"})
    assert answer == {
        "status": "resolved",
        "statusDetails": {},
        "merge": {"parent": str(two.pk), "children": [str(one.pk), str(three.pk)]},
    }
    merged = Status.PENDING_MERGE
    assert statuses(issues) == [merged, Status.RESOLVED, merged]
    activity = Activity.objects.get(type="merge")
    assert (activity.issue, activity.user) == (two, user)
    shown = api.get(f"/api/0/issues/{one.pk}/").json()
    assert (shown["id"], shown["activity"][0]["type"]) == (str(two.pk), "merge")
    assert shown["activity"][0]["data"] == {"issues": [{"id": one.pk}, {"id": three.pk}]}


def test_one_issue_is_merged_with_nothing(api: APIClient, issues: list[Issue]) -> None:
    assert put(api, address(issues[:1]), {"merge": True}) == {"merge": True}
    assert put(api, address(issues), {"merge": False}) == {"merge": False}
    assert put(api, address(issues), {"merge": None}) == {}
    assert statuses(issues) == [Status.UNRESOLVED] * 3


def test_who_names_a_merged_issue_means_the_one_that_is_left(
    api: APIClient, issues: list[Issue]
) -> None:
    put(api, address(issues[1:]), {"merge": True})
    assert put(api, address(issues[1:]), {"merge": True}) == {"merge": True}
    put(api, address(issues[1:2]), {"status": "ignored"})
    assert statuses(issues) == [Status.UNRESOLVED, Status.PENDING_MERGE, Status.IGNORED]
    assert api.delete(address(issues[1:])).status_code == 204
    assert statuses(issues) == [
        Status.UNRESOLVED,
        Status.PENDING_DELETION,
        Status.PENDING_DELETION,
    ]


# Removing -----------------------------------------------------------------------------------------


def test_removing(api: APIClient, issues: list[Issue]) -> None:
    Issue.objects.filter(pk=issues[1].pk).update(status=Status.RESOLVED)
    IssueHash.objects.create(project_id=issues[0].project_id, hash="0" * 32, issue_id=issues[0].pk)
    response = api.delete(address(issues[:1]))
    assert (response.status_code, response.content) == (204, b"")
    gone = Status.PENDING_DELETION
    assert statuses(issues) == [gone, Status.RESOLVED, Status.UNRESOLVED]
    assert not IssueHash.objects.exists()
    assert api.delete(PATH).status_code == 204
    assert statuses(issues) == [gone, Status.RESOLVED, gone]
    assert api.delete(f"{PATH}?query=").status_code == 204
    assert statuses(issues) == [gone] * 3


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 50])
@pytest.mark.parametrize(("query", "statements"), [("", 0), ("?query=ValueError", 1)])
def test_the_number_of_statements_does_not_depend_on_the_issues(
    api: APIClient,
    project: Project,
    user: User,
    rows: int,
    query: str,
    statements: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """A search takes one more to find what is rare in it."""
    issues = factories.IssueFactory.create_batch(rows, project=project)
    body = {
        "status": "resolved",
        "assignedTo": user.username,
        "hasSeen": True,
        "isBookmarked": True,
        "isSubscribed": True,
        "isPublic": True,
    }
    for path, more in ((PATH + query, statements), (address(issues), 0)):
        Issue.objects.update(status=Status.UNRESOLVED, assigned_user=None, share_id=None)
        with django_assert_num_queries(31 + more):
            put(api, path, body)
    Issue.objects.update(status=Status.UNRESOLVED)
    with django_assert_num_queries(11 + statements):
        assert api.delete(PATH + query).status_code == 204
    assert set(statuses(issues)) == {Status.PENDING_DELETION}
