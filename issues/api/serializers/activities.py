"""What people did with an issue, and what they said about it, as JSON."""

from typing import Any

from issues.models import Activity
from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.api.serializers import OutputSerializer, timestamp


class ActivitySerializer(OutputSerializer):
    """An activity with its user (issues contract, section 2.1)."""

    def to_representation(self, activity: Activity) -> dict[str, Any]:
        user = activity.user
        return {
            "data": activity.data,
            "dateCreated": timestamp(activity.created_at),
            "id": str(activity.pk),
            "type": activity.type,
            "user": UserSerializer(user, context=self.context).data if user else None,
        }
