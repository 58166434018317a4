"""Filters of lists by what belongs to an organization."""

from sentrylite.admin.base import NeighbourFilter
from sentrylite.organizations.models import Project


def project_label(project: Project) -> str:
    """Projects of two organizations may have the same name."""
    return f"{project.organization.slug} / {project.slug}"


class ProjectFilter(NeighbourFilter):
    label = staticmethod(project_label)
    related = ("organization",)
