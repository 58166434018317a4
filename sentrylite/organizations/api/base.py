"""Views that know who calls and what the path names.

The order of checks is that of the conventions contract, section 5: credentials (401), the
credential's scopes (403), what the path names (404), the caller's rights there (403), then the
method (405) and the body (400).
"""

from typing import Any, cast

from django.http import Http404
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from sentrylite.api import params
from sentrylite.api.addresses import client_address
from sentrylite.api.errors import Moved
from sentrylite.api.views import ApiView
from sentrylite.organizations import queries
from sentrylite.organizations.access import (
    ORGANIZATION_SCOPES,
    PROJECT_SCOPES,
    TEAM_SCOPES,
    Access,
    Caller,
    MethodScopes,
)
from sentrylite.organizations.audit import Author
from sentrylite.organizations.models import (
    Organization,
    Project,
    ProjectKey,
    ServiceHook,
    Team,
)

from .authentication import ApiKeyAuthentication, SessionAuthentication, TokenAuthentication
from .permissions import HasScope


class CallerView(ApiView):
    """A view for callers with a credential."""

    authentication_classes = [TokenAuthentication, ApiKeyAuthentication, SessionAuthentication]
    permission_classes = [HasScope]
    scopes: MethodScopes

    @property
    def caller(self) -> Caller:
        return cast(Caller, self.request.auth)

    @property
    def author(self) -> Author:
        """Who the audit log says it was."""
        return Author(self.caller.user, client_address(self.request))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.find_scope(**kwargs)

    def find_scope(self, **path: str) -> None:
        """Turn the path into objects on the view. Raises Http404 and PermissionDenied."""

    def require(self, access: Access) -> None:
        """Refuse a caller whose rights in the organization miss the method's scopes."""
        required = self.scopes.get(self.request.method or "")
        if required is not None and not access.allows(required):
            raise PermissionDenied


class OrganizationScopedView(CallerView):
    """`/organizations/{organization}/…`"""

    scopes = ORGANIZATION_SCOPES
    access: Access
    organization: Organization

    def find_scope(self, **path: str) -> None:
        access = queries.find_organization(self.caller, path["organization"])
        if access is None:
            raise Http404
        self.require(access)
        self.access, self.organization = access, access.organization


class OrganizationProjectsView(OrganizationScopedView):
    """What `/organizations/{organization}/…` says of those of its projects that the caller reaches,
    or of those in the parameter `project`."""

    projects: list[Project]

    def find_scope(self, **path: str) -> None:
        super().find_scope(**path)
        ids = params.project_ids(self.request.query_params)
        self.projects = queries.find_projects(self.access, ids)
        if ids is not None and len(self.projects) < len(ids):
            raise PermissionDenied


class ProjectScopedView(CallerView):
    """`/projects/{organization}/{project}/…`"""

    scopes = PROJECT_SCOPES
    access: Access
    organization: Organization
    project: Project

    def find_scope(self, **path: str) -> None:
        access = queries.find_organization(self.caller, path["organization"])
        if access is None:
            raise Http404
        found = queries.find_project(access.organization, path["project"])
        if found is None:
            # Strangers do not learn which projects there are.
            self.require(access)
            self.follow_redirect(access, path["project"])
            raise Http404
        self.use_project(access, *found)

    def follow_redirect(self, access: Access, slug: str) -> None:
        """Raises Moved when a project that the caller reaches had this slug before."""
        moved = queries.find_moved_project(access.organization, slug)
        if moved is not None:
            self.use_project(access, *moved)
            raise Moved(self.request, old=slug, slug=self.project.slug)

    def use_project(self, access: Access, project: Project, team_ids: frozenset[int]) -> None:
        """Work on this project. Raises PermissionDenied for a caller who does not reach it."""
        self.require(access)
        if not access.reaches_project(team_ids):
            raise PermissionDenied
        self.access, self.organization, self.project = access, access.organization, project


class ProjectKeyScopedView(ProjectScopedView):
    """`/projects/{organization}/{project}/keys/{public_key}/…`: by the public half."""

    key: ProjectKey

    def find_scope(self, **path: str) -> None:
        super().find_scope(**path)
        key = self.project.keys.filter(public_key=path["public_key"].lower()).first()
        if key is None:
            raise Http404
        key.project = self.project
        self.key = key


class HookScopedView(ProjectScopedView):
    """`/projects/{organization}/{project}/hooks/{hook}/…`"""

    hook: ServiceHook

    def find_scope(self, **path: str) -> None:
        super().find_scope(**path)
        hook = ServiceHook.objects.filter(project=self.project, guid=path["hook_id"]).first()
        if hook is None:
            raise Http404
        hook.project = self.project
        self.hook = hook


class TeamScopedView(CallerView):
    """`/teams/{organization}/{team}/…`"""

    scopes = TEAM_SCOPES
    access: Access
    organization: Organization
    team: Team

    def find_scope(self, **path: str) -> None:
        access = queries.find_organization(self.caller, path["organization"])
        if access is None:
            raise Http404
        self.require(access)
        team = queries.find_team(access.organization, path["team"])
        if team is None:
            raise Http404
        if not access.reaches_team(team):
            raise PermissionDenied
        self.access, self.organization, self.team = access, access.organization, team
