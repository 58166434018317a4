"""Issues as JSON (issues contract, section 1)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rest_framework.request import Request

from issues.models import Issue
from issues.models.issue import Level
from sentrylite.api.links import absolute_url
from sentrylite.api.serializers import OutputSerializer, optional_timestamp, timestamp
from sentrylite.organizations.access import Access
from sentrylite.organizations.models import Project

LEVELS: dict[int, str] = dict(Level.choices)


def issue_context(request: Request, access: Access, now: datetime) -> dict[str, Any]:
    """What the serializers of issues know of the request."""
    caller = access.caller
    # An issue's page is for people who can see it: not for an API key, nor for strangers.
    has_page = caller.user is not None and (access.role is not None or caller.is_superuser)
    pages = absolute_url(request, f"/organizations/{access.organization.slug}/issues/")
    return {"pages": pages if has_page else None, "now": now, "user": caller.user}


class IssueSerializer(OutputSerializer):
    """The base form. Needs `issue_context` as its context, and `load_marks`."""

    def to_representation(self, issue: Issue) -> dict[str, Any]:
        is_auto_resolved = issue.is_auto_resolved(self.context["now"])
        status = Issue.Status.RESOLVED if is_auto_resolved else Issue.Status(issue.status)
        return {
            "annotations": [],
            "assignedTo": assignee(issue),
            "count": str(issue.times_seen),
            "culprit": issue.culprit,
            "firstSeen": timestamp(issue.first_seen),
            "hasSeen": issue.has_seen,
            "id": str(issue.pk),
            "isBookmarked": issue.is_bookmarked,
            "isPublic": issue.share_id is not None,
            "isSubscribed": issue.subscription_reason is not None,
            "lastSeen": timestamp(issue.last_seen),
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
            "statusDetails": {"autoResolved": True} if is_auto_resolved else {},
            "subscriptionDetails": (
                {"reason": issue.subscription_reason} if issue.subscription_reason else None
            ),
            "title": issue.title,
            "type": issue.type,
            "userCount": issue.user_count,
        }

    def _permalink(self, issue: Issue) -> str | None:
        pages = self.context["pages"]
        return f"{pages}{issue.pk}/" if pages else None


class IssueListSerializer(IssueSerializer):
    """An issue in a list. Needs `load_series` too, and `load_seen_in` where environments are
    chosen."""

    def to_representation(self, issue: Issue) -> dict[str, Any]:
        answer = super().to_representation(issue)
        if seen := issue.seen_in:
            answer["count"] = str(seen.times_seen)
            answer["firstSeen"] = optional_timestamp(seen.first_seen)
            answer["lastSeen"] = optional_timestamp(seen.last_seen)
        if issue.series:
            answer["stats"] = issue.series
        if issue.matching_event_id:
            answer["matchingEventId"] = issue.matching_event_id.hex
        if issue.matching_environment:
            answer["matchingEventEnvironment"] = issue.matching_environment
        return answer


def issue_project(project: Project) -> dict[str, Any]:
    return {
        "id": str(project.pk),
        "name": project.name,
        "platform": project.platform or None,
        "slug": project.slug,
    }


def assignee(issue: Issue) -> dict[str, Any] | None:
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


def bulk_answer(issues: Sequence[Issue], changes: dict[str, Any]) -> dict[str, Any]:
    """What many issues were changed to: what was sent, and what follows from it (issues contract,
    section 5). All of them have the same assignee by now."""
    answer = {key: value for key, value in changes.items() if value is not None}
    if status := answer.get("status"):
        answer["status"] = "ignored" if status == "muted" else status
        answer["statusDetails"] = {}
    if "assignedTo" in changes:
        answer["assignedTo"] = assignee(issues[-1])
    if "isSubscribed" in answer:
        answer["subscriptionDetails"] = {"reason": "unknown"}
    if "isPublic" in answer:
        share_id = issues[-1].share_id
        answer["shareId"] = share_id.hex if share_id else None
    return answer
