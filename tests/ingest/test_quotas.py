from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from sentrylite.ingest.quotas import Allowance, RateLimit, RateLimited, SpentWindows
from sentrylite.organizations.models import KeyWindow, ProjectKey
from tests import factories
from tests.events import NOON

MINUTE = RateLimit(count=10, window=60)

Ask = Callable[..., int]


@pytest.fixture
def ask(db: None) -> Ask:
    """`ask(key, 5, limit, now)`: how many of five events are let in."""

    def run(
        key: ProjectKey, times: int, limit: RateLimit | None = MINUTE, now: float = NOON
    ) -> int:
        with connection.cursor() as cursor:
            allowance = Allowance(cursor.cursor, [(key.pk, limit)] * times, now=now)
        return [allowance.spend(key.pk) for _ in range(times)].count(None)

    return run


def test_a_window_holds_so_many_events(key: ProjectKey, ask: Ask) -> None:
    assert [ask(key, 4) for _ in range(4)] == [4, 4, 2, 0]


def test_the_next_window_begins_anew(key: ProjectKey, ask: Ask) -> None:
    assert ask(key, 12, now=NOON + 59.9) == 10
    assert ask(key, 12, now=NOON + 60) == 10
    assert KeyWindow.objects.get().start == NOON + 60


def test_the_first_to_come_are_let_in(key: ProjectKey) -> None:
    with connection.cursor() as cursor:
        allowance = Allowance(cursor.cursor, [(key.pk, MINUTE)] * 12, now=NOON + 48.5)
    errors = [allowance.spend(key.pk) for _ in range(12)]
    assert errors[:10] == [None] * 10
    assert [error and error.seconds(NOON + 48.5) for error in errors[10:]] == [12, 12]


def test_keys_have_windows_of_their_own(project: Any, key: ProjectKey, ask: Ask) -> None:
    other = factories.ProjectKeyFactory(project=project)
    assert (ask(key, 11), ask(other, 11)) == (10, 10)


def test_keys_without_a_limit_cost_nothing(
    key: ProjectKey, ask: Ask, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert ask(key, 500, None) == 500
    assert not KeyWindow.objects.exists()


def test_a_process_whose_clock_is_behind_counts_in_the_window_that_has_begun(
    key: ProjectKey, ask: Ask
) -> None:
    assert ask(key, 8, now=NOON + 60.01) == 8
    assert ask(key, 8, now=NOON + 59.99) == 2
    assert KeyWindow.objects.get().start == NOON + 60


def test_a_clock_that_was_set_back_does_not_shut_a_key_out(key: ProjectKey, ask: Ask) -> None:
    assert ask(key, 12, now=NOON + 7200) == 10
    assert ask(key, 12, now=NOON) == 10


def test_another_length_of_window_begins_anew(key: ProjectKey, ask: Ask) -> None:
    assert ask(key, 12) == 10
    assert ask(key, 12, RateLimit(3, 3600)) == 3


def test_a_lower_count_holds_at_once(key: ProjectKey, ask: Ask) -> None:
    assert ask(key, 8) == 8
    assert ask(key, 1, RateLimit(5, 60)) == 0


def test_a_batch_of_many_keys_is_one_statement(project: Any) -> None:
    keys = [factories.ProjectKeyFactory(project=project).pk for _ in range(20)]
    statements = []

    class Counting:
        def __init__(self, cursor: Any) -> None:
            self.connection, self.fetchall = cursor.connection, cursor.fetchall
            self.execute = lambda *args: (statements.append(args), cursor.execute(*args))

    with connection.cursor() as cursor:
        wanted = [(key, MINUTE) for key in keys for _ in range(11)]
        allowance = Allowance(Counting(cursor.cursor), wanted, now=NOON)
    assert len(statements) == 1
    errors = [allowance.spend(key) for key, _ in wanted]
    assert errors.count(None) == 200


# What a process remembers ---------------------------------------------------------------------


def is_refused(spent: SpentWindows, limit: RateLimit, now: float) -> bool:
    try:
        spent.check(1, limit, now)
    except RateLimited as error:
        assert error.until == NOON + 60
        return True
    return False


def test_a_spent_window_is_remembered_to_its_end() -> None:
    spent = SpentWindows()
    assert not is_refused(spent, MINUTE, NOON)
    spent.remember(1, MINUTE, NOON + 60)
    assert is_refused(spent, MINUTE, NOON)
    assert is_refused(spent, MINUTE, NOON + 59.9)
    spent.check(2, MINUTE, NOON)
    assert not is_refused(spent, MINUTE, NOON + 60)
    assert not is_refused(spent, MINUTE, NOON)


def test_a_new_limit_is_a_new_chance() -> None:
    spent = SpentWindows()
    spent.remember(1, MINUTE, NOON + 60)
    assert not is_refused(spent, RateLimit(20, 60), NOON)


def test_a_clock_that_was_set_back_is_noticed() -> None:
    spent = SpentWindows()
    spent.remember(1, MINUTE, NOON + 60)
    assert not is_refused(spent, MINUTE, NOON - 3600)
