"""What issues that were merged away still have goes to the issue that they were merged into.

The merged issues have been out of sight since then, their hashes lead to the other issue and what
is counted for them is counted there (`intake.lock_issues`): here their past follows, in batches
that no one has to wait for, in any order, interrupted and begun again as often as need be.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from django.db import connection, transaction
from django.db.models import F, Q

from sentrylite.accounts.models import User
from stats import counters

from . import intake
from .models import (
    Activity,
    Issue,
    IssueBookmark,
    IssueHash,
    IssueResolution,
    IssueSeen,
    IssueSnooze,
    IssueSubscription,
)

# What was being written to an issue when it was merged away is written by then, under its own id.
GRACE = timedelta(minutes=5)
# The other issue is locked for a batch: events of it are not counted for so long.
ROWS_AT_ONCE = 1_000

MOVE_HASHES = """
    UPDATE issues_issuehash SET issue_id = %(target)s
    WHERE project_id = %(project)s AND issue_id = ANY(%(issues)s::bigint[])
"""

MOVE_EVENTS = """
    WITH batch AS (
        SELECT project_id, received_at, event_id FROM issues_event
        WHERE project_id = %(project)s AND issue_id = ANY(%(issues)s::bigint[]) LIMIT %(limit)s
    )
    UPDATE issues_event event SET issue_id = %(target)s FROM batch
    WHERE event.project_id = batch.project_id AND event.received_at = batch.received_at
        AND event.event_id = batch.event_id
"""

# Key, how many rows are gone, how many events they counted, how many values are new in the target.
MOVE_TAGS = """
    WITH gone AS (
        DELETE FROM issues_issuetag WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM issues_issuetag
            WHERE project_id = %(project)s AND issue_id = ANY(%(issues)s::bigint[])
            LIMIT %(limit)s))
        RETURNING key, value, times_seen, first_seen, last_seen
    ), moved AS (
        INSERT INTO issues_issuetag AS tag
            (project_id, issue_id, key, value, times_seen, first_seen, last_seen)
        SELECT %(project)s, %(target)s, key, value, sum(times_seen), min(first_seen),
            max(last_seen)
        FROM gone GROUP BY key, value ORDER BY key, value
        ON CONFLICT (project_id, issue_id, key, value) DO UPDATE
        SET times_seen = tag.times_seen + excluded.times_seen,
            first_seen = least(tag.first_seen, excluded.first_seen),
            last_seen = greatest(tag.last_seen, excluded.last_seen)
        RETURNING key, xmax = 0 AS is_new
    )
    SELECT key, gone.quantity, gone.events, coalesce(moved.quantity, 0)
    FROM (SELECT key, count(*) AS quantity, sum(times_seen)::bigint AS events
        FROM gone GROUP BY key) gone
    LEFT JOIN (SELECT key, count(*) AS quantity
        FROM moved WHERE is_new GROUP BY key) moved USING (key)
"""

SUM_UP_TAGS = "UPDATE issues_issue SET tag_keys = %(tag_keys)s WHERE id = %(target)s"

# An issue that is ignored until so many users more have it is not reminded by users it takes over.
MOVE_USERS = """
    WITH gone AS (
        DELETE FROM issues_issueuser WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM issues_issueuser
            WHERE project_id = %(project)s AND issue_id = ANY(%(issues)s::bigint[])
            LIMIT %(limit)s))
        RETURNING user_hash
    ), new AS (
        INSERT INTO issues_issueuser (project_id, issue_id, user_hash)
        SELECT DISTINCT %(project)s, %(target)s, user_hash FROM gone ORDER BY user_hash
        ON CONFLICT DO NOTHING RETURNING 1
    ), counted AS (
        UPDATE issues_issue SET user_count = user_count + (SELECT count(*) FROM new)
        WHERE id = %(target)s
    ), expected AS (
        UPDATE issues_issuesnooze
        SET user_count_before = user_count_before + (SELECT count(*) FROM new)
        WHERE issue_id = %(target)s
    )
    SELECT count(*) FROM gone
