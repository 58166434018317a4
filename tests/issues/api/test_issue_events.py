"""GET /issues/{issue_id}/events/"""

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues import events, partitions
from issues.models import Event, EventUser, Issue
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, Project
from sentrylite.releases.models import ReleaseProject
from tests import factories

Client = Callable[..., APIClient]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    later = SimpleNamespace(now=lambda: now + timedelta(hours=1))
    monkeypatch.setattr("issues.api.views.events.timezone", later)


@pytest.fixture
def issue(project: Project, now: datetime) -> Issue:
    return factories.IssueFactory(project=project, first_seen=now)


@pytest.fixture
def found(issue: Issue, now: datetime) -> list[Event]:
    """Five events, the newest first; three of them in one moment."""
    return [
        factories.make_event(
            issue, event_id=UUID(int=number), timestamp=now + timedelta(seconds=seconds)
        )
        for number, seconds in ((1, 9), (5, 5), (4, 5), (3, 5), (9, 0))
    ]


def path_of(issue: Issue, **query: Any) -> str:
    return f"/api/0/issues/{issue.pk}/events/?{urlencode(query, doseq=True)}"


def ids(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [event["id"] for event in response.json()]


def the_ids_of(found: list[Event]) -> list[str]:
    return [event.event_id.hex for event in found]


def follow(response: Any, relation: str) -> str | None:
    for link in response.headers["Link"].split(", "):
        if f'rel="{relation}"' in link and 'results="true"' in link:
            return link[link.index("<") + 1 : link.index(">")]
    return None


# It works -----------------------------------------------------------------------------------------


def test_newest_first_by_time_and_then_by_id(
    api: APIClient, issue: Issue, found: list[Event]
) -> None:
    assert ids(api.get(path_of(issue))) == the_ids_of(found)
    assert ids(api.get(f"/api/0/groups/{issue.pk}/events/")) == the_ids_of(found)


@pytest.mark.parametrize(
    ("query", "is_full"), [({}, False), ({"full": ""}, False), ({"full": 1}, True)]
)
def test_in_full_only_when_asked(
    api: APIClient, issue: Issue, found: list[Event], query: dict[str, Any], is_full: bool
) -> None:
    for event in api.get(path_of(issue, **query)).json():
        assert ("entries" in event, "crashFile" in event) == (is_full, True)
        assert ("event.type" in event) != is_full
        assert "nextEventID" not in event


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_a_walk_to_the_end_and_back(
    api: APIClient, issue: Issue, found: list[Event], size: int
) -> None:
    url: str | None = path_of(issue, per_page=size)
    walked: list[str] = []
    pages = []
    while url:
        response = api.get(url)
        pages.append(ids(response))
        walked += pages[-1]
        url = follow(response, "next")
    assert walked == the_ids_of(found)
    for page in reversed(pages[:-1]):
        back = follow(response, "previous")
        assert back
        response = api.get(back)
        assert ids(response) == page


def test_events_of_other_issues_are_not_listed(
    api: APIClient, issue: Issue, project: Project
) -> None:
    factories.make_event(factories.IssueFactory(project=project))
    response = api.get(path_of(issue))
    assert ids(response) == []
    assert response.headers["Link"].count('results="false"') == 2


def test_events_of_other_weeks_are_listed(api: APIClient, issue: Issue, now: datetime) -> None:
    Issue.objects.filter(pk=issue.pk).update(first_seen=now - timedelta(days=85))
    with connection.cursor() as cursor:
        for weeks in range(-13, 1, 4):
            partitions.ensure_partitions(cursor, now + weeks * partitions.WEEK)
    # The third was sent 29 days after it happened.
    ages = [(0, 0), (20, 20), (30, 1), (50, 50), (85, 85)]
    found = [
        factories.make_event(
            issue,
            timestamp=now - timedelta(days=happened),
            received_at=now - timedelta(days=received),
        )
        for happened, received in ages
    ]
    assert ids(api.get(path_of(issue))) == the_ids_of(found)
    assert ids(api.get(path_of(issue, statsPeriod="31d"))) == the_ids_of(found[:3])
    url: str | None = path_of(issue, per_page=1)
    walked = []
    while url:
        response = api.get(url)
        walked += ids(response)
        url = follow(response, "next")
    assert walked == the_ids_of(found)


# Searching ----------------------------------------------------------------------------------------


@pytest.fixture
def searched(issue: Issue, now: datetime) -> dict[str, str]:
    """Names of three events by their ids, the oldest first."""
    release = factories.ReleaseFactory(organization=issue.project.organization, version="1.0")
    ReleaseProject.objects.create(release=release, project=issue.project)
    EventUser.objects.create(
        project_id=issue.project_id,
        hash=7,
        tag_value="id:1",
        ident="1",
        email="one@example.com",
        username="One",
        ip_address="1.2.3.4",
        first_seen=issue.first_seen,
    )
    rows: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("valve", "open_valve ZeroDivisionError: by 100%", [("area", "north"), ("user", "id:1")]),
        (
            "pump",
            "Pump broke down",
            [("area", "north wing"), ("os", "Linux"), ("user", "email:a@b")],
        ),
        (
            "tank",
            "tank \\ empty",
            [("area", "north"), ("os", "Linux"), ("q", 'a"b'), ("release", "1.0")],
        ),
    ]
    return {
        factories.make_event(
            issue,
            message=message,
            tags=tags,
            event_id=UUID(int=number),
            user_hash=7 if name == "valve" else None,
            release=release if name == "tank" else None,
            timestamp=now + timedelta(minutes=10 * number),
        ).event_id.hex: name
        for number, (name, message, tags) in enumerate(rows, 1)
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "valve pump tank"),
        ("  ", "valve pump tank"),
        ("PUMP", "pump"),
        ("pump broke", "pump"),
        ('"pump broke"', "pump"),
        ("pump  down", ""),
        ("100%", "valve"),
        ("%", "valve"),
        ("n_v", "valve"),
        ("\\", "tank"),
        ("zerodivisionerror: by", "valve"),
        ("area:north", "valve tank"),
        ('area:"north wing"', "pump"),
        ("area:north os:Linux", "tank"),
        ("area:north empty", "tank"),
        ("area:North", ""),
        ("nope:north", ""),
        ("user:id:1", "valve"),
        ("user.id:1", "valve"),
        ('user.id:"1"', "valve"),
        ("user.email:a@b", "pump"),
        ('q:"a\\"b"', "tank"),
        ("0" * 32, ""),
        ('"open', ""),
        ('tank "', ""),
        ("P*mp br*n", "pump"),
        ("!area:north", "pump"),
        ("!area:north !os:Linux", ""),
        ("area:[north,west]", "valve tank"),
        ('area:["north wing", west]', "pump"),
        ("area:north*", "valve pump tank"),
        ("area:NORTH*wing", "pump"),
        ("!area:*wing", "valve tank"),
        ("tags[os]:Linux", "pump tank"),
        ('"os":Linux', "pump tank"),
        ("area:", ""),
        ('os:""', "valve"),
        ('!os:""', "pump tank"),
        ("has:os", "pump tank"),
        ("!has:os", "valve"),
        ("has:nope", ""),
        ("has:message", "valve pump tank"),
        ("message:broke", "pump"),
        ("message:[BROKE,empt*]", "pump tank"),
        ("!message:broke", "valve tank"),
        ("user:1", "valve"),
        ("user.id:[1,2]", "valve"),
        ("user.id:1*", "valve"),
        ("user.email:one@example.com", "valve"),
        ("user.email:*@*", "valve pump"),
        ("!user.email:a@b", "valve tank"),
        ("user:email:one@example.com", "valve"),
        ("user.username:One", "valve"),
        ("user.ip:1.2.3.4", "valve"),
        ("has:user.email", "valve"),
        ("has:user", "valve pump"),
        ("release:1.0", "tank"),
        ("release:latest", "tank"),
        ("!release:latest", "valve pump"),
        (f"id:{UUID(int=2)}", "pump"),
        (f"id:[{UUID(int=1).hex},{UUID(int=2).hex}]", "valve pump"),
        (f"!id:{UUID(int=2).hex.upper()}", "valve tank"),
        ("timestamp:>2026-03-04T05:30:00", "tank"),
        ("timestamp:>=2026-03-04T05:16:07 event.timestamp:<2026-03-04T05:36:07", "valve pump"),
        ("!timestamp:>2026-03-04T05:30:00", "valve pump"),
        ("timestamp:2026-03-04", "valve pump tank"),
        ("timestamp:2026-03-05", ""),
        ("timestamp:-30m", "tank"),
        ("timestamp:+31m", "valve pump"),
        ("timestamp:<0001-01-01", ""),
        ("timestamp:>9999-12-31T23:59:59.999999", ""),
    ],
)
def test_searching(
    api: APIClient, issue: Issue, searched: dict[str, str], query: str, names: str
) -> None:
    answer = ids(api.get(path_of(issue, query=query)))
    assert {searched[event_id] for event_id in answer} == set(names.split())


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("is:unresolved", "'is'"),
        ("!is:resolved", "'is'"),
        ("is:assigned", "'is'"),
        ("assigned:me", "'assigned'"),
        ("has:title", "'title'"),
        ("title:x", "'title'"),
        ("age:-1d", "'first_seen'"),
        ("timesSeen:>1", "'times_seen'"),
        ("issue:PUMP-STATION-1", "'short_id'"),
        ("id:x", "no event's id"),
        ("timestamp:x", "datetime"),
        ("a OR b", "Boolean"),
        ("a:b " * 51, "50 terms"),
        ("\0", "NUL"),
    ],
)
def test_a_search_that_is_not_understood_is_refused(
    api: APIClient, issue: Issue, query: str, word: str
) -> None:
    response = api.get(path_of(issue, query=query))
    assert response.status_code == 400
    assert word in response.json()["detail"]


