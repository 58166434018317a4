"""`environment` on an issue's page and on its tags."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues import environments
from issues.models import Issue
from sentrylite.ingest.digest import digest
from sentrylite.organizations.models import Environment, ProjectKey
from tests import factories
from tests.events import NOON, a_user, prepared

HOUR = 3600.0
Send = Callable[..., Issue]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an hour after NOON."""
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 3, 4, 12, 30, tzinfo=UTC))


@pytest.fixture
def send(key: ProjectKey) -> Send:
    """Let an event happen to one issue: so many seconds after NOON, with these tags besides."""

    def send(environment: str, seconds: float, user: str = "1", **facts: Any) -> Issue:
        tags = [("level", "error"), *facts.pop("tags", ())]
        if environment:
            tags.append(("environment", environment))
        event = prepared(
            key,
            timestamp=NOON + seconds,
            environment=environment,
            user=a_user(user),
            tags=[*tags, ("user", f"id:{user}")],
            **facts,
        )
        with connection.cursor() as cursor:
            digest(cursor.cursor, [event]).apply(cursor.cursor)
        return Issue.objects.get()

    return send


@pytest.fixture
def issue(send: Send) -> Issue:
    """Twice in production, for two users, in two releases; three times in staging."""
    send("production", 0, user="1", release="1.0", tags=[("area", "north")])
    for second in range(3):
        send("staging", 60 + second, user="3", release="3.0", tags=[("area", "south")])
    send("production", 600, user="2", release="2.0", tags=[("area", "north"), ("trace", "x")])
    return send("", 700, user="4")


def get(api: APIClient, issue: Issue, *names: str, rest: str = "", **query: Any) -> Any:
    return api.get(f"/api/0/issues/{issue.pk}/{rest}", {"environment": names, **query})


# An issue's page ----------------------------------------------------------------------------------


def test_what_an_issue_is_in_an_environment(api: APIClient, issue: Issue) -> None:
    whole, answer = get(api, issue).json(), get(api, issue, "production").json()
    assert answer.keys() - whole.keys() == {"currentRelease"}
    assert list(answer) == sorted(answer)
    current, changed = answer.pop("currentRelease"), {"count", "userCount", "lastSeen"}
    assert (answer["count"], answer["userCount"]) == ("2", 2)
    assert (answer["firstSeen"], answer["lastSeen"]) == (
        "2026-03-04T12:00:00Z",
        "2026-03-04T12:10:00Z",
    )
    assert answer["tags"] == [
        {"key": "area", "name": "Area", "totalValues": 2, "uniqueValues": 1},
        {"key": "environment", "name": "Environment", "totalValues": 2, "uniqueValues": 1},
        {"key": "level", "name": "Level", "totalValues": 2, "uniqueValues": 1},
        {"key": "user", "name": "User", "totalValues": 2, "uniqueValues": 2},
    ]
    assert answer["stats"]["24h"][-1] == [NOON, 2]
    assert answer["stats"]["30d"][-1] == [NOON - 12 * HOUR, 2]
    changed |= {"firstSeen", "tags", "stats"}
    assert {key: answer[key] for key in answer.keys() - changed} == {
        key: whole[key] for key in whole.keys() - changed
    }
    assert current.pop("release")["version"] == "2.0"
    stats = current.pop("stats")
    assert {name: (len(points), points[-1]) for name, points in stats.items()} == {
        "24h": (25, [NOON, 1]),
        "30d": (31, [NOON - 12 * HOUR, 1]),
    }
    assert current == {
        "environment": "production",
        "firstSeen": "2026-03-04T12:10:00Z",
        "lastSeen": "2026-03-04T12:10:00Z",
    }


def test_several_environments_are_one(api: APIClient, issue: Issue) -> None:
    answer = get(api, issue, "production", "staging", "staging").json()
    assert (answer["count"], answer["userCount"]) == ("5", 3)
    assert answer["stats"]["24h"][-1] == [NOON, 5]
    assert {tag["key"]: tag["uniqueValues"] for tag in answer["tags"]} == {
        "area": 2,
        "environment": 2,
        "level": 1,
        "user": 3,
    }
    # The newest release, and the environment that had it.
    current = answer["currentRelease"]
    assert (current["release"]["version"], current["environment"]) == ("2.0", "production")


def test_events_without_an_environment_are_in_the_empty_one(api: APIClient, issue: Issue) -> None:
    answer = get(api, issue, "").json()
    assert (answer["count"], answer["userCount"], answer["currentRelease"]) == ("1", 1, None)
    assert answer["firstSeen"] == answer["lastSeen"] == "2026-03-04T12:11:40Z"


def test_when_all_events_name_their_environment_the_empty_one_has_none(
    api: APIClient, send: Send
) -> None:
    answer = get(api, send("production", 0, release="1.0"), "").json()
    assert (answer["count"], answer["userCount"], answer["tags"]) == ("0", 0, [])
    assert (answer["firstSeen"], answer["lastSeen"]) == (None, None)
    assert sum(n for _, n in answer["stats"]["24h"] + answer["stats"]["30d"]) == 0
    assert answer["currentRelease"] is None


