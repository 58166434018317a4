"""Environments as JSON."""

from typing import TYPE_CHECKING

from sentrylite.api.serializers import OutputSerializer
from sentrylite.organizations.models import Environment, EnvironmentProject

if TYPE_CHECKING:
    from sentrylite.organizations.api import shapes


class EnvironmentSerializer(OutputSerializer):
    def to_representation(self, environment: Environment) -> "shapes.Environment":
        return {"id": str(environment.pk), "name": environment.name}


class ProjectEnvironmentSerializer(OutputSerializer):
    """An environment, as one project has it. Needs its `environment`."""

    def to_representation(self, link: EnvironmentProject) -> "shapes.ProjectEnvironment":
        return {
            "id": str(link.environment_id),
            "isHidden": link.is_hidden,
            "name": link.environment.name,
        }
