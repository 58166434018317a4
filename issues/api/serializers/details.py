"""One issue with all that its page shows, in the shape of the documented example."""

from typing import Any

from issues.details import MAX_ACTIVITIES, Details, Viewer
from issues.models import Activity, Issue
from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.accounts.models import User
from sentrylite.api.serializers import timestamp
from sentrylite.releases.api.serializers.releases import ReleaseSerializer
from sentrylite.releases.models import Release

from .activities import ActivitySerializer
from .issues import IssueFullSerializer, IssueSerializer
from .tags import tag_name

MAX_TAGS = 100


class IssueBareSerializer(IssueSerializer):
    """The base form as `/issues/{issue_id}/` has it: without the keys of later years."""

    def to_representation(self, issue: Issue) -> dict[str, Any]:
        answer = super().to_representation(issue)
        del answer["platform"], answer["project"]["platform"]
        return answer


class WithDetails(IssueSerializer):
    """Pass the issue's `Details` in the context, beside `issue_context`."""

    def to_representation(self, issue: Issue) -> dict[str, Any]:
        details: Details = self.context["details"]
        answer = super().to_representation(issue) | {
            # The first sight of the issue is only among its activities where there is room.
            "activity": [
                *(self._activity(activity) for activity in details.activities),
                first_seen(issue),
            ][:MAX_ACTIVITIES],
            "firstRelease": self._release(details.first_release),
            "lastRelease": self._release(details.last_release),
            "participants": [self._user(user) for user in details.participants],
            "pluginActions": [],
            "pluginContexts": [],
            "pluginIssues": [],
            "seenBy": [self._viewer(viewer) for viewer in details.viewers],
            "stats": issue.series,
            "tags": tag_summaries(issue),
            "userReportCount": details.report_count,
        }
        return dict(sorted(answer.items()))

    def _activity(self, activity: Activity) -> dict[str, Any]:
        return ActivitySerializer(activity, context=self.context).data

    def _release(self, release: Release | None) -> dict[str, Any] | None:
        return ReleaseSerializer(release, context=self.context).data if release else None

    def _viewer(self, viewer: Viewer) -> dict[str, Any]:
        return self._user(viewer.user) | {"lastSeen": timestamp(viewer.last_seen)}

    def _user(self, user: User) -> dict[str, Any]:
        return UserSerializer(user, context=self.context).data


class IssueDetailSerializer(WithDetails, IssueBareSerializer):
    """As `/issues/{issue_id}/` has it."""


class IssueFullDetailSerializer(WithDetails, IssueFullSerializer):
    """As `/organizations/{organization}/issues/{issue_id}/` has it."""


def first_seen(issue: Issue) -> dict[str, Any]:
    """How every issue began; it is in no table (issues contract, section 2)."""
    return {
        "data": {},
        "dateCreated": timestamp(issue.first_seen),
        "id": "0",
        "type": "first_seen",
        "user": None,
    }


def tag_summaries(issue: Issue) -> list[dict[str, Any]]:
    summaries = [
        {
            "key": key,
            "name": tag_name(key),
            "totalValues": events,
            "uniqueValues": values,
        }
        for key, (values, events) in issue.tag_keys.items()
    ]
    return sorted(summaries, key=lambda summary: summary["name"])[:MAX_TAGS]
