"""What a checked body asks to be done to issues, to one and to many alike (issues contract,
sections 3 and 5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from issues import actions
from issues.actions import Merged
from issues.models import Issue
from sentrylite.accounts.models import User
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.access import Caller
from sentrylite.organizations.models import Project

from .statuses import set_status


def change(
    issues: Sequence[Issue],
    changes: dict[str, Any],
    *,
    project: Project,
    caller: Caller,
    now: datetime,
) -> Merged | None:
    """Apply what was sent; null changes nothing, but leaves issues without an assignee.

    The issues are of the project. A fixed number of statements for each of the changes. Returns
    what was merged, last of all.
    """
    user = caller.user
    set_status(changes, issues, by=user, now=now)
    if "assignedTo" in changes:
        actions.assign_issues(issues, changes["assignedTo"], by=user, now=now)
    if (is_public := changes.get("isPublic")) is not None:
        share = actions.share_issues if is_public else actions.unshare_issues
        share(issues, by=user, now=now)
    if user is not None:
        _mark(issues, changes, project=project, user=user, now=now)
    if changes.get("merge"):
        return actions.merge_issues(issues, by=user, now=now)
    return None


def _mark(
    issues: Sequence[Issue],
    changes: dict[str, Any],
    *,
    project: Project,
    user: User,
    now: datetime,
) -> None:
    """The caller's own marks. Nobody's, for an API key."""
    if (has_seen := changes.get("hasSeen")) is not None:
        if not has_seen:
            actions.mark_unseen(issues, by=user)
        elif organization_queries.is_actor_of(project, user):
            # Only of those who look after the project does it matter who has seen an issue.
            actions.mark_seen(issues, by=user, now=now)
    if (is_bookmarked := changes.get("isBookmarked")) is not None:
        bookmark = actions.bookmark_issues if is_bookmarked else actions.remove_bookmarks
        bookmark(issues, by=user)
    if (is_subscribed := changes.get("isSubscribed")) is not None:
        actions.set_subscription(issues, by=user, is_active=is_subscribed)
