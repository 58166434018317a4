"""Counts in the tables, and the clock of the views."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from stats import counters

Store = Callable[..., None]


@pytest.fixture
def store(db: None) -> Store:
    """`store(project_id, kind, object_id, {moment: quantity})`: counted when they happened."""

    def store(project_id: int, kind: int, object_id: int, moments: dict[float, int]) -> None:
        counts: counters.Counts = {}
        for moment, quantity in moments.items():
            counters.count(counts, project_id, kind, object_id, moment, quantity, now=moment)
        with connection.cursor() as cursor:
            counters.add_series_counts(cursor, counts)

    return store


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`set_clock(epoch)`: what time it is for the views of `stats`."""

    def set_clock(epoch: float) -> None:
        clock = SimpleNamespace(now=lambda: datetime.fromtimestamp(epoch, UTC))
        monkeypatch.setattr("stats.api.views.timezone", clock)

    return set_clock


def counted(points: list[list[float]]) -> dict[float, Any]:
    """The points of a series that are not zero."""
    return {moment: quantity for moment, quantity in points if quantity}
