"""Counts of events over time: of an organization, a project, a team."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.organizations.api.base import (
    HookScopedView,
    OrganizationScopedView,
    ProjectScopedView,
    TeamScopedView,
)
from stats import series, usage
from stats.models import Kind

from .params import OrganizationStatsParams, ProjectStatsParams, TeamStatsParams, read_period
from .serializers import HookSeriesSerializer, SeriesByIdSerializer, SeriesSerializer


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
