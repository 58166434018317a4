"""Environments as JSON."""

from typing import Any

from sentrylite.api.serializers import OutputSerializer
from sentrylite.organizations.models import Environment


class EnvironmentSerializer(OutputSerializer):
    def to_representation(self, environment: Environment) -> dict[str, Any]:
        return {"id": str(environment.pk), "name": environment.name}
