"""GET and DELETE of /issues/{issue_id}/hashes/"""

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

from issues import intake
from issues.models import Event, EventAddress, Issue, IssueHash
from issues.payload import codec
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


def happen(issue: Issue, hashes: list[str], at: datetime) -> str:
    """An event of the issue, as ingestion counts it; returns its id."""
    event = factories.make_event(issue, {"hashes": hashes}, timestamp=at)
    last = (at.timestamp(), event.event_id)
    with connection.cursor() as cursor:
        of_issue = (issue.project_id, issue.pk)
        intake.note_last_events(cursor, {(*of_issue, UUID(hash)): last for hash in hashes})
    return event.event_id.hex


def test_a_hash_has_its_last_event(api: APIClient, issue: Issue, now: datetime) -> None:
    (hash,) = bind(issue, 1)
    happen(issue, [hash], now)
    last = happen(issue, [hash], now + timedelta(seconds=1))
    for name in ("issues", "groups"):
        (row,) = api.get(f"/api/0/{name}/{issue.pk}/hashes/").json()
        assert list(row) == ["id", "latestEvent"]
        assert (row["id"], row["latestEvent"]["id"]) == (hash, last)
        assert "entries" in row["latestEvent"]


def test_each_hash_has_its_own_last_event(api: APIClient, issue: Issue, now: datetime) -> None:
    a, b, c, d = bind(issue, 1, 2, 3, 4)
    bind(factories.IssueFactory(project=issue.project), 5)
    ids = [
        happen(issue, hashes, now + timedelta(days=days))
        for days, hashes in enumerate([[a], [c, b], [a], [b], []])
    ]
    assert found(api.get(path_of(issue))) == [(a, ids[2]), (b, ids[3]), (c, ids[1]), (d, None)]


def test_an_event_that_comes_late_is_not_the_last(
    api: APIClient, issue: Issue, now: datetime
) -> None:
    (hash,) = bind(issue, 1)
    last = happen(issue, [hash], now)
    happen(issue, [hash], now - timedelta(seconds=1))
    assert found(api.get(path_of(issue))) == [(hash, last)]


def test_an_event_that_is_gone_is_not_shown(api: APIClient, issue: Issue, now: datetime) -> None:
    """Whether only its partition, its address as well, or its hash."""
    a, b, c = bind(issue, 1, 2, 3)
    gone, forgotten = happen(issue, [a], now), happen(issue, [b], now)
    Event.objects.filter(event_id__in=[gone, forgotten]).delete()
    EventAddress.objects.filter(event_id=forgotten).delete()
    other = happen(issue, [c], now)
    payload, _ = codec.pack({"hashes": [a]})
    Event.objects.filter(event_id=other).update(payload=payload)
    assert found(api.get(path_of(issue))) == [(a, None), (b, None), (c, None)]


def test_pages(api: APIClient, issue: Issue, now: datetime) -> None:
    hashes = bind(issue, 1, 2, 3)
    event_id = happen(issue, [hashes[0]], now)
    first = api.get(path_of(issue), {"per_page": 2})
    assert found(first) == [(hashes[0], event_id), (hashes[1], None)]
    assert 'rel="next"; results="true"; cursor="2:1:0"' in first.headers["Link"]
    assert found(api.get(path_of(issue), {"cursor": "2:1:0"})) == [(hashes[2], None)]


def test_an_issue_without_hashes_or_events(api: APIClient, issue: Issue) -> None:
    assert found(api.get(path_of(issue))) == []
    (hash,) = bind(issue, 1)
    assert found(api.get(path_of(issue))) == [(hash, None)]


@pytest.mark.parametrize("rows", [2, 20])
def test_the_number_of_statements_does_not_depend_on_the_hashes(
    api: APIClient,
    issue: Issue,
    now: datetime,
    rows: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for hash in bind(issue, *range(rows)):
        happen(issue, [hash], now)
    with django_assert_num_queries(5):
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


# DELETE -------------------------------------------------------------------------------------------


@pytest.fixture
def two(project: Project) -> Issue:
    """An issue with two hashes."""
    Project.objects.update(last_short_id=10**6)
    issue = factories.IssueFactory(project=project, times_seen=2)
    for digit in "ab":
        IssueHash.objects.create(project_id=project.pk, hash=digit * 32, issue_id=issue.pk)
    return issue


def unmerge(api: APIClient, issue: Issue, query: str) -> Any:
    return api.delete(f"/api/0/issues/{issue.pk}/hashes/?{query}")


def hashes_of(issue: Issue) -> set[str]:
    found = IssueHash.objects.filter(issue_id=issue.pk).values_list("hash", flat=True)
    return {hash.hex for hash in found}


def test_a_hash_becomes_an_issue_of_its_own(api: APIClient, two: Issue, user: Any) -> None:
    answer = unmerge(api, two, f"id={'b' * 32}&id={'c' * 32}&id=nonsense&id=%00")
    assert (answer.status_code, answer.content) == (202, b"")
    new = Issue.objects.exclude(pk=two.pk).get()
    assert (hashes_of(two), hashes_of(new)) == ({"a" * 32}, {"b" * 32})
    shown = api.get(f"/api/0/issues/{two.pk}/").json()["activity"][0]
    assert (shown["type"], shown["user"]["id"]) == ("unmerge_source", str(user.pk))
    assert shown["data"]["fingerprints"] == ["b" * 32]
    assert shown["data"]["destination"]["id"] == str(new.pk)
    assert shown["data"]["destination"]["shortId"] == new.short_id
    shown = api.get(f"/api/0/issues/{new.pk}/").json()["activity"][0]
    assert shown["type"] == "unmerge_destination"
    assert shown["data"]["source"]["id"] == str(two.pk)
    assert api.delete(f"/api/0/issues/{two.pk}/").status_code == 202
    shown = api.get(f"/api/0/issues/{new.pk}/").json()["activity"][0]
    assert shown["data"] == {"fingerprints": ["b" * 32], "source": None}


@pytest.mark.parametrize("query", ["", "id=", f"id={'c' * 32}", "id=x&id=%F0%9F%92%A9&id=%00"])
def test_what_is_no_hash_of_the_issue_changes_nothing(
    api: APIClient, two: Issue, query: str
) -> None:
    answer = unmerge(api, two, query)
    assert (answer.status_code, answer.content) == (200, b"")
    assert Issue.objects.count() == 1


def test_an_issue_keeps_one_of_its_hashes(api: APIClient, two: Issue) -> None:
    answer = unmerge(api, two, f"id={'a' * 32}&id={'b' * 32}")
    assert answer.status_code == 400
    assert answer.json() == {"detail": "An issue keeps at least one of its hashes."}
    assert hashes_of(two) == {"a" * 32, "b" * 32}


def test_a_hash_of_another_issue_is_not_taken(api: APIClient, two: Issue) -> None:
    other = factories.IssueFactory(project=two.project)
    IssueHash.objects.create(project_id=two.project_id, hash="d" * 32, issue_id=other.pk)
    assert unmerge(api, two, f"id={'d' * 32}").status_code == 200
    assert hashes_of(other) == {"d" * 32}


@pytest.mark.parametrize("unmerged", [1, 5])
def test_what_unmerging_costs_the_page_of_an_issue(
    api: APIClient, two: Issue, unmerged: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(unmerged):
        hash = f"{n + 1:032x}"
        IssueHash.objects.create(project_id=two.project_id, hash=hash, issue_id=two.pk)
        assert unmerge(api, two, f"id={hash}").status_code == 202
    with django_assert_num_queries(6):
        api.get(f"/api/0/issues/{two.pk}/")
