"""What a checked body asks to be done to issues, to one and to many alike (issues contract,
sections 3 and 5)."""

from collections.abc import Iterable, Sequence
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
    caller: Caller,
    now: datetime,
) -> Merged | None:
    """Apply what was sent; null changes nothing, but leaves issues without an assignee.

    A fixed number of statements for each of the changes. Returns what was merged, last of all.
    Raises CannotMerge.
    """
    user = caller.user
    set_status(changes, issues, by=user, now=now)
    if "assignedTo" in changes:
        actions.assign_issues(issues, changes["assignedTo"], by=user, now=now)
    if (is_public := changes.get("isPublic")) is not None:
        share = actions.share_issues if is_public else actions.unshare_issues
        share(issues, by=user, now=now)
    if user is not None:
        _mark(issues, changes, user=user, now=now)
    if changes.get("merge"):
        return actions.merge_issues(issues, by=user, now=now)
    return None


def projects_of(issues: Iterable[Issue]) -> list[Project]:
    """The projects of the issues, each once."""
    return list({issue.project_id: issue.project for issue in issues}.values())


def _mark(
    issues: Sequence[Issue],
    changes: dict[str, Any],
    *,
    user: User,
    now: datetime,
) -> None:
    """The caller's own marks. Nobody's, for an API key."""
    if (has_seen := changes.get("hasSeen")) is not None:
        if not has_seen:
            actions.mark_unseen(issues, by=user)
        else:
            # Only of those who look after the project does it matter who has seen an issue.
            theirs = organization_queries.projects_of_actor(projects_of(issues), user)
            seen = [issue for issue in issues if issue.project_id in theirs]
            actions.mark_seen(seen, by=user, now=now)
    if (is_bookmarked := changes.get("isBookmarked")) is not None:
        bookmark = actions.bookmark_issues if is_bookmarked else actions.remove_bookmarks
        bookmark(issues, by=user)
    if (is_subscribed := changes.get("isSubscribed")) is not None:
        actions.set_subscription(issues, by=user, is_active=is_subscribed)
