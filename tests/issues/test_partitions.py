from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from issues import partitions
from issues.models import Event
from sentrylite.ingest.digest import digest
from sentrylite.organizations.models import ProjectKey
from tests.events import prepared

pytestmark = pytest.mark.django_db

WEDNESDAY = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def ensure(now: datetime = WEDNESDAY) -> list[str]:
    with transaction.atomic(), connection.cursor() as cursor:
        return partitions.ensure_partitions(cursor, now)


def table_of(event: Event) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM issues_event WHERE event_id = %s",
            [event.event_id],
        )
        return cursor.fetchone()[0]


def ingest(key: ProjectKey, moment: datetime) -> Event:
    event = prepared(key, timestamp=moment.timestamp())
    with connection.cursor() as cursor:
        digest(cursor.cursor, [event])
    return Event.objects.get(event_id=event.event_id)


@pytest.mark.parametrize(
    "moment, name",
    [
        (datetime(2026, 3, 2, tzinfo=UTC), "issues_event_20260302"),
        (WEDNESDAY, "issues_event_20260302"),
        (datetime(2026, 3, 8, 23, 59, 59, 999_999, tzinfo=UTC), "issues_event_20260302"),
        (datetime(2026, 3, 9, tzinfo=UTC), "issues_event_20260309"),
    ],
)
def test_a_week_begins_on_monday(moment: datetime, name: str) -> None:
    assert partitions.week_of(moment).name == name


def test_this_week_and_four_more_are_made_once() -> None:
    assert ensure() == [
        "issues_event_20260302",
        "issues_event_20260309",
        "issues_event_20260316",
        "issues_event_20260323",
        "issues_event_20260330",
    ]
    assert ensure() == []
    assert ensure(WEDNESDAY + timedelta(weeks=1)) == ["issues_event_20260406"]


def test_events_go_to_the_week_they_were_received_in(key: ProjectKey) -> None:
    ensure()
    assert table_of(ingest(key, WEDNESDAY)) == "issues_event_20260302"
    assert table_of(ingest(key, WEDNESDAY + timedelta(weeks=2))) == "issues_event_20260316"
    assert table_of(ingest(key, WEDNESDAY + timedelta(weeks=99))) == "issues_event_default"


def test_events_that_came_before_their_partition_move_into_it(key: ProjectKey) -> None:
    early = ingest(key, WEDNESDAY)
    stray = ingest(key, WEDNESDAY - timedelta(weeks=1))
    ensure()
    assert table_of(early) == "issues_event_20260302"
    assert table_of(stray) == "issues_event_default"


def test_only_weeks_that_are_over_expire() -> None:
    ensure()
    with connection.cursor() as cursor:
        monday = datetime(2026, 3, 9, tzinfo=UTC)
        before = partitions.expired(cursor, monday - timedelta(microseconds=1))
        names = [partition.name for partition in partitions.expired(cursor, monday)]
    assert before == []
    assert names == ["issues_event_20260302"]


def test_a_read_with_both_bounds_looks_at_one_partition() -> None:
    ensure()
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN SELECT 1 FROM issues_event WHERE project_id = 1 AND received_at"
            " BETWEEN %s AND %s",
            [WEDNESDAY, WEDNESDAY + timedelta(hours=1)],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "issues_event_20260302" in plan
    assert "issues_event_20260309" not in plan


def test_payloads_are_not_compressed_twice_in_any_partition() -> None:
    ensure()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT attstorage FROM pg_attribute WHERE attname = 'payload'"
            " AND attrelid IN (SELECT inhrelid FROM pg_inherits"
            " WHERE inhparent = 'issues_event'::regclass)"
        )
        assert cursor.fetchall() == [("e",)]
