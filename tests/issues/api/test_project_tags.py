"""GET /projects/{org}/{project}/tags/, …/tags/{key}/, …/tags/{key}/values/ and DELETE of a key"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues import environment_tags, project_tags
from issues.models import EventUser, Issue, IssueTag
from issues.payload.users import hash_of
from sentrylite.ingest.digest import digest
from sentrylite.organizations.models import OrganizationMember, Project, ProjectKey
from tests import factories
from tests.events import prepared

PATH = "/api/0/projects/acme/pump-station/tags/"
Tag = Callable[..., Issue]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: now)


@pytest.fixture
def tag(project: Project, now: datetime) -> Tag:
    """Count values in an issue of the project: `tag("area", {"north": (times, first, last)})`, in
    seconds before `now`."""

    def tag(
        key: str,
        values: dict[str, tuple[int, float, float]],
        of: Issue | None = None,
        **facts: Any,
    ) -> Issue:
        before = min(last for _, _, last in values.values())
        issue = of or factories.IssueFactory(
            **{"project": project, "first_seen": now - timedelta(seconds=before), **facts}
        )
        for value, (times, first, last) in values.items():
            IssueTag.objects.create(
                project_id=issue.project_id,
                issue_id=issue.pk,
                key=key,
                value=value,
                times_seen=times,
                first_seen=now - timedelta(seconds=first),
                last_seen=now - timedelta(seconds=last),
            )
        issue.tag_keys[key] = [len(values), sum(times for times, *_ in values.values())]
        issue.save()
        return issue

    return tag


@pytest.fixture
def areas(tag: Tag) -> None:
    tag("area", {"north": (4, 90, 10), "south": (1, 20, 20)})
    tag("area", {"north": (3, 95.5, 5), "East": (2, 40, 30)})
    tag("area", {"theirs": (1, 1, 1)}, project=factories.ProjectFactory())


def values_of(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [value["value"] for value in answer.json()]


# Keys ---------------------------------------------------------------------------------------------


def test_the_keys_of_a_project(api: APIClient, areas: None, tag: Tag) -> None:
    for key in ("server_name", "release", "environment", "Zone"):
        tag(key, {"x": (1, 0, 0)})
    answer = api.get(PATH)
    assert answer.status_code == 200
    assert "Link" not in answer.headers
    by_key = {key["key"]: key for key in answer.json()}
    assert list(by_key) == sorted(by_key)
    assert by_key["area"] == {"key": "area", "name": "Area", "uniqueValues": 3, "canDelete": True}
    assert by_key["server_name"]["name"] == "Server"
    assert {key for key in by_key if not by_key[key]["canDelete"]} == {"environment", "release"}


def test_a_key_of_a_project(api: APIClient, areas: None) -> None:
    assert api.get(f"{PATH}area/").json() == {"key": "area", "name": "Area", "uniqueValues": 3}


def test_a_project_without_tags(api: APIClient, project: Project) -> None:
    assert api.get(PATH).json() == []


def test_values_are_counted_up_to_a_limit(
    api: APIClient, tag: Tag, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag("area", {str(n): (1, 0, 0) for n in range(project_tags.MAX_VALUES + 5)})
    assert api.get(f"{PATH}area/").json()["uniqueValues"] == project_tags.MAX_VALUES
    assert api.get(PATH).json()[0]["uniqueValues"] == project_tags.MAX_VALUES


def test_the_first_keys_are_listed(api: APIClient, tag: Tag) -> None:
    issue = tag("a", {"x": (1, 0, 0)})
    for number in range(project_tags.MAX_KEYS + 5):
        tag(f"key-{number:03}", {"x": (1, 0, 0)}, of=issue)
    assert len(api.get(PATH).json()) == project_tags.MAX_KEYS


@pytest.mark.parametrize("rest", ["nope/", "Area/", "%00/", "nope/values/", f"{'x' * 10_000}/"])
def test_a_key_that_the_project_does_not_have(api: APIClient, areas: None, rest: str) -> None:
    answer = api.get(PATH + rest)
    assert answer.status_code == 404
    assert answer.json() == {"detail": "The requested resource does not exist"}


# Values -------------------------------------------------------------------------------------------


def test_the_values_of_a_key(api: APIClient, areas: None) -> None:
    north, south, east = api.get(f"{PATH}area/values/").json()
    expected = {
        "key": "area",
        "name": "north",
        "value": "north",
        "count": 7,
        "lastSeen": "2026-03-04T05:06:02Z",
        "firstSeen": "2026-03-04T05:04:31.500Z",
    }
    assert north == expected
    assert list(north) == list(expected)
    assert [(value["value"], value["count"]) for value in (south, east)] == [
        ("south", 1),
        ("East", 2),
    ]


def test_the_values_of_user_are_people(
    api: APIClient, tag: Tag, project: Project, now: datetime
) -> None:
    tag("user", {"id:1": (3, 9, 1), "email:a@b": (1, 2, 2)})
    EventUser.objects.create(
        project_id=project.pk, hash=hash_of("1"), tag_value="id:1", ident="1", first_seen=now
    )
    known, unknown = api.get(f"{PATH}user/values/").json()
    assert (known["identifier"], known["value"], known["count"]) == ("1", "id:1", 3)
    assert unknown == {
        "id": None,
        "query": 'user.email:"a@b"',
        "value": "email:a@b",
        "count": 1,
        "lastSeen": "2026-03-04T05:06:05Z",
        "firstSeen": "2026-03-04T05:06:05Z",
    }


def test_issues_that_are_gone_have_no_values(api: APIClient, tag: Tag) -> None:
    tag("area", {"north": (1, 0, 0)}, status=Issue.Status.PENDING_DELETION)
    tag("area", {"south": (1, 0, 0)}, status=Issue.Status.IGNORED)
    assert values_of(api.get(f"{PATH}area/values/")) == ["south"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"query": "OR"}, ["north"]),
        ({"query": "st"}, ["East"]),
        ({"query": "th"}, ["north", "south"]),
        ({"query": "%"}, []),
        ({"query": ""}, ["north", "south", "East"]),
        ({"query": "x" * 10_000}, []),
        ({"statsPeriod": "15s"}, ["north"]),
        ({"statsPeriod": "90d"}, ["north", "south", "East"]),
        (
            {"start": "2026-03-04T05:05:30Z", "end": "2026-03-04T05:05:50Z"},
            ["north", "south", "East"],
        ),
        ({"start": "2026-03-04T05:04:30Z", "end": "2026-03-04T05:05:00Z"}, ["north"]),
        ({"start": "2025-01-01T00:00:00", "end": "2025-02-01T00:00:00"}, []),
    ],
)
def test_choosing_values(
    api: APIClient, areas: None, query: dict[str, str], expected: list[str]
) -> None:
    assert values_of(api.get(f"{PATH}area/values/", query)) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_walk_to_the_end_and_back(api: APIClient, tag: Tag, size: int) -> None:
    tag("area", {"a": (1, 9, 1), "b": (1, 5, 5), "c": (1, 5, 4), "d": (1, 5, 5)})
    tag("area", {"b": (1, 5, 7), "e": (1, 9, 5)})

    def follow(answer: Any, relation: str) -> str | None:
        for link in answer.headers["Link"].split(", "):
            if f'rel="{relation}"' in link and 'results="true"' in link:
                return link[link.index("<") + 1 : link.index(">")]
        return None

    url: str | None = f"{PATH}area/values/?per_page={size}"
    pages = []
    while url:
        answer = api.get(url)
        pages.append(values_of(answer))
        url = follow(answer, "next")
    assert [value for page in pages for value in page] == ["a", "c", "e", "d", "b"]
    for page in reversed(pages[:-1]):
        back = follow(answer, "previous")
        assert back
        answer = api.get(back)
        assert values_of(answer) == page


def test_values_are_looked_for_in_the_issues_seen_last(
    api: APIClient, areas: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = project_tags.VALUES_FORWARD.replace(f"LIMIT {project_tags.ISSUES_SEARCHED}", "LIMIT 1")
    monkeypatch.setattr(project_tags, "VALUES_FORWARD", one)
    answer = api.get(f"{PATH}area/values/").json()
    # All issues' counts of what is found there.
    assert [(value["value"], value["count"]) for value in answer] == [("north", 7), ("East", 2)]


# Environments -------------------------------------------------------------------------------------

Send = Callable[..., None]


@pytest.fixture
def send(key: ProjectKey, now: datetime) -> Send:
    """Let an event happen so many seconds before `now`: `send("staging", "north", 5)`."""

    def send(environment: str, area: str, seconds: float, issue: str = "x", **tags: str) -> None:
        pairs = {"area": area, "environment": environment, "trace": "t", **tags}
        event = prepared(
            key,
            issue,
            timestamp=now.timestamp() - seconds,
            environment=environment,
            tags=sorted((name, value) for name, value in pairs.items() if value),
        )
        with connection.cursor() as cursor:
            digest(cursor.cursor, [event]).apply(cursor.cursor)

    return send


@pytest.fixture
def environments(send: Send) -> None:
    """An issue of both, one of staging alone, one of production alone, and one of neither."""
    for seconds in (50, 40):
        send("production", "north", seconds)
    send("staging", "south", 30, zone="z")
    send("staging", "north", 20, "only here", os="Linux")
    send("staging", "east", 10, "only here")
    send("production", "west", 5, "only there")
    send("", "nowhere", 1, "neither")


def counts(api: APIClient, *environment: str, **query: str) -> list[tuple[str, int]]:
    answer = api.get(f"{PATH}area/values/", {"environment": environment, **query})
    assert answer.status_code == 200, answer.content
    return [(value["value"], value["count"]) for value in answer.json()]


def test_the_values_in_an_environment(api: APIClient, environments: None) -> None:
    assert counts(api, "staging") == [("east", 1), ("north", 1), ("south", 1)]
    assert counts(api, "production") == [("west", 1), ("north", 2)]
    assert counts(api, "") == [("nowhere", 1)]
    assert counts(api, "staging", "production") == [
        ("west", 1),
        ("east", 1),
        ("north", 3),
        ("south", 1),
    ]
    answer = api.get(f"{PATH}area/values/", {"environment": "production"}).json()[1]
    assert answer == {
        "key": "area",
        "name": "north",
        "value": "north",
        "count": 2,
        "lastSeen": "2026-03-04T05:05:27Z",
        "firstSeen": "2026-03-04T05:05:17Z",
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"query": "OR"}, ["north"]),
        ({"query": "%"}, []),
        ({"statsPeriod": "15s"}, ["east"]),
        ({"statsPeriod": "35s"}, ["east", "north", "south"]),
        ({"start": "2026-03-04T05:05:35Z", "end": "2026-03-04T05:05:40Z"}, ["south"]),
        ({"per_page": "2"}, ["east", "north"]),
        ({"per_page": "2", "cursor": "1772600737000:0:0"}, ["south"]),
        ({"per_page": "2", "cursor": "1772600737000:0:1"}, ["east", "north"]),
    ],
)
def test_choosing_values_in_an_environment(
    api: APIClient, environments: None, query: dict[str, str], expected: list[str]
) -> None:
    # When an issue's counts were begun is when its row was made: much later than all of this.
    IssueTag.objects.update(first_seen=F("last_seen"))
    assert [value for value, _ in counts(api, "staging", **query)] == expected


def test_the_keys_in_an_environment(api: APIClient, environments: None) -> None:
    def keys(name: str) -> dict[str, int]:
        answer = api.get(PATH, {"environment": name}).json()
        assert [key["canDelete"] for key in answer] == [
            key["key"] not in ("environment", "release") for key in answer
        ]
        return {key["key"]: key["uniqueValues"] for key in answer}

    assert keys("staging") == {"area": 3, "environment": 1, "os": 1, "zone": 1}
    assert keys("production") == {"area": 2, "environment": 1}
    assert keys("") == {"area": 1}
    for name, values in (("staging", 1), ("production", 0)):
        answer = api.get(f"{PATH}zone/", {"environment": name})
        assert answer.json() == {"key": "zone", "name": "Zone", "uniqueValues": values}


def test_of_issues_that_were_elsewhere_too_the_newest_events_are_looked_at(
    api: APIClient, environments: None, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = environment_tags.VALUES_FORWARD.replace(
        f"SELECT {environment_tags.EVENTS_SEARCHED}", "SELECT 2"
    )
    monkeypatch.setattr(environment_tags, "VALUES_FORWARD", few)
    assert counts(api, "production") == [("west", 1), ("north", 1)]
    send("staging", "north", 0)
    assert counts(api, "production") == [("west", 1)]
    assert counts(api, "staging") == [("north", 2), ("east", 1), ("south", 1)]


def test_issues_that_are_gone_have_no_values_in_an_environment(
    api: APIClient, environments: None
) -> None:
    Issue.objects.filter(title="only here").update(status=Issue.Status.PENDING_DELETION)
    assert counts(api, "staging") == [("south", 1)]


def test_environments_of_others_are_not_looked_into(api: APIClient, environments: None) -> None:
    other = factories.OrganizationFactory()
    factories.EnvironmentFactory(organization=other, name="theirs")
    for rest in ("", "area/", "area/values/"):
        for name in ("nope", "theirs"):
            assert api.get(PATH + rest, {"environment": name}).status_code == 404
    for rest in ("nope/", "nope/values/"):
        assert api.get(PATH + rest, {"environment": "staging"}).status_code == 404


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        {"per_page": "0"},
        {"cursor": "x"},
        {"statsPeriod": "x"},
        {"start": "2026-03-04"},
        {"query": "\0"},
        {"environment": "\0"},
    ],
)
def test_what_cannot_be_used_is_refused(api: APIClient, areas: None, query: dict[str, str]) -> None:
    answer = api.get(f"{PATH}area/values/", query)
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["area"]) | st.text(min_size=1, max_size=12),
    st.lists(
        st.tuples(
            st.sampled_from(["query", "cursor", "per_page", "start", "end", "statsPeriod"]),
            st.text(max_size=12) | st.integers(-(10**25), 10**25).map(str),
        ),
        max_size=3,
    ),
)
def test_any_path_and_query_is_answered(
    api: APIClient, areas: None, key: str, parameters: list[tuple[str, str]]
) -> None:
    name = quote(key, safe="", errors="surrogatepass")
    query = urlencode(parameters, errors="surrogatepass")
    for rest in ("", f"{name}/", f"{name}/values/"):
        answer = api.get(PATH + rest, QUERY_STRING=query)
        assert answer.status_code in (200, 400, 404)


# Removing a key -----------------------------------------------------------------------------------


def test_removing_a_key(
    api: APIClient,
    areas: None,
    tag: Tag,
    run_tasks: Callable[[datetime], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = project_tags.FIND_TAGGED.replace(f"LIMIT {project_tags.REMOVED_AT_ONCE}", "LIMIT 1")
    monkeypatch.setattr(project_tags, "FIND_TAGGED", few)
    issue = Issue.objects.filter(project__slug="pump-station").order_by("pk")[0]
    tag("os", {"Linux": (1, 0, 0)}, of=issue)
    answer = api.delete(f"{PATH}area/")
    assert (answer.status_code, answer.content) == (204, b"")
    # Asked for twice it is done once.
    assert api.delete(f"{PATH}area/").status_code == 204
    assert run_tasks(timezone.now()) == 1
    assert [key["key"] for key in api.get(PATH).json()] == ["os"]
    issue.refresh_from_db()
    assert issue.tag_keys == {"os": [1, 1]}
    # Those of others stay.
    assert IssueTag.objects.filter(key="area").count() == 1
    assert api.delete(f"{PATH}area/").status_code == 404


@pytest.mark.parametrize("key", ["environment", "release"])
def test_keys_that_stay(api: APIClient, tag: Tag, key: str) -> None:
    tag(key, {"x": (1, 0, 0)})
    answer = api.delete(f"{PATH}{key}/")
    assert (answer.status_code, answer.content) == (403, b"")
    assert IssueTag.objects.filter(key=key).exists()


def test_members_do_not_remove_keys(api_as: Any, member: OrganizationMember, areas: None) -> None:
    member.role = "member"
    member.save()
    assert api_as(member.user).delete(f"{PATH}area/").status_code == 403


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 20])
@pytest.mark.parametrize(
    ("rest", "statements"),
    [("", 4), ("key-1/", 4), ("key-1/values/", 5), ("user/values/", 6)],
)
def test_the_number_of_statements_does_not_depend_on_the_tags(
    api: APIClient,
    tag: Tag,
    rows: int,
    rest: str,
    statements: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for key in ("user", *(f"key-{number}" for number in range(rows))):
        tag(key, {f"id:{number}": (number + 1, 0, 0) for number in range(rows)})
    with django_assert_num_queries(statements):
        assert api.get(PATH + rest).status_code == 200


@pytest.mark.parametrize("rows", [2, 20])
@pytest.mark.parametrize(("rest", "statements"), [("", 5), ("area/", 5), ("area/values/", 6)])
def test_the_number_of_statements_does_not_depend_on_environments(
    api: APIClient,
    send: Send,
    rows: int,
    rest: str,
    statements: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(rows):
        for name in ("staging", "production"):
            send(name, f"area {number}", number, f"issue {number % 3}")
    with django_assert_num_queries(statements):
        answer = api.get(PATH + rest, {"environment": ["staging", ""]})
        assert answer.status_code == 200
