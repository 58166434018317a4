"""GET /issues/{issue_id}/stats/"""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues.models import Issue
from sentrylite.organizations.models import Organization, Project
from stats.models import IssueDay
from stats.periods import DAY, HOUR
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("issues.api.views.series.timezone", SimpleNamespace(now=lambda: now))


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project)


@pytest.fixture
def day(now: datetime) -> int:
    """Today, which is five hours old."""
    return int(now.timestamp() // DAY)


def count(issue: Issue, day: int, environment_id: int = 0, **hours: int) -> None:
    """`h4=2` is two events in the hour that begins at 04:00."""
    counts = [hours.get(f"h{hour}", 0) for hour in range(24)]
    IssueDay.objects.create(
        project_id=issue.project_id,
        issue_id=issue.pk,
        environment_id=environment_id,
        day=day,
        total=sum(counts),
        hours=counts,
    )


def get(api: APIClient, issue: Issue, prefix: str = "", **query: Any) -> Any:
    return api.get(f"/api/0/{prefix}issues/{issue.pk}/stats/", query)


def some(points: list[list[float]]) -> list[list[float]]:
    return [point for point in points if point[1]]


@pytest.mark.parametrize("prefix", ["", "organizations/acme/"])
def test_a_day_by_the_hour(api: APIClient, issue: Issue, day: int, prefix: str) -> None:
    count(issue, day, h4=2, h5=3)
    count(issue, day - 1, h5=9, h23=7)
    answer = get(api, issue, prefix).json()
    hours = [float(day * DAY + hour * HOUR) for hour in range(-18, 6)]
    expected = {-1: 7, 4: 2, 5: 3}
    assert answer == [
        [start, expected.get(hour, 0)] for hour, start in zip(range(-18, 6), hours, strict=True)
    ]
    assert all(isinstance(start, float) for start, _ in answer)


def test_another_time_and_resolution(api: APIClient, issue: Issue, day: int, now: datetime) -> None:
    count(issue, day, h4=2)
    count(issue, day - 3, h5=9)
    today, before = float(day * DAY), float((day - 3) * DAY)
    since = now.timestamp() - 3 * DAY
    by_day = get(api, issue, since=since, resolution="1d").json()
    assert (len(by_day), some(by_day)) == (4, [[before, 9], [today, 2]])
    by_hour = get(api, issue, since=since).json()
    assert (len(by_hour), some(by_hour)) == (73, [[before + 5 * HOUR, 9], [today + 4 * HOUR, 2]])
    # What would be by ten seconds elsewhere.
    last_hour = get(api, issue, since=now.timestamp() - HOUR).json()
    assert last_hour == [[today + 4 * HOUR, 2], [today + 5 * HOUR, 0]]
    until = get(api, issue, until=today - 1, resolution="1d", since=before).json()
    assert some(until) == [[before, 9]]


def test_environments(api: APIClient, issue: Issue, organization: Organization, day: int) -> None:
    for number, name in enumerate(("prod", "stage", "dev"), 1):
        environment = factories.EnvironmentFactory(organization=organization, name=name)
        count(issue, day, environment.pk, h4=number)
    assert sum(point[1] for point in get(api, issue).json()) == 6
    chosen = get(api, issue, environment=["prod", "dev"]).json()
    assert sum(point[1] for point in chosen) == 4
    assert get(api, issue, environment="nope").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"resolution": "10s"},
        {"resolution": "1w"},
        {"since": "x"},
        {"until": "nan"},
        {"since": "5", "until": "4"},
        {"since": "0", "resolution": "1h"},
        {"environment": "\0"},
    ],
)
def test_what_cannot_be_used_is_refused(api: APIClient, issue: Issue, query: Any) -> None:
    answer = get(api, issue, **query)
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


def test_it_takes_three_statements(
    api: APIClient, issue: Issue, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    get(api, issue)
    with django_assert_num_queries(3):
        assert len(get(api, issue).json()) == 24
