"""What has to be done from time to time: partitions, retention, rows of deleted issues."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from stats import retention

from . import partitions
from .models import Issue

logger = logging.getLogger(__name__)

# Arbitrary, and nobody else's: advisory locks are numbers.
LOCK = 7_265_741_100_000_001
ROWS_AT_ONCE = 5_000
ISSUES_AT_ONCE = 100
# By then whatever was being written to an issue when it was deleted is written.
PURGE_AFTER = timedelta(minutes=5)

# By issue, in the order in which they may go; the issue's own row goes last.
DELETE_ROWS = tuple(
    f"""
    DELETE FROM {table} WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM {table} WHERE project_id = %(project)s AND issue_id = %(issue)s
        LIMIT %(limit)s))
    """
    for table in (
        "issues_issuehash",
        "issues_issuetext",
        "issues_issuetag",
        "issues_issueuser",
        "issues_issuerelease",
        "stats_issueday",
    )
)

# An event and its address together, so that a half-deleted issue leaves no address behind.
DELETE_EVENTS = """
    WITH gone AS (
        SELECT project_id, received_at, event_id FROM issues_event
        WHERE project_id = %(project)s AND issue_id = %(issue)s LIMIT %(limit)s
    ), addresses AS (
        DELETE FROM issues_eventaddress address USING gone
        WHERE address.project_id = gone.project_id AND address.event_id = gone.event_id
    )
    DELETE FROM issues_event event USING gone
    WHERE event.project_id = gone.project_id AND event.received_at = gone.received_at
        AND event.event_id = gone.event_id
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
            retention.prune_counters(now)
            purge_deleted_issues(now)
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


def purge_deleted_issues(now: datetime) -> int:
    """Delete the rows of issues that were deleted, in bounded batches; returns how many issues.

    They have been invisible since they were marked, and stay so whatever happens half-way.
    """
    purged = 0
    while batch := _deleted_before(now - PURGE_AFTER):
        for issue in batch:
            _purge(issue)
            purged += 1
    return purged


def _deleted_before(moment: datetime) -> list[Issue]:
    deleted = Issue.objects.filter(
        status=Issue.Status.PENDING_DELETION, deleted_at__lt=moment
    ).order_by("id")
    return list(deleted[:ISSUES_AT_ONCE])


def _purge(issue: Issue) -> None:
    place = {"project": issue.project_id, "issue": issue.pk, "limit": ROWS_AT_ONCE}
    with connection.cursor() as cursor:
        for statement in (DELETE_EVENTS, *DELETE_ROWS):
            cursor.execute(statement, place)
            while cursor.rowcount == ROWS_AT_ONCE:
                cursor.execute(statement, place)
    issue.delete()
