"""Issues of a release (releases contract, section 7)."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import queries, releases
from issues.api.serializers.issues import IssueSerializer, issue_context
from sentrylite.organizations.access import PROJECT_SCOPES, RELEASE_SCOPES
from sentrylite.releases.api.base import ReleaseScopedView


class ResolvedIssueListView(ReleaseScopedView):
    """List the issues that are resolved in a release, all of them."""

    scopes = RELEASE_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        ids = releases.resolved_in(self.release, self.projects)
        issues = queries.find_issues_by_id(self.projects, ids)
        queries.load_marks(issues, self.caller.user_id)
        context = issue_context(request, self.access, timezone.now())
        return Response(IssueSerializer(issues, many=True, context=context).data)


class ProjectResolvedIssueListView(ResolvedIssueListView):
    """The same of one project."""

    scopes = PROJECT_SCOPES
