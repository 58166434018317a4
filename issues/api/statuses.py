"""From the words of an update to the action on the status (issues contract, section 5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from issues import actions
from issues.models import Issue
from sentrylite.accounts.models import User


def set_status(
    changes: dict[str, Any], issues: Sequence[Issue], *, by: User | None, now: datetime
) -> None:
    """Give issues the status of an IssueUpdateInput, with what goes with it; none changes none."""
    status = changes.get("status")
    if status == "unresolved":
        actions.unresolve_issues(issues, by=by, now=now)
    elif status in ("ignored", "muted"):
        actions.ignore_issues(issues, changes["conditions"], by=by, now=now)
    elif status in ("resolved", "resolvedInNextRelease"):
        is_next = changes["next_release"] is not None
        if release := changes["next_release"] or changes["in_release"]:
            actions.resolve_issues_in_release(issues, release, is_next=is_next, by=by, now=now)
        elif in_commit := changes["in_commit"]:
            actions.resolve_issues_in_commit(issues, *in_commit, by=by, now=now)
        else:
            actions.resolve_issues(issues, by=by, now=now)
