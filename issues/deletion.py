"""Deleting the rows of issues that were deleted, in batches that no one has to wait for.

The issues have been invisible since they were marked, and stay so whatever happens half-way.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection

from .models import Issue

# By then whatever was being written to an issue when it was deleted is written.
GRACE = timedelta(minutes=5)
ROWS_AT_ONCE = 5_000
ISSUES_AT_ONCE = 100

# An event and its address together, so that a half-deleted issue leaves no address behind.
DELETE_EVENTS = """
    WITH gone AS (
        SELECT project_id, received_at, event_id FROM issues_event
        WHERE project_id = %(project)s AND issue_id = ANY(%(issues)s) LIMIT %(limit)s
    ), addresses AS (
        DELETE FROM issues_eventaddress address USING gone
        WHERE address.project_id = gone.project_id AND address.event_id = gone.event_id
    )
    DELETE FROM issues_event event USING gone
    WHERE event.project_id = gone.project_id AND event.received_at = gone.received_at
        AND event.event_id = gone.event_id
"""

# In the order in which they may go; the issues' own rows go last.
DELETE_ROWS = tuple(
    f"""
    DELETE FROM {table} WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM {table} WHERE project_id = %(project)s AND issue_id = ANY(%(issues)s)
        LIMIT %(limit)s))
    """
    for table in (
        "issues_issuehash",
        "issues_issuetag",
        "issues_issueuser",
        "issues_issuerelease",
        "issues_userreport",
        "stats_issueday",
    )
)


def purge_issues(issue_ids: Sequence[int], after_batch: Callable[[], None]) -> int:
    """Delete what there still is of those issues that are marked as deleted, and only of those;
    returns how many were left to delete.

    Every batch is a transaction of its own, after which `after_batch` is called; what that raises
    ends the work, which goes on where it stopped when it is asked for again.
    """
    by_project: dict[int, list[int]] = defaultdict(list)
    marked = Issue.objects.filter(pk__in=issue_ids, status=Issue.Status.PENDING_DELETION)
    for project_id, issue_id in marked.order_by("pk").values_list("project_id", "pk"):
        by_project[project_id].append(issue_id)
    for project_id, ids in by_project.items():
        for first in range(0, len(ids), ISSUES_AT_ONCE):
            _purge(project_id, ids[first : first + ISSUES_AT_ONCE], after_batch)
    return sum(map(len, by_project.values()))


def _purge(project_id: int, ids: list[int], after_batch: Callable[[], None]) -> None:
    values: dict[str, Any] = {"project": project_id, "issues": ids, "limit": ROWS_AT_ONCE}
    for statement in (DELETE_EVENTS, *DELETE_ROWS):
        deleted = True
        while deleted:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                deleted = cursor.rowcount > 0
            after_batch()
    Issue.objects.filter(pk__in=ids).delete()
    after_batch()
