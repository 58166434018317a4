"""GET /issues/{issue_id}/hashes/"""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues import events
from issues.models import Issue, IssueHash
from sentrylite.organizations.models import Project
from tests import factories


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    later = SimpleNamespace(now=lambda: now + timedelta(hours=1))
    monkeypatch.setattr("issues.api.views.events.timezone", later)


@pytest.fixture
def issue(project: Project, now: datetime) -> Issue:
    return factories.IssueFactory(project=project, first_seen=now)


def path_of(issue: Issue) -> str:
    return f"/api/0/issues/{issue.pk}/hashes/"


def bind(issue: Issue, *numbers: int) -> list[str]:
    """Hashes that lead to the issue."""
    hashes = [UUID(int=number) for number in numbers]
    for hash in hashes:
        IssueHash.objects.create(project_id=issue.project_id, hash=hash, issue_id=issue.pk)
    return [hash.hex for hash in hashes]


def found(response: Any) -> list[tuple[str, str | None]]:
    assert response.status_code == 200, response.content
    return [
        (row["id"], row["latestEvent"]["id"] if row["latestEvent"] else None)
        for row in response.json()
    ]


def test_the_only_hash_has_the_last_event(api: APIClient, issue: Issue, now: datetime) -> None:
    (hash,) = bind(issue, 1)
    factories.make_event(issue, timestamp=now)
    last = factories.make_event(issue, timestamp=now + timedelta(seconds=1))
    for name in ("issues", "groups"):
        (row,) = api.get(f"/api/0/{name}/{issue.pk}/hashes/").json()
        assert list(row) == ["id", "latestEvent"]
        assert (row["id"], row["latestEvent"]["id"]) == (hash, last.event_id.hex)
        assert "entries" in row["latestEvent"]


def test_each_hash_has_its_own_last_event(api: APIClient, issue: Issue, now: datetime) -> None:
    a, b, c, d = bind(issue, 1, 2, 3, 4)
    bind(factories.IssueFactory(project=issue.project), 5)
    ids = [
        factories.make_event(
            issue, {"hashes": hashes}, timestamp=now + timedelta(seconds=seconds)
        ).event_id.hex
        for seconds, hashes in enumerate([[a], [c, b], [a], [b], [7, None], "odd"])
    ]
    assert found(api.get(path_of(issue))) == [(a, ids[2]), (b, ids[3]), (c, ids[1]), (d, None)]


def test_an_event_is_looked_for_among_the_newest(
    api: APIClient, issue: Issue, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOKED_AT", 2)
    a, b = bind(issue, 1, 2)
    ids = [
        factories.make_event(
            issue, {"hashes": [hash]}, timestamp=now + timedelta(seconds=seconds)
        ).event_id.hex
        for seconds, hash in enumerate([b, a, a])
    ]
    assert found(api.get(path_of(issue))) == [(a, ids[2]), (b, None)]


def test_pages(api: APIClient, issue: Issue) -> None:
    hashes = bind(issue, 1, 2, 3)
    event = factories.make_event(issue, {"hashes": [hashes[0]]})
    first = api.get(path_of(issue), {"per_page": 2})
    assert found(first) == [(hashes[0], event.event_id.hex), (hashes[1], None)]
    assert 'rel="next"; results="true"; cursor="2:1:0"' in first.headers["Link"]
    # A page of one hash is not an issue of one hash.
    assert found(api.get(path_of(issue), {"cursor": "2:1:0"})) == [(hashes[2], None)]


def test_an_issue_without_hashes_or_events(api: APIClient, issue: Issue) -> None:
    assert found(api.get(path_of(issue))) == []
    (hash,) = bind(issue, 1)
    assert found(api.get(path_of(issue))) == [(hash, None)]


@pytest.mark.parametrize("rows", [2, 20])
def test_the_number_of_statements_does_not_depend_on_the_hashes(
    api: APIClient, issue: Issue, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for hash in bind(issue, *range(rows)):
        factories.make_event(issue, {"hashes": [hash]})
    with django_assert_num_queries(4):
        assert len(found(api.get(path_of(issue)))) == rows


names = st.sampled_from(["per_page", "cursor", "environment", "x"])
numbers = st.integers(-(10**25), 10**25).map(str)
values = st.one_of(st.text(max_size=8), numbers, st.tuples(numbers, numbers, numbers).map(":".join))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(parameters=st.lists(st.tuples(names, values), max_size=3))
@example([("cursor", f"{2**63}:{2**63}:0")])
def test_any_query_is_answered_or_refused(
    api: APIClient, issue: Issue, parameters: list[tuple[str, str]]
) -> None:
    query = urlencode(parameters, errors="surrogatepass")
    response = api.get(path_of(issue), QUERY_STRING=query)
    assert response.status_code in (200, 400)
    assert response.status_code == 200 or isinstance(response.json()["detail"], str)