"""

MOVE_SEEN_IN = """
    WITH gone AS (
        DELETE FROM issues_issuerelease WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM issues_issuerelease
            WHERE project_id = %(project)s AND issue_id = ANY(%(issues)s::bigint[])
            LIMIT %(limit)s))
        RETURNING environment_id, release_id, times_seen, first_seen, last_seen
    ), moved AS (
        INSERT INTO issues_issuerelease AS seen (project_id, issue_id, environment_id, release_id,
            times_seen, first_seen, last_seen)
        SELECT %(project)s, %(target)s, environment_id, release_id, sum(times_seen),
            min(first_seen), max(last_seen)
        FROM gone GROUP BY environment_id, release_id ORDER BY environment_id, release_id
        ON CONFLICT (project_id, issue_id, environment_id, release_id) DO UPDATE
        SET times_seen = seen.times_seen + excluded.times_seen,
            first_seen = least(seen.first_seen, excluded.first_seen),
            last_seen = greatest(seen.last_seen, excluded.last_seen)
    )
    SELECT count(*) FROM gone
"""

_MOVE_ROWS = """
    UPDATE {table} SET issue_id = %(target)s WHERE id = ANY(ARRAY(
        SELECT id FROM {table} WHERE issue_id = ANY(%(issues)s::bigint[])
        LIMIT %(limit)s))
