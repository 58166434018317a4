"""The audit log as JSON."""

from typing import Any

from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.accounts.models import User
from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.organizations.models import AuditLogEntry


class AuditLogEntrySerializer(OutputSerializer):
    """Pass `context={"user": caller}`."""

    def to_representation(self, entry: AuditLogEntry) -> dict[str, Any]:
        return {
            "actor": self._user(entry.actor) or {"name": entry.actor_label},
            "data": entry.data,
            "dateCreated": timestamp(entry.created_at),
            "event": entry.event,
            "id": str(entry.pk),
            "ipAddress": entry.ip_address,
            "targetObject": entry.target_id,
            "targetUser": self._user(entry.target_user),
        }

    def _user(self, user: User | None) -> dict[str, Any] | None:
        return UserSerializer(user, context=self.context).data if user else None
