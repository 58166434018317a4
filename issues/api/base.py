"""Views of one issue: `/issues/{issue_id}/…`, also `/organizations/{organization}/issues/…`."""

from django.http import Http404
from rest_framework.exceptions import PermissionDenied

from issues import details
from issues.api.params import read_environments
from issues.models import Issue
from sentrylite.api import params
from sentrylite.organizations import queries
from sentrylite.organizations.access import EVENT_SCOPES, PROJECT_SCOPES, Access
from sentrylite.organizations.api.base import CallerView
from sentrylite.organizations.models import Project


class IssueScopedView(CallerView):
    scopes = EVENT_SCOPES
    found: details.Found
    access: Access
    issue: Issue
    project: Project

    is_in_organization = False
    """Whether the path is below an organization. There, answers have the keys of later years."""

    def find_scope(self, **path: str) -> None:
        if "organization" in path:
            self.find_in_organization(path["organization"], path["issue_id"])
            return
        if not params.is_id(path["issue_id"]):
            raise Http404
        found = details.find_issue(self.caller, int(path["issue_id"]))
        if found is None:
            raise Http404
        self.require(found.access)
        if not found.access.reaches_project(found.team_ids):
            raise PermissionDenied
        self.found, self.access = found, found.access
        self.issue, self.project = found.issue, found.issue.project

    def find_environments(self) -> list[int] | None:
        """The ids of the environments that the query chooses; None when it chooses none.

        Raises BadParameter, and Http404 for one that nobody knows.
        """
        names = read_environments(self.request.query_params)
        if not names:
            return None
        ids = queries.find_environments(self.project.organization_id, names)
        if ids is None:
            raise Http404
        return ids

    def find_in_organization(self, organization: str, address: str) -> None:
        """By id or short id. What the caller does not reach is not there."""
        access = queries.find_organization(self.caller, organization)
        if access is None:
            raise Http404
        self.require(access)
        found = details.find_issue_in(access, address)
        if found is None:
            raise Http404
        self.is_in_organization = True
        self.found, self.access = found, access
        self.issue, self.project = found.issue, found.issue.project


class IssueEventView(IssueScopedView):
    """One event of an issue: it takes a scope for the issue and one for the project's events."""

    def find_scope(self, **path: str) -> None:
        super().find_scope(**path)
        if not self.access.allows(PROJECT_SCOPES["GET"]):
            raise PermissionDenied
