"""Counts in memory, and the one statement that adds them to the tables."""

import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from stats import counters
from stats.models import IssueDay, Kind, SeriesCount
from stats.periods import DAY, HOUR, TEN_SECONDS

NOW = 1795315583.25
TEN, THIS_HOUR, TODAY = 179531558, 498698, 20779
RECEIVED = Kind.PROJECT_RECEIVED.value


def added(add: Callable[..., None], batch: Any) -> None:
    with connection.cursor() as cursor:
        add(cursor, batch)


def rows() -> set[tuple[int, ...]]:
    return set(
        SeriesCount.objects.values_list(
            "project_id", "kind", "object_id", "width", "bucket", "quantity"
        )
    )


def an_hour(hour: int, quantity: int) -> list[int]:
    hours = [0] * 24
    hours[hour] = quantity
    return hours


def test_one_count_goes_to_all_three_widths() -> None:
    counts: counters.Counts = {}
    counters.count(counts, 7, Kind.PROJECT_RECEIVED, 7, NOW, now=NOW)
    assert counts == {
        (7, RECEIVED, 7, TEN_SECONDS, TEN): 1,
        (7, RECEIVED, 7, HOUR, THIS_HOUR): 1,
        (7, RECEIVED, 7, DAY, TODAY): 1,
    }


def test_counts_add_up() -> None:
    counts: counters.Counts = {}
    counters.count(counts, 7, Kind.PROJECT_RECEIVED, 7, NOW, now=NOW)
    counters.count(counts, 7, Kind.PROJECT_RECEIVED, 7, NOW - 10, 5, now=NOW)
    counters.count(counts, 8, Kind.PROJECT_RECEIVED, 8, NOW, now=NOW)
    assert counts[7, RECEIVED, 7, TEN_SECONDS, TEN] == 1
    assert counts[7, RECEIVED, 7, TEN_SECONDS, TEN - 1] == 5
    assert counts[7, RECEIVED, 7, HOUR, THIS_HOUR] == 6
    assert counts[8, RECEIVED, 8, HOUR, THIS_HOUR] == 1


@pytest.mark.parametrize(
    ("age", "widths"),
    [
        (0, {TEN_SECONDS, HOUR, DAY}),
        (3600, {TEN_SECONDS, HOUR, DAY}),
        (3610, {HOUR, DAY}),
        (7 * DAY, {HOUR, DAY}),
        (7 * DAY + HOUR, {DAY}),
        (90 * DAY, {DAY}),
        (91 * DAY, set()),
        (-60, {TEN_SECONDS, HOUR, DAY}),
    ],
)
def test_expired_buckets_are_left_out(age: float, widths: set[int]) -> None:
    counts: counters.Counts = {}
    counters.count(counts, 7, Kind.PROJECT_GENERATED, 7, NOW - age, now=NOW)
    assert {width for _, _, _, width, _ in counts} == widths


def test_keys_are_plain_numbers_that_any_format_can_hold() -> None:
    counts: counters.Counts = {}
    counters.count(counts, 7, Kind.PROJECT_RECEIVED, 7, NOW, now=NOW)
    assert {type(part) for key in counts for part in key} == {int}
    assert pickle.loads(pickle.dumps(counts)) == counts


def test_counts_are_added_to_rows_made_where_missing(db: None) -> None:
    added(counters.add_series_counts, {(7, RECEIVED, 7, HOUR, 1): 2, (7, RECEIVED, 7, HOUR, 2): 3})
    added(counters.add_series_counts, {(7, RECEIVED, 7, HOUR, 2): 4, (0, 10, 1, HOUR, 2): 2**40})
    assert rows() == {
        (7, RECEIVED, 7, HOUR, 1, 2),
        (7, RECEIVED, 7, HOUR, 2, 7),
        (0, 10, 1, HOUR, 2, 2**40),
    }


def test_issue_days_are_added_hour_by_hour(db: None) -> None:
    every = list(range(24))
    added(counters.add_issue_days, {(7, 1, TODAY, 3): an_hour(2, 5), (7, 1, TODAY, 4): every})
    added(counters.add_issue_days, {(7, 1, TODAY, 3): every, (7, 2, TODAY - 1, 3): an_hour(23, 1)})
    days = {(d.issue_id, d.day, d.environment_id): d for d in IssueDay.objects.all()}
    assert len(days) == 3
    first = days[1, TODAY, 3]
    assert first.project_id == 7
    assert first.hours == [0, 1, 7, *range(3, 24)]
    assert first.total == sum(range(24)) + 5
    assert (days[1, TODAY, 4].total, days[1, TODAY, 4].hours) == (sum(every), every)
    assert days[2, TODAY - 1, 3].hours == an_hour(23, 1)


@pytest.mark.parametrize("size", [1, 200])
def test_a_batch_is_one_statement(db: None, django_assert_num_queries: Any, size: int) -> None:
    counts = {(7, RECEIVED, 7, HOUR, bucket): 1 for bucket in range(size)}
    days = {(7, issue, TODAY, 1): an_hour(0, 1) for issue in range(size)}
    with django_assert_num_queries(2):
        added(counters.add_series_counts, counts)
        added(counters.add_issue_days, days)
    assert SeriesCount.objects.count() == IssueDay.objects.count() == size


def test_nothing_costs_nothing(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        added(counters.add_series_counts, {})
        added(counters.add_issue_days, {})


@pytest.mark.django_db
def test_rows_are_sorted_by_key_whatever_the_order_they_came_in() -> None:
    keys = [(2, 20, 2, 10, 1), (0, 10, 1, 10, 1), (2, 20, 2, 10, 0), (1, 23, 1, 10, 5)]
    sent: list[Any] = []

    def listen(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        sent.extend(parameters)
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(listen), connection.cursor() as cursor:
        counters.add_series_counts(cursor, {key: index for index, key in enumerate(keys)})
    assert sent == [
        "{0,1,2,2}",
        "{10,23,20,20}",
        "{1,1,2,2}",
        "{10,10,10,10}",
        "{1,5,0,1}",
        "{1,3,2,0}",
    ]


@pytest.mark.django_db(transaction=True)
def test_batches_of_many_writers_lose_nothing_and_never_block_each_other() -> None:
    counts = {(7, RECEIVED, 7, HOUR, bucket): 1 for bucket in range(100)}
    days = {(7, issue, TODAY, 1): [1] * 24 for issue in range(100)}

    def write(backwards: bool) -> None:
        order = reversed if backwards else iter
        for _ in range(10):
            added(counters.add_series_counts, dict(order(counts.items())))
            added(counters.add_issue_days, dict(order(days.items())))
        connection.close()

    writers = [threading.Thread(target=write, args=[index % 2 == 0]) for index in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert set(SeriesCount.objects.values_list("quantity", flat=True)) == {40}
    assert {tuple(hours) for hours in IssueDay.objects.values_list("hours", flat=True)} == {
        (40,) * 24
    }
