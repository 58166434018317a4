"""Environments as JSON."""

from typing import Any

from sentrylite.api.serializers import OutputSerializer
from sentrylite.organizations.models import Environment, EnvironmentProject


class EnvironmentSerializer(OutputSerializer):
    def to_representation(self, environment: Environment) -> dict[str, Any]:
        return {"id": str(environment.pk), "name": environment.name}


class ProjectEnvironmentSerializer(OutputSerializer):
    """An environment, as one project has it. Needs its `environment`."""

    def to_representation(self, link: EnvironmentProject) -> dict[str, Any]:
        return {
            "id": str(link.environment_id),
            "isHidden": link.is_hidden,
            "name": link.environment.name,
        }
