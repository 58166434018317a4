"""Issues: the list of a project's."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import queries
from issues.api.params import IssueListParams
from issues.api.serializers.issues import IssueListSerializer, issue_context
from issues.models import Issue
from sentrylite.api.pagination import Page, Slice, date_key, date_of, keyed_page
from sentrylite.organizations.access import EVENT_SCOPES
from sentrylite.organizations.api.base import ProjectScopedView


class ProjectIssueListView(ProjectScopedView):
    """List a project's issues (issues contract, section 5)."""

    scopes = EVENT_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        params, now = IssueListParams.read(request.query_params), timezone.now()
        if params.event_id:
            issue = queries.find_issue_of_event(self.project, params.event_id)
            if issue is not None:
                body = self.answer([issue], params, now)
                return Response(body, headers={"X-Sentry-Direct-Hit": "1"})
        quiet_since = self.quiet_since(params, now)
        page = self.page(params, quiet_since)
        hits = queries.count_issues(self.project, params.statuses, quiet_since=quiet_since)
        headers = {
            "Link": page.link(request),
            "X-Hits": str(hits),
            "X-Max-Hits": str(queries.MAX_HITS),
        }
        return Response(self.answer(page.rows, params, now), headers=headers)

    def quiet_since(self, params: IssueListParams, now: datetime) -> datetime | None:
        """Issues that were last seen by then count as resolved, not as unresolved any more."""
        age = self.project.resolve_age
        if not age or params.statuses != (Issue.Status.UNRESOLVED,):
            return None
        return now - timedelta(hours=age)

    def page(self, params: IssueListParams, quiet_since: datetime | None) -> Page[Issue]:
        def fetch(part: Slice) -> list[Issue]:
            return queries.find_issues(
                self.project,
                params.statuses,
                quiet_since=quiet_since,
                start=date_of(part.start) if part.start is not None else None,
                is_backward=part.is_backward,
                offset=part.offset,
                limit=part.limit,
            )

        return keyed_page(
            params.cursor, params.limit, fetch, key=lambda issue: date_key(issue.last_seen)
        )

    def answer(
        self, issues: Sequence[Issue], params: IssueListParams, now: datetime
    ) -> list[dict[str, Any]]:
        queries.load_marks(issues, self.caller.user_id)
        queries.load_series(issues, params.spans, now)
        context = issue_context(self.request, self.access, now)
        return IssueListSerializer(issues, many=True, context=context).data
