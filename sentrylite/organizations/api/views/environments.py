"""The environments of an organization and of a project (projects contract, section 12)."""

from typing import Any

from django.http import Http404, QueryDict
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api.errors import BadParameter
from sentrylite.organizations import queries
from sentrylite.organizations.api.base import OrganizationProjectsView, ProjectScopedView
from sentrylite.organizations.api.project_inputs import EnvironmentInput
from sentrylite.organizations.api.serializers.environments import (
    EnvironmentSerializer,
    ProjectEnvironmentSerializer,
)
from sentrylite.organizations.models import EnvironmentProject

# What is asked for, and whether that is hidden; None is both.
VISIBILITIES = {"visible": False, "all": None, "hidden": True}


def read_hidden(query: QueryDict) -> bool | None:
    """Whether hidden environments are asked for; None is both. Raises BadParameter."""
    visibility = query.get("visibility") or "visible"
    if visibility not in VISIBILITIES:
        raise BadParameter(
            f"Invalid value for 'visibility', valid values are: {list(VISIBILITIES)}"
        )
    return VISIBILITIES[visibility]


class OrganizationEnvironmentListView(OrganizationProjectsView):
    """List the environments of its projects, by name; not that of events without one."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        is_hidden = read_hidden(request.query_params)
        found = queries.environments_of(self.projects, is_hidden=is_hidden)
        return Response(EnvironmentSerializer(found, many=True).data)


class ProjectEnvironmentListView(ProjectScopedView):
    """List a project's environments, by name; not that of events without one."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        is_hidden = read_hidden(request.query_params)
        found = EnvironmentProject.objects.filter(project=self.project)
        if is_hidden is not None:
            found = found.filter(is_hidden=is_hidden)
        found = found.exclude(environment__name="").select_related("environment")
        links = found.order_by("environment__name")
        return Response(ProjectEnvironmentSerializer(links, many=True).data)


class ProjectEnvironmentView(ProjectScopedView):
    """One environment of a project: hide it, or show it again."""

    environment: EnvironmentProject

    def find_scope(self, **path: str) -> None:
        super().find_scope(**path)
        found = EnvironmentProject.objects.filter(
            project=self.project, environment__name=path["environment"]
        )
        environment = found.select_related("environment").first()
        if environment is None:
            raise Http404
        self.environment = environment

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(ProjectEnvironmentSerializer(self.environment).data)

    def put(self, request: Request, **kwargs: Any) -> Response:
        sent = EnvironmentInput.read(request)
        self.environment.is_hidden = sent["isHidden"]
        self.environment.save(update_fields=["is_hidden"])
        return self.get(request)
