"""Counts of an issue's events over time."""

from dataclasses import replace
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues.api.base import IssueScopedView
from sentrylite.api.errors import BadParameter
from stats.api.params import read_period
from stats.api.serializers import SeriesSerializer
from stats.periods import HOUR
from stats.series import issue_series


class IssueStatsView(IssueScopedView):
    """As of a project, but by the hour or by the day (observed contract, section 3)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        query, now = request.query_params, timezone.now().timestamp()
        environment_ids = self.find_environments()
        period = read_period(query, now)
        if period.width < HOUR:
            if query.get("resolution"):
                raise BadParameter("Invalid resolution. Valid values are 1h and 1d.")
            period = replace(period, width=HOUR)
        key = (self.issue.project_id, self.issue.pk)
        found = issue_series([key], [period], now, environment_ids=environment_ids)
        return Response(SeriesSerializer(found[self.issue.pk][0]).data)
