"""GET /issues/{issue_id}/tags/, …/tags/{key}/ and …/tags/{key}/values/"""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues.models import EventUser, Issue, IssueTag
from issues.payload.users import hash_of
from sentrylite.accounts.api.serializers import avatar_url
from sentrylite.organizations.models import Project
from tests import factories

Count = Callable[..., None]


@pytest.fixture
def issue(project: Project, now: datetime) -> Issue:
    return factories.IssueFactory(project=project, first_seen=now)


@pytest.fixture
def count(issue: Issue, now: datetime) -> Count:
    """Count values of a key: value → (events, first seen, last seen), in seconds after `now`."""

    def count(key: str, values: dict[str, tuple[int, float, float]], of: Issue = issue) -> None:
        for value, (times, first, last) in values.items():
            IssueTag.objects.create(
                project_id=of.project_id,
                issue_id=of.pk,
                key=key,
                value=value,
                times_seen=times,
                first_seen=now + timedelta(seconds=first),
                last_seen=now + timedelta(seconds=last),
            )
        of.tag_keys[key] = [len(values), sum(times for times, *_ in values.values())]
        of.save()

    return count


def path_of(issue: Issue, rest: str = "") -> str:
    return f"/api/0/issues/{issue.pk}/tags/{rest}"


def the_values_of(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [value["value"] for value in response.json()]


def follow(response: Any, relation: str) -> str | None:
    for link in response.headers["Link"].split(", "):
        if f'rel="{relation}"' in link and 'results="true"' in link:
            return link[link.index("<") + 1 : link.index(">")]
    return None


# Keys ---------------------------------------------------------------------------------------------

NORTH = {
    "key": "area",
    "name": "Area",
    "uniqueValues": 2,
    "totalValues": 5,
    "topValues": [
        {
            "key": "area",
            "name": "north",
            "value": "north",
            "count": 4,
            "lastSeen": "2026-03-04T05:06:17Z",
            "firstSeen": "2026-03-04T05:06:08.500Z",
        },
        {
            "key": "area",
            "name": "south",
            "value": "south",
            "count": 1,
            "lastSeen": "2026-03-04T05:06:09Z",
            "firstSeen": "2026-03-04T05:06:07Z",
        },
    ],
}


@pytest.fixture
def north(count: Count) -> None:
    count("area", {"south": (1, 0, 2), "north": (4, 1.5, 10)})


def test_a_key_with_its_most_frequent_values(api: APIClient, issue: Issue, north: None) -> None:
    for name in ("issues", "groups"):
        answer = api.get(f"/api/0/{name}/{issue.pk}/tags/area/").json()
        assert answer == NORTH
        assert list(answer) == list(NORTH)
        assert api.get(f"/api/0/{name}/{issue.pk}/tags/").json() == [NORTH]


def test_keys_are_by_name(api: APIClient, issue: Issue, north: None, count: Count) -> None:
    for key in ("server_name", "os", "user"):
        count(key, {"x": (1, 0, 0)})
    names = [key["name"] for key in api.get(path_of(issue)).json()]
    assert names == ["Area", "OS", "Server", "User"]


def test_choosing_keys(api: APIClient, issue: Issue, north: None, count: Count) -> None:
    for key in ("os", "user"):
        count(key, {f"{number:02}": (number, 0, 0) for number in range(1, 13)})
    query = {"key": ["os", "area", "nope", "\0"]}
    answer = api.get(path_of(issue), query).json()
    assert [key["key"] for key in answer] == ["area", "os"]
    most = [value["value"] for value in answer[1]["topValues"]]
    assert most == ["12", "11", "10", "09", "08", "07", "06", "05", "04"]
    assert len(api.get(path_of(issue)).json()[1]["topValues"]) == 10
    assert len(api.get(path_of(issue, "os/")).json()["topValues"]) == 9


def test_what_people_read_for_a_value(api: APIClient, issue: Issue, count: Count) -> None:
    count("user", {"id:1": (3, 0, 0), "email:a:b": (2, 0, 0), "odd": (1, 0, 0)})
    values = api.get(path_of(issue, "user/")).json()["topValues"]
    assert [(value["name"], value.get("query")) for value in values] == [
        ("1", 'user.id:"1"'),
        ("a:b", 'user.email:"a:b"'),
        ("odd", None),
    ]
    count("release", {"com.example.app-1.0": (1, 0, 0)})
    (value,) = api.get(path_of(issue, "release/")).json()["topValues"]
    assert (value["name"], value["value"]) == ("1.0", "com.example.app-1.0")


def test_an_issue_without_tags(api: APIClient, issue: Issue) -> None:
    assert api.get(path_of(issue)).json() == []


@pytest.mark.parametrize("key", ["nope", "Area", "%00", "sentry:user"])
def test_a_key_that_nobody_knows(api: APIClient, issue: Issue, north: None, key: str) -> None:
    for rest in ("", "values/"):
        assert api.get(path_of(issue, f"{key}/{rest}")).status_code == 404


def test_a_key_of_another_issue(
    api: APIClient, issue: Issue, project: Project, count: Count
) -> None:
    count("os", {"Linux": (1, 0, 0)}, of=factories.IssueFactory(project=project))
    count("shell", {"sh": (1, 0, 0)}, of=factories.IssueFactory())
    assert api.get(path_of(issue, "os/")).status_code == 404
    response = api.get(path_of(issue, "os/values/"))
    assert (response.status_code, response.json()) == (200, [])
    assert api.get(path_of(issue, "shell/values/")).status_code == 404


# Values -------------------------------------------------------------------------------------------


@pytest.fixture
def values(count: Count) -> None:
    count(
        "area",
        {"a": (1, 0, 9), "b": (1, 5, 5), "c": (1, 5, 6), "d": (1, 5, 5), "e": (1, 9, 0.0005)},
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "edcba"),
        ({"sort": "age"}, "edcba"),
        ({"sort": ""}, "edcba"),
        ({"sort": "date"}, "acdbe"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_walk_to_the_end_and_back(
    api: APIClient,
    issue: Issue,
    values: None,
    query: dict[str, str],
    expected: str,
    size: int,
) -> None:
    url: str | None = path_of(issue, "area/values/?") + urlencode({**query, "per_page": size})
    pages = []
    while url:
        response = api.get(url)
        pages.append(the_values_of(response))
        url = follow(response, "next")
    assert "".join(value for page in pages for value in page) == expected
    for page in reversed(pages[:-1]):
        back = follow(response, "previous")
        assert back
        response = api.get(back)
        assert the_values_of(response) == page


def test_a_value_in_the_list(api: APIClient, issue: Issue, north: None) -> None:
    assert api.get(path_of(issue, "area/values/")).json() == NORTH["topValues"]


def test_the_values_of_user_are_people(
    api: APIClient, issue: Issue, count: Count, now: datetime
) -> None:
    count("user", {"id:1": (3, 0, 1), "email:a@b": (2, 0, 1), "username:7": (1, 0, 1)})
    for value, fields in (
        ("id:1", {"ident": "1", "email": "x@y", "username": "x", "ip_address": "127.0.0.1"}),
        # The same word as the id of somebody else.
        ("id:7", {"ident": "7"}),
    ):
        EventUser.objects.create(
            project_id=issue.project_id,
            hash=hash_of(value.partition(":")[2]),
            tag_value=value,
            first_seen=now,
            **fields,
        )
    answer = {value["value"]: value for value in api.get(path_of(issue, "user/values/")).json()}
    digest = md5(b"1").hexdigest()
    expected = {
        "id": str(int(digest[:16], 16)),
        "hash": digest,
        "tagValue": "id:1",
        "identifier": "1",
        "username": "x",
        "email": "x@y",
        "name": "x@y",
        "ipAddress": "127.0.0.1",
        "dateCreated": "2026-03-04T05:06:07Z",
        "avatarUrl": avatar_url("x@y"),
        "query": 'user.id:"1"',
        "value": "id:1",
        "count": 3,
        "lastSeen": "2026-03-04T05:06:08Z",
        "firstSeen": "2026-03-04T05:06:07Z",
    }
    assert answer["id:1"] == expected
    assert list(answer["id:1"]) == list(expected)
    for value, query in (("email:a@b", 'user.email:"a@b"'), ("username:7", 'user.username:"7"')):
        assert answer[value] == {
            "id": None,
            "query": query,
            "value": value,
            "count": answer[value]["count"],
            "lastSeen": "2026-03-04T05:06:08Z",
            "firstSeen": "2026-03-04T05:06:07Z",
        }


@pytest.mark.parametrize("query", [{"sort": "nope"}, {"per_page": "0"}, {"cursor": "x"}])
def test_what_cannot_be_used_is_refused(
    api: APIClient, issue: Issue, north: None, query: dict[str, str]
) -> None:
    response = api.get(path_of(issue, "area/values/"), query)
    assert response.status_code == 400
    assert isinstance(response.json()["detail"], str)


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 20])
@pytest.mark.parametrize(
    ("rest", "statements"),
    [("", 3), ("user/", 3), ("key-1/values/", 3), ("user/values/", 4)],
)
def test_the_number_of_statements_does_not_depend_on_the_tags(
    api: APIClient,
    issue: Issue,
    count: Count,
    rows: int,
    rest: str,
    statements: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for key in ("user", *(f"key-{number}" for number in range(rows))):
        count(key, {f"id:{number}": (number + 1, 0, 0) for number in range(rows)})
    with django_assert_num_queries(statements):
        assert api.get(path_of(issue, rest)).status_code == 200


# Whatever is asked --------------------------------------------------------------------------------

names = st.sampled_from(["key", "sort", "per_page", "cursor", "environment", "x"])
numbers = st.integers(-(10**25), 10**25).map(str)
texts = st.one_of(
    st.text(max_size=12),
    numbers,
    st.tuples(numbers, numbers, numbers).map(":".join),
    st.sampled_from(["", "area", "date", "age", "\0", "0:0:1"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["area"]) | st.text(min_size=1, max_size=12),
    st.lists(st.tuples(names, texts), max_size=3),
)
@example("area", [("cursor", f"{2**63}:0:0")])
@example("area", [("cursor", f"-{2**63}:0:1")])
@example("\ud800", [])
def test_any_path_and_query_is_answered(
    api: APIClient, issue: Issue, north: None, key: str, parameters: list[tuple[str, str]]
) -> None:
    name = quote(key, safe="", errors="surrogatepass")
    query = urlencode(parameters, errors="surrogatepass")
    for rest in ("", f"{name}/", f"{name}/values/"):
        response = api.get(path_of(issue, rest), QUERY_STRING=query)
        assert response.status_code in (200, 400, 404)
        assert response.status_code == 200 or isinstance(response.json()["detail"], str)
