"""What the answers about many projects need beside the rows: fixed numbers of statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.http import QueryDict

from issues import feedback
from issues.models import Issue
from sentrylite.api import params
from sentrylite.api.errors import BadParameter
from sentrylite.organizations import listings
from sentrylite.organizations.access import Caller
from sentrylite.organizations.models import Organization, Project, Team
from sentrylite.releases import queries as release_queries
from stats import series
from stats.models import Kind
from stats.periods import LIST_DAYS_14, LIST_DAYS_30, LIST_HOURS_24, Span

SPANS = {"24h": LIST_HOURS_24, "14d": LIST_DAYS_14, "30d": LIST_DAYS_30}
BAD_PERIOD = {
    "error": {
        "params": {
            "stats_period": {
                "message": "Invalid stats_period. Valid choices are '', '24h', '14d', and '30d'"
            }
        }
    }
}


@dataclass(frozen=True, slots=True)
class StatsParams:
    """What to count the events of each project over (teams contract, section 7)."""

    span: Span | None
    environment_id: int | None

    @classmethod
    def read(cls, query: QueryDict, organization: Organization) -> Self:
        """Raises BadParameter, also for an environment that nobody knows."""
        period = query.get("statsPeriod") or ""
        if period and period not in SPANS:
            raise BadParameter(BAD_PERIOD)
        name = params.text(query, "environment")
        if not period or name is None:
            return cls(SPANS.get(period), None)
        environment = listings.find_environment(organization, name)
        if environment is None:
            raise BadParameter("Invalid environment. There is none of this name.")
        return cls(SPANS[period], environment.pk)


def load_basics(projects: Sequence[Project], caller: Caller) -> None:
    """For the basic form. Three statements."""
    listings.load_teams_of_projects(projects)
    listings.load_bookmarks(projects, caller)
    release_queries.load_latest_versions(projects)


def load_summaries(projects: Sequence[Project], caller: Caller) -> None:
    """For the summary form. Seven statements."""
    load_basics(projects, caller)
    listings.load_environments_of_projects(projects)
    listings.load_platforms_of_projects(projects)
    release_queries.load_latest_deploys(projects)
    feedback.load_has_reports(projects)


def load_points(projects: Sequence[Project], chosen: StatsParams, now: datetime) -> None:
    """The stored events of each project over time, if they were asked for. One statement."""
    if chosen.span is None or not projects:
        return
    moment = now.timestamp()
    kind = Kind.PROJECT_GENERATED if chosen.environment_id is None else Kind.ENVIRONMENT_GENERATED
    keys = {project.pk: (project.pk, chosen.environment_id or project.pk) for project in projects}
    found = series.read_series(kind, list(keys.values()), chosen.span.until(moment), moment)
    for project in projects:
        project.points = found[keys[project.pk]]


def load_teams(teams: Sequence[Team], caller: Caller) -> None:
    """For teams with their projects. Six statements."""
    listings.load_member_counts(teams)
    load_basics(listings.load_projects_of_teams(teams), caller)


def count_unresolved(project: Project, now: datetime) -> int:
    """How many issues of a project still have to be looked at. One statement."""
    found = Issue.objects.filter(project=project).unresolved()
    if project.resolve_age:
        found = found.filter(last_seen__gt=now - timedelta(hours=project.resolve_age))
    return found.count()
