"""Python values as PostgreSQL array literals, the cheapest way to send a batch of rows.

A list makes the driver write `ARRAY[a, b, …]`, which the server parses as an expression per
element; a literal is one string, and upserts from literals cost a third of the time.
"""

from collections.abc import Iterable
from uuid import UUID

Element = int | float | str | UUID | None


def literal(values: Iterable[Element]) -> str:
    """`[1, 2]` to `{1,2}`, to be passed as one parameter and cast: `%s::bigint[]`.

    Text has no NUL in it; None is NULL.
    """
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: Element) -> str:
    if isinstance(value, str):
        # Quotes make any text one element: an empty one, `NULL`, one with commas or braces.
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "NULL" if value is None else str(value)
