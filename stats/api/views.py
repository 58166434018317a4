"""Counts of events over time: of an organization, a project, a client key, a team."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.organizations.api.base import (
    HookScopedView,
    OrganizationProjectsView,
    OrganizationScopedView,
    ProjectKeyScopedView,
    ProjectScopedView,
    TeamScopedView,
)
from stats import outcomes, series, usage
from stats.models import Kind

from .params import (
    OrganizationStatsParams,
    OutcomeStatsParams,
    ProjectStatsParams,
    TeamStatsParams,
    read_period,
)
from .serializers import (
    HookSeriesSerializer,
    KeyUsageSerializer,
    OutcomesSerializer,
    OutcomeSummarySerializer,
    SeriesByIdSerializer,
    SeriesSerializer,
)


def environment_id(organization_id: int, name: str | None) -> int | None:
    """The id of the environment that was asked for, None when none was. Raises Http404."""
    if name is None:
        return None
    found = usage.find_environment(organization_id, name)
    if found is None:
        raise Http404
    return found


class OrganizationStatsView(OrganizationScopedView):
    """Retrieve event counts for an organization, as a whole or by project."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now().timestamp()
        params = OrganizationStatsParams.read(request.query_params, now)
        if params.group == "project":
            return self.by_project(params, now)
        if params.ids is not None and self.organization.pk not in params.ids:
            return Response([])
        points = usage.organization_series(params.kind, self.organization.pk, params.period, now)
        return Response(SeriesSerializer(points).data)

    def by_project(self, params: OrganizationStatsParams, now: float) -> Response:
        """Of the caller's own teams only: that membership is open does not count here."""
        environment = environment_id(self.organization.pk, params.environment)
        found = usage.projects_series(
            params.kind,
            self.organization.pk,
            params.period,
            now,
            team_ids=None if self.caller.is_superuser else self.access.team_ids,
            project_ids=params.ids,
            environment_id=environment,
        )
        return Response(SeriesByIdSerializer(found).data)


class OutcomesView(OrganizationProjectsView):
    """What became of the data of projects that the caller reaches."""

    def read(
        self, request: Request, groups: tuple[str, ...] | None = None
    ) -> tuple[OutcomeStatsParams, list[outcomes.Group]]:
        """What was asked for, and the counts by `groups` or by what was asked for. One
        statement."""
        now = timezone.now()
        params = OutcomeStatsParams.read(request.query_params, now, groups)
        counts = outcomes.read_outcomes(
            [project.pk for project in self.projects],
            params.period,
            now.timestamp(),
            by_project="project" in params.groups,
        )
        wanted = {outcome: each for outcome, each in counts.items() if params.wants(outcome)}
        return params, outcomes.group(wanted, params.groups, params.period)


class OutcomeStatsView(OutcomesView):
    """Count outcomes over time, by what is asked for (`stats_v2`)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        params, groups = self.read(request)
        return Response(OutcomesSerializer(groups, context={"params": params}).data)


class OutcomeSummaryView(OutcomesView):
    """Count outcomes by project (`stats-summary`)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        params, groups = self.read(request, ("project", "category", "outcome"))
        context = {"params": params, "projects": self.projects}
        return Response(OutcomeSummarySerializer(groups, context=context).data)


class ProjectStatsView(ProjectScopedView):
    """Retrieve event counts for a project."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now().timestamp()
        params = ProjectStatsParams.read(request.query_params, now)
        environment = environment_id(self.organization.pk, params.environment)
        points = usage.project_series(
            params.kind,
            self.project.pk,
            params.period,
            now,
            filter_id=params.filter_id,
            environment_id=environment,
        )
        return Response(SeriesSerializer(points).data)


class ProjectKeyStatsView(ProjectKeyScopedView):
    """What a client key sent (stats contract, section 4b)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now().timestamp()
        period = read_period(request.query_params, now)
        found = usage.key_usage(self.project.pk, self.key.pk, period, now)
        return Response(KeyUsageSerializer(found, many=True).data)


class HookStatsView(HookScopedView):
    """How often a service hook was told something."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now().timestamp()
        period = read_period(request.query_params, now)
        key = (self.project.pk, self.hook.pk)
        points = series.read_series(Kind.HOOK_FIRED, [key], period, now)[key]
        return Response(HookSeriesSerializer(points).data)


class TeamStatsView(TeamScopedView):
    """Retrieve event counts for a team: what its projects stored, for its own members."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now().timestamp()
        params = TeamStatsParams.read(request.query_params, now)
        environment = environment_id(self.organization.pk, params.environment)
        if not self.caller.is_superuser and self.team.pk not in self.access.team_ids:
            return Response([])
        points = usage.team_series(
            Kind.PROJECT_GENERATED,
            self.team.pk,
            params.period,
            now,
            environment_id=environment,
        )
        return Response(SeriesSerializer(points).data)
