"""Issues: lists of them, and changes to many."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import actions, filters, queries
from issues.api.changes import change, projects_of
from issues.api.inputs import IssueUpdateInput
from issues.api.params import IssueListParams, IssueSearchParams, read_change, read_searches
from issues.api.serializers.issues import (
    BulkUpdateSerializer,
    IssueListSerializer,
    IssueSerializer,
    OrganizationIssueListSerializer,
    issue_context,
)
from issues.models import Issue
from issues.queries import Place
from sentrylite.api import params as api_params
from sentrylite.api.pagination import Cursor, Page, Slice, date_key, date_of, keyed_page
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.access import EVENT_SCOPES, Access
from sentrylite.organizations.api.base import (
    CallerView,
    OrganizationProjectsView,
    ProjectScopedView,
)
from sentrylite.organizations.models import Organization, Project


class IssueSearchView(CallerView):
    """A view that looks for issues in some projects of an organization."""

    scopes = EVENT_SCOPES
    access: Access
    organization: Organization
    projects: list[Project]

    def search(self, chosen: IssueSearchParams, now: datetime) -> "Found":
        ids = None
        if chosen.environments is not None:
            names = chosen.environments
            # Of environments that nobody knows there are no issues.
            ids = organization_queries.find_environments(self.organization.pk, names) or []
        context = filters.Context(self.organization.pk, self.projects, self.caller.user_id)
        return Found(context, chosen, ids, now)


class IssueListView(IssueSearchView):
    """List the issues of some projects, change and remove many (issues contract, section 5)."""

    serializer: type[IssueSerializer]

    def read_search(self, query: QueryDict, now: datetime) -> IssueSearchParams:
        raise NotImplementedError

    def read_page(self, query: QueryDict, now: datetime) -> IssueListParams:
        raise NotImplementedError

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        params = self.read_page(request.query_params, now)
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
        issues = self.choose(read_change(request.query_params), now)
        if not issues:
            return Response(status=204)
        changes = IssueUpdateInput.read(request, projects=projects_of(issues), caller=self.caller)
        if changes.get("discard"):
            actions.discard_issues(issues, by=self.caller.user, now=now)
            return Response(status=204)
        merged = change(issues, changes, caller=self.caller, now=now)
        context = issue_context(request, self.access, now) | {"changes": changes, "merged": merged}
        issue = merged.parent if merged else issues[-1]
        return Response(BulkUpdateSerializer(issue, context=context).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        if issues := self.choose(request.query_params, now):
            actions.delete_issues(issues, by=self.caller.user, now=now)
        return Response(status=204)

    def choose(self, query: QueryDict, now: datetime) -> list[Issue]:
        """The issues with the ids in the query, or what its search finds. Neither a page nor an
        event says which."""
        if ids := api_params.ids(query, "id"):
            return queries.find_issues_by_id(self.projects, ids)
        return self.search(self.read_search(query, now), now).first(queries.MAX_HITS)

    def direct_hit(self, params: IssueListParams) -> Issue | None:
        """The issue of an event, or with a short id, that is all of the search."""
        if params.event_id:
            return queries.find_issue_of_event(self.projects, params.event_id)
        if params.short_id:
            return queries.find_issue_by_short_id(self.projects, params.short_id)
        return None

    def answer(
        self, issues: Sequence[Issue], params: IssueListParams, found: "Found", now: datetime
    ) -> list[dict[str, Any]]:
        environment_ids = found.environment_ids
        queries.load_marks(issues, self.caller.user_id)
        queries.load_series(issues, params.spans, now, environment_ids=environment_ids)
        if environment_ids is not None:
            queries.load_seen_in(issues, environment_ids)
        context = issue_context(self.request, self.access, now) | {"collapsed": params.collapsed}
        return self.serializer(issues, many=True, context=context).data


class ProjectIssueListView(IssueListView, ProjectScopedView):
    """The issues of a project."""

    serializer = IssueListSerializer

    def read_search(self, query: QueryDict, now: datetime) -> IssueSearchParams:
        return IssueSearchParams.of_project(query, now)

    def read_page(self, query: QueryDict, now: datetime) -> IssueListParams:
        return IssueListParams.of_project(query, now)

    def use_project(self, access: Access, project: Project, team_ids: frozenset[int]) -> None:
        super().use_project(access, project, team_ids)
        self.projects = [project]


class OrganizationIssueListView(IssueListView, OrganizationProjectsView):
    """The issues of those of an organization's projects that the caller reaches. Their answers have
    the keys of later years."""

    serializer = OrganizationIssueListSerializer

    def read_search(self, query: QueryDict, now: datetime) -> IssueSearchParams:
        return IssueSearchParams.of_organization(query, now)

    def read_page(self, query: QueryDict, now: datetime) -> IssueListParams:
        return IssueListParams.of_organization(query, now)

    def answer(
        self, issues: Sequence[Issue], params: IssueListParams, found: "Found", now: datetime
    ) -> list[dict[str, Any]]:
        queries.load_handled(issues)
        return super().answer(issues, params, found, now)


class IssueCountView(IssueSearchView, OrganizationProjectsView):
    """How many issues each of some searches finds in an organization, counted like a list's hits.
    One statement for each; one more where environments are chosen, and up to two where words or
    tags are looked for."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        searches = read_searches(request.query_params, now)
        return Response(
            {text: self.search(chosen, now).count() for text, chosen in searches.items()}
        )


class Found:
    """What a search finds, in its order."""

    def __init__(
        self,
        context: filters.Context,
        chosen: IssueSearchParams,
        environment_ids: list[int] | None,
        now: datetime,
    ) -> None:
        self.statuses, self.sort = chosen.statuses, chosen.sort
        self.places = [Place(project, since(project, chosen, now)) for project in context.projects]
        self.environment_ids = environment_ids
        self.where = filters.EVERYTHING
        if chosen.terms or environment_ids is not None:
            self.where = filters.where(
                chosen.terms, context=context, environment_ids=environment_ids
            )

    @cached_property
    def narrowed(self) -> filters.Where:
        return queries.narrow(self.places, self.where)

    def first(self, limit: int) -> list[Issue]:
        return self.fetch(Slice(None, False, 0, limit))

    def page(self, cursor: Cursor, size: int) -> Page[Issue]:
        return keyed_page(cursor, size, self.fetch, self.key)

    def count(self) -> int:
        return queries.count_issues(self.places, self.statuses, self.narrowed)

    def fetch(self, part: Slice) -> list[Issue]:
        if self.sort == "date" and self.where is filters.EVERYTHING:
            return queries.find_issues(
                self.places,
                self.statuses,
                start=date_of(part.start) if part.start is not None else None,
                is_backward=part.is_backward,
                offset=part.offset,
                limit=part.limit,
            )
        is_date = self.sort in ("date", "new")
        return queries.search_issues(
            self.places,
            self.statuses,
            self.narrowed,
            sort=self.sort,
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


def since(project: Project, chosen: IssueSearchParams, now: datetime) -> datetime | None:
    """When an issue of the project was last seen at the earliest."""
    if not (chosen.search.is_open and project.resolve_age):
        return chosen.since
    # Issues that were last seen by then count as resolved, not as unresolved any more.
    open_since = now - timedelta(hours=project.resolve_age) + datetime.resolution
    return max(open_since, chosen.since) if chosen.since else open_since
