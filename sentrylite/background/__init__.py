"""Work that is done after the answer: tasks in a table of the database, and who runs them.

A task is a function at the top of an app's `tasks` module:

    @task
    def delete_issues(issue_ids: list[int]) -> None: ...

    delete_issues.enqueue(ids)                              # in the caller's transaction
    delete_issues.using(run_after=moment).enqueue(ids)      # not before then

It is run if and only if the transaction in which it was enqueued is committed, about a second
later, in no request. What a task has to keep to:

* It may run again, from its beginning, after it ran to any point: its process may be killed, its
  connection lost. So it is idempotent, and goes on where its rows say that it stopped.
* Its arguments are JSON: ids, not objects. What they name may be gone by then.
* It works in short transactions and calls `checkpoint()` between them when it takes long.
* What fails is logged and kept, with its traceback. `@retried` says which errors are worth another
  attempt; errors of the database's side always are.

This is the API of Django 6, `django.tasks`: with it, `task` comes from there.
"""

from django_tasks import task

from .interruption import checkpoint
from .retries import retried

__all__ = ["checkpoint", "retried", "task"]