@pytest.mark.parametrize("write", [str, lambda i: i.hex, lambda i: f" {i.hex.upper()} "])
def test_an_event_id_is_a_direct_hit(
    api: APIClient, issue: Issue, found: list[Event], write: Callable[[UUID], str]
) -> None:
    response = api.get(path_of(issue, query=write(found[2].event_id)))
    assert ids(response) == [found[2].event_id.hex]
    assert response.headers["X-Sentry-Direct-Hit"] == "1"
    assert "Link" not in response.headers


def test_an_event_id_of_another_issue_is_no_hit(
    api: APIClient, issue: Issue, found: list[Event], project: Project
) -> None:
    other = factories.make_event(factories.IssueFactory(project=project))
    response = api.get(path_of(issue, query=other.event_id.hex))
    assert ids(response) == []
    assert "X-Sentry-Direct-Hit" not in response.headers


def test_choosing_environments(api: APIClient, issue: Issue, organization: Organization) -> None:
    made = {
        name: factories.make_event(
            issue,
            environment=factories.EnvironmentFactory(organization=organization, name=name),
        ).event_id.hex
        for name in ("prod", "stage", "")
    }
    factories.EnvironmentFactory(name="elsewhere")
    for wanted, names in (
        (["prod"], {"prod"}),
        (["prod", "stage", "prod"], {"prod", "stage"}),
        ([""], {""}),
        (["elsewhere"], set()),
        (["prod", "nope"], set()),
    ):
        answer = ids(api.get(path_of(issue, environment=wanted)))
        assert set(answer) == {made[name] for name in names}


