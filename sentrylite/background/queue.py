"""The table of tasks, beyond what enqueues and runs them."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django_tasks import TaskResultStatus
from django_tasks.base import Task
from django_tasks_db.models import DBTaskResult

SUCCESSFUL_FOR = timedelta(days=1)
FAILED_FOR = timedelta(days=30)


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
