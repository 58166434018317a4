"""The write side: counts are added up in memory, then to the tables in one statement each.

Knows no model and no transaction: it works on any cursor, inside whatever its caller has begun.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from sentrylite.arrays import literal
from sentrylite.statements import Statement

from .periods import HOURS_OF_DAY, WIDTHS, bucket, oldest_bucket

Counts = dict[tuple[int, int, int, int, int], int]
"""`(project_id, kind, object_id, width, bucket)` to how many; plain ints, so it can be marshalled.

Organizations' counts have the project_id 0. A project's own have its id also as object_id.
"""

IssueDays = dict[tuple[int, int, int, int], list[int]]
"""`(project_id, issue_id, day, environment_id)` to 24 numbers, one for each hour of the UTC day."""

ADD_SERIES_COUNTS = Statement(
    "add_series_counts",
    """
    INSERT INTO stats_seriescount AS c (project_id, kind, object_id, width, bucket, quantity)
    SELECT * FROM unnest(
        %s::bigint[], %s::smallint[], %s::bigint[], %s::integer[], %s::integer[], %s::bigint[]
    )
    ON CONFLICT (project_id, kind, object_id, width, bucket)
    DO UPDATE SET quantity = c.quantity + excluded.quantity
""",
)

_SUM_OF_HOURS = ", ".join(
    f"d.hours[{hour}] + excluded.hours[{hour}]" for hour in range(1, HOURS_OF_DAY + 1)
)

# unnest() would flatten an array of arrays, so each day's hours travel as the text of one.
ADD_ISSUE_DAYS = Statement(
    "add_issue_days",
    f"""
    INSERT INTO stats_issueday AS d (project_id, issue_id, day, environment_id, total, hours)
    SELECT project_id, issue_id, day, environment_id, total, hours::integer[] FROM unnest(
        %s::bigint[], %s::bigint[], %s::integer[], %s::bigint[], %s::integer[], %s::text[]
    ) AS n (project_id, issue_id, day, environment_id, total, hours)
    ON CONFLICT (project_id, issue_id, day, environment_id)
    DO UPDATE SET total = d.total + excluded.total, hours = ARRAY[{_SUM_OF_HOURS}]
""",
)

_SUMS_BY_HOUR = ", ".join(f"sum(hours[{hour}])" for hour in range(1, HOURS_OF_DAY + 1))

MOVE_ISSUE_DAYS = f"""
    WITH gone AS (
        DELETE FROM stats_issueday WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM stats_issueday
            WHERE project_id = %(project)s AND issue_id = ANY(%(issues)s::bigint[])
            LIMIT %(limit)s))
        RETURNING day, environment_id, total, hours
    ), moved AS (
        INSERT INTO stats_issueday AS d (project_id, issue_id, day, environment_id, total, hours)
        SELECT %(project)s, %(target)s, day, environment_id, sum(total), ARRAY[{_SUMS_BY_HOUR}]
        FROM gone GROUP BY day, environment_id ORDER BY day, environment_id
        ON CONFLICT (project_id, issue_id, day, environment_id)
        DO UPDATE SET total = d.total + excluded.total, hours = ARRAY[{_SUM_OF_HOURS}]
    )
    SELECT count(*) FROM gone
"""

REMOVE_EMPTY_ISSUE_DAYS = """
    DELETE FROM stats_issueday
    WHERE project_id = %(project)s AND issue_id = %(issue)s AND total <= 0
"""


class Cursor(Protocol):
    """Django's or the driver's own."""

    def execute(self, statement: str, parameters: Any, /) -> object: ...
    def fetchone(self) -> Any: ...


def count(
    counts: Counts,
    project_id: int,
    kind: int,
    object_id: int,
    moment: float,
    quantity: int = 1,
    *,
    now: float,
) -> None:
    """Add `quantity` at `moment` (epoch seconds) to the buckets of all three widths.

    Leaves out buckets that nobody would read any more (stats contract, section 1).
    """
    for width in WIDTHS:
        number = bucket(moment, width)
        if number >= oldest_bucket(width, now):
            key = (project_id, int(kind), object_id, width, number)
            counts[key] = counts.get(key, 0) + quantity


def add_series_counts(cursor: Cursor, counts: Counts) -> None:
    """Add the counts to their rows, made where missing. One statement."""
    _upsert(
        cursor,
        ADD_SERIES_COUNTS,
        [(*key, quantity) for key, quantity in sorted(counts.items())],
    )


def add_issue_days(cursor: Cursor, days: IssueDays) -> None:
    """Add the hours and their totals to their rows, made where missing. One statement."""
    _upsert(
        cursor,
        ADD_ISSUE_DAYS,
        [(*key, sum(hours), literal(hours)) for key, hours in sorted(days.items())],
    )


def move_issue_days(
    cursor: Cursor, project_id: int, issue_ids: Iterable[int], target_id: int, limit: int
) -> int:
    """Add days of these issues to those of another one, of their project, and remove them; returns
    how many, at most `limit`. One statement."""
    cursor.execute(
        MOVE_ISSUE_DAYS,
        {
            "project": project_id,
            "issues": literal(issue_ids),
            "target": target_id,
            "limit": limit,
        },
    )
    return cursor.fetchone()[0]


def remove_empty_issue_days(cursor: Cursor, project_id: int, issue_id: int) -> None:
    """Remove days of which nothing is left, after some was taken away. One statement."""
    cursor.execute(REMOVE_EMPTY_ISSUE_DAYS, {"project": project_id, "issue": issue_id})


def _upsert(cursor: Cursor, statement: Statement, rows: Iterable[tuple[Any, ...]]) -> None:
    """Send rows, sorted by key so that two batches never wait for each other in a circle."""
    if columns := list(zip(*rows, strict=True)):
        statement.run(cursor, *(literal(column) for column in columns))
