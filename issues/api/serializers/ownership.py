"""Ownership rules as JSON."""

from typing import TYPE_CHECKING

from issues.models import ProjectOwnership
from sentrylite.api.serializers import OutputSerializer, timestamp

if TYPE_CHECKING:
    from issues.api import shapes

# Today's clients want a text for what used to be true or false.
AUTO_ASSIGNMENT = {True: "Auto Assign to Issue Owner", False: "Turn off Auto-Assignment"}


class OwnershipSerializer(OutputSerializer):
    def to_representation(self, ownership: ProjectOwnership) -> "shapes.Ownership":
        is_kept = not ownership._state.adding
        return {
            "autoAssignment": AUTO_ASSIGNMENT[ownership.auto_assignment],
            "dateCreated": timestamp(ownership.created_at) if is_kept else None,
            "fallthrough": ownership.fallthrough,
            "isActive": ownership.is_active,
            "lastUpdated": timestamp(ownership.updated_at) if is_kept else None,
            "raw": ownership.raw,
        }
