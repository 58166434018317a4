"""How releases do, as their sessions tell (releases contract, section 10; clients contract, section
8)."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api.pagination import offset_page
from sentrylite.organizations.access import ORGANIZATION_SCOPES
from sentrylite.organizations.api.base import OrganizationProjectsView
from sentrylite.organizations.models import Organization, Project
from sentrylite.releases import health, session_groups
from sentrylite.releases.api.base import ReleaseScopedView
from sentrylite.releases.api.health_params import (
    FIELDS,
    STATUS,
    HealthParams,
    ReleaseStatsParams,
    SessionsParams,
)
from sentrylite.releases.api.params import read_environments
from sentrylite.releases.api.serializers.health import ReleaseStatsSerializer, SessionsSerializer
from sentrylite.releases.health import COUNTS, DURATIONS, USERS, Figures, Group, Scope
from sentrylite.releases.models import Release
from stats.periods import HOURS_OF_DAY

BREAKDOWN = {"1d": 1, "1w": 7, "2w": 14, "4w": 28}
"""Days."""


def health_context(
    request: Request,
    organization: Organization,
    projects: Iterable[Project],
    releases: Iterable[Release],
) -> dict[str, Any]:
    """What `ReleaseHealthSerializer` says of releases in those of their projects that the caller
    reaches. One statement; seven more at most for `health=1`."""
    params = HealthParams.read(request.query_params)
    reached = {project.pk for project in projects}
    pairs = [
        (shipped.id, release.pk)
        for release in releases
        for shipped in release.shipped_in
        if shipped.id in reached
    ]
    context: dict[str, Any] = {"health": None, "with_sessions": health.pairs_with_sessions(pairs)}
    if params.is_wanted and pairs:
        context["period"] = params.series
        context["health"] = health.read_overviews(
            pairs,
            timezone.now().timestamp(),
            environment_ids=read_environments(request.query_params, organization),
            summary=params.summary,
            series=params.series,
            of_users=params.of_users,
        )
    return context


class ReleaseStatsView(ReleaseScopedView):
    """How a release does in a project, over time and over the last days."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        params = ReleaseStatsParams.read(request.query_params, now)
        scope = Scope(
            [self.project.pk],
            [self.release.pk],
            read_environments(request.query_params, self.organization),
        )
        epoch = now.timestamp()
        what = (USERS if params.of_users else COUNTS, DURATIONS)
        series = health.read(scope, params.intervals, epoch, what=what)
        times = {days: health.last_hours(days * HOURS_OF_DAY, epoch) for days in BREAKDOWN.values()}
        last = health.read(scope, times, epoch, what=(COUNTS, USERS))
        nothing = Figures()
        context = {
            "params": params,
            "breakdown": {
                name: last[days].get(Group(), nothing) for name, days in BREAKDOWN.items()
            },
        }
        figures = [series[label].get(Group(), nothing) for label in range(len(params.intervals))]
        return Response(ReleaseStatsSerializer(figures, context=context).data)


class SessionsView(OrganizationProjectsView):
    """Count sessions and their users over time, by what is asked for."""

    scopes = ORGANIZATION_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        params = SessionsParams.read(request.query_params, now)
        chosen = read_environments(request.query_params, self.organization)
        scope = session_groups.narrow(self.organization, self.projects, params.clauses, chosen)
        by = [name for name in params.groups if name != STATUS]
        groups = session_groups.read_groups(
            scope,
            params.hours,
            now.timestamp(),
            what=params.what,
            by=by,
            key=FIELDS[params.order][1],
            is_descending=params.is_descending,
        )
        page = offset_page(
            params.cursor, params.size, lambda offset, limit: groups[offset : offset + limit]
        )
        if params.with_series:
            session_groups.load_series(
                page.rows, scope, params.hours, now.timestamp(), what=params.what, by=by
            )
        session_groups.load_names(page.rows, by)
        data = SessionsSerializer(page.rows, context={"params": params}).data
        return Response(data, headers={"Link": page.link(request)})
