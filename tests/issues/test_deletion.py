from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django_tasks_db.models import DBTaskResult

from issues import actions, deletion
from issues.models import (
    Activity,
    Event,
    EventAddress,
    Issue,
    IssueHash,
    IssueRelease,
    IssueTag,
    IssueText,
    IssueUser,
    UserReport,
)
from sentrylite.background import interruption
from sentrylite.ingest.digest import digest
from sentrylite.organizations.models import ProjectKey
from stats.models import IssueDay
from tests import factories
from tests.events import a_user, prepared

pytestmark = pytest.mark.django_db

RunTasks = Callable[[datetime], int]

OF_AN_ISSUE = (
    Event,
    EventAddress,
    IssueDay,
    IssueHash,
    IssueRelease,
    IssueTag,
    IssueText,
    IssueUser,
    UserReport,
)


def ingest(key: ProjectKey, *messages: str, moment: datetime) -> None:
    events = [
        prepared(key, message, timestamp=moment.timestamp(), user=a_user("1"))
        for message in messages
    ]
    with connection.cursor() as cursor:
        digest(cursor.cursor, events).apply(cursor.cursor)


def rows() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in OF_AN_ISSUE}


def test_a_deleted_issue_leaves_nothing_behind(
    key: ProjectKey,
    now: datetime,
    user: Any,
    run_tasks: RunTasks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ingest(key, "stays", moment=now)
    before = rows()
    ingest(key, *["goes"] * 7, moment=now)
    goes = Issue.objects.get(title="goes")
    actions.resolve_issues([goes], by=user, now=now)
    for n in range(4):
        UserReport.objects.create(project=key.project, issue=goes, event_id=f"{n}", comments="x")
    actions.delete_issues([goes], now=now)
    # in more than one batch
    monkeypatch.setattr(deletion, "ROWS_AT_ONCE", 3)
    assert run_tasks(now + timedelta(minutes=6)) == 1
    assert DBTaskResult.objects.get().status == "SUCCESSFUL"
    assert rows() == before
    assert not Activity.objects.exists()
    assert Issue.objects.get().title == "stays"


def test_an_issue_that_was_just_deleted_waits(
    key: ProjectKey, now: datetime, run_tasks: RunTasks
) -> None:
    """Until whatever was being written to it is written."""
    ingest(key, "goes", moment=now)
    actions.delete_issues([Issue.objects.get()], now=now)
    assert run_tasks(now + timedelta(minutes=4)) == 0
    assert Event.objects.exists()


def test_many_issues_are_one_task_in_a_bounded_number_of_statements(
    key: ProjectKey, now: datetime, run_tasks: RunTasks, django_assert_max_num_queries: Any
) -> None:
    issues = factories.IssueFactory.create_batch(20, project=key.project)
    actions.delete_issues(issues[:2], now=now)
    actions.delete_issues(issues[2:], now=now)
    assert DBTaskResult.objects.count() == 2
    by_size = []
    for task in DBTaskResult.objects.order_by("enqueued_at"):
        with django_assert_max_num_queries(100) as queries:
            deletion.purge_issues(task.args_kwargs["args"][0], after_batch=lambda: None)
        by_size.append(len(queries))
    assert by_size[0] == by_size[1]
    assert not Issue.objects.exists()


def test_nothing_is_enqueued_for_issues_that_are_deleted_already(
    key: ProjectKey, now: datetime
) -> None:
    issue = factories.IssueFactory(project=key.project, status=Issue.Status.PENDING_DELETION)
    assert actions.delete_issues([issue], now=now) == 0
    assert not DBTaskResult.objects.exists()


def test_issues_that_are_not_marked_are_left_alone(key: ProjectKey, now: datetime) -> None:
    ingest(key, "stays", moment=now)
    issue = Issue.objects.get()
    assert deletion.purge_issues([issue.pk, issue.pk + 1], after_batch=lambda: None) == 0
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_large_issue_goes_in_batches_and_goes_on_after_an_interruption(
    key: ProjectKey, now: datetime, run_tasks: RunTasks
) -> None:
    for _ in range(24):
        ingest(key, *["goes"] * 500, moment=now)
    issue = Issue.objects.get()
    actions.delete_issues([issue], now=now)
    left: list[int] = []

    def interrupt_after_two() -> None:
        left.append(Event.objects.count())
        if len(left) == 2:
            raise interruption.Interrupted

    with pytest.raises(interruption.Interrupted):
        deletion.purge_issues([issue.pk], after_batch=interrupt_after_two)
    assert left == [7_000, 2_000]
    assert EventAddress.objects.count() == 2_000
    assert not Issue.objects.visible().exists()
    # what comes meanwhile is another issue
    ingest(key, "goes", moment=now + timedelta(minutes=1))
    assert run_tasks(now + timedelta(minutes=6)) == 1
    anew = Issue.objects.get()
    assert anew.pk != issue.pk
    assert (anew.times_seen, Event.objects.get().issue_id) == (1, anew.pk)
    assert EventAddress.objects.count() == 1
