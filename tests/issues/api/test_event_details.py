"""GET /projects/{organization}/{project}/events/{event_id}/"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues import feedback, partitions, queries
from issues.api.serializers.events import EventDetailSerializer, EventSummarySerializer
from issues.models import Event, Issue
from issues.payload.event import ScrubRules, Sender
from issues.payload.prepare import prepare
from sentrylite.accounts.models import User
from sentrylite.organizations.access import ALL_SCOPES, PROJECT_SCOPES
from sentrylite.organizations.models import Organization, Project, Team
from sentrylite.releases.models import Release, ReleaseProject
from tests import factories
from tests.described import DescribedClient

SHAPES = Path(__file__).parents[2] / "shapes"
EVENTS = "/api/0/projects/acme/pump-station/events/"
NOT_FOUND = {"detail": "Event not found"}
NO_PERMISSION = {"detail": "You do not have permission to perform this action."}

EVENT_ID = UUID("9fac2ceed9344f2bbfdd1fdacb0ed9b1")
VERSION = "88dc638c8ccb84e5b7c750da882232aa1b394ac1"

Client = Callable[..., APIClient]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    later = SimpleNamespace(now=lambda: now + timedelta(hours=1))
    monkeypatch.setattr("issues.api.views.events.timezone", later)


@pytest.fixture
def issue(project: Project, now: datetime) -> Issue:
    return factories.IssueFactory(project=project, first_seen=now)


@pytest.fixture
def event(issue: Issue) -> Event:
    return factories.make_event(issue, event_id=EVENT_ID)


def path_of(event: Event) -> str:
    return f"{EVENTS}{event.event_id.hex}/"


PATH = f"{EVENTS}{EVENT_ID.hex}/"


# It works -----------------------------------------------------------------------------------------


@pytest.fixture
def documented(organization: Organization, team: Team, now: datetime) -> Event:
    """The event of the shapes."""
    project = factories.ProjectFactory(
        pk=900002,
        organization=organization,
        slug="pump-station",
        name="Pump Station",
        teams=[team],
    )
    issue = factories.IssueFactory(pk=900001, project=project)
    data = {
        "type": "error",
        "platform": "python",
        "title": "ZeroDivisionError: division by zero",
        "culprit": "pump.valves in open_valve",
        "location": "pump/valves.py",
        "metadata": {
            "type": "ZeroDivisionError",
            "value": "division by zero",
            "filename": "pump/valves.py",
            "function": "open_valve",
        },
        "hashes": ["c4a4d06bc314205bb3b6bdb612dde7f1"],
        "dist": "42",
        "logentry": {
            "message": "Valve %s of %s",
            "params": ["3", "pump"],
            "formatted": "Valve 3 of pump",
        },
        "exception": {
            "values": [
                {
                    "type": "ZeroDivisionError",
                    "value": "division by zero",
                    "module": "builtins",
                    "thread_id": 7,
                    "mechanism": {"type": "generic", "handled": False},
                    "stacktrace": {
                        "frames": [
                            {
                                "filename": "django/core/handlers.py",
                                "abs_path": "/srv/django/core/handlers.py",
                                "module": "django.core.handlers",
                                "function": "get_response",
                                "lineno": 112,
                                "in_app": False,
                            },
                            {
                                "filename": "pump/valves.py",
                                "abs_path": "/srv/pump/valves.py",
                                "module": "pump.valves",
                                "function": "open_valve",
                                "lineno": 10,
                                "colno": 12,
                                "in_app": True,
                                "pre_context": ["def open_valve(pressure):"],
                                "context_line": "    return 1 / pressure",
                                "post_context": [""],
                                "vars": {"pressure": 0},
                            },
                        ]
                    },
                }
            ]
        },
        "breadcrumbs": {
            "values": [
                {
                    "type": "http",
                    "timestamp": 1772600766.5,
                    "level": "warning",
                    "category": "httplib",
                    "message": "slow",
                    "data": {"status_code": 200},
                }
            ]
        },
        "request": {
            "url": "http://example.com/foo",
            "method": "POST",
            "query_string": [["foo", "bar"]],
            "data": {"hello": "world"},
            "headers": [["Content-Type", "application/json"], ["Referer", "http://example.com"]],
            "cookies": [["biz", "baz"]],
            "env": {"ENV": "prod"},
            "inferred_content_type": "application/json",
        },
        "user": {
            "id": "1",
            "email": "sentry@example.com",
            "username": "sentry",
            "ip_address": "127.0.0.1",
            "name": "Sentry",
            "data": {"plan": "free"},
        },
        "contexts": {"runtime": {"type": "runtime", "name": "CPython", "version": "3.11.2"}},
        "sdk": {"name": "sentry.python", "version": "2.40.0", "packages": [{"name": "x"}]},
        "extra": {"length": 10837790},
        "modules": {"my.package": "1.0.0"},
        "errors": [
            {
                "type": "invalid_data",
                "name": "timestamp",
                "value": "nope",
                "reason": "input contains invalid characters",
            },
            {"type": "invalid_attribute", "name": "nope.Interface"},
            {"type": "invalid_data", "name": "breadcrumbs.values.0.data", "value": 1},
            {"type": "invalid_data", "name": "extra.x", "value": 1},
            {"type": "invalid_data", "name": "stacktrace.frames.0.function", "value": 1},
        ],
    }
    factories.make_event(issue, event_id=UUID(int=1), timestamp=now)
    factories.make_event(issue, event_id=UUID(int=2**128 - 1), timestamp=now)
    return factories.make_event(
        issue,
        data,
        event_id=EVENT_ID,
        timestamp=now,
        received_at=now + timedelta(seconds=1, milliseconds=123),
        size=7055,
        release=documented_release(project),
        tags=[
            ("level", "error"),
            ("release", VERSION),
            ("url", "http://example.com/foo?a=b"),
            ("user", "id:1"),
        ],
    )


def documented_release(project: Project) -> Release:
    release = factories.ReleaseFactory(
        organization=project.organization,
        version=VERSION,
        ref="main",
        url="https://example.com/88dc638",
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
        released_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    other = factories.ProjectFactory(
        organization=project.organization, slug="a-pump", name="A Pump"
    )
    gone = factories.ProjectFactory(organization=project.organization, status="pending_deletion")
    first = datetime(2026, 3, 1, 20, 36, 34, 719_000, tzinfo=UTC)
    last = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    for shipped_in, new_issues, first_event_at, last_event_at in (
        (project, 2, first, first),
        (other, 3, last, last),
        (gone, 9, None, None),
    ):
        ReleaseProject.objects.create(
            release=release,
            project=shipped_in,
            new_issues=new_issues,
            first_event_at=first_event_at,
            last_event_at=last_event_at,
        )
    return release


def shape(name: str) -> Any:
    return json.loads((SHAPES / name).read_text())


def test_the_documented_answer(api: APIClient, documented: Event) -> None:
    response = api.get(PATH)
    assert response.status_code == 200
    assert response.json() == shape("event-details.json")
    assert list(response.json()) == list(shape("event-details.json"))


def test_the_simple_form(documented: Event) -> None:
    event = queries.find_event(documented.project_id, EVENT_ID)
    answer = EventSummarySerializer(event).data
    assert answer == shape("event-summary.json")
    assert list(answer) == list(shape("event-summary.json"))


@pytest.mark.parametrize("write", [str, lambda i: i.hex, lambda i: i.hex.upper()])
def test_ids_may_have_capitals_and_dashes(
    api: APIClient, event: Event, write: Callable[[UUID], str]
) -> None:
    response = api.get(f"{EVENTS}{write(EVENT_ID)}/")
    assert (response.status_code, response.json()["id"]) == (200, EVENT_ID.hex)


@pytest.mark.parametrize(
    "event_id", ["1", "x" * 32, "0" * 31, "0" * 33, "0" * 32, "%00", "-", "٣" * 32]
)
def test_other_ids_are_not_found(api: APIClient, event: Event, event_id: str) -> None:
    response = api.get(f"{EVENTS}{quote(event_id, safe='%')}/")
    assert response.status_code == 404
    assert response.json() in (
        NOT_FOUND,
        {"detail": "The requested resource does not exist"},  # NUL bytes name nothing
    )


def test_events_of_other_projects_are_not_found(
    api: APIClient, organization: Organization, project: Project
) -> None:
    other = factories.ProjectFactory(organization=organization)
    event = factories.make_event(factories.IssueFactory(project=other))
    assert api.get(path_of(event)).status_code == 404


def test_an_event_whose_partition_was_dropped_is_not_found(api: APIClient, event: Event) -> None:
    Event.objects.filter(event_id=event.event_id).delete()
    response = api.get(PATH)
    assert (response.status_code, response.json()) == (404, NOT_FOUND)


def test_head(api: APIClient, event: Event) -> None:
    response = api.head(PATH)
    assert (response.status_code, response.content) == (200, b"")


# What there is little of --------------------------------------------------------------------------


def test_an_event_that_says_nothing(api: APIClient, event: Event) -> None:
    answer = api.get(PATH).json()
    assert answer == answer | {
        "entries": [],
        "dist": None,
        "message": "",
        "title": "<unlabeled event>",
        "location": None,
        "culprit": None,
        "user": None,
        "contexts": {},
        "sdk": None,
        "context": {},
        "packages": {},
        "type": "default",
        "metadata": {},
        "tags": [],
        "platform": "other",
        "errors": [],
        "fingerprints": [],
        "nextEventID": None,
        "previousEventID": None,
        "release": None,
    }


def test_a_user_that_could_not_be_read_is_made_of_nulls(api: APIClient, issue: Issue) -> None:
    event = factories.make_event(issue, {"user": {}})
    names = ["id", "email", "username", "ip_address", "name", "data"]
    assert api.get(path_of(event)).json()["user"] == dict.fromkeys(names)


@pytest.mark.parametrize(
    ("value", "query"),
    [
        ("id:1", 'user.id:"1"'),
        ("email:a@b", 'user.email:"a@b"'),
        ("username:a:b", 'user.username:"a:b"'),
        ("ip:::1", 'user.ip:"::1"'),
        ('id:"x"', 'user.id:"\\"x\\""'),
        ("nobody", None),
        ("phone:1", None),
    ],
)
def test_the_user_tag_tells_how_to_search(
    api: APIClient, issue: Issue, value: str, query: str | None
) -> None:
    event = factories.make_event(issue, tags=[("user", value)])
    (tag,) = api.get(path_of(event)).json()["tags"]
    assert (tag["value"], tag.get("query")) == (value, query)


def test_an_unknown_problem_is_shown_too(api: APIClient, issue: Issue) -> None:
    event = factories.make_event(issue, {"errors": [{"type": "odd", "x": 1}, "no object"]})
    assert api.get(path_of(event)).json()["errors"] == [
        {"type": "odd", "message": "Unknown error", "data": {"x": 1}}
    ]


def test_the_raw_message_stands_in_for_the_formatted_one(api: APIClient, issue: Issue) -> None:
    event = factories.make_event(issue, {"logentry": {"message": "raw %s"}})
    assert api.get(path_of(event)).json()["message"] == "raw %s"


def test_a_deleted_release_is_known_by_its_name(api: APIClient, issue: Issue) -> None:
    event = factories.make_event(issue, release=Release(pk=999_999), tags=[("release", "1.0")])
    assert api.get(path_of(event)).json()["release"] == {"version": "1.0"}


def test_a_release_that_no_project_ships_any_more(api: APIClient, issue: Issue) -> None:
    release = factories.ReleaseFactory(
        organization=issue.project.organization,
        version="com.example.app-1.0",
        owner=factories.UserFactory(name="Jane"),
    )
    event = factories.make_event(issue, release=release)
    answer = api.get(path_of(event)).json()["release"]
    assert answer["shortVersion"] == "1.0"
    assert (answer["projects"], answer["newGroups"]) == ([], 0)
    assert (answer["firstEvent"], answer["lastEvent"]) == (None, None)
    assert answer["owner"]["name"] == "Jane"


@pytest.mark.parametrize("payload", [b"", b"garbage", b"\x28\xb5\x2f\xfd", bytes(100)])
def test_a_damaged_payload_is_shown_as_far_as_its_row_goes(
    api: APIClient, issue: Issue, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    event = factories.make_event(issue, payload=payload, tags=[("level", "error")])
    answer = api.get(path_of(event)).json()
    assert answer["tags"] == [{"key": "level", "value": "error"}]
    assert answer["title"] == "<unlabeled event>"
    assert event.event_id.hex in caplog.text


def test_what_ingestion_stores_is_shown(api: APIClient, issue: Issue, now: datetime) -> None:
    prepared = prepare(
        {
            "platform": "python",
            "exception": {"type": "ValueError", "value": "x", "stacktrace": {"frames": [
                {"filename": "a.py", "function": "f", "lineno": 1, "context_line": "f()"}
            ]}},
            "request": {"url": "http://example.com/?a=b", "method": "get"},
            "tags": {"area": "north=1"},
        },
        rules=ScrubRules(),
        sender=Sender(),
        now=now.timestamp(),
    )  # fmt: skip
    event = factories.make_event(
        issue, payload=prepared.payload, size=prepared.size, tags=prepared.tags, timestamp=now
    )
    answer = api.get(path_of(event)).json()
    assert answer["title"] == "ValueError: x"
    assert answer["culprit"] == "a.py in f"
    assert [entry["type"] for entry in answer["entries"]] == ["exception", "request"]
    assert {"key": "area", "value": "north=1"} in answer["tags"]
    assert answer["fingerprints"] == [hash.hex for hash in prepared.hashes]


# Neighbours ---------------------------------------------------------------------------------------


def neighbours(api: APIClient, event: Event) -> tuple[str | None, str | None]:
    answer = api.get(path_of(event)).json()
    return answer["previousEventID"], answer["nextEventID"]


def test_neighbours_are_by_time_and_then_by_id(api: APIClient, issue: Issue, now: datetime) -> None:
    events = [
        factories.make_event(issue, event_id=UUID(int=number), timestamp=now + timedelta(seconds=s))
        for number, s in ((9, 0), (3, 1), (4, 1), (5, 1), (1, 2))
    ]
    ids = [None, *(event.event_id.hex for event in events), None]
    for number, event in enumerate(events):
        assert neighbours(api, event) == (ids[number], ids[number + 2])


def test_neighbours_are_of_the_same_issue(api: APIClient, issue: Issue, event: Event) -> None:
    factories.make_event(factories.IssueFactory(project=issue.project))
    assert neighbours(api, event) == (None, None)


def test_neighbours_are_found_in_other_weeks(api: APIClient, issue: Issue, now: datetime) -> None:
    Issue.objects.filter(pk=issue.pk).update(first_seen=now - timedelta(days=85))
    with connection.cursor() as cursor:
        for weeks in range(-13, 1, 4):
            partitions.ensure_partitions(cursor, now + weeks * partitions.WEEK)
    ages = [(timedelta(days=days), timedelta(days=days)) for days in (85, 50, 20)]
    # This one was sent 29 days after it happened.
    ages += [(timedelta(days=30), timedelta(days=1)), (timedelta(0), timedelta(0))]
    events = sorted(
        (
            factories.make_event(issue, timestamp=now - happened, received_at=now - received)
            for happened, received in ages
        ),
        key=lambda event: event.timestamp,
    )
    ids = [None, *(event.event_id.hex for event in events), None]
    for number, event in enumerate(events):
        assert neighbours(api, event) == (ids[number], ids[number + 2])


def test_neighbours_are_looked_for_in_the_weeks_that_can_have_them(
    event: Event, now: datetime
) -> None:
    """Constants on both sides of received_at: the planner sees the partition of one week."""
    with connection.cursor() as cursor:
        partitions.ensure_partitions(cursor, now - 4 * partitions.WEEK)
        partitions.ensure_partitions(cursor, now)
        found = queries.find_event(event.project_id, event.event_id)
        assert found is not None
        statements: list[str] = []
        with connection.execute_wrapper(
            lambda execute, sql, params, many, context: (
                statements.append(cursor.cursor.mogrify(sql, params).decode()),
                execute(sql, params, many, context),
            )[1]
        ):
            queries.load_neighbours(found, now)
        cursor.execute(f"EXPLAIN {statements[0]}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert plan.count("on issues_event_20260302 ") == 2
    assert plan.count(" on issues_event_2026") == 2


def test_an_event_of_a_purged_issue_has_neighbours_all_the_same(
    api: APIClient, issue: Issue, now: datetime
) -> None:
    first = factories.make_event(issue, timestamp=now)
    second = factories.make_event(issue, timestamp=now + timedelta(seconds=1))
    issue.delete()
    assert neighbours(api, second) == (first.event_id.hex, None)


# Who may ------------------------------------------------------------------------------------------


def test_without_credentials(event: Event) -> None:
    response = APIClient().get(PATH)
    assert response.status_code == 401
    assert response.json() == {"detail": "Authentication credentials were not provided."}


def test_with_an_unknown_token(event: Event) -> None:
    response = APIClient().get(PATH, HTTP_AUTHORIZATION="Bearer nonsense")
    assert (response.status_code, response.json()) == (401, {"detail": "Invalid token"})


@pytest.mark.parametrize("scope", sorted(PROJECT_SCOPES["GET"]))
def test_any_project_scope_will_do(
    api_as: Client, user: User, organization: Organization, event: Event, scope: str
) -> None:
    assert api_as(user, scopes=[scope]).get(PATH).status_code == 200
    assert api_as(organization=organization, scopes=[scope]).get(PATH).status_code == 200


def test_without_the_scope(
    api_as: Client, user: User, organization: Organization, event: Event
) -> None:
    scopes = ALL_SCOPES - PROJECT_SCOPES["GET"]
    for client in (
        api_as(user, scopes=scopes),
        api_as(organization=organization, scopes=scopes),
    ):
        for path in (PATH, f"{EVENTS}{uuid4().hex}/"):
            response = client.get(path)
            assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_members_and_keys_of_other_organizations(api_as: Client, event: Event) -> None:
    stranger = factories.OrganizationMemberFactory(role="owner")
    for client in (
        api_as(stranger.user),
        api_as(organization=stranger.organization),
    ):
        response = client.get(PATH)
        assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_a_closed_organization_is_for_the_teams_of_the_project(
    api_as: Client, organization: Organization, team: Team, event: Event
) -> None:
    member = factories.OrganizationMemberFactory(organization=organization, role="member")
    client = api_as(member.user)
    assert client.get(PATH).status_code == 200
    Organization.objects.update(open_membership=False)
    assert client.get(PATH).status_code == 403
    member.teams.add(team)
    assert client.get(PATH).status_code == 200


def test_other_methods(api: APIClient, event: Event) -> None:
    assert api.delete(PATH).status_code == 405


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 20])
def test_the_number_of_statements_does_not_depend_on_the_issue(
    api: APIClient,
    issue: Issue,
    now: datetime,
    rows: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    release = factories.ReleaseFactory(organization=issue.project.organization)
    for number in range(rows):
        event = factories.make_event(
            issue,
            {"breadcrumbs": {"values": [{"message": "x"}] * rows}},
            release=release,
            timestamp=now + timedelta(seconds=number),
        )
    with django_assert_num_queries(7):
        assert api.get(path_of(event)).status_code == 200


def test_a_serializer_asks_nothing(
    documented: Event, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event = queries.find_event(documented.project_id, EVENT_ID)
    assert event is not None
    queries.load_neighbours(event, now)
    queries.load_release(event)
    feedback.load_report(event)
    with django_assert_num_queries(0):
        assert EventDetailSerializer(event).data["id"] == EVENT_ID.hex


# Whatever is asked --------------------------------------------------------------------------------

on_one_database = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))

trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=5,
)
ATTRIBUTES = [
    "dist", "title", "location", "culprit", "user", "contexts", "sdk", "extra", "modules", "type",
    "metadata", "platform", "errors", "hashes", "logentry", "exception", "request",
]  # fmt: skip


@on_one_database
@given(st.dictionaries(st.sampled_from(ATTRIBUTES), trees))
def test_any_payload_is_shown(api: DescribedClient, issue: Issue, data: dict[str, Any]) -> None:
    event = factories.make_event(issue, data)
    api.is_strict = False  # ingestion would not have stored it
    assert api.get(path_of(event)).status_code == 200


@on_one_database
@given(st.text(min_size=1, max_size=40), st.text(st.characters(max_codepoint=255), max_size=20))
@example("0" * 32, "%ED%A0%80")
def test_any_path_and_query_is_answered(
    api: APIClient, event: Event, event_id: str, query: str
) -> None:
    name = quote(event_id, safe="", errors="surrogatepass")
    assert api.get(f"{EVENTS}{name}/", QUERY_STRING=query).status_code in (200, 404)
