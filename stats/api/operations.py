"""What the operations say of themselves, for the OpenAPI document."""

from typing import Annotated, Required, TypedDict

from sentrylite.api.operations import (
    Keywords,
    Operation,
    Operations,
    Projects,
)
from sentrylite.api.operations import Period as PeriodQuery
from stats.api import shapes
from stats.api.params import (
    CATEGORY_NAMES,
    FIELDS,
    GROUPINGS,
    GROUPS,
    INTERVALS,
    PROJECT_STATS,
    STATS_OF_ONE_PROJECT,
)
from stats.api.shapes import Points, PointsById
from stats.api.views import (
    HookStatsView,
    OrganizationStatsView,
    OutcomeStatsView,
    OutcomeSummaryView,
    ProjectKeyStatsView,
    ProjectStatsView,
    TeamStatsView,
)
from stats.outcomes import OUTCOMES

# What query strings may say -----------------------------------------------------------------------


class SeriesQuery(TypedDict, total=False):
    since: Annotated[str, "Seconds since 1970-01-01."]
    until: Annotated[str, "Seconds since 1970-01-01."]
    resolution: Annotated[str, Keywords(enum=["10s", "1h", "1d"]), "What each point stands for."]


class EnvironmentSeriesQuery(SeriesQuery, total=False):
    environment: Annotated[str, "The environment to count stored events of."]


class OrganizationSeriesQuery(EnvironmentSeriesQuery, total=False):
    stat: Annotated[
        str, Keywords(enum=list(PROJECT_STATS)), "What to count; `received` by default."
    ]
    group: Annotated[str, Keywords(enum=list(GROUPS)), "As a whole, or by project."]
    id: Annotated[list[str], "Ids of organizations; by project, of projects."]
    projectID: Annotated[list[str], "Ids of projects, by project."]


class ProjectSeriesQuery(EnvironmentSeriesQuery, total=False):
    stat: Annotated[str, Keywords(enum=list(STATS_OF_ONE_PROJECT)), "What to count."]


class OutcomeSummaryQuery(PeriodQuery, Projects, total=False):
    field: Required[Annotated[list[str], Keywords(items={"type": "string", "enum": list(FIELDS)})]]
    interval: Annotated[str, f"One of {INTERVALS}."]
    outcome: Annotated[list[str], Keywords(items={"type": "string", "enum": list(OUTCOMES)})]
    category: Annotated[list[str], Keywords(items={"type": "string", "enum": list(CATEGORY_NAMES)})]
    reason: list[str]


class OutcomesQuery(OutcomeSummaryQuery, total=False):
    groupBy: Annotated[list[str], Keywords(items={"type": "string", "enum": list(GROUPINGS)})]


# The operations -----------------------------------------------------------------------------------

OPERATIONS: Operations = {
    OrganizationStatsView: {
        "GET": Operation(
            "Retrieve Event Counts for an Organization",
            Points | PointsById,
            query=OrganizationSeriesQuery,
            example="organization-stats",
        ),
    },
    OutcomeStatsView: {
        "GET": Operation("Count Outcomes over Time", shapes.Outcomes, query=OutcomesQuery),
    },
    OutcomeSummaryView: {
        "GET": Operation(
            "Count Outcomes by Project", shapes.OutcomeSummary, query=OutcomeSummaryQuery
        ),
    },
    ProjectStatsView: {
        "GET": Operation("Retrieve Event Counts for a Project", Points, query=ProjectSeriesQuery),
    },
    ProjectKeyStatsView: {
        "GET": Operation("Client key stats", list[shapes.KeyUsage], query=SeriesQuery),
    },
    HookStatsView: {
        "GET": Operation(
            "Count What a Service Hook Was Told", list[shapes.HookPoint], query=SeriesQuery
        ),
    },
    TeamStatsView: {
        "GET": Operation("Retrieve Event Counts for a Team", Points, query=EnvironmentSeriesQuery),
    },
}
