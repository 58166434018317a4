import pytest
from django.db import connection, transaction
from psycopg2.errors import DuplicatePreparedStatement

from sentrylite.statements import Statement

pytestmark = pytest.mark.django_db

ADD = Statement(
    "test_add",
    "SELECT %(a)s + %(b)s, %(text)s, '100%%', %(a)s = ANY(%(numbers)s)",
    a="bigint",
    b="bigint",
    text="text",
    numbers="bigint[]",
)

COUNT = Statement(
    "test_count",
    "SELECT key, count(*) FROM unnest(%s::int[], %s::text[]) AS row(key, text) GROUP BY 1",
)


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE name = 'test_add'")
        return [name for (name,) in cursor.fetchall()]


def run(text: str | None) -> tuple:
    with connection.cursor() as cursor:
        return ADD.run(cursor, a=1, b=2, text=text, numbers="{1,5}").fetchone()


@pytest.mark.parametrize("text", ["x", 'it\'s %s \\ "quoted"', "", None])
def test_it_answers_as_plain_sql_would(text: str | None) -> None:
    assert run(text) == (3, text, "100%", True)


def test_columns_are_cast_where_they_stand() -> None:
    with connection.cursor() as cursor:
        assert COUNT.run(cursor, "{7,7}", '{"a","b"}').fetchall() == [(7, 2)]


def test_two_of_one_name_are_never_taken_for_each_other() -> None:
    run("x")
    other = Statement("test_add", "SELECT 'other'")
    with pytest.raises(DuplicatePreparedStatement, match="test_add"), transaction.atomic():
        other.run(connection.cursor())


def test_a_connection_prepares_it_once_and_a_new_one_again() -> None:
    run("x")
    run("y")
    assert prepared() == ["test_add"]


@pytest.mark.django_db(transaction=True)
def test_it_is_prepared_again_after_a_reconnect() -> None:
    run("x")
    connection.close()
    assert prepared() == []
    assert run("x") == (3, "x", "100%", True)


@pytest.mark.django_db(transaction=True)
def test_one_plan_serves_all_parameters() -> None:
    connection.close()
    for text in "abcdefgh":
        run(text)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE name = 'test_add'"
        )
        assert cursor.fetchone() == (8, 0)


def test_it_counts_as_one_query(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(1):
        run("x")
