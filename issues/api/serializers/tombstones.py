"""Discarded issues as JSON."""

from typing import TYPE_CHECKING

from issues.models import IssueTombstone
from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.api.serializers import OutputSerializer

from .issues import LEVELS

if TYPE_CHECKING:
    from issues.api import shapes


class TombstoneSerializer(OutputSerializer):
    """What the issue was, and who discarded it: null for an API key."""

    def to_representation(self, tombstone: IssueTombstone) -> "shapes.Tombstone":
        issue, actor = tombstone.issue, tombstone.actor
        return {
            "actor": UserSerializer(actor, context=self.context).data if actor else None,
            "culprit": issue.culprit,
            "id": str(issue.pk),
            "level": LEVELS.get(issue.level, "unknown"),
            "message": issue.message,
            "metadata": issue.metadata,
            "type": issue.type,
        }
