from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from sentrylite.ingest import connection
from sentrylite.ingest.connection import Connection, Lost

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own() -> Iterator[Connection]:
    opened = Connection("test")
    yield opened
    opened.close()


def make(cursor: Any) -> None:
    cursor.execute("CREATE TEMP TABLE thing (id int)")  # nobody analyzes those
    cursor.execute("PREPARE find AS SELECT * FROM thing WHERE id = ANY($1::int[])")


def fill(cursor: Any) -> None:
    cursor.execute("INSERT INTO thing SELECT generate_series(1, 10000)")


def plan(cursor: Any) -> str:
    cursor.execute("EXPLAIN EXECUTE find ('{1}')")
    return cursor.fetchone()[0]


def test_a_plan_for_an_empty_table_does_not_stay(
    own: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.run(make)
    when_empty = own.run(plan)
    own.run(fill)
    assert own.run(plan) == when_empty
    monkeypatch.setattr(connection, "PLANS_LAST", 0.0)
    assert own.run(plan) != when_empty


def test_one_plan_serves_all_batches_also_after_a_rollback(own: Connection) -> None:
    def fail(cursor: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        own.run(fail)
    assert own.run(mode) == "force_generic_plan"


def test_a_loss_that_the_driver_has_not_noticed_is_one_too(own: Connection) -> None:
    def fail(cursor: Any) -> None:
        raise psycopg2.DatabaseError("server closed the connection unexpectedly")

    before = own.run(process)
    with pytest.raises(Lost, match="unexpectedly"):
        own.run(fail)
    assert own.run(process) != before


def test_what_the_server_refuses_is_no_loss(own: Connection) -> None:
    before = own.run(process)
    with pytest.raises(psycopg2.errors.DivisionByZero):
        own.run(lambda cursor: cursor.execute("SELECT 1 / 0"))
    assert own.run(process) == before


def process(cursor: Any) -> int:
    cursor.execute("SELECT pg_backend_pid()")
    return cursor.fetchone()[0]


def mode(cursor: Any) -> str:
    cursor.execute("SHOW plan_cache_mode")
    return cursor.fetchone()[0]
