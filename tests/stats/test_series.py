"""Ids and periods to series."""

from typing import Any

import pytest
from django.db import connection

from stats import counters, series
from stats.models import Kind
from stats.periods import DAY, DAYS_30, HOUR, HOURS_24, TEN_SECONDS, Period

from .conftest import Store, counted

NOW = 1795315583.25
THIS_HOUR, TODAY = 1795312800, 1795305600
LAST_HOURS = Period(NOW - 2 * HOUR, NOW, HOUR)


def store_days(days: counters.IssueDays) -> None:
    with connection.cursor() as cursor:
        counters.add_issue_days(cursor, days)


def hours(**quantities: int) -> list[int]:
    """`hours(h0=1, h23=2)`"""
    return [quantities.get(f"h{hour}", 0) for hour in range(24)]


# One kind, by key ---------------------------------------------------------------------------------


def test_a_series_is_zero_filled(store: Store) -> None:
    store(7, Kind.PROJECT_RECEIVED, 7, {NOW - HOUR: 3, NOW: 1})
    assert series.read_series(Kind.PROJECT_RECEIVED, [(7, 7)], LAST_HOURS, NOW) == {
        (7, 7): [[THIS_HOUR - 7200.0, 0], [THIS_HOUR - 3600.0, 3], [float(THIS_HOUR), 1]]
    }


def test_every_key_has_a_series_and_only_its_own(store: Store) -> None:
    store(7, Kind.KEY_RECEIVED, 1, {NOW: 1})
    store(7, Kind.KEY_RECEIVED, 2, {NOW: 2})
    store(8, Kind.KEY_RECEIVED, 1, {NOW: 4})
    store(7, Kind.KEY_REJECTED, 1, {NOW: 8})
    keys = [(7, 1), (8, 1), (9, 1)]
    found = series.read_series(Kind.KEY_RECEIVED, keys, LAST_HOURS, NOW)
    assert {key: points[-1][1] for key, points in found.items()} == {
        (7, 1): 1,
        (8, 1): 4,
        (9, 1): 0,
    }


@pytest.mark.parametrize("width", [TEN_SECONDS, HOUR, DAY])
def test_each_width_has_its_own_buckets(store: Store, width: int) -> None:
    store(7, Kind.PROJECT_RECEIVED, 7, {NOW: 1, NOW - 5 * width: 2, NOW - 20 * width: 4})
    period = Period(NOW - 10 * width, NOW, width)
    points = series.read_series(Kind.PROJECT_RECEIVED, [(7, 7)], period, NOW)[7, 7]
    start = NOW // width * width
    assert counted(points) == {start: 1, start - 5 * width: 2}


def test_what_has_expired_reads_as_zero_although_it_is_not_pruned_yet(store: Store) -> None:
    store(7, Kind.PROJECT_RECEIVED, 7, {NOW - 7 * DAY: 1, NOW - 7 * DAY - HOUR: 2})
    period = Period(NOW - 8 * DAY, NOW, HOUR)
    points = series.read_series(Kind.PROJECT_RECEIVED, [(7, 7)], period, NOW)[7, 7]
    assert counted(points) == {THIS_HOUR - 7 * DAY: 1}


def test_the_future_is_read_too(store: Store) -> None:
    store(7, Kind.PROJECT_GENERATED, 7, {NOW + HOUR: 1})
    period = Period(NOW, NOW + HOUR, HOUR)
    points = series.read_series(Kind.PROJECT_GENERATED, [(7, 7)], period, NOW)[7, 7]
    assert counted(points) == {THIS_HOUR + HOUR: 1}


def test_no_moment_is_too_far(db: None) -> None:
    for moment in (-62135596800.0, 253402300799.0):
        period = Period(moment - 100, moment, TEN_SECONDS)
        found = series.read_series(Kind.PROJECT_RECEIVED, [(7, 7)], period, NOW)
        assert len(found[7, 7]) == 11


@pytest.mark.parametrize("size", [0, 1, 50])
def test_many_keys_are_one_statement(db: None, django_assert_num_queries: Any, size: int) -> None:
    keys = [(project, project) for project in range(size)]
    with django_assert_num_queries(1):
        assert len(series.read_series(Kind.PROJECT_RECEIVED, keys, LAST_HOURS, NOW)) == size


