"""What people did with an issue, and what they said about it, as JSON."""

from typing import Any

from issues.models import Activity
from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.releases.api.serializers.commits import CommitSerializer

from .issues import IssueSerializer


class ActivitySerializer(OutputSerializer):
    """An activity with its user (issues contract, section 2.1)."""

    def to_representation(self, activity: Activity) -> dict[str, Any]:
        user = activity.user
        return {
            "data": self._facts(activity),
            "dateCreated": timestamp(activity.created_at),
            "id": str(activity.pk),
            "type": activity.type,
            "user": UserSerializer(user, context=self.context).data if user else None,
        }

    def _facts(self, activity: Activity) -> dict[str, Any]:
        if activity.commit_id is None:
            return self._with_issue(activity)
        commit = activity.commit
        shown = CommitSerializer(commit, context=self.context).data if commit else None
        return activity.data | {"commit": shown}

    def _with_issue(self, activity: Activity) -> dict[str, Any]:
        """The issue on the other side of an unmerge in its base form, null when it is gone: with
        one, it takes `issue_context` as the context."""
        side = activity.other_side
        if side is None:
            return activity.data
        other = activity.other_issue
        shown = IssueSerializer(other, context=self.context).data if other else None
        return activity.data | {side: shown}
