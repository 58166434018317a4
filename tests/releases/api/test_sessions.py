"""`/organizations/{org}/sessions/` (clients contract, section 8)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, Project, ProjectKey
from sentrylite.releases.sessions import Status
from stats.periods import DAY, HOUR
from tests import factories
from tests.events import NOON
from tests.sessions import a_session, an_aggregate, ingest

pytestmark = pytest.mark.django_db

PATH = "/api/0/organizations/acme/sessions/"
SESSIONS, USERS = "sum(session)", "count_unique(user)"


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.fromtimestamp(NOON + 60, UTC)
    monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture
def boiler(project: Project) -> Project:
    return factories.ProjectFactory(
        organization=project.organization, slug="boiler", teams=list(project.teams.all())
    )


@pytest.fixture
def sessions(key: ProjectKey, boiler: Project) -> None:
    ingest(
        key,
        a_session(user="a", is_over=True, duration=0.25),
        a_session(Status.CRASHED, user="b"),
        a_session(user="b", release="shop@2.0", started_at=NOON - HOUR),
        an_aggregate(5, 1, 0, 1, environment="staging", started_at=NOON - 2 * HOUR),
    )
    ingest(
        factories.ProjectKeyFactory(project=boiler),
        a_session(user="c", release="boiler@1.0", environment=""),
    )


def ask(api: APIClient, **query: Any) -> Any:
    query = {"field": SESSIONS, "interval": "1h", "statsPeriod": "3h", **query}
    return api.get(f"{PATH}?{urlencode(query, doseq=True)}")


def totals(api: APIClient, **query: Any) -> dict[tuple[Any, ...], Any]:
    """The totals of the first field, by what the groups have in common."""
    response = ask(api, **query)
    assert response.status_code == 200, response.content
    return {
        tuple(group["by"].values()): next(iter(group["totals"].values()))
        for group in response.json()["groups"]
    }


@pytest.mark.usefixtures("sessions")
def test_the_whole_answer(api: APIClient, project: Project) -> None:
    response = ask(
        api,
        field=[SESSIONS, USERS, "crash_free_rate(session)", "p50(session.duration)"],
        groupBy=["project", "release"],
        query="release:shop@1.0 OR release:shop@2.0",
        start="2026-03-04T11:00:00",
        end="2026-03-04T12:30:00",
        statsPeriod="",
    )
    assert response.status_code == 200
    assert response.json() == {
        "start": "2026-03-04T11:00:00Z",
        "end": "2026-03-04T13:00:00Z",
        "intervals": ["2026-03-04T11:00:00Z", "2026-03-04T12:00:00Z"],
        "groups": [
            {
                "by": {"project": project.pk, "release": "shop@1.0"},
                "totals": {
                    SESSIONS: 2,
                    USERS: 2,
                    "crash_free_rate(session)": 0.5,
                    "p50(session.duration)": 0.125,
                },
                "series": {
                    SESSIONS: [0, 2],
                    USERS: [0, 2],
                    "crash_free_rate(session)": [None, 0.5],
                    "p50(session.duration)": [None, 0.125],
                },
            },
            {
                "by": {"project": project.pk, "release": "shop@2.0"},
                "totals": {
                    SESSIONS: 1,
                    USERS: 1,
                    "crash_free_rate(session)": 1.0,
                    "p50(session.duration)": None,
                },
                "series": {
                    SESSIONS: [1, 0],
                    USERS: [1, 0],
                    "crash_free_rate(session)": [1.0, None],
                    "p50(session.duration)": [None, None],
                },
            },
        ],
        "query": "release:shop@1.0 OR release:shop@2.0",
    }
    assert 'rel="next"; results="false"' in response["Link"]


@pytest.mark.usefixtures("sessions")
def test_groups(api: APIClient, project: Project, boiler: Project) -> None:
    assert totals(api) == {(): 11}
    assert totals(api, groupBy="project") == {(project.pk,): 10, (boiler.pk,): 1}
    assert totals(api, groupBy="environment") == {("staging",): 7, ("production",): 3, ("",): 1}
    assert totals(api, groupBy=["release", "environment"]) == {
        ("shop@1.0", "staging"): 7,
        ("shop@1.0", "production"): 2,
        ("shop@2.0", "production"): 1,
        ("boiler@1.0", ""): 1,
    }
    assert totals(api, groupBy="session.status") == {
        ("healthy",): 8,
        ("errored",): 1,
        ("abnormal",): 1,
        ("crashed",): 1,
    }
    assert totals(api, groupBy="session.status", field=USERS) == {
        ("healthy",): 2,
        ("errored",): 0,
        ("abnormal",): 0,
        ("crashed",): 1,
    }
    assert len(totals(api, groupBy=["session.status", "project"])) == 8


def test_unhandled_sessions_have_a_group_where_there_are_some(
    api: APIClient, key: ProjectKey
) -> None:
    ingest(key, an_aggregate(3, 1, 2, started_at=NOON - 1))
    assert totals(api, groupBy="session.status") == {
        ("healthy",): 3,
        ("errored",): 1,
        ("unhandled",): 2,
        ("abnormal",): 0,
        ("crashed",): 0,
    }


@pytest.mark.usefixtures("sessions")
def test_fields(api: APIClient) -> None:
    fields = {
        SESSIONS: 11,
        USERS: 3,
        "crash_free_rate(session)": pytest.approx(10 / 11),
        "crash_free_rate(user)": pytest.approx(2 / 3),
        "crash_rate(session)": pytest.approx(1 / 11),
        "crash_rate(user)": pytest.approx(1 / 3),
        "errored_rate(session)": pytest.approx(1 / 11),
        "abnormal_rate(session)": pytest.approx(1 / 11),
        "unhandled_rate(session)": 0,
        "avg(session.duration)": 0.25,
        "max(session.duration)": 0.25,
        "p50(session.duration)": 0.125,
        "p99(session.duration)": 0.247,
    }
    [group] = ask(api, field=list(fields)).json()["groups"]
    assert group["totals"] == fields
    assert all(len(series) == 4 for series in group["series"].values())


def test_of_nothing_there_is_one_group_of_all_and_none_of_some(
    api: APIClient, project: Project
) -> None:
    field = [SESSIONS, "crash_free_rate(user)"]
    assert ask(api, field=field, statsPeriod="1h").json()["groups"] == [
        {
            "by": {},
            "totals": {SESSIONS: 0, "crash_free_rate(user)": None},
            "series": {SESSIONS: [0, 0], "crash_free_rate(user)": [None, None]},
        }
    ]
    assert totals(api, groupBy="release") == {}
    assert len(totals(api, groupBy="session.status")) == 4


@pytest.mark.usefixtures("sessions")
def test_totals_or_series_may_be_left_out(api: APIClient) -> None:
    [group] = ask(api, includeSeries="0").json()["groups"]
    assert group == {"by": {}, "totals": {SESSIONS: 11}}
    [group] = ask(api, includeTotals="0").json()["groups"]
    assert group == {"by": {}, "series": {SESSIONS: [0, 7, 1, 3]}}


@pytest.mark.usefixtures("sessions")
def test_the_order_of_groups_and_their_pages(api: APIClient) -> None:
    def releases(**query: Any) -> list[str]:
        response = ask(api, groupBy="release", field=[SESSIONS, USERS], **query)
        return [group["by"]["release"] for group in response.json()["groups"]]

    assert releases() == ["shop@1.0", "shop@2.0", "boiler@1.0"]
    assert releases(orderBy=SESSIONS)[-1] == "shop@1.0"
    assert releases(orderBy=f"-{USERS}")[0] == "shop@1.0"
    assert releases(per_page=2) + releases(per_page=2, cursor="2:1:0") == releases()
    link = ask(api, groupBy="release", per_page=2)["Link"]
    assert 'results="true"; cursor="2:1:0"' in link


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("release:shop@1.0", 9),
        ('release:"shop@1.0"', 9),
        ("release:[shop@1.0,shop@2.0]", 10),
        ('release:[ "shop@1.0" , boiler@1.0 ]', 10),
        ("!release:shop@1.0", 2),
        ("!release:[shop@1.0,shop@2.0]", 1),
        ("release:shop*", 10),
        ("release:*@1.0", 10),
        ("!release:shop*", 1),
        ("release:shop* !release:*2.0", 9),
        ("release:shop@1.0 environment:staging", 7),
        ("release:shop@1.0 AND environment:staging", 7),
        ("(release:shop@1.0 OR release:shop@2.0) environment:production", 3),
        ("((release:shop@1.0))", 9),
        ('environment:""', 1),
        ("!environment:production", 8),
        ("environment:nope", 0),
        ("release:nope", 0),
        ("release:sho?@1.0", 0),
        ("project:boiler", 1),
        ("!project:boiler", 10),
        ("project:[boiler,pump-station]", 11),
        ("project.id:0", 0),
        ("", 11),
        (" ", 11),
    ],
)
def test_queries(api: APIClient, query: str, expected: int) -> None:
    assert totals(api, query=query) == {(): expected}


@pytest.mark.usefixtures("sessions")
def test_projects_and_environments(api: APIClient, project: Project, boiler: Project) -> None:
    assert totals(api, project=boiler.pk) == {(): 1}
    assert totals(api, project=[boiler.pk, project.pk]) == totals(api, project=-1) == {(): 11}
    assert totals(api, environment="production") == {(): 3}
    assert totals(api, environment=["production", "staging"], query="environment:staging") == {
        (): 7
    }
    assert ask(api, environment="nope").status_code == 404
    assert ask(api, environment="a\0").status_code == 404
    assert ask(api, project=12345).status_code == 403


@pytest.mark.usefixtures("sessions")
def test_times(api: APIClient, key: ProjectKey) -> None:
    ingest(key, a_session(started_at=NOON - 20 * DAY), a_session(started_at=NOON - 89 * DAY))
    assert totals(api, statsPeriod="", interval="") == {(): 13}
    [group] = ask(api, statsPeriod="30d", interval="1d").json()["groups"]
    assert sum(group["series"][SESSIONS]) == group["totals"][SESSIONS] == 12
    assert group["series"][SESSIONS][10] == 1
    assert totals(api, statsPeriod="", start="2100-01-01", end="2100-01-02") == {(): 0}


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"field": ""}, "field is required."),
        ({"field": "sum(users)"}, "Invalid field."),
        ({"field": "sum(session)\0"}, "Invalid field."),
        ({"groupBy": "country"}, "Invalid groupBy."),
        ({"orderBy": "release"}, "Invalid orderBy."),
        ({"orderBy": "a\0b"}, "Invalid orderBy: it holds a NUL character."),
        ({"interval": "30m"}, "Invalid interval."),
        ({"interval": "5h"}, "Invalid interval."),
        ({"statsPeriod": "x"}, "Invalid statsPeriod."),
        ({"statsPeriod": "600d"}, "Your interval and date range would create too many results."),
        ({"start": "2026-01-01", "statsPeriod": ""}, "start and end are both required."),
        ({"project": "x"}, "Invalid project parameter."),
        ({"per_page": "0"}, "Invalid per_page parameter."),
        ({"cursor": "x"}, "Invalid cursor parameter."),
        ({"cursor": "-1:0:0"}, "Invalid cursor parameter."),
        (
            {"field": "crash_rate(user)", "groupBy": "session.status"},
            "Cannot group crash_rate(user) by session.status.",
        ),
        ({"query": "a\0b"}, "Invalid query: it holds a NUL character."),
        ({"query": "release:" + "x" * 10_000}, "Invalid query: it is longer"),
        *(
            ({"query": query}, "Invalid query. It takes release")
            for query in (
                "crash",
                "user.id:1",
                "release:",
                "release:[",
                'release:"a',
                'release:["a"b]',
                "release:a OR",
                "OR release:a",
                "release:a AND OR release:b",
                "release:a OR environment:b",
                "release:a OR !release:b",
                "release:a OR release:b environment:c",
                "release:a OR (release:b environment:c)",
                "(release:a",
                "release:a)",
                "()",
                "(" * 5_000,
                "(" * 20 + "release:a" + ")" * 20,
            )
        ),
    ],
)
def test_what_it_refuses(
    api: APIClient, organization: Organization, query: dict[str, str], detail: str
) -> None:
    response = ask(api, **query)
    assert response.status_code == 400
    assert response.json()["detail"].startswith(detail)


@pytest.mark.usefixtures("sessions")
def test_projects_that_the_caller_does_not_reach_are_not_counted(
    api_as: Callable[..., APIClient], organization: Organization, boiler: Project
) -> None:
    organization.open_membership = False
    organization.save()
    user: User = factories.UserFactory()
    team = factories.TeamFactory(organization=organization)
    factories.OrganizationMemberFactory(
        organization=organization, user=user, role="member", teams=[team]
    )
    api = api_as(user)
    assert totals(api, groupBy="release") == {}
    boiler.teams.add(team)
    assert totals(api, groupBy="release") == {("boiler@1.0",): 1}


@pytest.mark.parametrize("size", [2, 20])
def test_statements(
    api: APIClient, key: ProjectKey, size: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """The caller, the organization and its projects; what is asked for, its names, and the totals
    and series of three things."""
    ingest(key, *(a_session(release=f"1.{n}", user=str(n)) for n in range(size)))
    with django_assert_num_queries(3 + 1 + 2 + 2 * 3 + 2):
        response = ask(
            api,
            field=[SESSIONS, USERS, "p50(session.duration)"],
            groupBy=["project", "release", "environment"],
            query="release:1.* environment:production",
            environment="production",
        )
    assert len(response.json()["groups"]) == size
