"""The audit log as JSON."""

from typing import TYPE_CHECKING

from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.accounts.models import User
from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.organizations.models import AuditLogEntry

if TYPE_CHECKING:
    from sentrylite.accounts.api.shapes import User as UserShape
    from sentrylite.organizations.api import shapes


class AuditLogEntrySerializer(OutputSerializer):
    """Pass `context={"user": caller}`."""

    def to_representation(self, entry: AuditLogEntry) -> "shapes.AuditLogEntry":
        return {
            "actor": self._actor(entry),
            "data": entry.data,
            "dateCreated": timestamp(entry.created_at),
            "event": entry.event,
            "id": str(entry.pk),
            "ipAddress": entry.ip_address,
            "targetObject": entry.target_id,
            "targetUser": self._user(entry.target_user),
        }

    def _actor(self, entry: AuditLogEntry) -> "UserShape | shapes.ActorName":
        user = self._user(entry.actor)
        return {"name": entry.actor_label} if user is None else user

    def _user(self, user: User | None) -> "UserShape | None":
        return UserSerializer(user, context=self.context).data if user else None
