"""The environments of a project (projects contract, section 12)."""

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api.errors import BadParameter
from sentrylite.organizations.api.base import ProjectScopedView
from sentrylite.organizations.api.project_inputs import EnvironmentInput
from sentrylite.organizations.api.serializers.projects import ProjectEnvironmentSerializer
from sentrylite.organizations.models import EnvironmentProject

# What is asked for, and whether that is hidden; None is both.
VISIBILITIES = {"visible": False, "all": None, "hidden": True}


class ProjectEnvironmentListView(ProjectScopedView):
    """List the environments that its events name, by name."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        visibility = request.query_params.get("visibility") or "visible"
        if visibility not in VISIBILITIES:
            raise BadParameter(
                f"Invalid value for 'visibility', valid values are: {list(VISIBILITIES)}"
            )
        is_hidden = VISIBILITIES[visibility]
        found = (
            EnvironmentProject.objects.filter(project=self.project)
            .exclude(environment__name="")
            .select_related("environment")
            .order_by("environment__name")
        )
        if is_hidden is not None:
            found = found.filter(is_hidden=is_hidden)
        return Response(ProjectEnvironmentSerializer(found, many=True).data)


class ProjectEnvironmentView(ProjectScopedView):
    """One environment: hide it, or show it again."""

    environment: EnvironmentProject

    def find_scope(self, **path: str) -> None:
        super().find_scope(**path)
        found = (
            EnvironmentProject.objects.filter(
                project=self.project, environment__name=path["environment"]
            )
            .select_related("environment")
            .first()
        )
        if found is None:
            raise Http404
        self.environment = found

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(ProjectEnvironmentSerializer(self.environment).data)

    def put(self, request: Request, **kwargs: Any) -> Response:
        sent = EnvironmentInput.read(request)
        self.environment.is_hidden = sent["isHidden"]
        self.environment.save(update_fields=["is_hidden"])
        return self.get(request)