"""
MOVE_ACTIVITIES = _MOVE_ROWS.format(table="issues_activity")
MOVE_REPORTS = _MOVE_ROWS.format(table="issues_userreport")

# Who has put the mark on both issues keeps the one on the target.
_MOVE_MARKS = """
    WITH gone AS (
        DELETE FROM {table} WHERE id = ANY(ARRAY(
            SELECT id FROM {table} WHERE issue_id = ANY(%(issues)s::bigint[]) LIMIT %(limit)s))
        RETURNING *
    ), moved AS (
        INSERT INTO {table} (issue_id, user_id, {columns})
        SELECT DISTINCT ON (user_id) %(target)s, user_id, {columns} FROM gone
        ORDER BY user_id, {newest} DESC
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM gone
"""
MOVE_MARKS = tuple(
    _MOVE_MARKS.format(table=model._meta.db_table, columns=", ".join(columns), newest=columns[0])
    for model, columns in (
        (IssueBookmark, ["created_at"]),
        (IssueSeen, ["last_seen", "created_at"]),
        (IssueSubscription, ["created_at", "is_active", "reason"]),
    )
)

MOVE_COMMITS = """
    WITH gone AS (
        DELETE FROM issues_issuecommit WHERE id = ANY(ARRAY(
            SELECT id FROM issues_issuecommit WHERE issue_id = ANY(%(issues)s::bigint[])
            LIMIT %(limit)s))
        RETURNING commit_id
    ), moved AS (
        INSERT INTO issues_issuecommit (issue_id, commit_id)
        SELECT DISTINCT %(target)s::bigint, commit_id FROM gone ORDER BY commit_id
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM gone
"""


class CannotMerge(Exception):
    """The issues are of more than one project."""


class Merged(NamedTuple):
    parent: Issue
    children: list[Issue]


def merge_issues(issues: Sequence[Issue], *, by: User | None, now: datetime) -> Merged | None:
    """Make one of these issues, the one with the most events, stand for all of them (issues
    contract, section 5); None when there are no two of them left. In a transaction of the caller.
    Raises CannotMerge.

    The others are out of sight at once, their ids lead to the one that is left and so do their
    hashes. What else they have follows by `move_rows`.
    """
    by_id = {issue.pk: issue for issue in issues}
    # With those merged into them before: they change too, and are locked in their order.
    rows = (
        Issue.objects.filter(Q(pk__in=by_id) | Q(merged_into__in=by_id))
        .order_by("pk")
        .select_for_update(no_key=True)
        .only(
            *("project_id", "status", "times_seen", "comment_count"),
            *("first_seen", "last_seen", "first_release_id"),
        )
    )
    locked = [row for row in rows if row.pk in by_id and row.status < Issue.Status.PENDING_DELETION]
    if len({issue.project_id for issue in locked}) > 1:
        raise CannotMerge
    if len(locked) < 2:
        return None
    parent = max(locked, key=lambda issue: (issue.times_seen, issue.pk))
    ids = [issue.pk for issue in locked if issue != parent]
    taken_over = sum(issue.times_seen for issue in locked) - parent.times_seen
    facts = {
        "times_seen": parent.times_seen + taken_over,
        "comment_count": sum(issue.comment_count for issue in locked),
        "first_seen": min(issue.first_seen for issue in locked),
        "last_seen": max(issue.last_seen for issue in locked),
        "first_release_id": min(locked, key=lambda issue: issue.first_seen).first_release_id,
    }
    gone = {"status": Issue.Status.PENDING_MERGE, "merged_into": parent, "share_id": None}
    nothing = {"times_seen": 0, "user_count": 0, "comment_count": 0, "tag_keys": {}}
    # Also what was merged into one of them before leads to the one that is left.
    Issue.objects.filter(Q(pk__in=ids) | Q(merged_into__in=ids)).update(**gone, **nothing)
    Issue.objects.filter(pk=parent.pk).update(**facts)
    IssueHash.objects.filter(project_id=parent.project_id, issue_id__in=ids).update(
        issue_id=parent.pk
    )
    for model in (IssueResolution, IssueSnooze):
        model.objects.filter(pk__in=ids).delete()
    # If it is ignored until it has so many events more, these are none of them.
    IssueSnooze.objects.filter(pk=parent.pk).update(
        times_seen_before=F("times_seen_before") + taken_over
    )
    merged = {"issues": [{"id": pk} for pk in ids]}
    Activity.objects.create(
        issue=parent, type=Activity.Type.MERGE, data=merged, user=by, created_at=now
    )
    for name, value in facts.items():
        setattr(by_id[parent.pk], name, value)
    for pk in ids:
        by_id[pk].status, by_id[pk].merged_into = Issue.Status.PENDING_MERGE, by_id[parent.pk]
    return Merged(by_id[parent.pk], [by_id[pk] for pk in ids])


Move = Callable[[Any, dict[str, Any], intake.TagKeys], int]
"""Moves rows with a cursor and the parameters of the statements, adds to the target's sums of tags;
returns how many rows."""


def move_rows(issue_ids: Sequence[int], after_batch: Callable[[], None]) -> int:
    """Move what those of the issues that were merged away still have; returns how many rows.

    Every batch is a transaction of its own, after which `after_batch` is called; what that raises
    ends the work, which goes on where it stopped when it is asked for again.
    """
    total = 0
    for move in MOVES:
        moved = -1
        while moved:
            moved = _move_batch(move, issue_ids)
            total += moved
            after_batch()
    return total


@transaction.atomic
def _move_batch(move: Move, issue_ids: Sequence[int]) -> int:
    merged = Issue.objects.filter(pk__in=issue_ids, status=Issue.Status.PENDING_MERGE)
    projects = dict(merged.values_list("pk", "project_id"))
    with connection.cursor() as cursor:
        locked = intake.lock_issues(cursor, projects)
        for target_id, tag_keys in sorted(locked.tag_keys.items()):
            sources = [pk for pk, target in locked.targets.items() if pk != target == target_id]
            if not sources:
                continue
            parameters = {
                "project": projects[sources[0]],
                "issues": sorted(sources),
                "target": target_id,
                "limit": ROWS_AT_ONCE,
            }
            if moved := move(cursor, parameters, tag_keys):
                return moved
    return 0


def _update(statement: str) -> Move:
    def move(cursor: Any, parameters: dict[str, Any], tag_keys: intake.TagKeys) -> int:
        cursor.execute(statement, parameters)
        return cursor.rowcount

    return move


def _count(statement: str) -> Move:
    def move(cursor: Any, parameters: dict[str, Any], tag_keys: intake.TagKeys) -> int:
        cursor.execute(statement, parameters)
        return cursor.fetchone()[0]

    return move


def _move_tags(cursor: Any, parameters: dict[str, Any], tag_keys: intake.TagKeys) -> int:
    cursor.execute(MOVE_TAGS, parameters)
    moved = 0
    for key, quantity, events, new_values in cursor.fetchall():
        intake.add_to_sums(tag_keys, key, new_values, events)
        moved += quantity
    if moved:
        sums = orjson.dumps(tag_keys).decode()
        cursor.execute(SUM_UP_TAGS, {"tag_keys": sums, "target": parameters["target"]})
    return moved


def _move_days(cursor: Any, parameters: dict[str, Any], tag_keys: intake.TagKeys) -> int:
    names = ("project", "issues", "target", "limit")
    return counters.move_issue_days(cursor, *(parameters[name] for name in names))


MOVES: tuple[Move, ...] = (
    _update(MOVE_HASHES),
    _update(MOVE_EVENTS),
    _move_tags,
    _count(MOVE_USERS),
    _move_days,
    _count(MOVE_SEEN_IN),
    _update(MOVE_ACTIVITIES),
    _update(MOVE_REPORTS),
    _count(MOVE_COMMITS),
    *map(_count, MOVE_MARKS),
)
