"""Service hooks as JSON (projects contract, section 7)."""

from typing import Any

from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.organizations.models import ServiceHook


class ServiceHookSerializer(OutputSerializer):
    def to_representation(self, hook: ServiceHook) -> dict[str, Any]:
        return {
            "dateCreated": timestamp(hook.created_at),
            "events": sorted(hook.events),
            "id": hook.guid,
            "secret": hook.secret,
            "status": hook.status,
            "url": hook.url,
        }
