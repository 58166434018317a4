"""Deleting the rows of issues that were deleted or discarded, in batches that no one has to wait
for.

The issues have been invisible since they were marked, and stay so whatever happens half-way.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q

from .models import Activity, Issue, IssueBookmark, IssueSeen, IssueSubscription

Status = Issue.Status

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
_DELETE_ROWS = """
    DELETE FROM {table} WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM {table} WHERE project_id = %(project)s AND issue_id = ANY(%(issues)s)
        LIMIT %(limit)s))
"""
DELETE_HASHES = _DELETE_ROWS.format(table="issues_issuehash")
DELETE_ROWS = tuple(
    _DELETE_ROWS.format(table=table)
    for table in (
        "issues_issuetext",
        "issues_issuetag",
        "issues_issueuser",
        "issues_issuerelease",
        "issues_userreport",
        "stats_issueday",
    )
)


def purge_issues(issue_ids: Sequence[int], after_batch: Callable[[], None]) -> int:
    """Delete what there still is of those issues that are marked as deleted, and only of those,
    and of what was merged into them; returns how many were left to delete. Of those that are marked
    as discarded, the row and the hashes stay.

    Every batch is a transaction of its own, after which `after_batch` is called; what that raises
    ends the work, which goes on where it stopped when it is asked for again.
    """
    by_project: dict[tuple[int, int], list[int]] = defaultdict(list)
    marked = Issue.objects.filter(
        Q(pk__in=issue_ids) | Q(merged_into__in=issue_ids),
        Q(status=Status.PENDING_DELETION) | Q(status=Status.DISCARDED, deleted_at__isnull=False),
    )
    # With an issue's row go those of the issues merged into it: their events go before.
    marked = marked.order_by(F("merged_into").asc(nulls_last=True), "pk")
    for project_id, status, issue_id in marked.values_list("project_id", "status", "pk"):
        by_project[project_id, status].append(issue_id)
    for (project_id, status), ids in by_project.items():
        for first in range(0, len(ids), ISSUES_AT_ONCE):
            batch = ids[first : first + ISSUES_AT_ONCE]
            if status == Status.DISCARDED:
                _purge(project_id, batch, (DELETE_EVENTS, *DELETE_ROWS), after_batch)
                _clear(batch)
            else:
                _purge(project_id, batch, (DELETE_EVENTS, DELETE_HASHES, *DELETE_ROWS), after_batch)
                Issue.objects.filter(pk__in=batch).delete()
            after_batch()
    return sum(map(len, by_project.values()))


def _purge(
    project_id: int, ids: list[int], statements: Sequence[str], after_batch: Callable[[], None]
) -> None:
    for statement in statements:
        delete_rows(statement, {"project": project_id, "issues": ids}, after_batch)


def delete_rows(statement: str, names: Mapping[str, Any], after_batch: Callable[[], None]) -> None:
    """Run a statement that deletes no more rows than its parameter `limit` until none is left."""
    deleted = True
    while deleted:
        with connection.cursor() as cursor:
            cursor.execute(statement, {**names, "limit": ROWS_AT_ONCE})
            deleted = cursor.rowcount > 0
        after_batch()


@transaction.atomic
def _clear(ids: list[int]) -> None:
    """Leave no more of discarded issues than what they were."""
    for model in (Activity, IssueBookmark, IssueSeen, IssueSubscription):
        model._default_manager.filter(issue__in=ids).delete()
    Issue.objects.filter(pk__in=ids).update(
        times_seen=0, user_count=0, comment_count=0, tag_keys={}, deleted_at=None
    )
