"""Connections that are kept from request to request."""

from collections.abc import Callable

import pytest
from django.core.signals import request_started
from django.db import ProgrammingError, connection
from django.db.backends.postgresql import base

from sentrylite.ingest.connection import Connection

pytestmark = pytest.mark.django_db(transaction=True)


def one(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def pid() -> int:
    return one("SELECT pg_backend_pid()")


@pytest.fixture
def elsewhere() -> Callable[[str], None]:
    """Execute a statement on another connection."""

    def execute(sql: str) -> None:
        own = Connection("other")
        own.run(lambda cursor: cursor.execute(sql))
        own.close()

    return execute


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What Django's own check finds, each time that it asks."""
    found: list[bool] = []
    ask = base.DatabaseWrapper.is_usable

    def asked(self: base.DatabaseWrapper) -> bool:
        found.append(ask(self))
        return found[-1]

    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", asked)
    return found


def a_request_comes() -> None:
    request_started.send(sender=None)


def test_a_connection_that_is_idle_is_kept_without_a_word(round_trips: list[bool]) -> None:
    before = pid()
    for _ in range(3):
        a_request_comes()
        assert pid() == before
    assert round_trips == []


def test_one_that_was_ended_is_opened_again(
    elsewhere: Callable[[str], None], round_trips: list[bool]
) -> None:
    before = pid()
    elsewhere(f"SELECT pg_terminate_backend({before}, 5000)")
    a_request_comes()
    assert pid() != before
    assert round_trips == [False]


def test_one_that_the_driver_knows_to_be_closed_is_opened_again() -> None:
    before = pid()
    connection.connection.close()
    a_request_comes()
    assert pid() != before


def test_one_that_was_told_something_is_kept(
    elsewhere: Callable[[str], None], round_trips: list[bool]
) -> None:
    before = pid()
    one("LISTEN news; SELECT 1")
    elsewhere("NOTIFY news")
    a_request_comes()
    assert pid() == before
    a_request_comes()
    assert pid() == before
    assert round_trips == [True]
    one("UNLISTEN news; SELECT 1")


def test_after_an_error_it_is_asked(round_trips: list[bool]) -> None:
    before = pid()
    with pytest.raises(ProgrammingError):
        one("SELECT nonsense")
    a_request_comes()
    assert pid() == before
    assert round_trips == [True]
