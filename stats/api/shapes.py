"""What answers say in numbers."""

from typing import Annotated, Any, NotRequired, TypedDict

from sentrylite.api.operations import Keywords, Timestamp

Point = Annotated[
    list[float],
    "Seconds since 1970-01-01, and events.",
    Keywords(minItems=2, maxItems=2, examples=[[1584824400.0, 6090]]),
]
Points = list[Point]

# Of no project at all it is an empty list.
PointsById = dict[str, Points] | Annotated[list[Any], Keywords(maxItems=0)]


class HookPoint(TypedDict):
    ts: int
    total: int


class KeyUsage(TypedDict):
    """What came of a client key's events in a time that begins at `ts`."""

    accepted: int
    dropped: int
    filtered: int
    total: int
    ts: int


class OutcomeGroup(TypedDict):
    by: Annotated[dict[str, str | int], "What the outcomes have in common."]
    totals: dict[str, int]
    series: NotRequired[
        Annotated[dict[str, list[int]], "For each interval; missing where `by` has projects."]
    ]


class Intervals(TypedDict):
    start: Timestamp
    end: Timestamp
    intervals: list[Timestamp]


class Outcomes(Intervals):
    groups: list[OutcomeGroup]


class CategorySummary(TypedDict):
    category: str
    outcomes: dict[str, int]
    totals: dict[str, int]


class ProjectSummaryStats(TypedDict):
    id: int
    slug: str
    stats: list[CategorySummary]


class OutcomeSummary(TypedDict):
    start: Timestamp
    end: Timestamp
    projects: list[ProjectSummaryStats]
