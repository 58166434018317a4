"""Service hooks as JSON (projects contract, section 7)."""

from typing import TYPE_CHECKING

from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.organizations.models import ServiceHook

if TYPE_CHECKING:
    from sentrylite.organizations.api import shapes


class ServiceHookSerializer(OutputSerializer):
    def to_representation(self, hook: ServiceHook) -> "shapes.ServiceHook":
        return {
            "dateCreated": timestamp(hook.created_at),
            "events": sorted(hook.events),
            "id": hook.guid,
            "secret": hook.secret,
            "status": hook.status,
            "url": hook.url,
        }
