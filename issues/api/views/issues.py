"""Issues: the list of a project's, and changes to many of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import actions, filters, queries
from issues.api.changes import change
from issues.api.inputs import BulkUpdateInput
from issues.api.params import IssueListParams, IssueSearchParams
from issues.api.serializers.issues import BulkUpdateSerializer, IssueListSerializer, issue_context
from issues.models import Issue
from sentrylite.api import params as api_params
from sentrylite.api.pagination import Cursor, Page, Slice, date_key, date_of, keyed_page
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.access import EVENT_SCOPES
from sentrylite.organizations.api.base import ProjectScopedView
from sentrylite.organizations.models import Project


class ProjectIssueListView(ProjectScopedView):
    """List a project's issues, change and remove many (issues contract, section 5)."""

    scopes = EVENT_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        params = IssueListParams.read(request.query_params, now)
        found = self.search(params.chosen, now)
        if (issue := self.direct_hit(params)) is not None:
            body = self.answer([issue], params, found, now)
            return Response(body, headers={"X-Sentry-Direct-Hit": "1"})
        page = found.page(params.cursor, params.limit)
        headers = {
            "Link": page.link(request),
            "X-Hits": str(found.count()),
            "X-Max-Hits": str(queries.MAX_HITS),
        }
        return Response(self.answer(page.rows, params, found, now), headers=headers)

    def put(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        issues = self.choose(request, now)
        if not issues:
            return Response(status=204)
        changes = BulkUpdateInput.read(request, project=self.project, caller=self.caller)
        change(issues, changes, project=self.project, caller=self.caller, now=now)
        context = issue_context(request, self.access, now) | {"changes": changes}
        return Response(BulkUpdateSerializer(issues[-1], context=context).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        if issues := self.choose(request, now):
            actions.delete_issues(issues, by=self.caller.user, now=now)
        return Response(status=204)

    def choose(self, request: Request, now: datetime) -> list[Issue]:
        """The issues with the ids in the query, or what its search finds. Neither a page nor an
        event says which."""
        query = request.query_params
        if ids := api_params.ids(query, "id"):
            return queries.find_issues_by_id(self.project, ids)
        return self.search(IssueSearchParams.read(query, now), now).first(queries.MAX_HITS)

    def search(self, chosen: IssueSearchParams, now: datetime) -> "Found":
        ids = None
        if chosen.environments is not None:
            names = chosen.environments
            # Of environments that nobody knows there are no issues.
            ids = organization_queries.find_environments(self.organization.pk, names) or []
        return Found(self.project, chosen, ids, self.caller.user_id, now)

    def direct_hit(self, params: IssueListParams) -> Issue | None:
        """The issue of an event, or with a short id, that is all of the search."""
        if params.event_id:
            return queries.find_issue_of_event(self.project, params.event_id)
        if params.short_id:
            return queries.find_issue_by_short_id(self.project, params.short_id)
        return None

    def answer(
        self, issues: Sequence[Issue], params: IssueListParams, found: "Found", now: datetime
    ) -> list[dict[str, Any]]:
        environment_ids = found.environment_ids
        queries.load_marks(issues, self.caller.user_id)
        queries.load_series(issues, params.spans, now, environment_ids=environment_ids)
        if environment_ids is not None:
            queries.load_seen_in(issues, environment_ids)
        context = issue_context(self.request, self.access, now)
        return IssueListSerializer(issues, many=True, context=context).data


class Found:
    """What a search finds in a project, in its order."""

    def __init__(
        self,
        project: Project,
        chosen: IssueSearchParams,
        environment_ids: list[int] | None,
        user_id: int | None,
        now: datetime,
    ) -> None:
        self.project, self.statuses, self.sort = project, chosen.statuses, chosen.sort
        self.environment_ids = environment_ids
        # Issues that were last seen by then count as resolved, not as unresolved any more.
        is_open = chosen.search.is_open and project.resolve_age
        self.quiet_since = now - timedelta(hours=project.resolve_age or 0) if is_open else None
        self.where = None
        if chosen.search.terms or environment_ids is not None:
            self.where = filters.where(
                chosen.search.terms,
                project=project,
                user_id=user_id,
                environment_ids=environment_ids,
            )

    def first(self, limit: int) -> list[Issue]:
        return self.fetch(Slice(None, False, 0, limit))

    def page(self, cursor: Cursor, size: int) -> Page[Issue]:
        return keyed_page(cursor, size, self.fetch, self.key)

    def count(self) -> int:
        if self.where is None:
            return queries.count_issues(self.project, self.statuses, quiet_since=self.quiet_since)
        return queries.count_search(
            self.project, self.statuses, self.where, quiet_since=self.quiet_since
        )

    def fetch(self, part: Slice) -> list[Issue]:
        if self.sort == "date" and self.where is None:
            return queries.find_issues(
                self.project,
                self.statuses,
                quiet_since=self.quiet_since,
                start=date_of(part.start) if part.start is not None else None,
                is_backward=part.is_backward,
                offset=part.offset,
                limit=part.limit,
            )
        is_date = self.sort in ("date", "new")
        return queries.search_issues(
            self.project,
            self.statuses,
            self.where or filters.where([], project=self.project, user_id=None),
            sort=self.sort,
            quiet_since=self.quiet_since,
            start=date_of(part.start) if is_date and part.start is not None else part.start,
            is_backward=part.is_backward,
            offset=part.offset,
            limit=part.limit,
        )

    def key(self, issue: Issue) -> int:
        if self.sort == "date":
            return date_key(issue.last_seen)
        if self.sort == "new":
            return date_key(issue.first_seen)
        # A key is positive, also of an issue whose first event is not counted yet.
        return max(issue.sort_key, 1)
