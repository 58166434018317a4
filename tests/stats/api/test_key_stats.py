"""GET /projects/{organization}/{project}/keys/{public_key}/stats/"""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from sentrylite.organizations.models import Project, ProjectKey
from stats.models import Kind
from tests import factories
from tests.stats.conftest import Store

NOW = 1795315583.25
THIS_HOUR = 1795312800


@pytest.fixture(autouse=True)
def clock(set_clock: Callable[[float], None]) -> None:
    set_clock(NOW)


@pytest.fixture
def path(key: ProjectKey) -> str:
    return f"/api/0/projects/acme/pump-station/keys/{key.public_key}/stats/"


def test_what_it_sent_and_what_became_of_it(
    api: APIClient, project: Project, key: ProjectKey, path: str, store: Store
) -> None:
    other = factories.ProjectKeyFactory(project=project)
    store(project.pk, Kind.KEY_RECEIVED, key.pk, {NOW: 9, NOW - 3600: 1})
    store(project.pk, Kind.KEY_REJECTED, key.pk, {NOW: 2})
    store(project.pk, Kind.KEY_BLACKLISTED, key.pk, {NOW: 3})
    store(project.pk, Kind.KEY_RECEIVED, other.pk, {NOW: 50})
    answer = api.get(path)
    assert answer.status_code == 200
    points = answer.json()
    assert len(points) == 24
    zero = {"accepted": 0, "dropped": 0, "filtered": 0, "total": 0}
    assert points[0] == {**zero, "ts": THIS_HOUR - 23 * 3600}
    assert points[-2:] == [
        {**zero, "accepted": 1, "total": 1, "ts": THIS_HOUR - 3600},
        {"accepted": 4, "dropped": 2, "filtered": 3, "total": 9, "ts": THIS_HOUR},
    ]
    assert answer["Allow"] == "GET, HEAD, OPTIONS"


def test_for_a_time_that_was_asked_for(
    api: APIClient, project: Project, key: ProjectKey, path: str, store: Store
) -> None:
    store(project.pk, Kind.KEY_RECEIVED, key.pk, {NOW: 9})
    query = {"since": THIS_HOUR - 86400, "until": THIS_HOUR, "resolution": "1d"}
    assert [point["total"] for point in api.get(path, query).json()] == [0, 9]


@pytest.mark.parametrize("query", ["since=x", "until=nan", "resolution=7m", "since=%00"])
def test_bad_parameters(api: APIClient, path: str, query: str) -> None:
    answer = api.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


def test_a_key_of_another_project(api: APIClient, project: Project) -> None:
    key = factories.ProjectKeyFactory()
    path = f"/api/0/projects/acme/pump-station/keys/{key.public_key}/stats/"
    assert api.get(path).status_code == 404


def test_how_many_statements(
    api: APIClient,
    project: Project,
    key: ProjectKey,
    path: str,
    store: Store,
    django_assert_num_queries: Callable,
) -> None:
    for hours in range(20):
        store(project.pk, Kind.KEY_RECEIVED, key.pk, {NOW - hours * 3600: 1})
    with django_assert_num_queries(5):
        assert api.get(path).status_code == 200
