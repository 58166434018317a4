"""What service hooks are to be told, noted when it happens."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django_tasks_db.models import DBTaskResult

from issues import actions, announcements
from issues.actions import Conditions
from issues.models import Issue, IssueSnooze
from issues.payload.event import PreparedEvent
from sentrylite.accounts.models import User
from sentrylite.ingest.authentication import find_key
from sentrylite.ingest.digest import digest
from sentrylite.organizations import hooks
from sentrylite.organizations.audit import Author
from sentrylite.organizations.models import HookDelivery, Project, ProjectKey, ServiceHook
from stats.models import Kind, SeriesCount
from tests import factories
from tests.events import NOON, prepared

pytestmark = pytest.mark.django_db

ALL = tuple(ServiceHook.Event.values)

Ingest = Callable[..., None]


@pytest.fixture
def ingest() -> Ingest:
    """Digest a batch and count it, in the test's own transaction."""

    def run(*events: PreparedEvent) -> None:
        with connection.cursor() as cursor:
            digest(cursor.cursor, list(events)).apply(cursor.cursor)

    return run


@pytest.fixture
def hook(project: Project) -> ServiceHook:
    return factories.ServiceHookFactory(project=project, events=list(ALL))


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project, number=1)


def told() -> list[str]:
    """What is noted, in its order; then it is forgotten."""
    names = list(HookDelivery.objects.order_by("id").values_list("event", flat=True))
    HookDelivery.objects.all().delete()
    return names


def tasks() -> list[Any]:
    """The hooks that have a task."""
    waiting = DBTaskResult.objects.filter(task_path="issues.tasks.deliver_to_hook", status="READY")
    return sorted(task.args_kwargs["args"][0] for task in waiting)


# Events -------------------------------------------------------------------------------------------


def test_a_new_issue(key: ProjectKey, hook: ServiceHook, ingest: Ingest) -> None:
    event = prepared(
        key,
        "it broke",
        hook_events=ALL,
        culprit="app.views in index",
        environment="production",
        release="1.0",
        tags=[("area", "north"), ("level", "error")],
    )
    ingest(event)
    issue = Issue.objects.get()
    created, opened, alert = HookDelivery.objects.order_by("id")
    assert [each.event for each in (created, opened, alert)] == [
        "event.created",
        "issue.created",
        "event.alert",
    ]
    assert (created.status, created.attempts) == ("waiting", 0)
    assert created.due_at == created.created_at == issue.last_seen
    assert created.data == opened.data == alert.data
    assert created.data == {
        "event": {
            "id": event.event_id.hex,
            "title": "it broke",
            "culprit": "app.views in index",
            "level": 40,
            "type": "default",
            "platform": "python",
            "environment": "production",
            "release": "1.0",
            "timestamp": NOON,
            "received_at": NOON,
            "tags": [["area", "north"], ["level", "error"]],
        },
        "issue": {
            "id": issue.pk,
            "number": 1,
            "title": "it broke",
            "culprit": "app.views in index",
            "level": 40,
            "status": 0,
            "type": "default",
            "logger": "",
            "platform": "python",
            "metadata": {"title": "it broke"},
            "first_seen": NOON,
            "last_seen": NOON,
            "assigned_to": None,
        },
    }
    assert tasks() == [hook.pk]


def test_only_the_first_event_of_an_issue_is_an_alert(
    key: ProjectKey, hook: ServiceHook, ingest: Ingest
) -> None:
    ingest(*(prepared(key, hook_events=ALL) for _ in range(3)))
    assert sorted(told()) == ["event.alert", *["event.created"] * 3, "issue.created"]
    ingest(prepared(key, hook_events=ALL))
    assert told() == ["event.created"]


def test_a_regression_is_an_alert(
    key: ProjectKey, hook: ServiceHook, ingest: Ingest, now: datetime
) -> None:
    ingest(prepared(key))
    actions.resolve_issues(list(Issue.objects.all()), by=None, now=now)
    assert told() == ["issue.resolved"]
    ingest(prepared(key, hook_events=ALL), prepared(key, hook_events=ALL))
    assert sorted(told()) == ["event.alert", *["event.created"] * 2, "issue.unresolved"]
    ingest(prepared(key, hook_events=ALL))
    assert told() == ["event.created"]


def test_so_is_what_ends_the_ignoring_of_an_issue(
    key: ProjectKey, hook: ServiceHook, ingest: Ingest, now: datetime
) -> None:
    ingest(prepared(key))
    actions.ignore_issues(list(Issue.objects.all()), Conditions(count=2), by=None, now=now)
    assert told() == ["issue.ignored"]
    ingest(prepared(key, hook_events=ALL))
    assert told() == ["event.created"]
    ingest(prepared(key, hook_events=ALL))
    assert sorted(told()) == ["event.alert", "event.created", "issue.unresolved"]
    assert not IssueSnooze.objects.exists()


def test_an_event_that_was_stored_before_is_not_told_again(
    key: ProjectKey, hook: ServiceHook, ingest: Ingest
) -> None:
    event = prepared(key, hook_events=ALL)
    ingest(event)
    told()
    ingest(event)
    assert told() == []


