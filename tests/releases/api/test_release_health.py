"""`health=1` and `flatten=1` of lists and details of releases (releases contract, section 2)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from sentrylite.organizations.models import Organization, Project, ProjectKey
from sentrylite.releases.models import Release
from sentrylite.releases.sessions import Status
from stats.periods import DAY, HOUR
from tests import factories
from tests.events import NOON
from tests.sessions import a_session, an_aggregate, ingest

pytestmark = pytest.mark.django_db

OF_ORGANIZATION = "/api/0/organizations/acme/releases/"
OF_PROJECT = "/api/0/projects/acme/pump-station/releases/"


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime.fromtimestamp(NOON + 60, UTC)
    monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture
def boiler(project: Project) -> Project:
    return factories.ProjectFactory(
        organization=project.organization,
        slug="boiler",
        name="Boiler",
        teams=list(project.teams.all()),
    )


@pytest.fixture
def sessions(key: ProjectKey, boiler: Project) -> None:
    ingest(
        key,
        a_session(user="a", is_over=True, duration=0.25),
        a_session(Status.CRASHED, user="b"),
        a_session(Status.UNHANDLED, user="b", started_at=NOON - 3 * DAY),
        a_session(user="c", release="shop@2.0", environment="staging"),
        a_session(user="d", release="shop@2.0"),
    )
    ingest(
        factories.ProjectKeyFactory(project=boiler),
        an_aggregate(99, 0, 0, 0, 1, release="shop@1.0"),
    )
    factories.ReleaseFactory(organization=boiler.organization, version="silent").projects.add(
        boiler
    )


@pytest.mark.usefixtures("sessions")
@pytest.mark.parametrize("path", [f"{OF_PROJECT}shop@1.0/", OF_PROJECT])
def test_how_a_release_does(api: APIClient, path: str) -> None:
    answer = api.get(f"{path}?health=1&query=1.0&healthStatsPeriod=48h").json()
    release = answer[0] if isinstance(answer, list) else answer
    boiler, pump_station = release["projects"]
    data = pump_station["healthData"]
    assert pump_station["hasHealthData"]
    series = data["stats"].pop("48h")
    assert len(series) == 48
    assert series[-1] == [NOON, 2]
    assert data == {
        "adoption": 50.0,
        "crashFreeSessions": 66.67,
        "crashFreeUsers": 50.0,
        "durationP50": 0.125,
        "durationP90": 0.225,
        "hasHealthData": True,
        "sessionsAdoption": 50.0,
        "sessionsCrashed": 1,
        "sessionsErrored": 1,
        "stats": {},
        "totalProjectSessions24h": 4,
        "totalProjectUsers24h": 4,
        "totalSessions": 3,
        "totalSessions24h": 2,
        "totalUsers": 2,
        "totalUsers24h": 2,
    }
    # The other project is not what the path is about.
    assert (boiler["hasHealthData"], boiler["healthData"]) == (False, None)


@pytest.mark.usefixtures("sessions")
def test_of_an_organization_it_is_all_projects(api: APIClient) -> None:
    [release] = api.get(f"{OF_ORGANIZATION}?query=shop@1&health=1&summaryStatsPeriod=24h").json()
    boiler, pump_station = release["projects"]
    assert (boiler["hasHealthData"], boiler["healthData"]["totalSessions"]) == (True, 100)
    assert boiler["healthData"]["crashFreeSessions"] == 99.0
    assert boiler["healthData"]["crashFreeUsers"] is None
    assert pump_station["healthData"]["totalSessions"] == 2


@pytest.mark.usefixtures("sessions")
def test_without_health_it_only_says_whether_there_is_any(api: APIClient) -> None:
    found = {
        release["version"]: [
            (project["slug"], project["hasHealthData"]) for project in release["projects"]
        ]
        for release in api.get(OF_ORGANIZATION).json()
    }
    assert found == {
        "shop@1.0": [("boiler", True), ("pump-station", True)],
        "shop@2.0": [("pump-station", True)],
        "silent": [("boiler", False)],
    }
    assert "healthData" not in api.get(OF_ORGANIZATION).json()[0]["projects"][0]


@pytest.mark.usefixtures("sessions")
def test_users_and_environments(api: APIClient) -> None:
    def sessions(query: str) -> Any:
        release = api.get(f"{OF_PROJECT}shop@2.0/?health=1&{query}").json()
        return release["projects"][0]["healthData"]

    assert sessions("")["totalSessions"] == 2
    assert sessions("environment=staging")["totalSessions"] == 1
    series = sessions("healthStat=users&healthStatsPeriod=24h&environment=staging")["stats"]
    assert series["24h"][-1] == [NOON, 1]


@pytest.mark.usefixtures("sessions")
def test_a_release_for_each_of_its_projects(api: APIClient) -> None:
    def places(query: str) -> list[tuple[str, str]]:
        response = api.get(f"{OF_ORGANIZATION}?flatten=1&{query}")
        assert response.status_code == 200
        return [
            (release["version"], project["slug"])
            for release in response.json()
            for project in release["projects"]
        ]

    one, two, other = (
        ("shop@1.0", "boiler"),
        ("shop@1.0", "pump-station"),
        ("shop@2.0", "pump-station"),
    )
    assert sorted(places("")) == [one, two, other, ("silent", "boiler")]
    assert places("sort=sessions") == [one, two, other]
    assert places("sort=users&summaryStatsPeriod=1h") in ([two, other], [other, two])
    assert places("sort=crash_free_sessions") == [other, one, two]
    assert places("sort=crash_free_users") == [other, two]
    assert places("sort=sessions&query=shop@2") == [other]
    assert places("sort=sessions&environment=staging") == [other]
    assert places("sort=sessions&per_page=1&cursor=1:1:0") == [two]


@pytest.mark.usefixtures("sessions")
def test_what_was_counted_goes_with_the_release(api: APIClient) -> None:
    assert api.delete(f"{OF_ORGANIZATION}shop@1.0/").status_code == 204
    query = "field=sum(session)&groupBy=release&statsPeriod=14d"
    groups = api.get(f"/api/0/organizations/acme/sessions/?{query}").json()["groups"]
    assert [group["by"]["release"] for group in groups] == ["shop@2.0"]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        (
            "health=1&summaryStatsPeriod=3d",
            "Invalid summaryStatsPeriod. Valid choices are '1h', '24h', '1d', '48h', '2d', '7d', "
            "'14d', '30d', '90d'",
        ),
        (
            "health=1&healthStatsPeriod=x",
            "Invalid healthStatsPeriod. Valid choices are '1h', '24h', '1d', '48h', '2d', '7d', "
            "'14d', '30d', '90d'",
        ),
        ("health=1&healthStat=x", "Invalid healthStat. Valid choices are sessions, users."),
        ("sort=users", "sorting by crash statistics requires flattening (flatten=1)"),
        ("sort=nope&flatten=1", "invalid sort"),
    ],
)
@pytest.mark.usefixtures("sessions")
def test_what_it_refuses(api: APIClient, query: str, detail: str) -> None:
    response = api.get(f"{OF_ORGANIZATION}?{query}")
    assert (response.status_code, response.json()) == (400, {"detail": detail})


@pytest.mark.parametrize(
    "query", ["health=1&healthStatsPeriod=24h", "health=1&flatten=1&sort=users"]
)
def test_statements(
    api: APIClient,
    organization: Organization,
    key: ProjectKey,
    query: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    counts = []
    for size in (2, 20):
        ingest(
            key,
            *(
                a_session(release=f"1.{n}", user=str(n), started_at=NOON - n * HOUR)
                for n in range(size)
            ),
        )
        with django_assert_max_num_queries(13) as asked:
            assert len(api.get(f"{OF_ORGANIZATION}?{query}").json()) == size
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert Release.objects.count() == 20
