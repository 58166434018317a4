"""Background tasks in the back office: what waits, what failed and why."""

from datetime import datetime

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_tasks_db.models import DBTaskResult, get_date_max

from sentrylite.admin.base import BaseAdmin, ReadOnly
from sentrylite.admin.menu import Menu
from sentrylite.admin.tenancy import SuperusersOnly

admin.site.unregister(DBTaskResult)


@admin.register(DBTaskResult)
class TaskAdmin(ReadOnly, BaseAdmin):
    menu = Menu("Operation", 2, "Tasks")
    tenancy = SuperusersOnly()  # arguments and tracebacks are of every organization
    list_display = ["task_path", "status", "enqueued_at", "due", "attempts", "finished_at"]
    list_filter = ["status"]
    ordering = ["-enqueued_at"]
    fields = [
        "task_path",
        "args_kwargs",
        "status",
        "enqueued_at",
        "due",
        "started_at",
        "finished_at",
        "attempts",
        "worker_ids",
        "error",
    ]
    readonly_fields = ["due", "attempts", "error"]

    @admin.display(description="due", empty_value="at once")
    def due(self, task: DBTaskResult) -> datetime | None:
        return None if task.run_after == get_date_max() else task.run_after

    @admin.display(description="attempts")
    def attempts(self, task: DBTaskResult) -> int:
        return len(task.worker_ids)

    @admin.display(description="error")
    def error(self, task: DBTaskResult) -> str | SafeString:
        return format_html("<pre>{}</pre>", task.traceback) if task.traceback else "-"
