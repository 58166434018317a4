"""GET /projects/{organization}/{project}/issues/ with a search, an order or an environment"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import floor, log
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
    EventUser,
    Issue,
    IssueBookmark,
    IssueRelease,
    IssueSubscription,
    IssueTag,
)
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, Project, Team
from sentrylite.releases.models import ReleaseProject
from stats.models import IssueDay
from tests import factories

PATH = "/api/0/projects/acme/pump-station/issues/"
SEEN = datetime(2026, 3, 1, tzinfo=UTC)

Client = Callable[..., APIClient]
Status = Issue.Status


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("issues.api.views.issues.timezone", SimpleNamespace(now=lambda: now))


@pytest.fixture
def issue(project: Project) -> Issue:
    """The one that is looked for."""
    return factories.IssueFactory(
        project=project,
        number=32,
        title="ValueError: 100% broken",
        culprit="pumps.valves in open_valve",
        message="integer division or modulo by zero pump/valves.py",
        times_seen=20,
        platform="python",
        metadata={"type": "ValueError", "value": "100% broken"},
    )


@pytest.fixture
def other(project: Project) -> Issue:
    """The one that is not."""
    return factories.IssueFactory(
        project=project,
        number=33,
        title="KeyError",
        first_seen=SEEN - timedelta(days=100),
        times_seen=1,
        level=20,
    )


def find(api: APIClient, query: str, **parameters: str) -> list[int]:
    response = api.get(PATH, {"query": query, **parameters})
    assert response.status_code == 200, response.content
    found = [int(issue["id"]) for issue in response.json()]
    assert response["X-Hits"] == str(len(found))
    return found


def tag(issue: Issue, key: str, value: str) -> None:
    IssueTag.objects.create(
        project_id=issue.project_id,
        issue_id=issue.pk,
        key=key,
        value=value,
        times_seen=1,
        first_seen=SEEN,
        last_seen=SEEN,
    )


# What issues say ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "valueerror",
        "ValueError: 100% broken",
        "MODULO BY",
        '"open_valve"',
        "division is:unresolved valves",
        "title:Value*",
        "culprit:*open_valve",
        "message:modulo",
        "!title:KeyError",
        "issue:PUMP-STATION-10",
        "issue:[pump-station-10,PUMP-STATION-99]",
        "!issue:PUMP-STATION-11",
        "has:issue timesSeen:20",
        "issue.priority:high",
        "issue.priority:[medium,high]",
        "!issue.priority:low",
        "has:issue.priority !issue.priority:[low,medium]",
        "*error*BROKEN",
        '"100*broken" val*err*',
        "timesSeen:20",
        "timesSeen:>10",
        "timesSeen:>=20 timesSeen:<21",
        "!timesSeen:<=1",
        "age:-24w timesSeen:20",
        "firstSeen:-30d",
        "age:2026-03-01",
        "firstSeen:>2026-02-28",
        "lastSeen:2026-03-01T00:04:00",
        "activeSince:>=2026-03-01T00:00:00Z",
        "!age:+30d",
        "issue.category:error timesSeen:20",
        "issue.type:[error,outage] timesSeen:20",
        "platform:python",
        "platform.name:[py*,go]",
        "has:platform",
        '!platform:""',
        "error.type:ValueError",
        "error.value:*BROKEN",
        "has:error.type",
        "!error.type:ZeroDivisionError has:error.value",
        "project:pump-station timesSeen:20",
        "project:[PUMP*,x] timesSeen:20",
    ],
)
def test_columns(api: APIClient, issue: Issue, other: Issue, query: str) -> None:
    assert find(api, query) == [issue.pk]


@pytest.mark.parametrize(
    "query",
    [
        "broken valves",
        "100_ broken",
        "100%broken",
        "v%e",
        "\\",
        "is:resolved",
        "is:unresolved is:resolved",
        "IS:UNRESOLVED",
        "issue:OTHER-10",
        "issue:PUMP-STATION-ZZZZZZZZZZZ",
        "timesSeen:>99999999999999999999",
        "age:+1000w",
        "issue.category:performance",
        "release:latest",
        "first-release:latest",
        "assigned:nobody-knows",
        "bookmarks:me",
        "user:1",
        "has:area",
        "PUMP-STATION-10",
        "project:other",
        "!project:pump-station",
        "project.id:1",
        "issue.type:outage",
        "error.unhandled:true",
        "timesSeen:>1k",
        "(broken valves)",
    ],
)
def test_nothing_is_found(api: APIClient, issue: Issue, other: Issue, query: str) -> None:
    assert find(api, query) == []


# Tags ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "area:north",
        'area:"north"',
        '"area":north',
        "tags[area]:north",
        "area:NO*H",
        "area:*",
        "area:[east,north]",
        "area:[east,n*]",
        "has:area",
        '!area:""',
        "!plant:b*",
        "!plant:[a,b]",
        "!has:plant",
        'plant:""',
        "area:north 50%:100%*",
        '"a b":"c \\"d\\""',
    ],
)
def test_tags(api: APIClient, issue: Issue, other: Issue, query: str) -> None:
    for key, value in (("area", "north"), ("50%", "100%!"), ("a b", 'c "d"')):
        tag(issue, key, value)
    tag(other, "plant", "b")
    if query.startswith("area:north 50%"):
        query = 'area:north "50%":100%*'
    assert find(api, query) == [issue.pk]


@pytest.mark.parametrize(
    "query", ["Area:north", "area:North", "area:nort", "area:nor_h", "!area:*"]
)
def test_tags_are_exact(api: APIClient, issue: Issue, query: str) -> None:
    tag(issue, "area", "north")
    assert find(api, query) == []


@pytest.mark.parametrize(
    "query",
    [
        "user:1",
        "user:id:1",
        "user.id:1",
        "user.email:a@example.com",
        "user:email:a@example.com",
        "user.username:ann*",
        "user.ip:10.0.0.1",
        "has:user.email",
        "!user.email:b@example.com",
    ],
)
def test_users(api: APIClient, issue: Issue, other: Issue, query: str) -> None:
    tag(issue, "user", "id:1")
    tag(other, "user", "email:b@example.com")
    for number, (tag_value, columns) in enumerate(
        {
            "id:1": {
                "ident": "1",
                "username": "anna",
                "email": "a@example.com",
                "ip_address": "10.0.0.1",
            },
            "email:b@example.com": {"email": "b@example.com"},
        }.items()
    ):
        EventUser.objects.create(
            project_id=issue.project_id,
            hash=number,
            tag_value=tag_value,
            first_seen=SEEN,
            **columns,
        )
    if query == "has:user.email":
        assert sorted(find(api, query)) == sorted([issue.pk, other.pk])
    else:
        assert find(api, query) == [issue.pk]


def test_releases(api: APIClient, organization: Organization, issue: Issue, other: Issue) -> None:
    old, new = (
        factories.ReleaseFactory(organization=organization, version=version)
        for version in ("1.0", "2.0")
    )
    foreign = factories.ReleaseFactory(organization=organization, version="3.0")
    ReleaseProject.objects.create(project=factories.ProjectFactory(), release=foreign)
    for release, where in ((old, other), (new, issue)):
        ReleaseProject.objects.create(project=issue.project, release=release)
        tag(where, "release", release.version)
        Issue.objects.filter(pk=where.pk).update(first_release=release)
    for query in ("release:2.0", "release:2*", "release:latest", "!release:1.0"):
        assert find(api, query) == [issue.pk]
    for query in ("first-release:2.0", "firstRelease:latest", "firstRelease:[2*,9]",
                  "!first-release:1.0"):  # fmt: skip
        assert find(api, query) == [issue.pk]


def test_what_nobody_handled(api: APIClient, issue: Issue, other: Issue) -> None:
    tag(issue, "handled", "no")
    tag(issue, "handled", "yes")
    tag(other, "handled", "yes")
    for query in ("error.unhandled:true", "error.handled:false", "!error.handled:1"):
        assert find(api, query) == [issue.pk]
    for query in ("error.unhandled:0", "error.handled:TRUE", "!error.unhandled:1"):
        assert find(api, query) == [other.pk]


def test_events_of_a_time(api: APIClient, issue: Issue, other: Issue, now: datetime) -> None:
    factories.make_event(issue, timestamp=now - timedelta(hours=2))
    factories.make_event(other, timestamp=now - timedelta(days=2))
    assert find(api, "event.timestamp:-24h") == find(api, "timestamp:-24h") == [issue.pk]
    assert find(api, "event.timestamp:>2026-03-03 event.timestamp:<2026-03-05") == [issue.pk]
    assert find(api, "event.timestamp:>2026-03-05") == []


# People -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["is:assigned", "assigned:me", "assigned_to:USER", "assigned:MAIL", "!assigned:none",
              "!is:unassigned", '!assigned:""', "assigned:[me,x]"]
)  # fmt: skip
def test_assigned_to_a_person(
    api: APIClient, user: User, issue: Issue, other: Issue, query: str
) -> None:
    Issue.objects.filter(pk=issue.pk).update(assigned_user=user)
    query = query.replace("USER", user.username.upper()).replace("MAIL", user.email)
    assert find(api, query) == [issue.pk]


@pytest.mark.parametrize(
    "query",
    ["assigned:#rockets", "assigned:me", "is:assigned", "assigned_or_suggested:[my_teams,x]"],
)
def test_assigned_to_a_team(
    api: APIClient, user: User, team: Team, issue: Issue, other: Issue, query: str
) -> None:
    stranger = factories.TeamFactory(slug="rockets")
    Issue.objects.filter(pk=issue.pk).update(assigned_team=team)
    assert find(api, query) == [issue.pk]
    Issue.objects.filter(pk=issue.pk).update(assigned_team=stranger)
    assert find(api, query) == ([issue.pk] if query == "is:assigned" else [])


@pytest.mark.parametrize("query", ["is:unassigned", "assigned:none", "!assigned:me"])
def test_unassigned(api: APIClient, user: User, issue: Issue, other: Issue, query: str) -> None:
    Issue.objects.filter(pk=other.pk).update(assigned_user=user)
    assert find(api, query) == [issue.pk]


def test_marks(
    api: APIClient, api_as: Client, organization: Organization, user: User, issue: Issue,
    other: Issue,
) -> None:  # fmt: skip
    IssueBookmark.objects.create(issue=issue, user=user)
    IssueSubscription.objects.create(issue=issue, user=user, reason="unknown")
    IssueSubscription.objects.create(issue=other, user=user, reason="unknown", is_active=False)
    for query in ("bookmarks:me", "subscribed:me", f"bookmarks:{user.email}"):
        assert find(api, query) == [issue.pk]
        if query.endswith("me"):
            assert find(api_as(organization=organization), query) == []
    assert find(api, "!bookmarks:me") == [other.pk]


# Order, environments, short ids -------------------------------------------------------------------


@pytest.fixture
def sorted_issues(project: Project) -> dict[str, list[int]]:
    """The ids of some issues in each order; some are equal."""
    rows = [
        factories.IssueFactory(
            project=project,
            first_seen=SEEN + timedelta(hours=number % 3),
            last_seen=SEEN + timedelta(days=1, seconds=-700 * (number // 2)),
            times_seen=(1, 0, 3, 3, 100, 7, 3)[number],
            user_count=(0, 2, 0, 1, 1, 0, 9)[number],
            status=(Status.UNRESOLVED, Status.RESOLVED)[number % 2],
        )
        for number in range(7)
    ]

    def order(key: Callable[[Issue], Any]) -> list[int]:
        return [row.pk for row in sorted(rows, key=lambda row: (key(row), row.pk), reverse=True)]

    return {
        "date": order(lambda row: row.last_seen),
        "new": order(lambda row: row.first_seen),
        "freq": order(lambda row: row.times_seen),
        "user": order(lambda row: row.user_count),
        "priority": order(
            lambda row: floor(600 * log(max(row.times_seen, 1)) + row.last_seen.timestamp())
        ),
    }


@pytest.mark.parametrize("limit", [1, 2, 7])
@pytest.mark.parametrize(("query", "most"), [("", 7), ("ValueError", 7), ("ValueError", 8)])
@pytest.mark.parametrize("sort", ["date", "new", "freq", "user", "priority"])
def test_a_walk_in_any_order_sees_every_issue_once(
    api: APIClient,
    sorted_issues: dict[str, list[int]],
    sort: str,
    query: str,
    most: int,
    limit: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Frequent words are looked for on the way, rare ones in their index.
    monkeypatch.setattr(issue_queries, "MAX_HITS", most)
    parameters: str | None = urlencode({"query": query, "sort": sort, "limit": limit})
    pages: list[list[int]] = []
    while parameters:
        response = api.get(f"{PATH}?{parameters}")
        assert (response.status_code, response["X-Hits"]) == (200, "7")
        pages.append([int(issue["id"]) for issue in response.json()])
        previous, following = response["Link"].split(", <")
        parameters = following.partition("?")[2].partition(">")[0]
        if 'results="false"' in following:
            parameters = None
    assert [pk for page in pages for pk in page] == sorted_issues[sort]
    back = [pages[-1]]
    while 'results="true"' in previous:
        response = api.get(f"{PATH}?{previous.partition('?')[2].partition('>')[0]}")
        back.append([int(issue["id"]) for issue in response.json()])
        previous = response["Link"].split(", <")[0]
    assert back[: len(pages)] == pages[::-1]


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        ("date", "issues_issue_last_seen"),
        ("new", "issues_issue_first_seen"),
        ("freq", "issues_issue_times_seen"),
        ("priority", "issues_issue_priority"),
    ],
)
def test_an_index_serves_each_order(
    api: APIClient,
    project: Project,
    sort: str,
    index: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    factories.IssueFactory.create_batch(5, project=project)
    with django_assert_num_queries(7) as queries:
        assert len(find(api, "timesSeen:>=0 is:unresolved", sort=sort)) == 5
    (statement,) = [query["sql"] for query in queries if "sort_key" in query["sql"]]
    with connection.cursor() as cursor:
        # A handful of rows is sorted sooner than read in order.
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {statement}".replace("%", "%%"), {})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert index in plan


@pytest.fixture
def environments(organization: Organization, issue: Issue, other: Issue) -> None:
    """The issue was seen in production and staging, the other one in staging."""
    now = int(datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp())
    for name, where, count in (
        ("production", issue, 3), ("staging", issue, 17), ("staging", other, 1)
    ):  # fmt: skip
        environment, _ = organization.environments.get_or_create(name=name)
        IssueRelease.objects.create(
            project_id=where.project_id,
            issue_id=where.pk,
            environment_id=environment.pk,
            release_id=0,
            times_seen=count,
            first_seen=SEEN + timedelta(hours=count),
            last_seen=SEEN + timedelta(hours=count),
        )
        IssueDay.objects.create(
            project_id=where.project_id,
            issue_id=where.pk,
            day=now // 86400,
            environment_id=environment.pk,
            total=count,
            hours=[count] + [0] * 23,
        )


def test_an_environment_has_its_own_numbers(
    api: APIClient, issue: Issue, environments: None
) -> None:
    (answer,) = api.get(f"{PATH}?environment=production").json()
    assert answer["id"] == str(issue.pk)
    assert answer["count"] == "3"
    assert answer["firstSeen"] == answer["lastSeen"] == "2026-03-01T03:00:00Z"
    assert sum(count for _, count in answer["stats"]["24h"]) == 3


def test_environments_add_up(api: APIClient, environments: None) -> None:
    response = api.get(f"{PATH}?environment=production&environment=staging&sort=freq")
    assert [issue["count"] for issue in response.json()] == ["20", "1"]
    assert response["X-Hits"] == "2"
    assert find(api, "KeyError", environment="production") == []


@pytest.mark.parametrize("name", ["nope", "", "x" * 10_000])
def test_an_unknown_environment_is_empty(api: APIClient, environments: None, name: str) -> None:
    response = api.get(PATH, {"environment": name})
    assert (response.status_code, response.json(), response["X-Hits"]) == (200, [], "0")


def test_a_short_id_is_found_where_that_is_asked_for(api: APIClient, issue: Issue) -> None:
    for text in ("PUMP-STATION-10", " pump-station-10 "):
        response = api.get(PATH, {"query": text, "shortIdLookup": "1"})
        assert [found["id"] for found in response.json()] == [str(issue.pk)]
        assert response["X-Sentry-Direct-Hit"] == "1"
    for text, lookup in (
        ("PUMP-STATION-10", "true"), ("OTHER-10", "1"), ("PUMP-STATION-ZZZZZZZZZZZ", "1"),
        ("PUMP-STATION-", "1"), ("-", "1"), ("PUMP-STATION-1U", "1"),
    ):  # fmt: skip
        assert find(api, text, shortIdLookup=lookup) == []


def test_quiet_issues_are_not_unresolved(api: APIClient, issue: Issue, other: Issue) -> None:
    Project.objects.update(resolve_age=24 * 30)
    assert find(api, "is:unresolved Error") == [issue.pk]
    assert find(api, "Error", sort="freq") == [issue.pk, other.pk]


# What it costs ------------------------------------------------------------------------------------

EVERYTHING = (
    "Error a:b !c:[d,e*] has:f !has:g tags[h]:i release:latest firstRelease:latest user:id:1 "
    "user.email:x !assigned:[#rockets,my_teams] project:x error.handled:0 !error.type:[a,b*] "
    "!bookmarks:me !subscribed:me timesSeen:>=0 age:-9999w "
    "event.timestamp:-24h issue:PUMP-STATION-1 title:x message:y is:unassigned !is:resolved"
)


@pytest.mark.parametrize("rows", [2, 20])
@pytest.mark.parametrize(
    ("query", "statements"),
    [
        ({"query": "Error"}, 7),
        ({"query": "Error !level:x", "sort": "priority"}, 7),
        ({"query": 'Error "Error"'}, 8),
        ({"query": "!assigned:me timesSeen:>=0", "sort": "new"}, 7),
        ({"query": "", "sort": "freq"}, 7),
        ({"environment": "production"}, 9),
    ],
)
def test_the_number_of_statements_does_not_depend_on_the_page(
    api: APIClient,
    project: Project,
    rows: int,
    query: dict[str, str],
    statements: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    environment = factories.EnvironmentFactory(organization=project.organization, name="production")
    for issue in factories.IssueFactory.create_batch(rows, project=project):
        IssueRelease.objects.create(
            project_id=project.pk, issue_id=issue.pk, environment_id=environment.pk, release_id=0,
            times_seen=1, first_seen=SEEN, last_seen=SEEN,
        )  # fmt: skip
    with django_assert_num_queries(statements):
        assert len(api.get(PATH, query).json()) == rows


@pytest.mark.parametrize(
    ("few", "looked_at"),
    [
        *((0, (0, 0, 0)), (0, (0, 0, 1)), (0, (0, 1, 99)), (0, (1, 99, 99))),
        *((1, (2, 2, 2)), (99, (99, 99, 99))),
    ],
)
@pytest.mark.parametrize("most", [1, 2, 1000])
def test_what_is_frequent_and_what_is_rare_is_found_and_counted_alike(
    api: APIClient,
    issue: Issue,
    other: Issue,
    few: int,
    looked_at: tuple[int, int, int],
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(issue_queries, "FEW", few)
    monkeypatch.setattr(issue_queries, "LOOKED_AT", looked_at)
    monkeypatch.setattr(issue_queries, "MAX_HITS", most)
    elsewhere = factories.IssueFactory(title=other.title)
    for each in (issue, other, elsewhere):
        tag(each, "os", "plan9")
    tag(issue, "pump", "north")
    for query, expected in {
        "error": [issue, other],
        "ERROR os:plan9": [issue, other],
        "error pump:north": [issue],
        "os:plan9 pump:north": [issue],
        "os:plan9 !pump:north": [other],
        "os:[plan9,north]": [issue, other],
        "os:plan9 pump:south": [],
        "zebra os:plan9": [],
    }.items():
        response = api.get(PATH, {"query": query})
        assert {int(row["id"]) for row in response.json()} == {each.pk for each in expected}
        assert response["X-Hits"] == str(min(most, len(expected)))


@pytest.mark.parametrize("text", ["é", "er", "ß", "ERR"])
def test_words_may_be_short_and_of_any_letters(api: APIClient, project: Project, text: str) -> None:
    issue = factories.IssueFactory(project=project, title="Éß errs")
    factories.IssueFactory(project=project, title="x")
    assert find(api, text) == [issue.pk]


def test_a_text_is_not_found_across_title_and_culprit(api: APIClient, project: Project) -> None:
    factories.IssueFactory(project=project, title="a", culprit="b", message="c\nd")
    assert find(api, '"a\nb"') == []
    assert len(find(api, '"c\nd"')) == 1


def test_everything_at_once(api: APIClient, issue: Issue) -> None:
    assert find(api, EVERYTHING) == []


# Whatever is asked --------------------------------------------------------------------------------

terms = st.builds(
    "{}{}:{}".format,
    st.sampled_from(["", "!"]),
    st.sampled_from(
        ["is", "has", "a", "tags[b]", '"c d"', "age", "lastSeen", "event.timestamp", "timesSeen",
         "issue.id", "issue", "assigned", "bookmarks", "user", "user.ip", "release", "firstRelease"]
    ),
    st.one_of(
        st.text(max_size=8),
        st.integers(-(10**30), 10**30).map(str),
        st.datetimes().map(lambda moment: moment.isoformat()),
        st.datetimes().map(lambda moment: ">" + moment.date().isoformat()),
        st.sampled_from(["-1d", "+99999999999w", "[a,b*]", '"', "me", "latest", "#x", "%", "\\*"]),
    ),
)  # fmt: skip
queries = st.one_of(st.text(), st.lists(terms, max_size=6).map(" ".join))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(query=queries, method=st.sampled_from(["get", "put", "delete"]))
@example("\ud800", "get")
@example("a\0", "put")
@example("x" * 10_000, "get")
@example("a:" + "x" * 10_000, "delete")
@example('"' * 9_999, "get")
@example("*a" * 5_000, "get")
@example("a:" + "*a" * 5_000, "get")
@example("age:9999-12-31T23:59:59", "get")
@example("event.timestamp:>0001-01-01 event.timestamp:<9999-12-31", "get")
@example("event.timestamp:<0001-01-01 event.timestamp:>9999-12-31", "get")
@example(EVERYTHING, "delete")
def test_any_search_is_answered_or_refused(
    api: APIClient, issue: Issue, query: str, method: str
) -> None:
    string = urlencode({"query": query}, errors="surrogatepass")
    body = {"isBookmarked": True}
    call = {
        "get": lambda: api.get(PATH, QUERY_STRING=string),
        "put": lambda: api.put(f"{PATH}?{string}", body, format="json"),
        "delete": lambda: api.delete(f"{PATH}?{string}"),
    }
    response = call[method]()
    assert response.status_code in (200, 204, 400), response.content
    if response.status_code == 400:
        assert isinstance(response.json()["detail"], str)
