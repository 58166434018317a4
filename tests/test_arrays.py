"""Array literals mean to PostgreSQL what the list meant to Python."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentrylite.arrays import literal

on_one_database = settings(deadline=None, suppress_health_check=list(HealthCheck))

# What text columns of PostgreSQL can hold: neither NUL nor half of a surrogate pair.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def read(values: list[Any], kind: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [literal(values)])
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], "{}"),
        ([1, -2, 2**63 - 1], "{1,-2,9223372036854775807}"),
        ([1584824400.0, 0.25], "{1584824400.0,0.25}"),
        (["a", None], '{"a",NULL}'),
        (["", "NULL", "a,b", "{}"], '{"","NULL","a,b","{}"}'),
        (['say "hi"', "C:\\"], '{"say \\"hi\\"","C:\\\\"}'),
    ],
)
def test_what_a_literal_looks_like(values: list[Any], expected: str) -> None:
    assert literal(values) == expected


def test_it_takes_any_iterable() -> None:
    assert literal(number for number in (1, 2)) == "{1,2}"


@on_one_database
@given(st.lists(st.none() | texts))
def test_text_arrives_as_it_was(db: None, values: list[str | None]) -> None:
    assert read(values, "text") == values


@on_one_database
@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_arrive_as_they_were(db: None, values: list[int | None]) -> None:
    assert read(values, "bigint") == values


@on_one_database
@given(st.lists(st.floats(allow_nan=False)))
def test_floats_arrive_to_the_last_bit(db: None, values: list[float]) -> None:
    assert read(values, "float8") == values


def test_truth_and_uuids(db: None) -> None:
    assert read([True, False, None], "boolean") == [True, False, None]
    name = UUID("12345678123456781234567812345678")
    assert read([name, None], "uuid[]::text") == [str(name), None]


def test_a_literal_can_be_an_element_of_another(db: None) -> None:
    assert read([literal([1, 2]), literal([3])], "text") == ["{1,2}", "{3}"]
