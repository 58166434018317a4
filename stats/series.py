"""The read side: ids and periods to series of points, in one statement each.

`now` is epoch seconds: what has outlived its retention by then reads as 0, pruned or not.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db import connection

from sentrylite.arrays import literal
from sentrylite.statements import Statement

from .periods import DAY, HOUR, HOURS_OF_DAY, Period, Points

Key = tuple[int, int]
"""`(project_id, object_id)`. The project_id of an organization is 0; a project is both."""

READ_SERIES = Statement(
    "read_series",
    """
    SELECT s.project_id, s.object_id, s.bucket, s.quantity
    FROM unnest(%(projects)s, %(objects)s) AS k (project_id, object_id)
    JOIN stats_seriescount s ON s.project_id = k.project_id AND s.object_id = k.object_id
    WHERE s.kind = %(kind)s AND s.width = %(width)s AND s.bucket BETWEEN %(first)s AND %(last)s
    """,
    projects="bigint[]",
    objects="bigint[]",
    kind="smallint",
    width="integer",
    first="bigint",
    last="bigint",
)

# Hours are sent only for the days that an hourly period asks for: as a rule two out of 31.
READ_ISSUE_DAYS = Statement(
    "read_issue_days",
    """
    SELECT issue_id, day, total, CASE WHEN day >= %(first_by_hour)s THEN hours END
    FROM unnest(%(projects)s, %(issues)s) AS wanted (project_id, issue_id)
    JOIN stats_issueday USING (project_id, issue_id)
    WHERE day BETWEEN %(first)s AND %(last)s
        AND (%(environments)s IS NULL OR environment_id = ANY(%(environments)s))
    """,
    projects="bigint[]",
    issues="bigint[]",
    environments="bigint[]",
    first="bigint",
    last="bigint",
    first_by_hour="bigint",
)


def read_series(kind: int, keys: Collection[Key], period: Period, now: float) -> dict[Key, Points]:
    """The series of one kind for each of the keys, zero-filled. One statement."""
    live = period.live_buckets(now)
    counts: dict[Key, dict[int, int]] = {key: {} for key in keys}
    with connection.cursor() as cursor:
        READ_SERIES.run(
            cursor,
            projects=literal(project_id for project_id, _ in counts),
            objects=literal(object_id for _, object_id in counts),
            kind=int(kind),
            width=period.width,
            first=live.start,
            last=live.stop - 1,
        )
        for project_id, object_id, bucket, quantity in cursor:
            counts[project_id, object_id][bucket] = quantity
    return period.fill_all(counts, now)


def issue_series(
    keys: Collection[Key],
    periods: Sequence[Period],
    now: float,
    *,
    environment_ids: Collection[int] | None = None,
) -> dict[int, list[Points]]:
    """For each issue, by its id, a series for each of the periods, in their order. An issue's key
    is its project's id and its own.

    Sums over `environment_ids`, by default over all. One statement, however many issues and
    periods. Raises ValueError for a period that is neither hourly nor daily.
    """
    days = [_live_days(period, now) for period in periods]
    by_hour = [live for live, period in zip(days, periods, strict=True) if period.width == HOUR]
    by_width: dict[int, dict[int, dict[int, int]]] = {
        width: {issue_id: defaultdict(int) for _, issue_id in keys} for width in (HOUR, DAY)
    }
    with connection.cursor() as cursor:
        READ_ISSUE_DAYS.run(
            cursor,
            projects=literal(project_id for project_id, _ in keys),
            issues=literal(issue_id for _, issue_id in keys),
            environments=None if environment_ids is None else literal(environment_ids),
            first=min(live.start for live in days),
            last=max(live.stop for live in days) - 1,
            first_by_hour=min((live.start for live in by_hour), default=None),
        )
        for issue_id, day, total, hours in cursor:
            by_width[DAY][issue_id][day] += total
            by_the_hour = by_width[HOUR][issue_id]
            for hour, quantity in enumerate(hours or (), day * HOURS_OF_DAY):
                if quantity:  # most hours of most issues have none
                    by_the_hour[hour] += quantity
    filled = [period.fill_all(by_width[period.width], now) for period in periods]
    return {issue_id: [points[issue_id] for points in filled] for _, issue_id in keys}


def _live_days(period: Period, now: float) -> range:
    """The days that a period's buckets lie in."""
    if period.width not in (HOUR, DAY):
        raise ValueError("Issues are counted by the hour and by the day.")
    live, per_day = period.live_buckets(now), DAY // period.width
    return range(live.start // per_day, (live.stop - 1) // per_day + 1)
