"""Issues as JSON (issues contract, section 1)."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rest_framework.request import Request

from issues.actions import Merged
from issues.models import Issue, IssueResolution
from issues.models.issue import Level, priority_of
from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.accounts.models import User
from sentrylite.api.links import absolute_url
from sentrylite.api.serializers import OutputSerializer, optional_timestamp, timestamp
from sentrylite.organizations.access import Access
from sentrylite.organizations.models import Project
from sentrylite.releases.api.serializers.commits import CommitSerializer

if TYPE_CHECKING:
    from issues.api import shapes
    from sentrylite.accounts.api.shapes import User as UserShape

LEVELS: dict[int, str] = dict(Level.choices)
COLLAPSIBLE = frozenset({"filtered", "lifetime"})


def issue_context(request: Request, access: Access, now: datetime) -> dict[str, Any]:
    """What the serializers of issues know of the request."""
    caller = access.caller
    # An issue's page is for people who can see it: not for an API key, nor for strangers.
    has_page = caller.user is not None and (access.role is not None or caller.is_superuser)
    pages = absolute_url(request, f"/organizations/{access.organization.slug}/issues/")
    return {"pages": pages if has_page else None, "now": now, "user": caller.user}


# What they know of somebody without credentials, beside `now`.
ANYBODY: dict[str, Any] = {"pages": None, "user": None}


class IssueSerializer(OutputSerializer):
    """The base form. Needs `issue_context` as its context, and `load_marks`; `load_seen_in` too,
    where environments are chosen."""

    def to_representation(self, issue: Issue) -> "shapes.Issue":
        status = issue.status_at(self.context["now"])
        seen = issue.seen_in or issue
        return {
            "annotations": [],
            "assignedTo": assignee(issue),
            "count": str(seen.times_seen),
            "culprit": issue.culprit,
            "firstSeen": optional_timestamp(seen.first_seen),
            "hasSeen": issue.has_seen,
            "id": str(issue.pk),
            "isBookmarked": issue.is_bookmarked,
            "isPublic": issue.share_id is not None,
            "isSubscribed": issue.subscription_reason is not None,
            "lastSeen": optional_timestamp(seen.last_seen),
            "level": LEVELS.get(issue.level, "unknown"),
            "logger": issue.logger or None,
            "metadata": issue.metadata,
            "numComments": issue.comment_count,
            "permalink": self._permalink(issue),
            "platform": issue.platform or None,
            "project": issue_project(issue.project),
            "shareId": issue.share_id.hex if issue.share_id else None,
            "shortId": issue.short_id,
            "status": status.label,
            "statusDetails": self._status_details(issue, status),
            "subscriptionDetails": (
                {"reason": issue.subscription_reason} if issue.subscription_reason else None
            ),
            "title": issue.title,
            "type": issue.type,
            "userCount": issue.user_count if seen.user_count is None else seen.user_count,
        }

    def _status_details(self, issue: Issue, status: Issue.Status) -> "shapes.StatusDetails":
        """Until when it is so (issues contract, section 1.1)."""
        resolution, snooze = issue.resolution, issue.snooze
        if status != issue.status:
            return {"autoResolved": True} if status == Issue.Status.RESOLVED else {}
        if status == Issue.Status.RESOLVED and resolution is not None:
            if resolution.type == IssueResolution.Type.BY_AGE:
                return {"autoResolved": True}
            if resolution.commit is not None:
                return {"inCommit": CommitSerializer(resolution.commit, context=self.context).data}
            actor = self._actor(resolution.actor)
            if resolution.type == IssueResolution.Type.IN_NEXT_RELEASE:
                return {"inNextRelease": True, "actor": actor}
            if resolution.release is not None:
                return {"inRelease": resolution.release.version, "actor": actor}
        if status == Issue.Status.IGNORED and snooze is not None:
            return {
                "ignoreCount": snooze.events_left(issue),
                "ignoreUntil": optional_timestamp(snooze.until),
                "ignoreUserCount": snooze.users_left(issue),
                "ignoreUserWindow": snooze.user_window,
                "ignoreWindow": snooze.window,
                "actor": self._actor(snooze.actor),
            }
        return {}

    def _actor(self, user: User | None) -> "UserShape | None":
        return UserSerializer(user, context=self.context).data if user else None

    def _permalink(self, issue: Issue) -> str | None:
        pages = self.context["pages"]
        return f"{pages}{issue.pk}/" if pages else None


class IssueFullSerializer(IssueSerializer):
    """The base form with the keys of later years. Needs `load_handled` too."""

    def to_representation(self, issue: Issue) -> "shapes.FullIssue":
        answer = super().to_representation(issue)
        return {
            **answer,
            "issueCategory": "error",
            "issueType": "error",
            "isUnhandled": issue.is_unhandled,
            "priority": priority_of(issue.level),
            "substatus": substatus(answer["status"], answer["statusDetails"]),
        }


class IssueListSerializer(IssueSerializer):
    """An issue in a list. Needs `load_series` too."""

    def to_representation(self, issue: Issue) -> Any:
        answer: Any = super().to_representation(issue)
        if issue.series:
            answer["stats"] = issue.series
        if issue.matching_event_id:
            answer["matchingEventId"] = issue.matching_event_id.hex
        if issue.matching_environment:
            answer["matchingEventEnvironment"] = issue.matching_environment
        return answer


class OrganizationIssueListSerializer(IssueListSerializer, IssueFullSerializer):
    """An issue in a list of an organization's, with the keys of later years. What is `collapsed`
    in the context is left out."""

    def to_representation(self, issue: Issue) -> Any:
        answer = super().to_representation(issue) | {
            # Its numbers in all environments, whichever are chosen.
            "lifetime": {
                "count": str(issue.times_seen),
                "firstSeen": timestamp(issue.first_seen),
                "lastSeen": timestamp(issue.last_seen),
                "stats": None,
                "userCount": issue.user_count,
            },
            "filtered": None,
        }
        for part in COLLAPSIBLE & self.context["collapsed"]:
            del answer[part]
        return answer


def substatus(status: str, details: "shapes.StatusDetails") -> str | None:
    """What later years call it: ignored issues wait for a condition, or for nothing."""
    if status == "ignored":
        return "archived_until_condition_met" if details else "archived_forever"
    return "ongoing" if status == "unresolved" else None


def issue_project(project: Project) -> "shapes.IssueProject":
    return {
        "id": str(project.pk),
        "name": project.name,
        "platform": project.platform or None,
        "slug": project.slug,
    }


def assignee(issue: Issue) -> "shapes.AssignedUser | shapes.AssignedTeam | None":
    """The actor that is responsible (conventions contract, section 11)."""
    if user := issue.assigned_user:
        return {
            "type": "user",
            "id": str(user.pk),
            "name": user.display_name,
            "email": user.email,
        }
    if team := issue.assigned_team:
        return {"type": "team", "id": str(team.pk), "name": team.slug}
    return None


# What a body may say, as it is echoed; a status and an assignee are answered as they now are.
ECHOED = ("hasSeen", "isBookmarked", "isPublic", "isSubscribed")


class BulkUpdateSerializer(IssueSerializer):
    """What many issues were changed to: what was sent, and what follows from it (issues contract,
    section 5). From one of them, by now all are alike in that: the one that is left, if they were
    merged. Pass what was sent as `changes` and the actions.Merged or None as `merged` in the
    context, beside `issue_context`."""

    def to_representation(self, issue: Issue) -> Any:
        changes: dict[str, Any] = self.context["changes"]
        answer: Any = {name: changes[name] for name in ECHOED if changes.get(name) is not None}
        if changes.get("status"):
            status = issue.status_at(self.context["now"])
            answer["status"] = status.label
            answer["statusDetails"] = self._status_details(issue, status)
        if "assignedTo" in changes:
            answer["assignedTo"] = assignee(issue)
        if "isSubscribed" in answer:
            answer["subscriptionDetails"] = {"reason": "unknown"}
        if "isPublic" in answer:
            answer["shareId"] = issue.share_id.hex if issue.share_id else None
        if changes.get("merge") is not None:
            answer["merge"] = self._merged(changes["merge"])
        return answer

    def _merged(self, is_wanted: bool) -> "bool | shapes.MergedIssues":
        """What was merged into what; of less than two issues nothing is."""
        merged: Merged | None = self.context["merged"]
        if merged is None:
            return is_wanted
        return {
            "parent": str(merged.parent.pk),
            "children": [str(child.pk) for child in merged.children],
        }
