"""Deploys as JSON (releases contract, section 1)."""

from typing import TYPE_CHECKING

from sentrylite.api.serializers import OutputSerializer, optional_timestamp, timestamp
from sentrylite.releases.models import Deploy

if TYPE_CHECKING:
    from sentrylite.releases.api import shapes


class DeploySerializer(OutputSerializer):
    """A deploy with its environment."""

    def to_representation(self, deploy: Deploy) -> "shapes.Deploy":
        return {
            "dateFinished": timestamp(deploy.finished_at),
            "dateStarted": optional_timestamp(deploy.started_at),
            "environment": deploy.environment.name,
            "id": str(deploy.pk),
            "name": deploy.name or None,
            "url": deploy.url or None,
        }
