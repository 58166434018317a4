"""The environments of an organization."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api.errors import BadParameter
from sentrylite.organizations import queries
from sentrylite.organizations.api.base import OrganizationProjectsView
from sentrylite.organizations.api.serializers.environments import EnvironmentSerializer

# What is asked for, and whether that is hidden; None is both.
VISIBILITIES = {"visible": False, "all": None, "hidden": True}


class OrganizationEnvironmentListView(OrganizationProjectsView):
    """List the environments of its projects, by name; not that of events without one."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        visibility = request.query_params.get("visibility") or "visible"
        if visibility not in VISIBILITIES:
            raise BadParameter(
                f"Invalid value for 'visibility', valid values are: {list(VISIBILITIES)}"
            )
        found = queries.environments_of(self.projects, is_hidden=VISIBILITIES[visibility])
        return Response(EnvironmentSerializer(found, many=True).data)
