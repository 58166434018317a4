"""GET /projects/{organization}/{project}/issues/"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues import queries
from issues.api.serializers.issues import IssueListSerializer
from issues.models import Event, Issue, IssueBookmark, IssueSeen, IssueSubscription
from sentrylite.accounts.models import User
from sentrylite.organizations.access import ALL_SCOPES, EVENT_SCOPES
from sentrylite.organizations.models import Organization, Project, Team
from stats.models import IssueDay
from tests import factories

SHAPE = Path(__file__).parents[2] / "shapes/project-issues.json"
PATH = "/api/0/projects/acme/pump-station/issues/"
NO_PERMISSION = {"detail": "You do not have permission to perform this action."}
Client = Callable[..., APIClient]
Status = Issue.Status


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("issues.api.views.issues.timezone", SimpleNamespace(now=lambda: now))


@pytest.fixture
def issues(project: Project, now: datetime) -> list[Issue]:
    """Three unresolved issues, the last seen one first."""
    return [
        factories.IssueFactory(project=project, last_seen=now - timedelta(minutes=minutes))
        for minutes in range(3)
    ]


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [issue["id"] for issue in response.json()]


def the_ids_of(issues: list[Issue]) -> list[str]:
    return [str(issue.pk) for issue in issues]


# It works -----------------------------------------------------------------------------------------


@pytest.fixture
def documented(organization: Organization, member: Any, now: datetime) -> None:
    """The two issues of the shape: all that can be said of one, and nothing of the other."""
    user: User = member.user
    team = factories.TeamFactory(pk=900008, organization=organization, slug="pumps")
    project = factories.ProjectFactory(
        pk=900002,
        organization=organization,
        slug="pump-station",
        name="Pump Station",
        platform="python-django",
        teams=[team],
    )
    rich = factories.IssueFactory(
        pk=900001,
        project=project,
        number=32,
        type="error",
        level=40,
        title="ValueError: This is an example",
        culprit="raven.scripts.runner in main",
        logger="raven",
        platform="python",
        metadata={"type": "ValueError", "value": "This is an example"},
        first_seen=datetime(2026, 3, 1, 20, 36, 34, tzinfo=UTC),
        last_seen=datetime(2026, 3, 4, 4, 59, 59, 590_999, tzinfo=UTC),
        times_seen=497,
        user_count=12,
        comment_count=3,
        share_id=UUID("fc6d8c0c43fc4630ad850ee518f1b9d0"),
        assigned_user=factories.UserFactory(pk=900007, name="Jane Pump", email="jane@example.com"),
    )
    IssueBookmark.objects.create(issue=rich, user=user)
    IssueSeen.objects.create(issue=rich, user=user, last_seen=now)
    IssueSubscription.objects.create(issue=rich, user=user, reason="bookmarked")
    hours = [0] * 24
    hours[4] = 7
    IssueDay.objects.create(
        project_id=project.pk,
        issue_id=rich.pk,
        day=int(now.timestamp()) // 86400,
        environment_id=1,
        total=7,
        hours=hours,
    )
    factories.IssueFactory(
        pk=900003, project=project, number=1, title="<unlabeled event>", assigned_team=team
    )


@pytest.mark.parametrize("word", ["issues", "groups"])
def test_the_documented_answer(api: APIClient, documented: None, word: str) -> None:
    response = api.get(PATH.replace("issues", word))
    assert response.status_code == 200
    assert response.json() == json.loads(SHAPE.read_text())
    assert [list(issue) for issue in response.json()] == [
        list(issue) for issue in json.loads(SHAPE.read_text())
    ]


def test_headers(api: APIClient, issues: list[Issue]) -> None:
    response = api.get(PATH)
    milliseconds = [int(issue.last_seen.timestamp() * 1000) for issue in issues]
    first, last = milliseconds[0], milliseconds[-1]
    assert response["Link"] == (
        f'<http://testserver{PATH}?&cursor={first}:0:1>; rel="previous"; results="false"; '
        f'cursor="{first}:0:1", <http://testserver{PATH}?&cursor={last}:1:0>; rel="next"; '
        f'results="false"; cursor="{last}:1:0"'
    )
    assert (response["X-Hits"], response["X-Max-Hits"]) == ("3", "1000")
    assert "X-Sentry-Direct-Hit" not in response
    assert response["Allow"] == "GET, PUT, DELETE, HEAD, OPTIONS"


def test_a_project_without_issues(api: APIClient, project: Project) -> None:
    response = api.get(PATH)
    assert (ids(response), response["X-Hits"]) == ([], "0")
    assert 'cursor="0:0:1", ' in response["Link"]


def test_issues_of_other_projects_and_deleted_ones_are_not_there(
    api: APIClient, issues: list[Issue], organization: Organization
) -> None:
    other = factories.ProjectFactory(organization=organization)
    factories.IssueFactory(project=other)
    for status in (Status.PENDING_DELETION, Status.PENDING_MERGE):
        factories.IssueFactory(project=issues[0].project, status=status)
    response = api.get(f"{PATH}?query=")
    assert ids(response) == the_ids_of(issues)
    assert response["X-Hits"] == "3"


def test_slugs_and_ids_name_the_project(
    api: APIClient, organization: Organization, project: Project, issues: list[Issue]
) -> None:
    path = f"/api/0/projects/{organization.pk}/{project.pk}/issues/"
    assert ids(api.get(path)) == the_ids_of(issues)


def test_head(api: APIClient, issues: list[Issue]) -> None:
    response = api.head(PATH)
    assert (response.status_code, response.content, response["X-Hits"]) == (200, b"", "3")


# Whose marks they are -----------------------------------------------------------------------------


def only(response: Any) -> dict[str, Any]:
    (issue,) = response.json()
    return issue


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project)


def test_other_people_s_marks_are_not_the_caller_s(api: APIClient, issue: Issue) -> None:
    other = factories.UserFactory()
    IssueBookmark.objects.create(issue=issue, user=other)
    IssueSeen.objects.create(issue=issue, user=other)
    IssueSubscription.objects.create(issue=issue, user=other)
    answer = only(api.get(PATH))
    assert not answer["isBookmarked"]
    assert not answer["hasSeen"]
    assert not answer["isSubscribed"]


def test_an_issue_seen_before_it_came_back_is_not_seen(
    api: APIClient, user: User, issue: Issue
) -> None:
    IssueSeen.objects.create(issue=issue, user=user, last_seen=issue.active_at)
    assert only(api.get(PATH))["hasSeen"] is False
    IssueSeen.objects.update(last_seen=issue.active_at + timedelta(seconds=1))
    assert only(api.get(PATH))["hasSeen"] is True


def test_a_cancelled_subscription_is_none(api: APIClient, user: User, issue: Issue) -> None:
    IssueSubscription.objects.create(issue=issue, user=user, is_active=False, reason="commented")
    answer = only(api.get(PATH))
    assert (answer["isSubscribed"], answer["subscriptionDetails"]) == (False, None)


def test_an_api_key_has_no_page_and_no_marks(
    api_as: Client, organization: Organization, user: User, issue: Issue
) -> None:
    IssueBookmark.objects.create(issue=issue, user=user)
    answer = only(api_as(organization=organization).get(PATH))
    assert answer["permalink"] is None
    assert answer["isBookmarked"] is False


def test_the_page_is_at_the_public_address(api: APIClient, issue: Issue, settings: Any) -> None:
    settings.PUBLIC_URL = "https://errors.example.com"
    page = f"https://errors.example.com/organizations/acme/issues/{issue.pk}/"
    assert only(api.get(PATH))["permalink"] == page


@pytest.mark.parametrize("level", [0, 10, 20, 30, 40, 50, 7])
def test_levels_have_names(api: APIClient, issue: Issue, level: int) -> None:
    Issue.objects.update(level=level)
    names = {0: "sample", 10: "debug", 20: "info", 30: "warning", 40: "error", 50: "fatal"}
    assert only(api.get(PATH))["level"] == names.get(level, "unknown")


# query --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [Status.UNRESOLVED]),
        ("?query=is:unresolved", [Status.UNRESOLVED]),
        ("?query=%20is:unresolved%20", [Status.UNRESOLVED]),
        ("?query=is:resolved", [Status.RESOLVED]),
        ("?query=is:ignored", [Status.IGNORED]),
        ("?query=", [Status.UNRESOLVED, Status.RESOLVED, Status.IGNORED]),
        ("?query=%20%20", [Status.UNRESOLVED, Status.RESOLVED, Status.IGNORED]),
        ("?query=nonsense&query=is:resolved", [Status.RESOLVED]),
    ],
)
def test_the_query_chooses_the_status(
    api: APIClient, project: Project, query: str, found: list[int]
) -> None:
    for status in Status:
        factories.IssueFactory(project=project, status=status)
    response = api.get(PATH + query)
    assert sorted(issue["status"] for issue in response.json()) == sorted(
        Status(status).label for status in found
    )
    assert response["X-Hits"] == str(len(found))


@pytest.mark.parametrize("write", [lambda i: i.hex, lambda i: i.hex.upper(), lambda i: f" {i} "])
def test_an_event_id_finds_its_issue(
    api: APIClient, organization: Organization, issues: list[Issue], write: Callable[[UUID], str]
) -> None:
    production = factories.EnvironmentFactory(organization=organization, name="production")
    Issue.objects.filter(pk=issues[1].pk).update(status=Status.RESOLVED)
    event = factories.make_event(issues[1], environment=production)
    response = api.get(f"{PATH}?query={quote(write(event.event_id))}")
    assert ids(response) == [str(issues[1].pk)]
    answer = only(response)
    assert answer["matchingEventId"] == event.event_id.hex
    assert answer["matchingEventEnvironment"] == "production"
    assert len(answer["stats"]["24h"]) == 24
    assert response["X-Sentry-Direct-Hit"] == "1"
    assert not {"Link", "X-Hits", "X-Max-Hits"} & set(response.headers)


def test_an_event_without_environment_names_none(
    api: APIClient, organization: Organization, issue: Issue
) -> None:
    nameless = factories.EnvironmentFactory(organization=organization, name="")
    event = factories.make_event(issue, environment=nameless)
    answer = only(api.get(f"{PATH}?query={event.event_id.hex}"))
    assert "matchingEventId" in answer
    assert "matchingEventEnvironment" not in answer


def test_events_that_are_not_there_find_nothing(
    api: APIClient, organization: Organization, issue: Issue
) -> None:
    foreign = factories.make_event(
        factories.IssueFactory(project=factories.ProjectFactory(organization=organization))
    )
    deleted = factories.make_event(
        factories.IssueFactory(project=issue.project, status=Status.PENDING_DELETION)
    )
    dropped = factories.make_event(issue)
    Event.objects.filter(event_id=dropped.event_id).delete()
    for event_id in (uuid4(), foreign.event_id, deleted.event_id, dropped.event_id):
        response = api.get(f"{PATH}?query={event_id.hex}")
        assert (ids(response), response["X-Hits"]) == ([], "0")
        assert "X-Sentry-Direct-Hit" not in response
        assert 'rel="next"; results="false"' in response["Link"]


def test_quiet_issues_count_as_resolved(
    api: APIClient, project: Project, issues: list[Issue], now: datetime
) -> None:
    Project.objects.update(resolve_age=24)
    Issue.objects.filter(pk=issues[2].pk).update(last_seen=now - timedelta(hours=24))
    response = api.get(PATH)
    assert (ids(response), response["X-Hits"]) == (the_ids_of(issues[:2]), "2")
    assert [
        (issue["status"], issue["statusDetails"]) for issue in api.get(f"{PATH}?query=").json()
    ] == [("unresolved", {}), ("unresolved", {}), ("resolved", {"autoResolved": True})]


# sort, environment, statsPeriod, limit, cursor ----------------------------------------------------


@pytest.mark.parametrize("query", ["", "?sort=", "?sort=date", "?sort_by=freq"])
def test_the_last_seen_comes_first(api: APIClient, issues: list[Issue], query: str) -> None:
    assert ids(api.get(PATH + query)) == the_ids_of(issues)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("sort=nope", "Invalid sort. Valid choices are date, new, priority, freq, user."),
        ("environment=%00", "Invalid environment: it holds a NUL character."),
        ("query=%00", "Invalid query: it holds a NUL character."),
        (
            "query=a%20OR%20b",
            'Your search query could not be parsed: Boolean statements containing "OR" or "AND" '
            "are not supported in this search",
        ),
        (
            "query=is:bogus",
            'Your search query could not be parsed: Invalid value for "is" search, valid values '
            "are ['assigned', 'ignored', 'muted', 'resolved', 'unassigned', 'unresolved']",
        ),
        (
            "query=age:x",
            "Your search query could not be parsed: x is not a valid datetime query",
        ),
        (
            "query=timesSeen:x",
            'Your search query could not be parsed: "x" could not be converted to a number.',
        ),
        *(
            (f"statsPeriod={value}", "Invalid stats_period. Valid choices are '', '24h', and '14d'")
            for value in ("30d", "24", "x", "%00")
        ),
        *((f"limit={value}", "invalid limit") for value in ("0", "-1", "abc", "1.5", "%00", "٣")),
        *(
            (f"cursor={value}", "Invalid cursor parameter.")
            for value in ("abc", "1:2", "a:b:c", "%00", "None")
        ),
        ("cursor=0:-5:0", "Pagination offset cannot be negative"),
    ],
)
def test_what_cannot_be_used_is_refused(
    api: APIClient, project: Project, query: str, problem: str
) -> None:
    response = api.get(f"{PATH}?{query}")
    assert (response.status_code, response.json()) == (400, {"detail": problem})


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("", {"24h": 24}),
        ("?statsPeriod=24h", {"24h": 24}),
        ("?statsPeriod=14d", {"14d": 14}),
    ],
)
def test_the_period_chooses_the_series(
    api: APIClient, issue: Issue, query: str, points: dict[str, int]
) -> None:
    stats = only(api.get(PATH + query))["stats"]
    assert {period: len(series) for period, series in stats.items()} == points


def test_an_empty_period_is_no_series(api: APIClient, issue: Issue) -> None:
    assert "stats" not in only(api.get(f"{PATH}?statsPeriod="))


@pytest.mark.parametrize(
    ("query", "rows"), [("limit=2", 2), ("limit=1000", 3), ("limit=", 3), ("per_page=1", 3)]
)
def test_the_limit(api: APIClient, issues: list[Issue], query: str, rows: int) -> None:
    assert ids(api.get(f"{PATH}?{query}")) == the_ids_of(issues)[:rows]


def test_a_page_has_at_most_a_hundred_issues(api: APIClient, project: Project) -> None:
    factories.IssueFactory.create_batch(101, project=project)
    for query in ("", "?limit=10000"):
        assert len(api.get(PATH + query).json()) == 100


def links(response: Any) -> dict[str, tuple[str, bool]]:
    """The query string of each relation, and whether something is there."""
    found = {}
    for part in response["Link"].split(", "):
        url, relation, results, _ = part.split("; ")
        query = url.strip("<>").partition("?")[2]
        found[relation[5:-1]] = (query, results == 'results="true"')
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_a_walk_sees_every_issue_once(api: APIClient, project: Project, limit: int) -> None:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    ages = (0, 0, 1, 1000, 1001, 1001, 1001)
    issues = [
        factories.IssueFactory(
            project=project,
            last_seen=moment - timedelta(microseconds=age),
            status=(Status.UNRESOLVED, Status.RESOLVED, Status.IGNORED)[number % 3],
        )
        for number, age in enumerate(ages)
    ]
    expected = sorted(issues, key=lambda issue: (issue.last_seen, issue.pk), reverse=True)
    query, has_results, pages = f"query=&limit={limit}", True, []
    while has_results:
        response = api.get(f"{PATH}?{query}")
        assert response["X-Hits"] == "7"
        pages.append(ids(response))
        query, has_results = links(response)["next"]
    assert [issue for page in pages for issue in page] == the_ids_of(expected)

    back = [pages[-1]]
    query, has_results = links(response)["previous"]
    while has_results:
        response = api.get(f"{PATH}?{query}")
        back.append(ids(response))
        query, has_results = links(response)["previous"]
    assert back[: len(pages)] == pages[::-1]


def test_new_issues_are_found_before_the_first_page(
    api: APIClient, issues: list[Issue], now: datetime
) -> None:
    query, has_results = links(api.get(PATH))["previous"]
    assert not has_results
    assert ids(api.get(f"{PATH}?{query}")) == []
    new = factories.IssueFactory(project=issues[0].project, last_seen=now + timedelta(seconds=1))
    assert ids(api.get(f"{PATH}?{query}")) == [str(new.pk)]


def test_hits_are_counted_to_a_thousand(
    api: APIClient, issues: list[Issue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("issues.queries.MAX_HITS", 2)
    response = api.get(PATH)
    assert (len(ids(response)), response["X-Hits"]) == (3, "2")


# Who may ------------------------------------------------------------------------------------------


def test_without_credentials(project: Project) -> None:
    response = APIClient().get(PATH)
    assert response.status_code == 401
    assert response.json() == {"detail": "Authentication credentials were not provided."}
    assert response["WWW-Authenticate"] == 'xBasic realm="api"'


def test_with_an_unknown_token(project: Project) -> None:
    response = APIClient().get(PATH, HTTP_AUTHORIZATION="Bearer nonsense")
    assert (response.status_code, response.json()) == (401, {"detail": "Invalid token"})


@pytest.mark.parametrize("scope", sorted(EVENT_SCOPES["GET"]))
def test_any_event_scope_will_do(
    api_as: Client, user: User, organization: Organization, issues: list[Issue], scope: str
) -> None:
    assert ids(api_as(user, scopes=[scope]).get(PATH)) == the_ids_of(issues)
    key = api_as(organization=organization, scopes=[scope])
    assert ids(key.get(PATH)) == the_ids_of(issues)


def test_without_the_scope(
    api_as: Client, user: User, organization: Organization, project: Project
) -> None:
    scopes = ALL_SCOPES - EVENT_SCOPES["GET"]
    for client in (
        api_as(user, scopes=scopes),
        api_as(organization=organization, scopes=scopes),
    ):
        for path in (PATH, PATH.replace("pump-station", "nope")):
            response = client.get(path)
            assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_members_and_keys_of_other_organizations(api_as: Client, project: Project) -> None:
    stranger = factories.OrganizationMemberFactory(role="owner")
    for client in (
        api_as(stranger.user),
        api_as(organization=stranger.organization),
    ):
        response = client.get(PATH)
        assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_a_closed_organization_is_for_the_teams_of_the_project(
    api_as: Client, organization: Organization, team: Team, issues: list[Issue]
) -> None:
    member = factories.OrganizationMemberFactory(organization=organization, role="member")
    client = api_as(member.user)
    assert ids(client.get(PATH)) == the_ids_of(issues)
    Organization.objects.update(open_membership=False)
    assert client.get(PATH).status_code == 403
    member.teams.add(team)
    assert ids(client.get(PATH)) == the_ids_of(issues)


@pytest.mark.parametrize("path", [PATH.replace("acme", "nope"), PATH.replace("pump", "nope")])
def test_what_does_not_exist(api: APIClient, project: Project, path: str) -> None:
    response = api.get(path)
    assert response.status_code == 404
    assert response.json() == {"detail": "The requested resource does not exist"}


def test_other_methods(api: APIClient, project: Project) -> None:
    response = api.post(PATH)
    assert response.status_code == 405
    assert response.json() == {"detail": 'Method "POST" not allowed.'}


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 20])
@pytest.mark.parametrize(
    ("query", "statements"),
    [
        ("", 7),
        ("?query=", 7),
        ("?statsPeriod=", 6),
        ("?cursor=99999999999999:0:0", 7),
        ("?cursor=1:0:1", 7),
    ],
)
def test_the_number_of_statements_does_not_depend_on_the_page(
    api: APIClient,
    project: Project,
    team: Team,
    user: User,
    rows: int,
    query: str,
    statements: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for number in range(rows):
        factories.IssueFactory(
            project=project,
            last_seen=start + timedelta(hours=number),
            assigned_user=user if number % 2 else None,
            assigned_team=None if number % 2 else team,
        )
    with django_assert_num_queries(statements):
        assert len(api.get(PATH + query).json()) == rows


def test_a_serializer_asks_nothing(
    issues: list[Issue], now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    found = queries.find_issues([queries.Place(issues[0].project)], [0], limit=3)
    queries.load_marks(found, None)
    queries.load_series(found, {}, now)
    with django_assert_num_queries(0):
        context = {"pages": None, "now": now}
        assert len(IssueListSerializer(found, many=True, context=context).data) == 3


# Whatever is asked --------------------------------------------------------------------------------

names = st.sampled_from(
    ["query", "sort", "statsPeriod", "limit", "cursor", "environment", "shortIdLookup", "x"]
)
numbers = st.integers(-(10**25), 10**25).map(str)
values = st.one_of(
    st.text(max_size=12),
    numbers,
    st.tuples(numbers, numbers, numbers).map(":".join),
    st.uuids().map(str),
    st.sampled_from(["", "is:unresolved", "is:resolved", "date", "24h", "14d", "\0", "0:0:1"]),
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(parameters=st.lists(st.tuples(names, values), max_size=4))
@example([("cursor", f"{2**63}:0:0")])
@example([("cursor", f"-{2**63}:0:1")])
@example([("cursor", f"1:{2**63}:1")])
@example([("cursor", f"0:{2**53}:0")])
@example([("query", "0" * 32)])
def test_any_query_is_answered_or_refused(
    api: APIClient, project: Project, parameters: list[tuple[str, str]]
) -> None:
    query = urlencode(parameters, errors="surrogatepass")
    response = api.get(PATH, QUERY_STRING=query)
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert isinstance(response.json()["detail"], str)