def test_each_hook_is_told_what_it_wants_to_know(
    key: ProjectKey, project: Project, ingest: Ingest
) -> None:
    alerts = factories.ServiceHookFactory(project=project, events=["event.alert"])
    events = factories.ServiceHookFactory(project=project, events=["event.created"])
    factories.ServiceHookFactory(project=project, events=[])
    factories.ServiceHookFactory(project=project, events=list(ALL), status="disabled")
    factories.ServiceHookFactory(events=list(ALL))
    ingest(*(prepared(key, hook_events=("event.alert", "event.created")) for _ in range(2)))
    found = HookDelivery.objects.order_by("hook_id", "event").values_list("hook_id", "event")
    assert list(found) == [
        (alerts.pk, "event.alert"),
        (events.pk, "event.created"),
        (events.pk, "event.created"),
    ]
    assert tasks() == [alerts.pk, events.pk]


class CountingCursor:
    """The driver's own cursor, and how often it was asked."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self.statements = 0

    def execute(self, *arguments: Any) -> Any:
        self.statements += 1
        return self._cursor.execute(*arguments)

    def copy_expert(self, *arguments: Any) -> Any:
        self.statements += 1
        return self._cursor.copy_expert(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def cost(*events: PreparedEvent) -> int:
    """How many statements a batch runs."""
    with connection.cursor() as cursor:
        counting = CountingCursor(cursor.cursor)
        digest(counting, list(events))
        return counting.statements


def test_hooks_cost_two_statements_a_batch_and_nothing_where_there_are_none(
    key: ProjectKey, hook: ServiceHook
) -> None:
    cost(prepared(key))
    without = cost(prepared(key))
    assert cost(*(prepared(key) for _ in range(20))) == without
    assert cost(prepared(key, hook_events=("issue.resolved",))) == without
    assert cost(*(prepared(key, hook_events=ALL) for _ in range(2))) == without + 2
    assert cost(*(prepared(key, hook_events=ALL) for _ in range(20))) == without + 2
    ServiceHook.objects.update(status="disabled")
    assert cost(prepared(key, hook_events=ALL)) == without + 1


def test_ingestion_knows_what_hooks_want(key: ProjectKey, project: Project) -> None:
    def known() -> Any:
        with connection.cursor() as cursor:
            return find_key(cursor.cursor, key.public_key)

    assert known().hook_events == ()
    factories.ServiceHookFactory(project=project, events=["event.created", "event.alert"])
    factories.ServiceHookFactory(project=project, events=["issue.resolved", "event.alert"])
    factories.ServiceHookFactory(project=project, events=["issue.deleted"], status="disabled")
    factories.ServiceHookFactory(events=list(ALL))
    assert known().hook_events == ("event.alert", "event.created", "issue.resolved")


def test_a_flood_fills_a_queue_and_the_rest_is_dropped_and_counted(
    key: ProjectKey,
    project: Project,
    ingest: Ingest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "1000" in announcements.ANNOUNCE
    few = announcements.ANNOUNCE.replace("1000", "3")
    monkeypatch.setattr(announcements, "ANNOUNCE", few)
    full = factories.ServiceHookFactory(project=project, events=["event.created"])
    calm = factories.ServiceHookFactory(project=project, events=["event.alert"])
    batches = [
        [prepared(key, str(number), hook_events=ALL) for number in range(first, first + 2)]
        for first in (0, 2, 4)
    ]
    for batch in batches:
        ingest(*batch)
    kept = HookDelivery.objects.filter(hook=full).order_by("id")
    assert [each.data["event"]["title"] for each in kept] == ["0", "1", "2"]
    assert HookDelivery.objects.filter(hook=calm).count() == 3
    dropped = SeriesCount.objects.filter(kind=Kind.HOOK_DROPPED, width=86400)
    assert {row.object_id: row.quantity for row in dropped} == {full.pk: 3, calm.pk: 3}
    # what was told makes place
    kept.update(status="delivered")
    ingest(prepared(key, "more", hook_events=ALL))
    assert kept.filter(status="waiting").count() == 1


# Tasks --------------------------------------------------------------------------------------------


def test_a_task_for_all_that_waits(key: ProjectKey, hook: ServiceHook, ingest: Ingest) -> None:
    for _ in range(3):
        ingest(prepared(key, hook_events=ALL))
    assert tasks() == [hook.pk]


def test_another_one_while_the_first_runs(
    key: ProjectKey, hook: ServiceHook, ingest: Ingest
) -> None:
    ingest(prepared(key, hook_events=ALL))
    DBTaskResult.objects.update(status="RUNNING")
    ingest(prepared(key, hook_events=ALL))
    ingest(prepared(key, hook_events=ALL))
    assert DBTaskResult.objects.count() == 2


def test_none_for_a_hook_that_pauses(
    key: ProjectKey, hook: ServiceHook, ingest: Ingest, now: datetime
) -> None:
    hook.resumes_at = datetime.fromtimestamp(NOON + 60, now.tzinfo)
    hook.save()
    ingest(prepared(key, hook_events=ALL))
    assert (tasks(), len(told())) == ([], 3)
    ingest(prepared(key, timestamp=NOON + 61, hook_events=ALL))
    assert (tasks(), told()) == ([hook.pk], ["event.created"])


@pytest.mark.django_db(transaction=True)
def test_a_hook_that_goes_while_it_is_told_something_waits_for_that(
    key: ProjectKey, hook: ServiceHook, ingest: Ingest
) -> None:
    """And does not make the events that it was to be told of fail."""

    def remove() -> None:
        try:
            hooks.remove(hook, by=Author(None), now=datetime.now(UTC))
        finally:
            connection.close()

    thread = threading.Thread(target=remove)
    with transaction.atomic():
        ingest(prepared(key, hook_events=ALL))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(10)
    assert not ServiceHook.objects.exists()
    assert not HookDelivery.objects.exists()
    ingest(prepared(key, hook_events=ALL))  # whose key was looked up before


# People -------------------------------------------------------------------------------------------


def test_what_somebody_does_to_an_issue(
    hook: ServiceHook, issue: Issue, user: User, now: datetime
) -> None:
    actions.resolve_issues([issue], by=user, now=now)
    [delivery] = HookDelivery.objects.all()
    assert (delivery.event, delivery.hook, delivery.created_at) == ("issue.resolved", hook, now)
    assert delivery.data["actor"] == {"type": "user", "id": user.pk, "name": user.display_name}
    assert delivery.data["issue"]["status"] == Issue.Status.RESOLVED
    assert "event" not in delivery.data
    assert tasks() == [hook.pk]


def test_each_change_of_status_once(
    hook: ServiceHook, issue: Issue, user: User, now: datetime
) -> None:
    release = factories.ReleaseFactory(organization=issue.project.organization)
    for change in (
        lambda: actions.resolve_issues([issue], by=user, now=now),
        lambda: actions.resolve_issues([issue], by=user, now=now),
        lambda: actions.resolve_issues_in_release(
            [issue], release, is_next=False, by=user, now=now
        ),
        lambda: actions.ignore_issues([issue], by=user, now=now),
        lambda: actions.ignore_issues([issue], Conditions(count=5), by=user, now=now),
        lambda: actions.unresolve_issues([issue], by=None, now=now),
        lambda: actions.unresolve_issues([issue], by=None, now=now),
        lambda: actions.resolve_issues_in_release([issue], release, is_next=True, by=user, now=now),
    ):
        change()
    assert told() == ["issue.resolved", "issue.ignored", "issue.unresolved", "issue.resolved"]


def test_assignment(hook: ServiceHook, issue: Issue, user: User, team: Any, now: datetime) -> None:
    user.name = "Ada"
    user.save()
    actions.assign_issues([issue], user, by=user, now=now)
    actions.assign_issues([issue], user, by=user, now=now)
    actions.assign_issues([issue], team, by=None, now=now)
    actions.assign_issues([issue], None, by=None, now=now)
    to_user, to_team = HookDelivery.objects.order_by("id")
    assert to_user.event == to_team.event == "issue.assigned"
    assert to_user.data["issue"]["assigned_to"] == {
        "type": "user",
        "id": user.pk,
        "name": "Ada",
        "email": user.email,
    }
    assert to_team.data["issue"]["assigned_to"] == {
        "type": "team",
        "id": team.pk,
        "name": "rockets",
    }
    assert to_team.data["actor"] is None


def test_deletion(hook: ServiceHook, issue: Issue, user: User, now: datetime) -> None:
    actions.delete_issues([issue], by=user, now=now)
    actions.delete_issues([issue], by=user, now=now)
    [delivery] = HookDelivery.objects.all()
    assert delivery.event == "issue.deleted"
    assert delivery.data["issue"]["title"] == issue.title
    assert delivery.data["issue"]["status"] == Issue.Status.UNRESOLVED  # what it was


def test_what_is_rolled_back_is_not_told(hook: ServiceHook, issue: Issue, now: datetime) -> None:
    class Changed(Exception):
        pass

    with pytest.raises(Changed), transaction.atomic():
        actions.resolve_issues([issue], by=None, now=now)
        raise Changed
    assert (told(), tasks()) == ([], [])


def test_a_change_of_many_issues_costs_two_statements_more_where_there_is_a_hook(
    project: Project, user: User, now: datetime
) -> None:
    def costs(many: int) -> list[int]:
        issues = [factories.IssueFactory(project=project) for _ in range(many)]
        found = []
        for change in (
            lambda: actions.resolve_issues(issues, by=user, now=now),
            lambda: actions.assign_issues(issues, user, by=user, now=now),
            lambda: actions.delete_issues(issues, by=user, now=now),
        ):
            with CaptureQueriesContext(connection) as statements:
                change()
            found.append(len(statements))
        return found

    without = costs(2)
    assert costs(20) == without
    factories.ServiceHookFactory(project=project, events=["issue.created"])
    assert costs(20) == [number + 1 for number in without]
    ServiceHook.objects.update(events=list(ALL))
    assert costs(2) == costs(20) == [number + 2 for number in without]
    assert len(told()) == 3 * 22
