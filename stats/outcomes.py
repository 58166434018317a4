"""What became of the data that projects sent: counts by outcome, kind of data and reason.

Made up of the counters that there are: what was received and not turned away was accepted.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import connection

from sentrylite.arrays import literal

from .models import Kind
from .periods import DAY, HOUR, HOURS_OF_DAY, MAX_POINTS, Period, oldest_bucket
from .usage import FILTERS, ITEM_CATEGORIES

ERROR = "error"
ITEMS = {
    "transaction": "transaction",
    "session": "session",
    "attachment": "attachment",
    "user_report": "user_report",
    "feedback": "feedback",
    "check_in": "monitor",
    "span": "span",
    "log": "log_item",
    "trace_metric": "trace_metric",
    "profile": "profile",
    "replay": "replay",
}
"""Envelope items (`ITEM_CATEGORIES`) by the names that today's API has for such data."""
CATEGORIES = (ERROR, *ITEMS.values())

ACCEPTED, FILTERED, RATE_LIMITED, INVALID = "accepted", "filtered", "rate_limited", "invalid"
OUTCOMES = (
    *(ACCEPTED, FILTERED, RATE_LIMITED, INVALID),
    *("abuse", "client_discard", "cardinality_limited"),
)
"""Those of the second line are known to clients; nothing here counts them."""
NO_REASON = "none"


class Outcome(NamedTuple):
    project: int
    """0 where projects are not told apart."""
    outcome: str
    category: str
    reason: str


Meaning = tuple[int, str, str, str]
"""The sign, the outcome, the category and the reason that a counter counts for."""

MEANINGS: Mapping[tuple[int, int], Sequence[Meaning]] = {
    # A project's own counters are filed under its id, here 0.
    (Kind.PROJECT_RECEIVED, 0): [(1, ACCEPTED, ERROR, NO_REASON)],
    (Kind.PROJECT_REJECTED, 0): [
        (1, RATE_LIMITED, ERROR, NO_REASON),
        (-1, ACCEPTED, ERROR, NO_REASON),
    ],
    (Kind.PROJECT_BLACKLISTED, 0): [(-1, ACCEPTED, ERROR, NO_REASON)],
    **{
        (Kind.FILTERED, number): [(1, INVALID if name == "cors" else FILTERED, ERROR, name)]
        for name, number in FILTERS.items()
    },
    **{
        (Kind.ITEMS, ITEM_CATEGORIES[item]): [(1, ACCEPTED, category, NO_REASON)]
        for item, category in ITEMS.items()
    },
    # Of the other items nothing is read that could be wrong.
    (Kind.INVALID_ITEMS, ITEM_CATEGORIES["session"]): [(1, INVALID, ITEMS["session"], NO_REASON)],
}

# Every row is found by its whole key. Where projects are told apart, time is not.
READ_OUTCOMES = """
    SELECT CASE WHEN %(by_project)s THEN p.id ELSE 0 END AS project,
        counted.kind, counted.object_id, part.width,
        CASE WHEN NOT %(by_project)s THEN s.bucket END AS bucket,
        sum(s.quantity)::bigint
    FROM unnest(%(projects)s::bigint[]) AS p (id)
    CROSS JOIN unnest(%(kinds)s::smallint[], %(objects)s::bigint[]) AS counted (kind, object_id)
    CROSS JOIN unnest(%(widths)s::integer[], %(first)s::integer[], %(last)s::integer[])
        AS part (width, first, last)
    JOIN stats_seriescount s
        ON s.project_id = p.id AND s.kind = counted.kind
        AND s.object_id = CASE counted.object_id WHEN 0 THEN p.id ELSE counted.object_id END
        AND s.width = part.width AND s.bucket BETWEEN part.first AND part.last
    GROUP BY 1, 2, 3, 4, 5
"""

Counts = dict[Outcome, dict[int, int]]
"""How many by bucket of the period; all under its first one where projects are told apart."""


def read_outcomes(
    project_ids: Collection[int], period: Period, now: float, *, by_project: bool
) -> Counts:
    """What these projects' data came to in a period of hours, days, or something between that a
    day is a multiple of. One statement.

    Hours are kept for a week. Of days before that only the whole is known: it counts at their
    beginning, or that of the period.
    """
    parts = _parts(period, now)
    counts: Counts = defaultdict(lambda: defaultdict(int))
    with connection.cursor() as cursor:
        cursor.execute(
            READ_OUTCOMES,
            {
                "by_project": by_project,
                "projects": literal(project_ids),
                "kinds": literal(int(kind) for kind, _ in MEANINGS),
                "objects": literal(number for _, number in MEANINGS),
                "widths": literal(parts),
                "first": literal(part.start for part in parts.values()),
                "last": literal(part.stop - 1 for part in parts.values()),
            },
        )
        for project_id, kind, number, width, bucket, quantity in cursor:
            at = period.buckets.start
            if bucket is not None:
                at = max(at, bucket * width // period.width)
            for sign, *came_to in MEANINGS[kind, number]:
                counts[Outcome(project_id, *came_to)][at] += sign * quantity
    return counts


def _parts(period: Period, now: float) -> dict[int, range]:
    """The hours of a period, as far as whole days of them are kept, and the days before."""
    hours = range(
        period.buckets.start * period.width // HOUR, period.buckets.stop * period.width // HOUR
    )
    first_day = -(-oldest_bucket(HOUR, now) // HOURS_OF_DAY)
    days = range(
        max(hours.start // HOURS_OF_DAY, oldest_bucket(DAY, now)),
        min((hours.stop - 1) // HOURS_OF_DAY + 1, first_day),
    )
    return {HOUR: range(max(hours.start, first_day * HOURS_OF_DAY), hours.stop), DAY: days}


@dataclass(frozen=True, slots=True)
class Group:
    by: dict[str, int | str]
    """What all in it have in common."""
    series: list[int]
    """A number for each bucket of the period; none where projects are told apart."""
    total: int


def group(counts: Counts, names: Sequence[str], period: Period) -> list[Group]:
    """The counts by these fields of Outcome, sorted by them; without any it is one group of all.

    Raises ValidationError when there would be more than `stats.periods.MAX_POINTS`.
    """
    start = period.buckets.start
    length = 0 if "project" in names else len(period.buckets)
    found: dict[tuple[int | str, ...], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for outcome, by_bucket in counts.items():
        in_group = found[tuple(getattr(outcome, name) for name in names)]
        for bucket, quantity in by_bucket.items():
            in_group[bucket] += quantity
    found = {values: each for values, each in found.items() if any(each.values())}
    if not names:
        found.setdefault((), {})
    if len(found) * length > MAX_POINTS:
        raise ValidationError(
            f"{len(found)} groups with {length} intervals each are more than {MAX_POINTS} points. "
            "Choose a shorter range, a coarser interval or fewer fields to group by."
        )
    return [
        Group(
            by=dict(zip(names, values, strict=True)),
            series=[by_bucket.get(start + each, 0) for each in range(length)],
            total=sum(by_bucket.values()),
        )
        for values, by_bucket in sorted(found.items())
    ]