def test_choosing_a_time(api: APIClient, issue: Issue, found: list[Event], now: datetime) -> None:
    def between(start: int, end: int) -> list[str]:
        moments = [(now + timedelta(seconds=s)).isoformat() for s in (start, end)]
        return ids(api.get(path_of(issue, start=moments[0], end=moments[1])))

    assert between(5, 9) == the_ids_of(found[:4])
    assert between(0, 4) == the_ids_of(found[4:])
    assert between(10, 20) == []
    # Without a zone it is UTC. It is an hour later.
    query = {"start": "2026-03-04T05:06:07", "end": "2026-03-04T05:06:08"}
    assert ids(api.get(path_of(issue, **query))) == the_ids_of(found[4:])
    assert ids(api.get(path_of(issue, statsPeriod="3595s"))) == the_ids_of(found[:4])
    assert ids(api.get(path_of(issue, statsPeriod="3595"))) == the_ids_of(found[:4])
    assert ids(api.get(path_of(issue, statsPeriod="9999w"))) == the_ids_of(found)
    query = {"statsPeriodStart": "1h", "statsPeriodEnd": "3594s"}
    assert ids(api.get(path_of(issue, **query))) == the_ids_of(found[1:])
    query = {"start": str(now.timestamp() + 5), "end": f"{now.timestamp() + 9:.0f}"}
    assert ids(api.get(path_of(issue, **query))) == the_ids_of(found[:4])


