"""`/projects/{org}/{project}/releases/{version}/stats/` (releases contract, section 10)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from sentrylite.organizations.models import ProjectKey
from sentrylite.releases.sessions import Status
from stats.periods import DAY, HOUR
from tests import factories
from tests.events import NOON
from tests.sessions import a_session, an_aggregate, ingest

pytestmark = pytest.mark.django_db

PATH = "/api/0/projects/acme/pump-station/releases/shop@1.0/stats/"
NOTHING = {
    "duration_p50": None,
    "duration_p90": None,
    "sessions": 0,
    "sessions_abnormal": 0,
    "sessions_crashed": 0,
    "sessions_errored": 0,
}


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.fromtimestamp(NOON + 60, UTC)
    monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture
def sessions(key: ProjectKey) -> Iterator[None]:
    ingest(
        key,
        a_session(user="a", is_over=True, duration=0.25),
        a_session(Status.CRASHED, user="b"),
        an_aggregate(5, 1, 1, 1, started_at=NOON - 2 * HOUR),
        a_session(user="b", started_at=NOON - 10 * DAY),
        a_session(user="c", started_at=NOON - 20 * DAY, environment="staging"),
        a_session(release="shop@2.0", user="d"),
    )
    yield


def points(api: APIClient, query: str) -> list[Any]:
    return api.get(f"{PATH}?{query}").json()["stats"]


@pytest.mark.usefixtures("sessions")
def test_the_whole_answer(api: APIClient) -> None:
    response = api.get(f"{PATH}?interval=1h&statsPeriod=3h")
    assert response.status_code == 200
    assert response.json() == {
        "stats": [
            [
                NOON - 2 * HOUR,
                {
                    **NOTHING,
                    "sessions": 8,
                    "sessions_abnormal": 1,
                    "sessions_errored": 2,
                },
            ],
            [NOON - HOUR, NOTHING],
            [
                NOON,
                {
                    "duration_p50": 0.125,
                    "duration_p90": 0.225,
                    "sessions": 2,
                    "sessions_abnormal": 0,
                    "sessions_crashed": 1,
                    "sessions_errored": 0,
                },
            ],
        ],
        "usersBreakdown": {
            "1d": {
                "crashFreeSessions": 90.0,
                "crashFreeUsers": 50.0,
                "totalSessions": 10,
                "totalUsers": 2,
            },
            "1w": {
                "crashFreeSessions": 90.0,
                "crashFreeUsers": 50.0,
                "totalSessions": 10,
                "totalUsers": 2,
            },
            "2w": {
                "crashFreeSessions": 90.91,
                "crashFreeUsers": 50.0,
                "totalSessions": 11,
                "totalUsers": 2,
            },
            "4w": {
                "crashFreeSessions": 91.67,
                "crashFreeUsers": 66.67,
                "totalSessions": 12,
                "totalUsers": 3,
            },
        },
    }
    assert b"[1772618400.0,{" in response.content


@pytest.mark.usefixtures("sessions")
def test_users(api: APIClient) -> None:
    first, last = points(api, "type=users&statsPeriod=2d&interval=1d")
    assert first[0] == NOON - NOON % DAY - DAY
    assert last[1] == {
        "duration_p50": 0.125,
        "duration_p90": 0.225,
        "users": 2,
        "users_abnormal": 0,
        "users_crashed": 1,
        "users_errored": 0,
    }


@pytest.mark.usefixtures("sessions")
def test_without_parameters_it_is_ninety_days(api: APIClient) -> None:
    found = points(api, "")
    assert len(found) == 90
    assert sum(point["sessions"] for _, point in found) == 12
    assert found[-1][0] == NOON - NOON % DAY


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("interval=1h&statsPeriod=24h", 24),
        ("interval=1d&statsPeriod=14d", 14),
        ("interval=1w&statsPeriod=30d", 4),
        ("interval=24h&statsPeriod=1h", 0),
        ("interval=6h&start=2026-03-01T00:00:00&end=2026-03-02T11:00:00", 5),
        ("start=2026-03-01T00:00:00&end=2026-03-01T00:00:00", 0),
    ],
)
@pytest.mark.usefixtures("sessions")
def test_as_many_points_as_whole_intervals(api: APIClient, query: str, number: int) -> None:
    assert len(points(api, query)) == number


@pytest.mark.usefixtures("sessions")
def test_environments(api: APIClient) -> None:
    def total(query: str) -> int:
        return sum(point["sessions"] for _, point in points(api, query))

    assert total("environment=staging") == 1
    assert total("environment=staging&environment=production") == 12
    assert api.get(f"{PATH}?environment=nope").status_code == 404
    assert api.get(f"{PATH}?environment=a%00b").status_code == 404


@pytest.mark.usefixtures("sessions")
def test_without_sessions_there_are_no_rates(api: APIClient, key: ProjectKey) -> None:
    release = factories.ReleaseFactory(organization=key.project.organization, version="shop@3.0")
    release.projects.add(key.project)
    answer = api.get(PATH.replace("1.0", "3.0") + "?statsPeriod=24h").json()
    assert answer["stats"] == [[NOON - NOON % DAY, NOTHING]]
    assert answer["usersBreakdown"]["4w"] == {
        "crashFreeSessions": None,
        "crashFreeUsers": None,
        "totalSessions": 0,
        "totalUsers": 0,
    }


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("type=errors", "invalid stat"),
        ("interval=30m", "Invalid interval. It takes whole hours, days or weeks, such as 24h."),
        ("interval=0h", "Invalid interval. It takes whole hours, days or weeks, such as 24h."),
        ("interval=x", "Invalid interval. It takes whole hours, days or weeks, such as 24h."),
        ("interval=9999w", "Invalid interval. It takes whole hours, days or weeks, such as 24h."),
        ("statsPeriod=x", "Invalid statsPeriod. It takes a number and a unit, such as 14d."),
        (
            "interval=1h&start=1971-01-01T00:00:00&end=2026-01-01T00:00:00",
            "Your interval and date range would create too many results. "
            "Use a larger interval, or a smaller date range.",
        ),
        ("type=a%00b", "Invalid type: it holds a NUL character."),
    ],
)
@pytest.mark.usefixtures("sessions")
def test_what_it_refuses(api: APIClient, query: str, detail: str) -> None:
    response = api.get(f"{PATH}?{query}")
    assert (response.status_code, response.json()) == (400, {"detail": detail})


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize(
    "query",
    [
        "start=0001-01-01T00:00:00&end=0001-01-03T00:00:00",
        "end=9999-12-31T23:59:59&start=9999-12-30",
    ],
)
def test_absurd_dates_have_no_sessions(api: APIClient, query: str) -> None:
    assert [point["sessions"] for _, point in points(api, query)] in ([0], [0, 0])


@pytest.mark.usefixtures("sessions")
def test_releases_that_are_not_there(api: APIClient, key: ProjectKey) -> None:
    factories.ReleaseFactory(organization=key.project.organization, version="elsewhere")
    assert api.get(PATH.replace("shop@1.0", "nope")).status_code == 404
    assert api.get(PATH.replace("shop@1.0", "elsewhere")).status_code == 404


@pytest.mark.parametrize("size", [2, 20])
def test_statements(
    api: APIClient,
    key: ProjectKey,
    size: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ingest(key, *(a_session(user=str(n), started_at=NOON - n * HOUR) for n in range(size)))
    with django_assert_num_queries(8):
        assert api.get(f"{PATH}?interval=1h&statsPeriod=24h").status_code == 200