# Issues -------------------------------------------------------------------------------------------


def test_an_issue_by_the_hour_and_by_the_day(db: None) -> None:
    today = TODAY // DAY
    store_days(
        {
            (7, 1, today, 0): hours(h0=1, h2=2),
            (7, 1, today - 1, 0): hours(h1=4, h2=8, h23=16),
            (7, 1, today - 30, 0): hours(h12=32),
            (7, 1, today - 31, 0): hours(h12=64),
        }
    )
    periods = [HOURS_24.until(NOW), DAYS_30.until(NOW)]
    by_hour, by_day = series.issue_series([(7, 1)], periods, NOW)[1]
    assert (len(by_hour), len(by_day)) == (25, 31)
    assert counted(by_hour) == {
        THIS_HOUR: 2,
        TODAY: 1,
        TODAY - HOUR: 16,
        THIS_HOUR - DAY: 8,
    }
    assert counted(by_day) == {TODAY: 3, TODAY - DAY: 28, TODAY - 30 * DAY: 32}
    assert {type(moment) for moment, _ in by_hour + by_day} == {float}


def test_environments_are_added_up_or_chosen(db: None) -> None:
    today = TODAY // DAY
    store_days({(7, 1, today, environment): hours(h1=2**environment) for environment in range(3)})

    def total(environment_ids: list[int] | None) -> Any:
        found = series.issue_series(
            [(7, 1)],
            [DAYS_30.until(NOW), HOURS_24.until(NOW)],
            NOW,
            environment_ids=environment_ids,
        )
        by_day, by_hour = found[1]
        assert list(counted(by_day).values()) == list(counted(by_hour).values())
        return counted(by_day).get(TODAY, 0)

    assert total(None) == 1 + 2 + 4
    assert total([1]) == 2
    assert total([0, 2]) == 5
    assert total([99]) == total([]) == 0


def test_issues_and_projects_do_not_mix(db: None) -> None:
    today = TODAY // DAY
    store_days({(7, 1, today, 0): hours(h0=1), (7, 2, today, 0): hours(h0=2)})
    store_days({(8, 1, today, 0): hours(h0=4), (8, 4, today, 0): hours(h0=8)})
    found = series.issue_series([(7, 2), (7, 1), (7, 3), (8, 4)], [DAYS_30.until(NOW)], NOW)
    assert {issue: counted(points) for issue, [points] in found.items()} == {
        1: {TODAY: 1},
        2: {TODAY: 2},
        3: {},
        4: {TODAY: 8},
    }
    assert list(found) == [2, 1, 3, 4]


def test_hours_expire_before_their_days_do(db: None) -> None:
    eight_days_ago = TODAY // DAY - 8
    store_days({(7, 1, eight_days_ago, 0): hours(h12=1)})
    since = NOW - 10 * DAY
    periods = [Period(since, NOW, HOUR), Period(since, NOW, DAY)]
    by_hour, by_day = series.issue_series([(7, 1)], periods, NOW)[1]
    assert counted(by_hour) == {}
    assert counted(by_day) == {TODAY - 8 * DAY: 1}


def test_a_period_of_long_ago_reads_nothing(db: None) -> None:
    found = series.issue_series([(7, 1)], [Period(0, DAY, HOUR)], NOW)
    assert len(found[1][0]) == 25


@pytest.mark.parametrize("size", [0, 2, 50])
def test_many_issues_are_one_statement(db: None, django_assert_num_queries: Any, size: int) -> None:
    today = TODAY // DAY
    store_days({(7, issue, today, 0): hours(h0=1) for issue in range(size)})
    with django_assert_num_queries(1):
        keys = [(7, issue) for issue in range(size)]
        found = series.issue_series(keys, [HOURS_24.until(NOW), DAYS_30.until(NOW)], NOW)
    assert len(found) == size


def test_issues_are_not_counted_any_finer(db: None) -> None:
    with pytest.raises(ValueError, match="by the hour and by the day"):
        series.issue_series([(7, 1)], [Period(NOW - 60, NOW, TEN_SECONDS)], NOW)
