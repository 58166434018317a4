"""GET /projects/{organization}/{project}/events/"""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues import partitions
from issues.models import Event, Issue
from sentrylite.organizations.models import Organization, Project
from tests import factories

PATH = "/api/0/projects/acme/pump-station/events/"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    later = SimpleNamespace(now=lambda: now + timedelta(hours=1))
    monkeypatch.setattr("issues.api.views.events.timezone", later)


@pytest.fixture
def issue(project: Project, now: datetime) -> Issue:
    return factories.IssueFactory(project=project, first_seen=now)


@pytest.fixture
def found(issue: Issue, now: datetime) -> list[Event]:
    """Four events of two issues, the newest first; two of them in one moment."""
    other = factories.IssueFactory(project=issue.project)
    return [
        factories.make_event(
            of,
            event_id=UUID(int=number),
            timestamp=now + timedelta(seconds=seconds),
            message=f"Pump {number} broke: 100%",
        )
        for of, number, seconds in ((issue, 1, 9), (other, 4, 5), (issue, 3, 5), (other, 9, 0))
    ]


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


def test_newest_first_by_time_and_then_by_id(api: APIClient, found: list[Event]) -> None:
    factories.make_event(factories.IssueFactory())
    response = api.get(PATH)
    assert ids(response) == the_ids_of(found)
    assert "entries" not in response.json()[0]
    assert "entries" in api.get(PATH, {"full": "1"}).json()[0]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_walk_to_the_end_and_back(api: APIClient, found: list[Event], size: int) -> None:
    url: str | None = f"{PATH}?per_page={size}"
    pages = []
    while url:
        response = api.get(url)
        pages.append(ids(response))
        url = follow(response, "next")
    assert [event_id for page in pages for event_id in page] == the_ids_of(found)
    for page in reversed(pages[:-1]):
        back = follow(response, "previous")
        assert back
        response = api.get(back)
        assert ids(response) == page


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", [0, 1, 2, 3]),
        ("pump 4 BROKE", [1]),
        ("100%", [0, 1, 2, 3]),
        ("10%", []),
        (" pump  4 ", []),
        ("area:north", []),
        ("0" * 32, []),
    ],
)
def test_the_search_is_for_a_text(
    api: APIClient, found: list[Event], query: str, places: list[int]
) -> None:
    assert ids(api.get(PATH, {"query": query})) == [the_ids_of(found)[place] for place in places]


def test_choosing_an_environment_and_a_time(
    api: APIClient, issue: Issue, organization: Organization, now: datetime
) -> None:
    environment = factories.EnvironmentFactory(organization=organization, name="prod")
    old, new = (
        factories.make_event(issue, environment=environment, timestamp=now - timedelta(days=days))
        for days in (2, 0)
    )
    factories.make_event(issue, timestamp=now)
    assert ids(api.get(PATH, {"environment": "prod"})) == the_ids_of([new, old])
    query = {"environment": "prod", "statsPeriod": "1d"}
    assert ids(api.get(PATH, query)) == the_ids_of([new])
    assert ids(api.get(PATH, {"environment": "nope"})) == []


@pytest.mark.parametrize(
    "query", [{"per_page": "0"}, {"cursor": "x"}, {"query": "\0"}, {"statsPeriod": "x"}]
)
def test_what_cannot_be_used_is_refused(api: APIClient, project: Project, query: Any) -> None:
    response = api.get(PATH, query)
    assert response.status_code == 400
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize("rows", [2, 20])
def test_the_number_of_statements_does_not_depend_on_the_events(
    api: APIClient, issue: Issue, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        factories.make_event(factories.IssueFactory(project=issue.project))
    with django_assert_num_queries(4):
        assert len(ids(api.get(PATH, {"full": "1"}))) == rows


def test_every_partition_has_the_index_of_the_order(project: Project, now: datetime) -> None:
    with connection.cursor() as cursor:
        new = partitions.ensure_partitions(cursor, now + 90 * partitions.WEEK)
        assert new
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            f"EXPLAIN SELECT * FROM {new[0]} WHERE project_id = 1"
            ' ORDER BY "timestamp" DESC, event_id DESC LIMIT 1'
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan" in plan
    assert "Sort" not in plan


names = st.sampled_from(
    ["query", "environment", "full", "statsPeriod", "end", "per_page", "cursor"]
)
numbers = st.integers(-(10**25), 10**25).map(str)
values = st.one_of(
    st.text(max_size=12),
    numbers,
    st.tuples(numbers, numbers, numbers).map(":".join),
    st.sampled_from(["", "14d", "\0", "0:0:1"]),
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(parameters=st.lists(st.tuples(names, values), max_size=4))
@example([("cursor", f"{2**63}:0:0")])
@example([("cursor", f"-{2**63}:0:1")])
def test_any_query_is_answered_or_refused(
    api: APIClient, project: Project, parameters: list[tuple[str, str]]
) -> None:
    response = api.get(PATH, QUERY_STRING=urlencode(parameters, errors="surrogatepass"))
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert isinstance(response.json()["detail"], str)


def test_a_search_looks_at_the_newest_events_of_the_chosen_time(
    api: APIClient, found: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("issues.events.SEARCHED", 2)
    newest, second, third, oldest = the_ids_of(found)
    assert ids(api.get(PATH)) == [newest, second, third, oldest]
    assert ids(api.get(PATH, {"query": "pump"})) == [newest, second]
    assert ids(api.get(PATH, {"query": "pump 3"})) == []
    start, end = (found[place].timestamp.isoformat() for place in (3, 2))
    assert ids(api.get(PATH, {"query": "pump", "start": start, "end": end})) == [second, third]
