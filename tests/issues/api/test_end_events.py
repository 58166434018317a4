"""GET /issues/{issue_id}/events/latest/ and …/oldest/"""

from datetime import datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues.models import Issue, IssueRelease
from sentrylite.organizations.models import Organization, Project
from tests import factories

ENDS = pytest.mark.parametrize("end", ["latest", "oldest"])


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    later = SimpleNamespace(now=lambda: now + timedelta(hours=1))
    monkeypatch.setattr("issues.api.views.events.timezone", later)


@pytest.fixture
def issue(project: Project, now: datetime) -> Issue:
    return factories.IssueFactory(project=project, first_seen=now)


def path_of(issue: Issue, end: str) -> str:
    return f"/api/0/issues/{issue.pk}/events/{end}/"


def test_the_ends_are_by_time_and_then_by_id(api: APIClient, issue: Issue, now: datetime) -> None:
    ids = [
        factories.make_event(
            issue, event_id=UUID(int=number), timestamp=now + timedelta(seconds=seconds)
        ).event_id.hex
        for number, seconds in ((4, 0), (5, 0), (1, 1), (2, 1))
    ]
    for name in ("issues", "groups"):
        latest = api.get(f"/api/0/{name}/{issue.pk}/events/latest/").json()
        assert (latest["id"], latest["previousEventID"], latest["nextEventID"]) == (
            ids[3],
            ids[2],
            None,
        )
        oldest = api.get(f"/api/0/{name}/{issue.pk}/events/oldest/").json()
        assert (oldest["id"], oldest["previousEventID"], oldest["nextEventID"]) == (
            ids[0],
            None,
            ids[1],
        )


@ENDS
def test_the_answer_is_that_of_the_event_itself(api: APIClient, issue: Issue, end: str) -> None:
    release = factories.ReleaseFactory(organization=issue.project.organization)
    event = factories.make_event(issue, {"title": "x"}, release=release)
    itself = api.get(f"/api/0/projects/acme/pump-station/events/{event.event_id.hex}/").json()
    assert itself["release"]["version"] == release.version
    assert api.get(path_of(issue, end)).json() == itself


@ENDS
def test_an_issue_without_events(api: APIClient, issue: Issue, end: str) -> None:
    factories.make_event(factories.IssueFactory(project=issue.project))
    response = api.get(path_of(issue, end))
    assert response.status_code == 404
    assert response.json() == {"detail": "No events found for group"}


@ENDS
def test_an_issue_that_is_gone(api: APIClient, issue: Issue, end: str) -> None:
    factories.make_event(issue)
    Issue.objects.update(status=Issue.Status.PENDING_DELETION)
    assert api.get(path_of(issue, end)).status_code == 404


def test_the_ends_in_an_environment(
    api: APIClient, issue: Issue, organization: Organization, now: datetime
) -> None:
    made = {
        name: factories.EnvironmentFactory(organization=organization, name=name)
        for name in ("prod", "stage", "empty")
    }
    ids = [
        factories.make_event(
            issue, environment=made[name], timestamp=now + timedelta(seconds=seconds)
        ).event_id.hex
        for seconds, name in enumerate(["stage", "prod", "stage", "prod", "stage"])
    ]
    latest = api.get(path_of(issue, "latest"), {"environment": "prod"}).json()
    assert (latest["id"], latest["previousEventID"], latest["nextEventID"]) == (
        ids[3],
        ids[1],
        None,
    )
    oldest = api.get(path_of(issue, "oldest"), {"environment": ["prod", "stage"]}).json()
    assert (oldest["id"], oldest["nextEventID"]) == (ids[0], ids[1])
    for name in ("empty", "nope"):
        assert api.get(path_of(issue, "latest"), {"environment": name}).status_code == 404


def test_an_environment_that_the_issue_left_long_ago(
    api: APIClient,
    issue: Issue,
    organization: Organization,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its events are further from the ends than a search looks."""
    monkeypatch.setattr("issues.events.SEARCHED", 2)
    prod, stage = (
        factories.EnvironmentFactory(organization=organization, name=name)
        for name in ("prod", "stage")
    )
    moments = [now + timedelta(seconds=seconds) for seconds in range(9)]
    found = [
        factories.make_event(
            issue, environment=prod if number in (3, 4) else stage, timestamp=moment
        ).event_id.hex
        for number, moment in enumerate(moments)
    ]
    IssueRelease.objects.create(
        project_id=issue.project_id, issue_id=issue.pk, environment_id=prod.pk, release_id=0,
        times_seen=2, first_seen=moments[3], last_seen=moments[4],
    )  # fmt: skip
    query = {"environment": "prod"}
    assert api.get(path_of(issue, "latest"), query).json()["id"] == found[4]
    assert api.get(path_of(issue, "oldest"), query).json()["id"] == found[3]
    listed = api.get(f"/api/0/issues/{issue.pk}/events/", query).json()
    assert [event["id"] for event in listed] == [found[4], found[3]]
    query |= {"start": moments[5].isoformat(), "end": moments[8].isoformat()}
    assert api.get(f"/api/0/issues/{issue.pk}/events/", query).json() == []


@ENDS
def test_other_methods(api: APIClient, issue: Issue, end: str) -> None:
    factories.make_event(issue)
    assert api.delete(path_of(issue, end)).status_code == 405
    assert api.head(path_of(issue, end)).status_code == 200


@ENDS
@pytest.mark.parametrize("rows", [2, 20])
def test_the_number_of_statements_does_not_depend_on_the_events(
    api: APIClient,
    issue: Issue,
    now: datetime,
    end: str,
    rows: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    release = factories.ReleaseFactory(organization=issue.project.organization)
    for number in range(rows):
        factories.make_event(issue, release=release, timestamp=now + timedelta(seconds=number))
    with django_assert_num_queries(5):
        assert api.get(path_of(issue, end)).status_code == 200


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.sampled_from(["environment", "x"]), st.text(max_size=8)), max_size=3),
)
def test_any_query_is_answered_or_refused(
    api: APIClient, issue: Issue, parameters: list[tuple[str, str]]
) -> None:
    factories.make_event(issue)
    for end in ("latest", "oldest"):
        query = urlencode(parameters, errors="surrogatepass")
        response = api.get(path_of(issue, end), QUERY_STRING=query)
        assert response.status_code in (200, 400, 404)
        assert response.status_code == 200 or isinstance(response.json()["detail"], str)
