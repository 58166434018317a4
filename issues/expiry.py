"""What time does to issues (issues contract, section 1.1): those that were ignored until then come
back, and those that have been quiet for their project's resolve age are resolved.

Whoever reads an issue sees that at once (`Issue.status_at`). Here it is written, so that lists,
counts and searches by status know it too.
"""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from . import announcements, intake
from .announcements import HAS_HOOKS
from .models import Activity, Issue, IssueResolution

Status = Issue.Status

# In a transaction; who has a change to one of these issues to make does not wait for long.
ISSUES_AT_ONCE = 1_000

# Windows are looked at when events arrive; what is counted without one may have been met by events
# that were not counted yet when the last of them arrived.
FIND_OVER = f"""
    SELECT snooze.issue_id, snooze.created_at::text
    FROM issues_issuesnooze snooze JOIN issues_issue issue ON issue.id = snooze.issue_id
    WHERE issue.status = {Status.IGNORED:d} AND (
        snooze.until <= %(now)s
        OR (snooze."window" IS NULL
            AND snooze.count <= issue.times_seen - snooze.times_seen_before)
        OR (snooze.user_window IS NULL
            AND snooze.user_count <= issue.user_count - snooze.user_count_before))
    ORDER BY snooze.issue_id LIMIT %(limit)s
"""

# Nobody is waited for: an issue that is just being changed is looked at a minute later.
RESOLVE_QUIET = f"""
    WITH quiet AS MATERIALIZED (
        SELECT issue.id, project.resolve_age
        FROM organizations_project project
        JOIN issues_issue issue ON issue.project_id = project.id
        WHERE project.resolve_age > 0 AND project.status = 'active'
            AND issue.status = {Status.UNRESOLVED:d}
            AND issue.last_seen <= %(now)s - project.resolve_age * interval '1 hour'
            AND issue.active_at <= %(now)s - project.resolve_age * interval '1 hour'
        LIMIT %(limit)s FOR NO KEY UPDATE OF issue SKIP LOCKED
    ), resolved AS (
        UPDATE issues_issue issue SET status = {Status.RESOLVED:d}, resolved_at = %(now)s
        FROM quiet WHERE issue.id = quiet.id
    ), settled AS (
        INSERT INTO issues_issueresolution (issue_id, type, created_at)
        SELECT id, '{IssueResolution.Type.BY_AGE}', %(now)s FROM quiet ORDER BY id
        ON CONFLICT DO NOTHING
    )
    INSERT INTO issues_activity (issue_id, type, data, created_at)
    SELECT id, '{Activity.Type.SET_RESOLVED_BY_AGE}', jsonb_build_object('age', resolve_age),
        %(now)s
    FROM quiet ORDER BY id RETURNING issue_id
"""


def settle(now: datetime) -> None:
    """Do both, as far as it is time. From any process, as often as one likes."""
    wake_issues(now)
    resolve_quiet_issues(now)


def wake_issues(now: datetime) -> int:
    """Reopen ignored issues whose condition is met, without a word (observed contract, section 5);
    returns how many. One statement when there are none."""
    woken = 0
    while found := _wake_some(now):
        woken += found
    return woken


@transaction.atomic
def _wake_some(now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(FIND_OVER, {"now": now, "limit": ISSUES_AT_ONCE})
        woken = intake.end_snoozes(cursor, cursor.fetchall())
    _announce(Status.UNRESOLVED, woken, now)
    return len(woken)


def resolve_quiet_issues(now: datetime) -> int:
    """Resolve issues of which there was no event for so many hours as their project says; returns
    how many. Each gets an activity. One statement when there are none."""
    resolved = 0
    while found := _resolve_some(now):
        resolved += found
    return resolved


@transaction.atomic
def _resolve_some(now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(RESOLVE_QUIET, {"now": now, "limit": ISSUES_AT_ONCE})
        resolved = {issue_id for (issue_id,) in cursor.fetchall()}
    _announce(Status.RESOLVED, resolved, now)
    return len(resolved)


def _announce(status: Any, issue_ids: set[int], now: datetime) -> None:
    """Tell service hooks. No statement without issues."""
    if issue_ids:
        told = Issue.objects.filter(HAS_HOOKS, pk__in=issue_ids).values_list("pk", flat=True)
        announcements.announce_change(announcements.OF_STATUS[status], told, by=None, now=now)
