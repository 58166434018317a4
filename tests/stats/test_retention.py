"""Counts past their lifetime go, others stay."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from stats import counters, retention
from stats.models import IssueDay, Kind, SeriesCount
from stats.periods import DAY, HOUR, SAMPLES, TEN_SECONDS, WIDTHS, oldest_bucket

from .conftest import Store

NOW = datetime(2026, 11, 22, 2, 46, 23, tzinfo=UTC)
EPOCH = NOW.timestamp()


def store_days(days: counters.IssueDays) -> None:
    with connection.cursor() as cursor:
        counters.add_issue_days(cursor, days)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 3)


@pytest.mark.parametrize("width", [TEN_SECONDS, HOUR, DAY])
def test_only_what_nobody_can_read_is_deleted(store: Store, width: int) -> None:
    lifetime = SAMPLES[width] * width
    store(7, Kind.PROJECT_RECEIVED, 7, {EPOCH: 1, EPOCH - lifetime: 2, EPOCH - lifetime - width: 4})
    retention.prune_counters(NOW)
    left = SeriesCount.objects.filter(width=width)
    assert sum(left.values_list("quantity", flat=True)) == 1 + 2
    assert min(left.values_list("bucket", flat=True)) == oldest_bucket(width, EPOCH)


def test_issue_days_live_ninety_days(db: None) -> None:
    today = int(EPOCH // DAY)
    store_days({(7, 1, today - age, 0): [1] * 24 for age in (0, 90, 91, 400)})
    assert retention.prune_counters(NOW) == 2
    assert set(IssueDay.objects.values_list("day", flat=True)) == {today, today - 90}


def test_it_says_how_many_and_is_done_after_once(store: Store, small_chunks: None) -> None:
    for project in range(5):
        for kind in (Kind.PROJECT_RECEIVED, Kind.PROJECT_GENERATED):
            store(project, kind, project, {EPOCH - age * DAY: 1 for age in (0, 100, 101)})
    today = int(EPOCH // DAY)
    store_days({(7, 1, today - 100, environment): [1] * 24 for environment in range(7)})
    expired = 5 * 2 * 2 * len(WIDTHS)
    assert retention.prune_counters(NOW) == expired + 7
    assert SeriesCount.objects.count() == 5 * 2 * len(WIDTHS)
    assert IssueDay.objects.count() == 0
    assert retention.prune_counters(NOW) == 0


@pytest.mark.parametrize("rows", [2, 3, 4, 6, 7])
def test_chunks_meet_without_gap(store: Store, small_chunks: None, rows: int) -> None:
    store(7, Kind.PROJECT_RECEIVED, 7, {EPOCH - (100 + age) * DAY: 1 for age in range(rows)})
    assert retention.prune_counters(NOW) == rows * len(WIDTHS)
    assert not SeriesCount.objects.exists()


def fail_at(number: int) -> Callable[..., Any]:
    """Break off instead of running the statement with this number."""
    seen = 0

    def wrapper(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == number:
            raise KeyboardInterrupt
        return execute(*arguments)

    return wrapper


@pytest.mark.django_db(transaction=True)
def test_each_chunk_is_a_transaction_of_its_own(store: Store, small_chunks: None) -> None:
    store(7, Kind.PROJECT_RECEIVED, 7, {EPOCH - (100 + age) * DAY: 1 for age in range(5)})
    with connection.execute_wrapper(fail_at(2)), pytest.raises(KeyboardInterrupt):
        retention.prune_counters(NOW)
    assert SeriesCount.objects.filter(width=TEN_SECONDS).count() == 2
