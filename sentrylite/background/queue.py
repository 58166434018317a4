"""The table of tasks, beyond what enqueues and runs them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django_tasks import TaskResultStatus
from django_tasks.base import Task
from django_tasks_db.models import DBTaskResult, get_date_max

from sentrylite.arrays import literal

SUCCESSFUL_FOR = timedelta(days=1)
FAILED_FOR = timedelta(days=30)

TABLE = DBTaskResult._meta.db_table

# One that waits is held back until the caller's transaction has ended, by a lock that others who
# want the same can have too. One that is being taken is skipped: it may not see the changes.
ENQUEUE_EACH = f"""
    WITH waiting AS MATERIALIZED (
        SELECT (args_kwargs #>> '{{args,0}}')::bigint AS id FROM {TABLE}
        WHERE status = 'READY' AND task_path = %(path)s AND run_after = %(any_time)s
        FOR KEY SHARE SKIP LOCKED
    )
    INSERT INTO {TABLE} (id, status, enqueued_at, args_kwargs, priority, task_path, worker_ids,
        queue_name, backend_name, run_after, exception_class_path, traceback)
    SELECT gen_random_uuid(), 'READY', now(),
        jsonb_build_object('args', jsonb_build_array(wanted.id), 'kwargs', '{{}}'::jsonb),
        %(priority)s, %(path)s, '[]', %(queue)s, %(backend)s, %(any_time)s, '', ''
    FROM unnest(%(ids)s::bigint[]) AS wanted (id)
    WHERE NOT EXISTS (SELECT 1 FROM waiting WHERE waiting.id = wanted.id)
"""


@transaction.atomic
def enqueue_once(task: Task[Any, Any], *args: Any) -> bool:
    """Enqueue a task unless the same one, with the same arguments, waits already; returns whether
    it was enqueued.

    The one that waits does so until the caller's transaction has ended, and so sees its changes.
    Of two callers at the same moment both may enqueue one.
    """
    waiting = _of(task, [TaskResultStatus.READY]).filter(
        args_kwargs={"args": list(args), "kwargs": {}}
    )
    if waiting.select_for_update(no_key=True).values_list("pk").first():
        return False
    task.enqueue(*args)
    return True


def enqueue_each(cursor: Any, task: Task[Any, Any], ids: Iterable[int]) -> None:
    """Enqueue a task of one id for each of these ids for which none waits that is due.

    Like `enqueue_once`, for transactions that Django knows nothing of: `cursor` is any. One
    statement; none without ids.
    """
    if not (ids := list(ids)):
        return
    cursor.execute(
        ENQUEUE_EACH,
        {
            "path": task.module_path,
            "ids": literal(ids),
            "priority": task.priority,
            "queue": task.queue_name,
            "backend": task.backend,
            "any_time": get_date_max(),
        },
    )


def enqueue_by(task: Task[Any, Any], *args: Any, moment: datetime) -> None:
    """Enqueue a task for a moment, unless the same one waits for that or an earlier one."""
    waiting = _of(task, [TaskResultStatus.READY]).filter(
        args_kwargs={"args": list(args), "kwargs": {}}
    )
    if not waiting.filter(Q(run_after__lte=moment) | Q(run_after=get_date_max())).exists():
        task.using(run_after=moment).enqueue(*args)


def unfinished(task: Task[Any, Any]) -> list[list[Any]]:
    """The positional arguments of every such task that waits or runs."""
    rows = _of(task, [TaskResultStatus.READY, TaskResultStatus.RUNNING])
    return [arguments["args"] for arguments in rows.values_list("args_kwargs", flat=True)]


def prune(now: datetime) -> int:
    """Forget tasks that ended well a day ago, or badly a month ago; returns how many."""
    pruned = 0
    for status, kept_for in (
        (TaskResultStatus.SUCCESSFUL, SUCCESSFUL_FOR),
        (TaskResultStatus.FAILED, FAILED_FOR),
    ):
        old = DBTaskResult.objects.filter(status=status, finished_at__lt=now - kept_for)
        pruned += old.delete()[0]
    return pruned


def _of(task: Task[Any, Any], statuses: list[TaskResultStatus]) -> Any:
    return DBTaskResult.objects.filter(task_path=task.module_path, status__in=statuses)