def test_an_environment_that_only_other_issues_were_seen_in(api: APIClient, issue: Issue) -> None:
    factories.EnvironmentFactory(organization=issue.project.organization, name="qa")
    answer = get(api, issue, "qa").json()
    assert (answer["count"], answer["userCount"], answer["tags"]) == ("0", 0, [])
    assert get(api, issue, "qa", rest="tags/").json() == []
    assert get(api, issue, "qa", rest="tags/area/").status_code == 404
    assert get(api, issue, "qa", rest="tags/area/values/").json() == []


def test_where_all_events_are_there_nothing_is_counted_again(
    api: APIClient, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    send("production", 0, user="1")
    issue = send("production", 1, user="2")
    # As if there had been more events than are looked at.
    Issue.objects.update(user_count=70, tag_keys={"area": [2, 9000]})
    answer = get(api, issue, "production").json()
    assert (answer["count"], answer["userCount"]) == ("2", 70)
    assert answer["tags"] == [
        {"key": "area", "name": "Area", "totalValues": 9000, "uniqueValues": 2}
    ]


def test_in_an_organization_the_answer_has_the_environment_too(
    api: APIClient, issue: Issue
) -> None:
    path = f"/api/0/organizations/acme/issues/{issue.pk}/"
    answer = api.get(path, {"environment": "staging"}).json()
    assert (answer["count"], answer["currentRelease"]["environment"]) == ("3", "staging")


def test_only_the_newest_events_are_looked_at(
    api: APIClient, issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = environments.COUNT_USERS_AND_TAGS.replace(f"LIMIT {environments.LOOKED_AT}", "LIMIT 2")
    monkeypatch.setattr(environments, "COUNT_USERS_AND_TAGS", two)
    answer = get(api, issue, "production").json()
    assert (answer["count"], answer["userCount"]) == ("2", 1)


# Tags ---------------------------------------------------------------------------------------------


def test_the_keys_in_an_environment(api: APIClient, issue: Issue) -> None:
    area, environment, level, user = get(api, issue, "production", rest="tags/").json()
    assert area == {
        "key": "area",
        "name": "Area",
        "uniqueValues": 1,
        "totalValues": 2,
        "topValues": [
            {
                "key": "area",
                "name": "north",
                "value": "north",
                "count": 2,
                "lastSeen": "2026-03-04T12:10:00Z",
                "firstSeen": "2026-03-04T12:00:00Z",
            }
        ],
    }
    assert [value["value"] for value in environment["topValues"]] == ["production"]
    assert level["totalValues"] == 2
    assert [value["value"] for value in user["topValues"]] == ["id:1", "id:2"]
    assert get(api, issue, "production", rest="tags/area/").json() == area
    chosen = {"key": ["area", "nope", "\0"]}
    assert get(api, issue, "production", rest="tags/", **chosen).json() == [area]


def test_a_tag_that_is_another_for_every_event_is_not_counted(api: APIClient, issue: Issue) -> None:
    assert get(api, issue, "production", rest="tags/trace/").status_code == 404


def test_the_values_in_environments(api: APIClient, issue: Issue) -> None:
    answer = get(api, issue, "production", "staging", rest="tags/area/values/").json()
    assert [(value["value"], value["count"]) for value in answer] == [("south", 3), ("north", 2)]
    answer = get(api, issue, "production", "staging", rest="tags/area/values/", sort="date").json()
    assert [(value["value"], value["count"]) for value in answer] == [("north", 2), ("south", 3)]
    first = get(api, issue, "production", "staging", rest="tags/area/values/", per_page=1)
    link = first.headers["Link"].split(", ")[1]
    assert "environment=production&environment=staging" in link
    second = api.get(link[link.index("<") + 1 : link.index(">")])
    assert [value["value"] for value in first.json() + second.json()] == ["south", "north"]


def test_the_people_in_an_environment(api: APIClient, issue: Issue) -> None:
    (person,) = get(api, issue, "staging", rest="tags/user/values/").json()
    assert (person["tagValue"], person["value"], person["count"]) == ("id:3", "id:3", 3)


# What is refused ----------------------------------------------------------------------------------

PLACES = pytest.mark.parametrize("rest", ["", "tags/", "tags/area/", "tags/area/values/"])


@PLACES
def test_an_environment_that_nobody_knows(api: APIClient, issue: Issue, rest: str) -> None:
    factories.EnvironmentFactory(name="theirs")
    for names in (["nope"], ["production", "nope"], ["theirs"], ["Production"], ["x" * 10_000]):
        assert get(api, issue, *names, rest=rest).status_code == 404


@PLACES
def test_what_cannot_be_an_environment(api: APIClient, issue: Issue, rest: str) -> None:
    for names in (["\0"], [str(number) for number in range(101)]):
        answer = get(api, issue, *names, rest=rest)
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("Invalid environment")


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [1, 20])
@pytest.mark.parametrize(
    ("rest", "statements"),
    [("", 9), ("tags/", 5), ("tags/area/", 5), ("tags/area/values/", 5)],
)
def test_the_number_of_statements_does_not_depend_on_the_events(
    api: APIClient,
    issue: Issue,
    send: Send,
    events: int,
    rest: str,
    statements: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(events):
        send("production", number, release=str(number), tags=[("area", str(number))])
    assert Environment.objects.count() == 3
    with django_assert_num_queries(statements):
        assert get(api, issue, "production", "staging", rest=rest).status_code == 200
