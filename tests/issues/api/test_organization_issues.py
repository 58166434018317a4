"""GET, PUT and DELETE of /organizations/{organization}/issues/"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues import queries as issue_queries
from issues.models import (
    Activity,
    EventUser,
    Issue,
    IssueBookmark,
    IssueRelease,
    IssueSeen,
    IssueTag,
    IssueText,
)
from sentrylite.accounts.models import User
from sentrylite.organizations.access import EVENT_SCOPES
from sentrylite.organizations.models import Organization, Project, Team
from sentrylite.releases.models import ReleaseProject
from stats.models import IssueDay
from tests import factories

PATH = "/api/0/organizations/acme/issues/"
SEEN = datetime(2026, 3, 1, tzinfo=UTC)

Client = Callable[..., APIClient]
Status = Issue.Status


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("issues.api.views.issues.timezone", SimpleNamespace(now=lambda: now))


@pytest.fixture
def other(organization: Organization) -> Project:
    """Another project, of another team."""
    team = factories.TeamFactory(organization=organization, slug="ground-crew")
    return factories.ProjectFactory(organization=organization, slug="launch-pad", teams=[team])


@pytest.fixture
def issues(project: Project, other: Project) -> list[Issue]:
    """Four unresolved issues of two projects in turn, the last seen one first."""
    return [
        factories.IssueFactory(
            project=(project, other)[number % 2],
            number=number + 1,
            last_seen=SEEN + timedelta(days=1, hours=-number),
        )
        for number in range(4)
    ]


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [issue["id"] for issue in response.json()]


def the_ids_of(issues: list[Issue]) -> list[str]:
    return [str(issue.pk) for issue in issues]


def find(api: APIClient, query: str, **parameters: Any) -> list[int]:
    response = api.get(PATH, {"query": query, **parameters})
    found = [int(pk) for pk in ids(response)]
    assert response["X-Hits"] == str(len(found))
    return found


def tag(issue: Issue, key: str, value: str) -> None:
    IssueTag.objects.create(
        project_id=issue.project_id, issue_id=issue.pk, key=key, value=value, times_seen=1,
        first_seen=SEEN, last_seen=SEEN,
    )  # fmt: skip


def count(issue: Issue, environment: Any, times: int, now: datetime) -> None:
    """Let the issue have been seen so often in the environment, in the first hour of today."""
    IssueRelease.objects.create(
        project_id=issue.project_id, issue_id=issue.pk, environment_id=environment.pk,
        release_id=0, times_seen=times, first_seen=SEEN, last_seen=SEEN + timedelta(hours=times),
    )  # fmt: skip
    IssueDay.objects.create(
        project_id=issue.project_id, issue_id=issue.pk, day=int(now.timestamp()) // 86400,
        environment_id=environment.pk, total=times, hours=[times] + [0] * 23,
    )  # fmt: skip


# It works -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["issues", "groups"])
def test_an_answer_has_the_keys_of_later_years(
    api: APIClient, user: User, organization: Organization, now: datetime, word: str
) -> None:
    project = factories.ProjectFactory(
        pk=900002, organization=organization, slug="launch-pad", platform="go", name="Launch Pad"
    )
    issue = factories.IssueFactory(
        pk=900001,
        project=project,
        number=32,
        type="error",
        title="ValueError: This is an example",
        culprit="runner in main",
        platform="go",
        metadata={"type": "ValueError", "value": "This is an example"},
        first_seen=datetime(2026, 3, 1, 20, 36, 34, tzinfo=UTC),
        last_seen=datetime(2026, 3, 4, 4, 59, 59, 590_999, tzinfo=UTC),
        times_seen=497,
        user_count=12,
    )
    IssueBookmark.objects.create(issue=issue, user=user)
    tag(issue, "handled", "no")
    count(issue, factories.EnvironmentFactory(organization=organization), 7, now)
    response = api.get(PATH.replace("issues", word))
    (answer,) = response.json()
    points = answer.pop("stats")["24h"]
    assert (len(points), sum(count for _, count in points)) == (24, 7)
    assert answer == {
        "annotations": [],
        "assignedTo": None,
        "count": "497",
        "culprit": "runner in main",
        "filtered": None,
        "firstSeen": "2026-03-01T20:36:34Z",
        "hasSeen": False,
        "id": "900001",
        "isBookmarked": True,
        "isPublic": False,
        "isSubscribed": False,
        "isUnhandled": True,
        "priority": "high",
        "issueCategory": "error",
        "issueType": "error",
        "lastSeen": "2026-03-04T04:59:59.590Z",
        "level": "error",
        "lifetime": {
            "count": "497",
            "firstSeen": "2026-03-01T20:36:34Z",
            "lastSeen": "2026-03-04T04:59:59.590Z",
            "stats": None,
            "userCount": 12,
        },
        "logger": None,
        "metadata": {"type": "ValueError", "value": "This is an example"},
        "numComments": 0,
        "permalink": "http://testserver/organizations/acme/issues/900001/",
        "platform": "go",
        "project": {
            "id": "900002", "name": "Launch Pad", "platform": "go", "slug": "launch-pad",
        },
        "shareId": None,
        "shortId": "LAUNCH-PAD-10",
        "status": "unresolved",
        "statusDetails": {},
        "subscriptionDetails": None,
        "substatus": "ongoing",
        "title": "ValueError: This is an example",
        "type": "error",
        "userCount": 12,
    }  # fmt: skip


def test_the_issues_of_all_projects_in_one_list(api: APIClient, issues: list[Issue]) -> None:
    Issue.objects.filter(pk=issues[2].pk).update(status=Status.RESOLVED)
    foreign = factories.IssueFactory()
    factories.IssueFactory(project=issues[0].project, status=Status.PENDING_DELETION)
    response = api.get(PATH)
    assert ids(response) == the_ids_of([issues[0], issues[1], issues[3]])
    assert (response["X-Hits"], response["X-Max-Hits"]) == ("3", "1000")
    assert ids(api.get(f"{PATH}?query=")) == the_ids_of(issues)
    assert str(foreign.pk) not in ids(api.get(f"{PATH}?query="))


def test_an_organization_without_projects(api: APIClient) -> None:
    response = api.get(PATH)
    assert (ids(response), response["X-Hits"]) == ([], "0")
    assert 'rel="next"; results="false"' in response["Link"]


@pytest.mark.parametrize("limit", [1, 3, 4])
@pytest.mark.parametrize("sort", ["date", "new", "freq", "user", "priority"])
def test_a_walk_through_several_projects_sees_every_issue_once(
    api: APIClient, project: Project, other: Project, sort: str, limit: int
) -> None:
    rows = [
        factories.IssueFactory(
            project=(project, other)[number % 2],
            first_seen=SEEN + timedelta(hours=number // 3),
            last_seen=SEEN + timedelta(days=1, seconds=-700 * (number // 3)),
            times_seen=number // 4,
            user_count=number // 4,
            status=(Status.UNRESOLVED, Status.IGNORED)[number % 3 % 2],
        )
        for number in range(9)
    ]
    query: str | None = urlencode({"query": "", "sort": sort, "limit": limit})
    pages = []
    while query:
        response = api.get(f"{PATH}?{query}")
        assert response["X-Hits"] == "9"
        pages.append(ids(response))
        previous, following = response["Link"].split(", <")
        query = following.partition("?")[2].partition(">")[0]
        if 'results="false"' in following:
            query = None
    seen = [pk for page in pages for pk in page]
    assert sorted(seen) == sorted(the_ids_of(rows))
    assert seen == ids(api.get(f"{PATH}?query=&sort={sort}"))
    if sort == "date":
        assert seen == the_ids_of(
            sorted(rows, key=lambda row: (row.last_seen, row.pk), reverse=True)
        )
    back = [pages[-1]]
    while 'results="true"' in previous:
        response = api.get(f"{PATH}?{previous.partition('?')[2].partition('>')[0]}")
        back.append(ids(response))
        previous = response["Link"].split(", <")[0]
    assert back[: len(pages)] == pages[::-1]


# Which projects -----------------------------------------------------------------------------------


def test_the_project_parameter_chooses(
    api: APIClient, project: Project, other: Project, issues: list[Issue]
) -> None:
    of_project, of_other = the_ids_of(issues[::2]), the_ids_of(issues[1::2])
    assert ids(api.get(PATH, {"project": project.pk})) == of_project
    assert ids(api.get(PATH, {"project": other.pk})) == of_other
    for both in ([project.pk, other.pk], [-1], [-1, other.pk], [""]):
        assert ids(api.get(PATH, {"project": both})) == the_ids_of(issues)


@pytest.mark.parametrize("value", ["pump-station", "-2", "1.5", "1\0", "٣", "9" * 30])
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_a_project_is_a_number(
    api: APIClient, issues: list[Issue], value: str, method: str
) -> None:
    response = getattr(api, method)(f"{PATH}?{urlencode({'project': value})}")
    assert response.status_code == 400
    assert response.json() == {"detail": "Invalid project parameter. Values must be numbers."}


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_projects_that_are_not_the_caller_s_are_refused(
    api: APIClient, organization: Organization, issues: list[Issue], method: str
) -> None:
    foreign = factories.ProjectFactory()
    gone = factories.ProjectFactory(organization=organization, status="pending_deletion")
    for pk in (foreign.pk, gone.pk, 999_999_999):
        path = f"{PATH}?project={issues[0].project_id}&project={pk}"
        assert getattr(api, method)(path).status_code == 403
    assert Issue.objects.visible().count() == 4


def test_a_closed_organization_shows_the_projects_of_the_caller_s_teams(
    api_as: Client, organization: Organization, team: Team, other: Project, issues: list[Issue]
) -> None:
    member = factories.OrganizationMemberFactory(organization=organization, role="admin")
    api = api_as(member.user)
    assert ids(api.get(PATH)) == the_ids_of(issues)
    Organization.objects.update(open_membership=False)
    assert ids(api.get(PATH)) == []
    member.teams.add(team)
    mine, theirs = issues[::2], issues[1::2]
    event = factories.make_event(theirs[0])
    for query in ("", "?project=-1", "?query="):
        assert ids(api.get(PATH + query)) == the_ids_of(mine)
    assert api.get(f"{PATH}?project={other.pk}").status_code == 403
    for query in (event.event_id.hex, f"{theirs[0].short_id}&shortIdLookup=1"):
        assert ids(api.get(f"{PATH}?query={query}")) == []
    assert find(api, f"issue:{theirs[0].short_id}") == []

    choice = "&".join(f"id={issue.pk}" for issue in issues)
    assert api.put(f"{PATH}?{choice}", {"status": "resolved"}, format="json").status_code == 200
    assert api.delete(f"{PATH}?query=is:unresolved").status_code == 204
    assert [issue.status for issue in Issue.objects.order_by("-last_seen")] == [
        Status.RESOLVED, Status.UNRESOLVED, Status.RESOLVED, Status.UNRESOLVED,
    ]  # fmt: skip


def test_a_project_without_teams_is_for_managers(
    api: APIClient, api_as: Client, organization: Organization
) -> None:
    project = factories.ProjectFactory(organization=organization)
    issue = factories.IssueFactory(project=project)
    member = factories.OrganizationMemberFactory(organization=organization, role="admin")
    assert ids(api.get(PATH)) == [str(issue.pk)]
    assert ids(api_as(organization=organization).get(PATH)) == [str(issue.pk)]
    assert ids(api_as(member.user).get(PATH)) == []


@pytest.mark.parametrize("scope", sorted(EVENT_SCOPES["GET"]))
def test_any_event_scope_will_do(
    api_as: Client, user: User, issues: list[Issue], scope: str
) -> None:
    assert ids(api_as(user, scopes=[scope]).get(PATH)) == the_ids_of(issues)
    assert api_as(user, scopes=["org:read"]).get(PATH).status_code == 403


# When ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("statsPeriod=3d", [0, 1, 2, 3]),
        ("statsPeriod=2d", []),
        ("statsPeriod=3247m", [0, 1]),
        ("start=2026-03-01T22:00:00&end=2026-03-05T00:00:00", [0, 1, 2]),
        ("start=2026-03-01T22:00:00Z&end=2026-03-02T10:00:00%2B02:00", [0, 1, 2]),
        ("start=2026-02-01T00:00:00&end=2026-03-01T00:00:00", [0, 1, 2, 3]),
        ("start=2026-02-01T00:00:00&end=2026-02-28T23:59:59", []),
        ("start=0001-01-01T00:00:00&end=9999-12-31T23:59:59", [0, 1, 2, 3]),
        ("statsPeriod=", [0, 1, 2, 3]),
    ],
)
@pytest.mark.parametrize("sort", ["date", "freq"])
def test_a_time_finds_what_was_seen_in_it(
    api: APIClient, issues: list[Issue], query: str, found: list[int], sort: str, now: datetime
) -> None:
    response = api.get(f"{PATH}?{query}&sort={sort}")
    assert sorted(ids(response)) == sorted(the_ids_of([issues[number] for number in found]))
    assert response["X-Hits"] == str(len(found))


def test_a_time_and_a_resolve_age(api: APIClient, project: Project, issues: list[Issue]) -> None:
    Project.objects.filter(pk=project.pk).update(resolve_age=54)
    assert ids(api.get(PATH)) == the_ids_of([issues[0], issues[1], issues[3]])
    assert ids(api.get(f"{PATH}?statsPeriod=56h")) == the_ids_of(issues[:2])
    assert ids(api.get(f"{PATH}?statsPeriod=56h&query=")) == the_ids_of(issues[:3])


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("", {"24h": 24}),
        ("groupStatsPeriod=24h&statsPeriod=30d", {"24h": 24}),
        ("groupStatsPeriod=14d", {"14d": 14}),
        ("groupStatsPeriod=auto", {"auto": 14}),
        ("groupStatsPeriod=auto&statsPeriod=30d", {"auto": 31}),
        ("groupStatsPeriod=auto&statsPeriod=9999d", {"auto": 91}),
        ("groupStatsPeriod=auto&start=2026-03-04T00:00:00&end=2026-03-05T00:00:00", {"auto": 6}),
        ("groupStatsPeriod=auto&start=2027-03-04T00:00:00&end=2028-03-05T00:00:00", None),
        ("groupStatsPeriod=", None),
        ("collapse=stats", None),
        ("collapse=unhandled&collapse=stats&groupStatsPeriod=14d", None),
    ],
)
def test_the_period_of_the_series(
    api: APIClient, project: Project, now: datetime, query: str, points: dict[str, int] | None
) -> None:
    issue = factories.IssueFactory(project=project, last_seen=now)
    count(issue, factories.EnvironmentFactory(organization=project.organization), 7, now)
    answer = next(iter(api.get(f"{PATH}?{query}").json()), {})
    if points is None:
        assert "stats" not in answer
    else:
        assert {name: len(series) for name, series in answer["stats"].items()} == points
        assert all(sum(count for _, count in series) == 7 for series in answer["stats"].values())


def test_parts_can_be_left_out(api: APIClient, issues: list[Issue]) -> None:
    (first, *_) = api.get(PATH).json()
    (left, *_) = api.get(f"{PATH}?collapse=lifetime&collapse=filtered&collapse=id&expand=x").json()
    assert set(first) - set(left) == {"lifetime", "filtered"}


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("sort=nope", "Invalid sort. Valid choices are date, new, priority, freq, user, "
                      "recommended, inbox, trends."),
        ("statsPeriod=x", "Invalid statsPeriod. It takes a number and a unit, such as 14d."),
        ("start=x", "Invalid start. It takes a date and time, such as "
                             "2026-03-04T05:06:07Z."),
        ("start=2026-03-01T00:00:00", "start and end are both required."),
        ("start=2026-03-02T00:00:00&end=2026-03-01T00:00:00", "start must be before end."),
        ("groupStatsPeriod=30d",
         "Invalid groupStatsPeriod. Valid choices are '', '24h', '14d', and 'auto'"),
        ("limit=0", "invalid limit"),
        ("per_page=x", "Invalid per_page parameter."),
        ("query=is:x", "Your search query could not be parsed: Invalid value for \"is\" search, "
         "valid values are ['assigned', 'ignored', 'muted', 'resolved', 'unassigned', "
         "'unresolved']"),
        ("cursor=x", "Invalid cursor parameter."),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(
    api: APIClient, project: Project, query: str, problem: str
) -> None:
    response = api.get(f"{PATH}?{query}")
    assert (response.status_code, response.json()) == (400, {"detail": problem})


@pytest.mark.parametrize("sort", ["recommended", "inbox", "trends", ""])
def test_orders_of_later_servers_are_by_date(
    api: APIClient, issues: list[Issue], sort: str
) -> None:
    assert ids(api.get(f"{PATH}?sort={sort}")) == the_ids_of(issues)


@pytest.mark.parametrize(
    ("query", "rows"),
    [("limit=2", 2), ("per_page=3", 3), ("limit=1&per_page=3", 1), ("limit=10000", 4)],
)
def test_the_limit(api: APIClient, issues: list[Issue], query: str, rows: int) -> None:
    assert ids(api.get(f"{PATH}?{query}")) == the_ids_of(issues)[:rows]


# Searching several projects -----------------------------------------------------------------------


def test_an_event_id_finds_its_issue_in_any_project(api: APIClient, issues: list[Issue]) -> None:
    event = factories.make_event(issues[1])
    response = api.get(f"{PATH}?query={event.event_id}")
    assert ids(response) == [str(issues[1].pk)]
    assert response["X-Sentry-Direct-Hit"] == "1"
    assert response.json()[0]["matchingEventId"] == event.event_id.hex
    elsewhere = f"{PATH}?query={event.event_id}&project={issues[0].project_id}"
    assert ids(api.get(elsewhere)) == []


def test_a_short_id_finds_its_issue_in_any_project(api: APIClient, issues: list[Issue]) -> None:
    for issue in issues:
        response = api.get(PATH, {"query": issue.short_id.lower(), "shortIdLookup": "1"})
        assert ids(response) == [str(issue.pk)]
        assert response["X-Sentry-Direct-Hit"] == "1"
        assert find(api, f"issue:{issue.short_id}") == [issue.pk]
    both = f"issue:[{issues[0].short_id},{issues[1].short_id},NOPE-1]"
    assert find(api, both) == [issues[0].pk, issues[1].pk]
    assert find(api, f"!{both}") == [issues[2].pk, issues[3].pk]


def test_a_search_names_projects(api: APIClient, issues: list[Issue]) -> None:
    of_project, of_other = ([issue.pk for issue in part] for part in (issues[::2], issues[1::2]))
    for query in ("project:pump-station", "!project:launch*", f"project.id:{issues[0].project_id}"):
        assert find(api, query) == of_project
        assert find(api, query, project=issues[1].project_id) == []
    assert find(api, "project.name:[launch-pad,nope]") == of_other
    assert find(api, "project:[launch-pad,pump-station]") == [issue.pk for issue in issues]


def test_the_newest_release_is_that_of_each_project(
    api: APIClient, organization: Organization, issues: list[Issue]
) -> None:
    old, new = (
        factories.ReleaseFactory(organization=organization, version=version)
        for version in ("1.0", "2.0")
    )
    # The first project has both, the second one only the old one.
    for release, project in (
        (old, issues[0].project), (new, issues[0].project), (old, issues[1].project)
    ):  # fmt: skip
        ReleaseProject.objects.create(release=release, project=project)
    for issue, release in zip(issues, (old, old, new, new), strict=True):
        tag(issue, "release", release.version)
        Issue.objects.filter(pk=issue.pk).update(first_release=release)
    newest = [issues[1].pk, issues[2].pk]
    assert find(api, "release:latest") == newest
    assert find(api, "first-release:latest") == newest
    assert find(api, "!release:latest") == [issues[0].pk, issues[3].pk]
    assert find(api, "release:1.0") == [issues[0].pk, issues[1].pk]


def test_a_user_is_one_of_the_project_s(api: APIClient, issues: list[Issue]) -> None:
    for issue in issues[:2]:
        tag(issue, "user", "id:1")
    for issue, email in zip(issues[:2], ("a@example.com", "b@example.com"), strict=True):
        EventUser.objects.create(
            project_id=issue.project_id, hash=1, tag_value="id:1", email=email, first_seen=SEEN
        )
    assert find(api, "user.email:a@example.com") == [issues[0].pk]
    assert find(api, "user:email:b@example.com") == [issues[1].pk]
    assert find(api, "!user.email:a@example.com is:unresolved") == [i.pk for i in issues[1:]]
    assert find(api, "user.id:1") == [issues[0].pk, issues[1].pk]
    assert find(api, "user:1") == [issues[0].pk, issues[1].pk]


def test_an_environment_has_its_own_numbers_in_each_project(
    api: APIClient, organization: Organization, issues: list[Issue], now: datetime
) -> None:
    production, staging = (
        factories.EnvironmentFactory(organization=organization, name=name)
        for name in ("production", "staging")
    )
    Issue.objects.update(times_seen=20)
    for issue, environment, times in (
        (issues[0], production, 3), (issues[1], production, 4), (issues[1], staging, 5),
        (issues[2], staging, 6),
    ):  # fmt: skip
        count(issue, environment, times, now)
    answers = api.get(f"{PATH}?environment=production").json()
    assert [
        (
            answer["id"],
            answer["count"],
            sum(count for _, count in answer["stats"]["24h"]),
            answer["lifetime"]["count"],
        )
        for answer in answers
    ] == [(str(issues[0].pk), "3", 3, "20"), (str(issues[1].pk), "4", 4, "20")]
    both = api.get(f"{PATH}?environment=production&environment=staging").json()
    assert [answer["count"] for answer in both] == ["3", "9", "6"]
    assert ids(api.get(f"{PATH}?environment=nope")) == []


def test_errors_that_nobody_handled(api: APIClient, issues: list[Issue]) -> None:
    for issue, value in zip(issues, ("no", "yes", "yes", "no"), strict=True):
        tag(issue, "handled", value)
    assert [issue["isUnhandled"] for issue in api.get(PATH).json()] == [True, False, False, True]


# Counting -----------------------------------------------------------------------------------------

COUNT = "/api/0/organizations/acme/issues-count/"


@pytest.mark.parametrize("searches", [0, 2, 10])
def test_each_search_is_counted(
    api: APIClient, issues: list[Issue], searches: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    Issue.objects.filter(pk=issues[0].pk).update(status=Status.RESOLVED, title="KeyError")
    IssueText.objects.filter(issue_id=issues[0].pk).update(text="keyerror")
    expected = {
        "is:unresolved": 3, "is:resolved": 1, "": 4, "valueerror": 3, "KeyError": 1,
        "project:launch-pad": 2, "!project:launch-pad": 2, "age:-1m": 0, "timesSeen:0": 4,
        "nothing": 0,
    }  # fmt: skip
    wanted = dict(list(expected.items())[:searches])
    with django_assert_num_queries(3 + searches):
        response = api.get(COUNT, {"query": [*wanted, *wanted]})
    assert (response.status_code, response.json()) == (200, wanted)


def test_counts_are_of_projects_environments_and_a_time(
    api: APIClient, organization: Organization, issues: list[Issue], now: datetime
) -> None:
    count(issues[0], factories.EnvironmentFactory(organization=organization, name="dev"), 1, now)
    for parameters, found in (
        ({"project": issues[0].project_id}, 2), ({"environment": "dev"}, 1),
        ({"environment": "nope"}, 0), ({"statsPeriod": "54h"}, 1), ({"project": "-1"}, 4),
    ):  # fmt: skip
        assert api.get(COUNT, {"query": "x:1"} | parameters).json() == {"x:1": 0}
        assert api.get(COUNT, {"query": ""} | parameters).json() == {"": found}


def test_counts_that_cannot_be_had(api: APIClient, issues: list[Issue]) -> None:
    response = api.get(COUNT, {"query": [f"x:{number}" for number in range(11)]})
    assert response.json() == {"detail": "Invalid query: more than 10 searches."}
    for query in ("query=&query=is:x", "query=%00", "query=&statsPeriod=x", "project=x"):
        assert api.get(f"{COUNT}?{query}").status_code == 400
    foreign = factories.ProjectFactory()
    assert api.get(COUNT, {"query": "", "project": foreign.pk}).status_code == 403


# Changing many ------------------------------------------------------------------------------------


def put(api: APIClient, path: str, body: Any, status: int = 200) -> Any:
    response = api.put(path, body, format="json")
    assert response.status_code == status, response.content
    return response.json() if response.content else None


def address(issues: list[Issue], *more: str) -> str:
    return f"{PATH}?{'&'.join([*(f'id={issue.pk}' for issue in issues), *more])}"


def statuses(issues: list[Issue]) -> list[int]:
    found = dict(Issue.objects.values_list("pk", "status"))
    return [found[issue.pk] for issue in issues]


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ("", [1, 1, 1, 1]),
        ("?status=ignored", [0, 0, 0, 1]),
        ("?query=is:unresolved", [1, 1, 1, 0]),
        ("?query=is:ignored", [0, 0, 0, 1]),
        ("?query=area:north", [0, 1, 0, 0]),
        ("?project=PROJECT", [1, 0, 1, 0]),
        ("?id=FIRST&id=SECOND&query=nonsense", [1, 1, 0, 0]),
        ("?id=FIRST&id=SECOND&project=PROJECT", [1, 0, 0, 0]),
        ("?start=2026-03-01T22:30:00&end=2026-03-09T00:00:00", [1, 1, 0, 0]),
    ],
)
def test_ids_or_a_search_choose(
    api: APIClient, issues: list[Issue], query: str, changed: list[int]
) -> None:
    Issue.objects.filter(pk=issues[3].pk).update(status=Status.IGNORED)
    tag(issues[1], "area", "north")
    path = PATH + query.replace("PROJECT", str(issues[0].project_id)).replace(
        "FIRST", str(issues[0].pk)
    ).replace("SECOND", str(issues[1].pk))
    assert put(api, path, {"status": "resolved"}) == {"status": "resolved", "statusDetails": {}}
    assert [status == Status.RESOLVED for status in statuses(issues)] == list(map(bool, changed))
    assert Activity.objects.count() == sum(changed)
    assert api.delete(path.replace("is:ignored", "is:resolved")).status_code == 204
    if "id=" in query or query == "?query=":
        left = Issue.objects.visible().values_list("pk", flat=True)
        assert sorted(left) == sorted(
            issue.pk for issue, was in zip(issues, changed, strict=True) if not was
        )


def test_nothing_left_is_204(api: APIClient, issues: list[Issue]) -> None:
    foreign = factories.IssueFactory()
    for path in (address([foreign]), f"{PATH}?query=is:resolved", f"{PATH}?environment=nope"):
        put(api, path, {"status": "resolved"}, 204)
        assert api.delete(path).status_code == 204
    assert statuses([foreign, *issues]) == [Status.UNRESOLVED] * 5


def test_who_is_assigned_fits_all_projects(
    api: APIClient, user: User, team: Team, issues: list[Issue]
) -> None:
    for actor, problem in (
        (user.username, "Cannot assign to non-team member"),
        (f"team:{team.pk}", "Cannot assign to a team without access to the project"),
    ):
        answer = put(api, address(issues[:2]), {"assignedTo": actor}, 400)
        assert answer == {"assignedTo": [problem]}
        assert not Issue.objects.exclude(assigned_user=None, assigned_team=None).exists()
        put(api, address([issues[0], issues[2]]), {"assignedTo": actor})
        put(api, address(issues), {"assignedTo": ""})
    issues[1].project.teams.add(team)
    put(api, address(issues), {"assignedTo": user.email})
    assert Issue.objects.filter(assigned_user=user).count() == 4


@pytest.mark.parametrize(
    "details", [{"inRelease": "1.0"}, {"inRelease": "latest"}, {"inNextRelease": True}]
)
def test_a_release_is_of_one_project(
    api: APIClient, organization: Organization, issues: list[Issue], details: dict[str, Any]
) -> None:
    release = factories.ReleaseFactory(organization=organization, version="1.0")
    for project in {issues[0].project, issues[1].project}:
        ReleaseProject.objects.create(release=release, project=project)
    body = {"status": "resolved", "statusDetails": details}
    (name,) = details
    assert put(api, address(issues), body, 400) == {
        "statusDetails": {
            name: ["The issues are of several projects, each with releases of its own."]
        }
    }
    assert statuses(issues) == [Status.UNRESOLVED] * 4
    put(api, address(issues[::2]), body)
    assert statuses(issues[::2]) == [Status.RESOLVED] * 2


def test_seen_is_noted_where_the_caller_looks_after_the_project(
    api: APIClient, issues: list[Issue]
) -> None:
    assert put(api, address(issues), {"hasSeen": True}) == {"hasSeen": True}
    seen = IssueSeen.objects.values_list("issue_id", flat=True)
    assert sorted(seen) == sorted(issue.pk for issue in issues[::2])


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 20])
@pytest.mark.parametrize(
    ("query", "statements"),
    [
        ({}, 8),
        ({"collapse": "stats"}, 7),
        ({"query": "is:unresolved !a:b !issue:P-1 !release:latest !user.ip:x"}, 8),
        ({"query": "Error", "sort": "priority", "statsPeriod": "9999d"}, 8),
        ({"environment": "production"}, 10),
    ],
)
def test_the_number_of_statements_depends_on_neither_rows_nor_projects(
    api: APIClient,
    organization: Organization,
    team: Team,
    rows: int,
    query: dict[str, str],
    statements: int,
    now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    environment = factories.EnvironmentFactory(organization=organization, name="production")
    for number in range(rows):
        project = factories.ProjectFactory(organization=organization, teams=[team])
        issue = factories.IssueFactory(project=project, times_seen=number)
        count(issue, environment, 1, now)
    with django_assert_num_queries(statements):
        assert len(ids(api.get(PATH, query))) == rows


@pytest.mark.parametrize("rows", [2, 20])
def test_a_change_of_issues_of_many_projects_is_a_fixed_number_of_statements(
    api: APIClient,
    organization: Organization,
    team: Team,
    user: User,
    rows: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(rows):
        project = factories.ProjectFactory(organization=organization, teams=[team])
        factories.IssueFactory(project=project)
    body = {"status": "resolved", "assignedTo": user.username, "hasSeen": True}
    with django_assert_num_queries(22):
        put(api, PATH, body)
    assert Issue.objects.filter(status=Status.RESOLVED, assigned_user=user).count() == rows


def test_each_project_is_an_ordered_scan_of_an_index(
    api: APIClient,
    issues: list[Issue],
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """Unless what is looked for is rare."""
    monkeypatch.setattr(issue_queries, "MAX_HITS", 4)
    with django_assert_num_queries(8) as queries:
        assert len(find(api, "valueerror is:unresolved")) == 4
    (statement,) = [query["sql"] for query in queries if "sort_key" in query["sql"]]
    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {statement}".replace("%", "%%"), {})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "issues_issue_last_seen" in plan
    assert "place.since" in plan.partition("Index Cond")[2].partition("\n")[0]


# Whatever is asked --------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["query", "project", "environment", "limit", "per_page", "cursor", "sort", "statsPeriod",
     "start", "end", "groupStatsPeriod", "collapse", "expand", "shortIdLookup", "id"]
)  # fmt: skip
NUMBERS = st.integers(-(10**25), 10**25).map(str)
VALUES = st.one_of(
    st.text(max_size=12),
    NUMBERS,
    NUMBERS.map(lambda number: number + "d"),
    st.tuples(NUMBERS, NUMBERS, NUMBERS).map(":".join),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.sampled_from(["", "-1", "is:resolved", "user", "auto", "stats", "14d", "\0", "9999w"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parameters=st.lists(st.tuples(NAMES, VALUES), max_size=5),
    method=st.sampled_from(["get", "put", "delete"]),
)
@example([("start", "0001-01-01T00:00:00+14:00"), ("end", "9999-12-31T23:59:59")], "get")
@example([("statsPeriod", "9999w"), ("groupStatsPeriod", "auto")], "get")
@example([("query", "0" * 32), ("shortIdLookup", "1")], "get")
@example([("query", "\ud800")], "get")
def test_any_query_is_answered_or_refused(
    api: APIClient, issues: list[Issue], parameters: list[tuple[str, str]], method: str
) -> None:
    path = f"{PATH}?{urlencode(parameters, errors='surrogatepass')}"
    response = getattr(api, method)(path)
    assert response.status_code in (200, 204, 400, 403), response.content
    if response.status_code == 400:
        assert isinstance(response.json()["detail"], str)
