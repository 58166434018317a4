"""One issue with all that its page shows, in the shape of the documented example."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from issues.details import MAX_ACTIVITIES, CurrentRelease, Details, Viewer
from issues.models import Activity, Issue
from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.accounts.models import User
from sentrylite.api.serializers import timestamp
from sentrylite.releases.api.serializers.releases import ReleaseSerializer
from sentrylite.releases.models import Release

from .activities import ActivitySerializer
from .issues import IssueFullSerializer, IssueSerializer
from .tags import tag_name

if TYPE_CHECKING:
    from issues.api import shapes
    from sentrylite.accounts.api.shapes import User as UserShape
    from sentrylite.releases.api.shapes import Release as ReleaseShape

MAX_TAGS = 100


class IssueBareSerializer(IssueSerializer):
    """The base form as `/issues/{issue_id}/` has it: without the keys of later years."""

    def to_representation(self, issue: Issue) -> Any:
        answer: Any = super().to_representation(issue)
        del answer["platform"], answer["project"]["platform"]
        return answer


class WithDetails(IssueSerializer):
    """Pass the issue's `Details` in the context, beside `issue_context`."""

    def to_representation(self, issue: Issue) -> Any:
        details: Details = self.context["details"]
        parts: shapes.Details = {
            "activity": activity(issue, details.activities, self.context),
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
        if details.has_environments:
            parts["currentRelease"] = self._current_release(details.current_release)
        return dict(sorted((super().to_representation(issue) | parts).items()))

    def _release(self, release: Release | None) -> "ReleaseShape | None":
        return ReleaseSerializer(release, context=self.context).data if release else None

    def _current_release(self, current: CurrentRelease | None) -> "shapes.CurrentRelease | None":
        if current is None:
            return None
        return {
            "release": self._release(current.release),
            "environment": current.seen.environment,
            "firstSeen": timestamp(current.seen.first_seen),
            "lastSeen": timestamp(current.seen.last_seen),
            "stats": current.series,
        }

    def _viewer(self, viewer: Viewer) -> "shapes.Viewer":
        return {**self._user(viewer.user), "lastSeen": timestamp(viewer.last_seen)}

    def _user(self, user: User) -> "UserShape":
        return UserSerializer(user, context=self.context).data


class IssueDetailSerializer(WithDetails, IssueBareSerializer):
    """As `/issues/{issue_id}/` has it."""


class IssueFullDetailSerializer(WithDetails, IssueFullSerializer):
    """As `/organizations/{organization}/issues/{issue_id}/` has it."""


def activity(
    issue: Issue, activities: Sequence[Activity], context: Mapping[str, Any]
) -> "list[shapes.Activity]":
    """An issue's activities, newest first. Its first sight is only among them where there is
    room."""
    answer = ActivitySerializer(activities, many=True, context=context).data
    return [*answer, first_seen(issue)][:MAX_ACTIVITIES]


def first_seen(issue: Issue) -> "shapes.Activity":
    """How every issue began; it is in no table (issues contract, section 2)."""
    return {
        "data": {},
        "dateCreated": timestamp(issue.first_seen),
        "id": "0",
        "type": "first_seen",
        "user": None,
    }


def tag_summaries(issue: Issue) -> "list[shapes.TagSummary]":
    seen = issue.seen_in
    tag_keys = issue.tag_keys if seen is None or seen.tag_keys is None else seen.tag_keys
    summaries: list[shapes.TagSummary] = [
        {
            "key": key,
            "name": tag_name(key),
            "totalValues": events,
            "uniqueValues": values,
        }
        for key, (values, events) in tag_keys.items()
    ]
    return sorted(summaries, key=lambda summary: summary["name"])[:MAX_TAGS]
