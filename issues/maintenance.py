"""What has to be done from time to time: partitions, retention, organizations and projects that
were deleted, files that nothing refers to, tasks that have ended."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django_tasks.base import Task

from sentrylite.background import queue
from sentrylite.files import retention as files
from sentrylite.releases import uploads
from stats import retention

from . import deletion, deliveries, partitions, removal, tasks
from .models import Issue

logger = logging.getLogger(__name__)

# Arbitrary, and nobody else's: advisory locks are numbers.
LOCK = 7_265_741_100_000_001
# Of issues whose deletion was forgotten: as many in a task, and no more in an hour.
FORGOTTEN_AT_ONCE = 10_000
ROWS_AT_ONCE = 5_000

# Reports go as events do: they tell names and addresses, and nobody needs them longer.
DELETE_REPORTS = """
    DELETE FROM issues_userreport WHERE id = ANY(ARRAY(
        SELECT id FROM issues_userreport WHERE created_at < %(before)s LIMIT %(limit)s))
"""


def maintain(now: datetime) -> bool:
    """Do all of it, in small transactions; False when another process is at it.

    Safe to run at any time, from any process, as often as one likes; interrupted, it goes on
    where it stopped.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return False
        try:
            make_partitions(now)
            drop_expired_events(now)
            delete_expired_reports(now)
            retention.prune_counters(now)
            delete_forgotten_issues(now)
            deliver_forgotten(now)
            remove_deleted_organizations(now)
            remove_deleted_projects(now)
            uploads.remove_abandoned_bundles()
            files.remove_unused(now)
            queue.prune(now)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
    return True


def make_partitions(now: datetime) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for name in partitions.ensure_partitions(cursor, now):
            logger.info("made partition %s", name)


def drop_expired_events(now: datetime) -> None:
    """Drop whole weeks that were received before the retention began."""
    before = now - timedelta(days=settings.EVENT_RETENTION_DAYS)
    with connection.cursor() as cursor:
        for partition in partitions.expired(cursor, before):
            while partitions.forget_addresses(cursor, partition):
                pass
            partitions.drop(cursor, partition)
            logger.info("dropped partition %s: its events are past retention", partition.name)


def delete_expired_reports(now: datetime) -> int:
    """Delete what users said before the retention began, in bounded batches; returns how many."""
    before = now - timedelta(days=settings.EVENT_RETENTION_DAYS)
    deleted = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(DELETE_REPORTS, {"before": before, "limit": ROWS_AT_ONCE})
            deleted += cursor.rowcount
            if cursor.rowcount < ROWS_AT_ONCE:
                return deleted


def delete_forgotten_issues(now: datetime) -> int:
    """Enqueue the deletion of issues that are marked for it and in no task; returns how many.

    Versions without tasks left such, and tasks that failed.
    """
    in_tasks = {issue_id for [ids] in queue.unfinished(tasks.delete_issues) for issue_id in ids}
    forgotten = list(
        Issue.objects.filter(
            status__in=(Issue.Status.PENDING_DELETION, Issue.Status.DISCARDED),
            merged_into=None,
            deleted_at__lt=now - deletion.GRACE,
        )
        .exclude(pk__in=in_tasks)
        .order_by("pk")
        .values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]
    )
    if forgotten:
        tasks.delete_issues.enqueue(forgotten)
    return len(forgotten)


def deliver_forgotten(now: datetime) -> int:
    """Enqueue tasks for service hooks that wait though they are due; returns how many hooks."""
    hook_ids = deliveries.forgotten(now)
    with transaction.atomic(), connection.cursor() as cursor:
        queue.enqueue_each(cursor, tasks.deliver_to_hook, hook_ids)
    return len(hook_ids)


def remove_deleted_organizations(now: datetime) -> int:
    """Enqueue the removal of organizations that were deleted a day ago; returns how many."""
    return _enqueue_removals(tasks.remove_organization, removal.due(now))


def remove_deleted_projects(now: datetime) -> int:
    """Enqueue the removal of projects that were deleted an hour ago; returns how many."""
    return _enqueue_removals(tasks.remove_project, removal.due_projects(now))


def _enqueue_removals(task: Task[Any, Any], due: QuerySet[Any]) -> int:
    """One task for each row that is due and in none yet."""
    in_tasks = [pk for [pk] in queue.unfinished(task)]
    ids = list(due.exclude(pk__in=in_tasks).order_by("pk").values_list("pk", flat=True))
    for pk in ids:
        task.enqueue(pk)
    return len(ids)
