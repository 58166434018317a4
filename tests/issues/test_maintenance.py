from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from issues import actions, maintenance, partitions
from issues.models import Event, EventAddress, Issue, UserReport
from sentrylite.ingest.connection import Connection
from sentrylite.ingest.digest import digest
from sentrylite.organizations.models import ProjectKey
from tests.events import a_user, prepared

RunTasks = Callable[[datetime], int]

pytestmark = pytest.mark.django_db


def ingest(key: ProjectKey, *messages: str, moment: datetime) -> None:
    events = [
        prepared(key, message, timestamp=moment.timestamp(), user=a_user("1"))
        for message in messages
    ]
    with connection.cursor() as cursor:
        digest(cursor.cursor, events).apply(cursor.cursor)


def test_issues_whose_deletion_was_forgotten_are_deleted(
    key: ProjectKey, now: datetime, run_tasks: RunTasks
) -> None:
    """Such as those of a version that had no tasks."""
    ingest(key, "goes", "goes too", "stays", moment=now)
    deleted = Issue.objects.exclude(title="stays")
    deleted.update(status=Issue.Status.PENDING_DELETION, deleted_at=now)
    assert maintenance.delete_forgotten_issues(now + timedelta(minutes=4)) == 0
    assert maintenance.delete_forgotten_issues(now + timedelta(minutes=6)) == 2
    assert maintenance.delete_forgotten_issues(now + timedelta(minutes=6)) == 0
    assert run_tasks(now + timedelta(minutes=6)) == 1
    assert Issue.objects.get().title == "stays"


def test_issues_that_are_about_to_be_deleted_are_not_forgotten(
    key: ProjectKey, now: datetime
) -> None:
    ingest(key, "goes", moment=now)
    actions.delete_issues([Issue.objects.get()], now=now)
    assert maintenance.delete_forgotten_issues(now + timedelta(hours=1)) == 0


def test_weeks_past_retention_are_dropped_with_their_addresses(
    key: ProjectKey, now: datetime, settings: Any
) -> None:
    settings.EVENT_RETENTION_DAYS = 14
    maintenance.make_partitions(now)
    ingest(key, "old", moment=now)
    ingest(key, "new", moment=now + timedelta(weeks=2))
    maintenance.drop_expired_events(now + timedelta(weeks=3))
    assert Event.objects.get().message == "new"
    assert EventAddress.objects.count() == 1
    with connection.cursor() as cursor:
        names = [partition.name for partition in partitions.existing(cursor)]
    assert names[0] == "issues_event_20260309"


def test_what_users_said_goes_when_its_time_is_over(
    key: ProjectKey, now: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EVENT_RETENTION_DAYS = 14
    monkeypatch.setattr(maintenance, "ROWS_AT_ONCE", 2)
    for days in (13, 15, 16, 17, 18):
        UserReport.objects.create(
            project=key.project,
            event_id=f"{days}",
            comments="It broke!",
            created_at=now - timedelta(days=days),
        )
    assert maintenance.delete_expired_reports(now) == 4
    assert UserReport.objects.get().event_id == "13"


def test_the_id_of_a_dropped_event_may_come_again(
    key: ProjectKey, now: datetime, settings: Any
) -> None:
    settings.EVENT_RETENTION_DAYS = 14
    maintenance.make_partitions(now)
    event = prepared(key, timestamp=now.timestamp())
    with connection.cursor() as cursor:
        digest(cursor.cursor, [event])
        maintenance.drop_expired_events(now + timedelta(weeks=4))
        digest(cursor.cursor, [event])
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_process_maintains_at_a_time(now: datetime) -> None:
    other = Connection("other")
    other.run(lambda cursor: cursor.execute("SELECT pg_advisory_lock(%s)", [maintenance.LOCK]))
    assert maintenance.maintain(now) is False
    other.run(lambda cursor: cursor.execute("SELECT pg_advisory_unlock(%s)", [maintenance.LOCK]))
    other.close()
    assert maintenance.maintain(now) is True
    with connection.cursor() as cursor:
        for partition in partitions.existing(cursor):
            partitions.drop(cursor, partition)


def test_the_command_says_what_it_did() -> None:
    out = StringIO()
    call_command("maintain", stdout=out)
    assert out.getvalue() == "Maintained.\n"
