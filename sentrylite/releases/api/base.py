"""Views of one release."""

from django.http import Http404

from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.access import RELEASE_SCOPES
from sentrylite.organizations.api.base import OrganizationScopedView, ProjectScopedView
from sentrylite.organizations.models import Project
from sentrylite.releases import queries
from sentrylite.releases.models import Release


class ReleaseScopedView(OrganizationScopedView, ProjectScopedView):
    """`/organizations/{organization}/releases/{version}/…` and
    `/projects/{organization}/{project}/releases/{version}/…`.

    A release is there for those who reach one of its projects; in the second form, for those who
    reach this project, if it ships it. Without a project it is not there at all.
    """

    scopes = RELEASE_SCOPES
    release: Release
    projects: list[Project]
    """Those of its projects that the path means and the caller reaches: at least one."""

    def find_scope(self, **path: str) -> None:
        if "project" in path:
            ProjectScopedView.find_scope(self, **path)
        else:
            OrganizationScopedView.find_scope(self, **path)
        found = queries.find_release(self.organization, path["version"])
        if found is None:
            raise Http404
        self.release, project_ids = found
        if "project" in path:
            self.projects = [self.project] if self.project.pk in project_ids else []
        else:
            self.projects = organization_queries.find_projects(self.access, project_ids)
        if not self.projects:
            raise Http404

    @property
    def counted_ids(self) -> list[int] | None:
        """The projects whose events an answer is about; None is all of the release's."""
        return [self.project.pk] if "project" in self.kwargs else None
