"""Until when an issue is resolved or ignored: `statusDetails` of /issues/{issue_id}/"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from issues import actions, queries
from issues.actions import Conditions
from issues.models import Activity, Issue, IssueResolution, IssueSnooze, IssueSubscription
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, Project
from sentrylite.releases.models import Release, ReleaseProject
from tests import factories

pytestmark = pytest.mark.django_db

Client = Callable[..., APIClient]
NOBODY_KNOWS = "Unable to find a release with the given version."
NO_RELEASE = "No release data present in the system to form a basis for 'Next Release'"


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project, times_seen=7, user_count=3)


@pytest.fixture
def path(issue: Issue) -> str:
    return f"/api/0/issues/{issue.pk}/"


@pytest.fixture
def releases(project: Project) -> list[Release]:
    """1.0, 2.0 (the newest) and one of another project."""
    day = datetime(2026, 3, 1, tzinfo=UTC)
    old, new, foreign = (
        factories.ReleaseFactory(
            organization=project.organization,
            version=version,
            created_at=day + timedelta(days=number),
        )
        for number, version in enumerate(["1.0", "2.0", "foreign"])
    )
    for release in (old, new):
        ReleaseProject.objects.create(release=release, project=project)
    assert foreign
    return [old, new]


def activities() -> list[tuple[str, Any]]:
    return [(item.type, item.data) for item in Activity.objects.order_by("id")]


def details(body: Any) -> Any:
    """Status and its details, the actor as an id."""
    found = dict(body["statusDetails"])
    if found.get("actor"):
        found["actor"] = int(found["actor"]["id"])
    return body["status"], found


# Resolved in a release ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"status": "resolvedInNextRelease"},
        {"status": "resolved", "statusDetails": {"inNextRelease": True}},
        {"status": "resolved", "statusDetails": {"inNextRelease": "1", "inRelease": "1.0"}},
    ],
)
def test_in_the_next_release(
    api: APIClient, path: str, releases: list[Release], user: User, body: Any
) -> None:
    answer = api.put(path, body)
    assert answer.status_code == 200
    expected = ("resolved", {"inNextRelease": True, "actor": user.pk})
    assert details(answer.json()) == details(api.get(path).json()) == expected
    assert answer.json()["subscriptionDetails"] == {"reason": "changed_status"}
    assert activities() == [("set_resolved_in_release", {"version": ""})]
    assert IssueResolution.objects.get().release == releases[1]


def test_the_next_release_is_named_when_there_is_one(
    api: APIClient, path: str, project: Project, releases: list[Release]
) -> None:
    def version() -> str:
        activities = api.get(path).json()["activity"]
        return next(each["data"]["version"] for each in activities if each["data"])

    api.put(path, {"status": "resolvedInNextRelease"})
    assert version() == ""
    for name, days in (("4.0", 4), ("3.0", 3), ("foreign too", 2)):
        release = factories.ReleaseFactory(
            organization=project.organization,
            version=name,
            created_at=releases[1].created_at + timedelta(days=days),
        )
        if name != "foreign too":
            ReleaseProject.objects.create(release=release, project=project)
    assert version() == "3.0"
    assert details(api.get(path).json())[1].keys() == {"inNextRelease", "actor"}
    assert activities() == [("set_resolved_in_release", {"version": ""})]


@pytest.mark.parametrize("sent, version", [("1.0", "1.0"), ("latest", "2.0")])
def test_in_a_release(
    api: APIClient, path: str, releases: list[Release], user: User, sent: str, version: str
) -> None:
    body = {"status": "resolved", "statusDetails": {"inRelease": sent}}
    expected = ("resolved", {"inRelease": version, "actor": user.pk})
    assert details(api.put(path, body).json()) == details(api.get(path).json()) == expected
    listed = api.get("/api/0/projects/acme/pump-station/issues/?query=").json()
    assert details(listed[0]) == expected
    assert activities() == [("set_resolved_in_release", {"version": version})]


def test_the_newest_release_goes_by_when_it_came_out(
    api: APIClient, path: str, releases: list[Release]
) -> None:
    releases[0].released_at = releases[1].created_at + timedelta(days=1)
    releases[0].save()
    body = {"status": "resolved", "statusDetails": {"inRelease": "latest"}}
    assert api.put(path, body).json()["statusDetails"]["inRelease"] == "1.0"


def test_another_release_replaces_the_first_without_a_word(
    api: APIClient, path: str, releases: list[Release]
) -> None:
    api.put(path, {"status": "resolved"})
    for version in ("1.0", "2.0"):
        body = {"status": "resolved", "statusDetails": {"inRelease": version}}
        assert api.put(path, body).json()["statusDetails"]["inRelease"] == version
    assert activities() == [
        ("set_resolved", {}),
        ("set_resolved_in_release", {"version": "1.0"}),
    ]


@pytest.mark.parametrize("status", ["resolved", "unresolved", "ignored"])
def test_a_plain_status_forgets_what_was_said(
    api: APIClient, path: str, releases: list[Release], status: str
) -> None:
    for before in (
        {"status": "resolvedInNextRelease"},
        {"status": "ignored", "ignoreCount": 100},
    ):
        api.put(path, before)
        assert details(api.put(path, {"status": status}).json()) == (status, {})
        assert details(api.get(path).json()) == (status, {})
        assert not IssueResolution.objects.exists()
        assert not IssueSnooze.objects.exists()


def test_an_api_key_is_nobody(
    path: str, releases: list[Release], organization: Organization, api_as: Client
) -> None:
    api = api_as(organization=organization)
    body = api.put(path, {"status": "resolvedInNextRelease"}).json()
    assert details(body) == ("resolved", {"inNextRelease": True, "actor": None})


# Ignored ------------------------------------------------------------------------------------------

NONE = {
    "ignoreCount": None,
    "ignoreUntil": None,
    "ignoreUserCount": None,
    "ignoreUserWindow": None,
    "ignoreWindow": None,
}


@pytest.mark.parametrize(
    "sent, shown",
    [
        ({"ignoreCount": 10}, {"ignoreCount": 10}),
        ({"ignoreCount": 10, "ignoreWindow": 60}, {"ignoreCount": 10, "ignoreWindow": 60}),
        ({"ignoreUserCount": "5"}, {"ignoreUserCount": 5}),
        (
            {"ignoreUserCount": 5, "ignoreUserWindow": 10080},
            {"ignoreUserCount": 5, "ignoreUserWindow": 10080},
        ),
        ({"ignoreDuration": 90}, {"ignoreUntil": "2026-03-04T06:36:07Z"}),
        ({"snoozeDuration": 90}, {"ignoreUntil": "2026-03-04T06:36:07Z"}),
        ({"ignoreCount": 2**31 - 1}, {"ignoreCount": 2**31 - 1}),
    ],
)
@pytest.mark.parametrize("is_nested", [True, False])
def test_ignored_until(
    api: APIClient,
    path: str,
    user: User,
    sent: Any,
    shown: Any,
    is_nested: bool,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)
    body = {"status": "ignored"} | ({"statusDetails": sent} if is_nested else sent)
    expected = ("ignored", NONE | shown | {"actor": user.pk})
    assert details(api.put(path, body).json()) == details(api.get(path).json()) == expected
    (kind, data), *more = activities()
    assert (kind, more) == ("set_ignored", [])
    assert set(data) == {*NONE, "ignoreDuration"}
    for name in ("ignoreCount", "ignoreUserCount", "ignoreWindow", "ignoreUserWindow"):
        assert data[name] == shown.get(name)
    if "ignoreUntil" in shown:
        assert data["ignoreUntil"] == "2026-03-04T06:36:07Z"
        assert data["ignoreDuration"] == 90
    # other conditions, without a word
    again = api.put(path, {"status": "ignored", "ignoreCount": 3}).json()
    assert details(again) == ("ignored", NONE | {"ignoreCount": 3, "actor": user.pk})
    assert len(activities()) == 1


@pytest.mark.parametrize(
    "sent",
    [
        {"ignoreCount": 0},
        {"ignoreCount": -1, "ignoreDuration": None},
        {"ignoreWindow": 60},
        {"statusDetails": {}, "ignoreCount": 5},
        {"statusDetails": {"ignoreUntil": "2030-01-01T00:00:00Z"}},
        {"statusDetails": None},
    ],
)
def test_what_is_no_condition(api: APIClient, path: str, sent: Any) -> None:
    assert details(api.put(path, {"status": "ignored"} | sent).json()) == ("ignored", {})
    assert not IssueSnooze.objects.exists()


def test_what_is_left_and_when_it_is_over(
    api: APIClient, path: str, issue: Issue, user: User
) -> None:
    api.put(path, {"status": "ignored", "ignoreCount": 10, "ignoreUserCount": 2})
    Issue.objects.update(times_seen=11, user_count=4)
    status, left = details(api.get(path).json())
    assert (status, left["ignoreCount"], left["ignoreUserCount"]) == ("ignored", 6, 1)
    Issue.objects.update(user_count=5)
    assert details(api.get(path).json()) == ("unresolved", {})
    Issue.objects.update(user_count=4, times_seen=17)
    assert details(api.get(path).json()) == ("unresolved", {})
    api.put(path, {"status": "ignored", "ignoreDuration": 5})
    IssueSnooze.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert details(api.get(path).json()) == ("unresolved", {})


def test_what_is_left_goes_by_what_is_counted_when_it_is_ignored(
    issue: Issue, now: datetime
) -> None:
    """Events may have been counted, or unmerged, since the issue was read."""
    for times_seen, user_count in ((2, 1), (900, 90)):
        Issue.objects.update(times_seen=times_seen, user_count=user_count)
        actions.ignore_issues([issue], Conditions(count=5, user_count=2), by=None, now=now)
        assert issue.snooze is not None
        assert issue.status_at(now) == Issue.Status.IGNORED
        assert (issue.snooze.events_left(issue), issue.snooze.users_left(issue)) == (5, 2)


def test_resolved_by_age_says_so(api: APIClient, path: str, project: Project) -> None:
    Project.objects.update(resolve_age=1)
    assert details(api.get(path).json()) == ("resolved", {"autoResolved": True})


# Refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body, error",
    [
        ({"statusDetails": {"inRelease": "nope"}}, {"inRelease": [NOBODY_KNOWS]}),
        ({"statusDetails": {"inRelease": "foreign"}}, {"inRelease": [NOBODY_KNOWS]}),
        ({"statusDetails": {"inRelease": ["1.0"]}}, {"inRelease": ["Not a valid string."]}),
        (
            {"statusDetails": {"inRelease": "a\0b"}},
            {"inRelease": ["Null characters are not allowed."]},
        ),
        (
            {"statusDetails": {"inNextRelease": "maybe"}},
            {"inNextRelease": ["Must be a valid boolean."]},
        ),
        (
            {"statusDetails": {"inCommit": {"commit": "a", "repository": "b"}}},
            {"inCommit": {"repository": ["Unable to find the given repository."]}},
        ),
        (
            {"statusDetails": {"ignoreWindow": 10081}},
            {"ignoreWindow": ["Ensure this value is less than or equal to 10080."]},
        ),
        (
            {"statusDetails": {"ignoreDuration": "x"}},
            {"ignoreDuration": ["A valid integer is required."]},
        ),
        (
            {"statusDetails": {"ignoreCount": 2**31}},
            {"ignoreCount": ["Ensure this value is less than or equal to 2147483647."]},
        ),
        (
            {"statusDetails": [1]},
            {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]},
        ),
        (
            {"statusDetails": "x"},
            {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]},
        ),
    ],
)
def test_what_cannot_be(
    api: APIClient, path: str, releases: list[Release], body: Any, error: Any
) -> None:
    for status in ("resolved", "ignored"):
        answer = api.put(path, body | {"status": status})
        assert (answer.status_code, answer.json()) == (400, {"statusDetails": error})
    assert not Activity.objects.exists()


def test_a_condition_beside_the_status_is_checked_too(api: APIClient, path: str) -> None:
    answer = api.put(path, {"status": "ignored", "ignoreUserWindow": 10081})
    assert answer.status_code == 400
    assert answer.json() == {
        "ignoreUserWindow": ["Ensure this value is less than or equal to 10080."]
    }


@pytest.mark.parametrize(
    "body, error",
    [
        ({"status": "resolvedInNextRelease"}, {"status": [NO_RELEASE]}),
        (
            {"status": "resolved", "statusDetails": {"inNextRelease": True}},
            {"statusDetails": {"inNextRelease": [NO_RELEASE]}},
        ),
        (
            {"status": "resolved", "statusDetails": {"inRelease": "latest"}},
            {"statusDetails": {"inRelease": [NO_RELEASE]}},
        ),
    ],
)
def test_without_any_release(api: APIClient, path: str, body: Any, error: Any) -> None:
    answer = api.put(path, body)
    assert (answer.status_code, answer.json()) == (400, error)


def test_details_alone_change_nothing(api: APIClient, path: str, releases: list[Release]) -> None:
    body = {"statusDetails": {"inNextRelease": True, "ignoreCount": 5}}
    assert details(api.put(path, body).json()) == ("unresolved", {})
    assert not Activity.objects.exists()


# Many at once -------------------------------------------------------------------------------------


def test_many_issues_cost_as_much_as_one(
    project: Project,
    releases: list[Release],
    user: User,
    now: datetime,
    django_assert_num_queries: Any,
) -> None:
    for size in (1, 5):
        issues = [factories.IssueFactory(project=project) for _ in range(size)]
        with django_assert_num_queries(10):  # two of them the savepoint's
            actions.resolve_issues_in_release(issues, releases[0], is_next=True, by=user, now=now)
        assert all(issue.resolution for issue in issues)
        with django_assert_num_queries(9 if size == 1 else 8):
            actions.ignore_issues(issues, Conditions(count=5), by=user, now=now)
        assert all(issue.snooze and not issue.resolution for issue in issues)
    assert IssueSnooze.objects.count() == IssueSubscription.objects.count() == 6


def test_reading_them_asks_no_more(
    project: Project,
    releases: list[Release],
    user: User,
    now: datetime,
    django_assert_num_queries: Any,
) -> None:
    issues = [factories.IssueFactory(project=project) for _ in range(3)]
    actions.resolve_issues_in_release(issues[:1], releases[0], is_next=False, by=user, now=now)
    actions.ignore_issues(issues[1:], Conditions(count=5), by=user, now=now)
    with django_assert_num_queries(1):
        found = queries.find_issues([queries.Place(project)], [0, 1, 2], limit=9)
        assert [bool(issue.resolution) for issue in found] == [False, False, True]
        assert {issue.snooze.actor for issue in found if issue.snooze} == {user}
        assert found[2].resolution
        assert found[2].resolution.release.version == "1.0"
