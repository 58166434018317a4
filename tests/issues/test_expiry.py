"""What time does to issues: `issues.expiry`, and what the next event makes of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from issues import actions, expiry
from issues.actions import Conditions
from issues.models import Activity, Issue, IssueResolution, IssueSnooze
from issues.payload.event import PreparedEvent
from sentrylite.ingest.digest import digest
from sentrylite.organizations.models import HookDelivery, Organization, Project, ProjectKey
from tests import factories
from tests.events import NOON, prepared

pytestmark = pytest.mark.django_db

DAY = 24 * 3600.0
PATH = "/api/0/projects/acme/pump-station/issues/"
Ingest = Callable[..., None]
Status = Issue.Status


@pytest.fixture
def ingest() -> Ingest:
    def run(*events: PreparedEvent) -> None:
        with connection.cursor() as cursor:
            digest(cursor.cursor, list(events)).apply(cursor.cursor)

    return run


def moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


@pytest.fixture
def issue(key: ProjectKey, ingest: Ingest) -> Issue:
    """One that was seen once, at noon, in a project where a day is quiet enough."""
    Project.objects.update(resolve_age=24)
    ingest(prepared(key))
    return Issue.objects.get()


def status_of(issue: Issue) -> Status:
    issue.refresh_from_db()
    return Status(issue.status)


def told(kind: str) -> list[Any]:
    found = Activity.objects.filter(type=kind).order_by("id")
    assert not found.exclude(user=None)
    return [activity.data for activity in found]


# Ignored until then -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "is_over"),
    [
        (Conditions(duration=59), True),
        (Conditions(duration=61), False),
        (Conditions(count=2), True),
        (Conditions(count=3), False),
        (Conditions(count=2, window=5), False),
        (Conditions(user_count=1), True),
        (Conditions(user_count=2), False),
        (Conditions(user_count=1, user_window=5), False),
        (Conditions(), False),
    ],
)
def test_an_ignored_issue_comes_back_when_a_condition_is_met(
    project: Project, now: datetime, conditions: Conditions, is_over: bool
) -> None:
    issue = factories.IssueFactory(project=project)
    actions.ignore_issues([issue], conditions, by=None, now=now)
    Issue.objects.update(times_seen=2, user_count=1)
    assert expiry.wake_issues(now + timedelta(hours=1)) == is_over
    assert status_of(issue) == (Status.UNRESOLVED if is_over else Status.IGNORED)
    assert IssueSnooze.objects.exists() == (not is_over and conditions != Conditions())
    assert [activity.type for activity in Activity.objects.all()] == ["set_ignored"]
    assert expiry.wake_issues(now + timedelta(hours=1)) == 0


def test_the_list_of_unresolved_issues_has_it_again(
    api: APIClient, project: Project, now: datetime
) -> None:
    issue = factories.IssueFactory(project=project)
    actions.ignore_issues([issue], Conditions(duration=30), by=None, now=now)
    expiry.settle(now + timedelta(minutes=29))
    assert api.get(PATH).json() == []
    expiry.settle(now + timedelta(minutes=30))
    assert [found["id"] for found in api.get(PATH).json()] == [str(issue.pk)]
    assert api.get(PATH, {"query": "is:ignored"}).json() == []


# Resolved by age ----------------------------------------------------------------------------------


def test_a_quiet_issue_is_resolved(
    issue: Issue, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert expiry.resolve_quiet_issues(moment(NOON + DAY - 1)) == 0
    at = moment(NOON + DAY)
    assert expiry.resolve_quiet_issues(at) == 1
    assert expiry.resolve_quiet_issues(at) == 0
    assert status_of(issue) == Status.RESOLVED
    assert issue.resolved_at == at
    assert told("set_resolved_by_age") == [{"age": 24}]
    found = api.get(PATH, {"query": "is:resolved"}).json()
    assert [(each["status"], each["statusDetails"]) for each in found] == [
        ("resolved", {"autoResolved": True})
    ]
    assert api.get(PATH).json() == []


def test_it_stays_resolved_when_the_age_changes(issue: Issue, api: APIClient) -> None:
    expiry.settle(moment(NOON + DAY))
    Project.objects.update(resolve_age=0)
    body = api.get(f"/api/0/issues/{issue.pk}/").json()
    assert (body["status"], body["statusDetails"]) == ("resolved", {"autoResolved": True})
    body = api.put(f"/api/0/issues/{issue.pk}/", {"status": "unresolved"}).json()
    assert (body["status"], body["statusDetails"]) == ("unresolved", {})
    assert not IssueResolution.objects.exists()


def test_only_what_is_quiet_and_unresolved(project: Project, now: datetime) -> None:
    Project.objects.update(resolve_age=1)
    for status in (Status.RESOLVED, Status.IGNORED, Status.PENDING_DELETION):
        factories.IssueFactory(project=project, status=status)
    factories.IssueFactory(project=project, last_seen=now)
    factories.IssueFactory(project=project, active_at=now)  # came back, which is not counted yet
    factories.IssueFactory()  # of a project without an age
    assert expiry.resolve_quiet_issues(now) == 0


@pytest.mark.parametrize("is_written", [True, False])
def test_the_next_event_of_a_quiet_issue_is_a_regression(
    issue: Issue, key: ProjectKey, ingest: Ingest, is_written: bool
) -> None:
    later = NOON + 2 * DAY
    if is_written:
        expiry.settle(moment(later))
    ingest(prepared(key, timestamp=later, release="2.0"))
    assert status_of(issue) == Status.UNRESOLVED
    assert issue.active_at == issue.last_seen == moment(later)
    assert told("set_regression") == [{"version": "2.0"}]
    assert not IssueResolution.objects.exists()
    ingest(prepared(key, timestamp=later + 1))
    assert len(told("set_regression")) == 1
    assert expiry.resolve_quiet_issues(moment(later + DAY - 1)) == 0


def test_an_event_without_a_release_will_do(issue: Issue, key: ProjectKey, ingest: Ingest) -> None:
    expiry.settle(moment(NOON + DAY))
    ingest(prepared(key, timestamp=NOON + DAY + 1))
    assert told("set_regression") == [{"version": ""}]


def test_batches_that_come_before_the_first_is_counted_say_it_once(
    issue: Issue, key: ProjectKey
) -> None:
    with connection.cursor() as cursor:
        for late in (1, 2, 3):
            digest(cursor.cursor, [prepared(key, timestamp=NOON + 2 * DAY + late)])
    assert len(told("set_regression")) == 1
    assert expiry.resolve_quiet_issues(moment(NOON + 2 * DAY + 3)) == 0


@pytest.mark.parametrize("age", [0, 24])
def test_other_events_are_no_regression(
    issue: Issue, key: ProjectKey, ingest: Ingest, age: int
) -> None:
    Project.objects.update(resolve_age=age)
    ingest(prepared(key, timestamp=NOON + (DAY - 1 if age else 9 * DAY)))
    ingest(prepared(key, timestamp=NOON - 5))
    assert told("set_regression") == []


# What it costs, and who hears of it ---------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 20])
def test_the_number_of_statements_does_not_depend_on_the_issues(
    organization: Organization,
    now: datetime,
    rows: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    projects = [
        factories.ProjectFactory(organization=organization, resolve_age=1) for _ in range(rows)
    ]
    for project in projects:
        factories.IssueFactory(project=project)
    ignored = [factories.IssueFactory(project=project) for project in projects]
    actions.ignore_issues(ignored, Conditions(duration=1), by=None, now=now - timedelta(hours=1))
    with django_assert_num_queries(9):
        assert expiry.wake_issues(now) == rows
    with django_assert_num_queries(7):
        assert expiry.resolve_quiet_issues(now) == 2 * rows
    with django_assert_num_queries(6):  # two of a savepoint each
        expiry.settle(now)


def test_a_hook_is_told(project: Project, now: datetime) -> None:
    factories.ServiceHookFactory(project=project, events=["issue.resolved", "issue.unresolved"])
    Project.objects.update(resolve_age=24)
    ignored = factories.IssueFactory(project=project, last_seen=now)
    actions.ignore_issues([ignored], Conditions(duration=1), by=None, now=now)
    quiet = factories.IssueFactory(project=project)
    expiry.settle(now + timedelta(minutes=1))
    assert sorted(
        (sent.event, sent.data["issue"]["id"], sent.data["actor"])
        for sent in HookDelivery.objects.all()
    ) == [("issue.resolved", quiet.pk, None), ("issue.unresolved", ignored.pk, None)]