@pytest.mark.parametrize(
    "query",
    [
        {"statsPeriod": "14y"},
        {"statsPeriodStart": "14d"},
        {"statsPeriodEnd": "14d"},
        {"statsPeriodStart": "1d", "statsPeriodEnd": "2d"},
        {"start": "253402300800", "end": "253402300801"},
        {"statsPeriod": "x"},
        {"start": "2026-03-04T05:06:07"},
        {"start": "x", "end": "y"},
        {"start": "2026-13-04T05:06:07", "end": "2026-03-04T05:06:07"},
        {"start": "2026-03-05T00:00:00", "end": "2026-03-04T00:00:00"},
        {"start": "0001-01-01T00:00:00+14:00", "end": "2026-03-04T00:00:00"},
        {"per_page": "0"},
        {"per_page": "x"},
        {"cursor": "x"},
        {"environment": "\0"},
        {"environment": [str(number) for number in range(101)]},
    ],
)
def test_what_cannot_be_used_is_refused(
    api: APIClient, issue: Issue, query: dict[str, Any]
) -> None:
    response = api.get(path_of(issue, **query))
    assert response.status_code == 400
    assert isinstance(response.json()["detail"], str)


def test_an_issue_that_is_gone(api: APIClient, issue: Issue) -> None:
    Issue.objects.update(status=Issue.Status.PENDING_DELETION)
    assert api.get(path_of(issue)).status_code == 404


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 20])
@pytest.mark.parametrize(
    ("query", "statements"), [({}, 3), ({"full": 1, "query": "a:b x"}, 3), ({"environment": ""}, 4)]
)
def test_the_number_of_statements_does_not_depend_on_the_events(
    api: APIClient,
    issue: Issue,
    organization: Organization,
    now: datetime,
    rows: int,
    query: dict[str, Any],
    statements: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    environment = factories.EnvironmentFactory(organization=organization, name="")
    for number in range(rows):
        factories.make_event(
            issue,
            timestamp=now + timedelta(seconds=number),
            environment=environment,
            message="x",
            tags=[("a", "b")],
        )
    api.get(path_of(issue, **query))
    with django_assert_num_queries(statements):
        assert len(ids(api.get(path_of(issue, **query)))) == rows


def test_only_the_weeks_that_can_have_them_are_looked_at(issue: Issue, now: datetime) -> None:
    with connection.cursor() as cursor:
        partitions.ensure_partitions(cursor, now - 4 * partitions.WEEK)
        partitions.ensure_partitions(cursor, now)
        statements: list[str] = []
        with connection.execute_wrapper(
            lambda execute, sql, params, many, context: (
                statements.append(cursor.cursor.mogrify(sql, params).decode()),
                execute(sql, params, many, context),
            )[1]
        ):
            events.find_issue_events(issue, events.Wanted(), now, limit=2)
        cursor.execute(f"EXPLAIN {statements[0]}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert " on issues_event_20260302 " in plan
    assert plan.count(" on issues_event_2026") == 1


# Whatever is asked --------------------------------------------------------------------------------

names = st.sampled_from(
    ["query", "environment", "full", "statsPeriod", "start", "end", "per_page", "cursor", "x"]
)
numbers = st.integers(-(10**25), 10**25).map(str)
values = st.one_of(
    st.text(max_size=12),
    numbers,
    st.tuples(numbers, numbers, numbers).map(":".join),
    st.uuids().map(str),
    st.datetimes().map(datetime.isoformat),
    st.text(st.sampled_from('ab:"\\!*[%_ \t\n'), max_size=12),
    st.sampled_from(["", "14d", "\0", "0:0:1", "9999-12-31T23:59:59-14:00"]),
)
on_one_database = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@on_one_database
@given(parameters=st.lists(st.tuples(names, values), max_size=4))
@example([("cursor", f"{2**63}:0:0")])
@example([("cursor", f"-{2**63}:0:1")])
@example([("cursor", f"1:{2**63}:1")])
@example([("query", uuid4().hex)])
@example([("start", "0001-01-01"), ("end", "9999-12-31")])
def test_any_query_is_answered_or_refused(
    api: APIClient, issue: Issue, parameters: list[tuple[str, str]]
) -> None:
    query = urlencode(parameters, errors="surrogatepass")
    response = api.get(f"/api/0/issues/{issue.pk}/events/", QUERY_STRING=query)
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert isinstance(response.json()["detail"], str)


def test_any_event_scope_will_do(api_as: Client, user: User, issue: Issue) -> None:
    assert api_as(user, scopes=["event:read"]).get(path_of(issue)).status_code == 200
    assert api_as(user, scopes=["project:read"]).get(path_of(issue)).status_code == 403
