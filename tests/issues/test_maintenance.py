from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from issues import actions, maintenance, partitions
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
)
from sentrylite.ingest.connection import Connection
from sentrylite.ingest.digest import digest
from sentrylite.organizations.models import ProjectKey
from stats.models import IssueDay
from tests.events import a_user, prepared

pytestmark = pytest.mark.django_db

OF_AN_ISSUE = (
    Event,
    EventAddress,
    IssueDay,
    IssueHash,
    IssueRelease,
    IssueTag,
    IssueText,
    IssueUser,
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
    key: ProjectKey, now: datetime, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(key, "stays", moment=now)
    before = rows()
    ingest(key, *["goes"] * 7, moment=now)
    goes = Issue.objects.get(title="goes")
    actions.resolve_issues([goes], by=user, now=now)
    actions.delete_issues([goes], now=now)
    # in more than one batch
    monkeypatch.setattr(maintenance, "ROWS_AT_ONCE", 3)
    assert maintenance.purge_deleted_issues(now + timedelta(minutes=6)) == 1
    assert rows() == before
    assert not Activity.objects.exists()
    assert Issue.objects.get().title == "stays"


def test_an_issue_that_was_just_deleted_waits(key: ProjectKey, now: datetime) -> None:
    """Until whatever was being written to it is written."""
    ingest(key, "goes", moment=now)
    actions.delete_issues([Issue.objects.get()], now=now)
    assert maintenance.purge_deleted_issues(now + timedelta(minutes=4)) == 0
    assert Event.objects.exists()


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
