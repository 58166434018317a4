"""Deletion of what events hang on: marked at once, the rows removed later."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin
from sentrylite.organizations import actions
from sentrylite.organizations.models.organization import Status

NOTE = (
    "Deleting hides it at once and stops its events. It can be restored: a project for an hour, an "
    "organization for a day, after which it is removed with all that is its own."
)


class DeletedLater(BaseAdmin):
    """For rows with a status. Django's own deletion would carry their events' rows along, or
    leave them behind."""

    actions = ["delete", "restore"]

    @admin.display(description="status", ordering="status")
    def status_badge(self, row: Any) -> SafeString:
        return display.badge(row.get_status_display(), f"status-{row.status}")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """At the end of a page whether it is deleted, and what that means."""
        fieldsets = list(super().get_fieldsets(request, obj))
        deletion = ("Deletion", {"fields": ["status"], "description": NOTE})
        return [*fieldsets, deletion] if obj else fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "status"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def object_actions(self, request: HttpRequest, obj: Any) -> list[str]:
        done = "restore" if obj.status == Status.ACTIVE else "delete"
        return [name for name in super().object_actions(request, obj) if name != done]

    @admin.action(description="Delete selected %(verbose_name_plural)s", permissions=["removal"])
    def delete(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        question = self.confirm(request, rows, action="delete", verb="Delete", warning=NOTE)
        if question is None:
            marked = actions.mark_deleted(rows, now=timezone.now())
            self._report(request, marked, "marked for deletion")
        return question

    @admin.action(description="Restore selected %(verbose_name_plural)s", permissions=["removal"])
    def restore(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        try:
            self._report(request, actions.restore(rows), "restored")
        except actions.SlugTaken:
            text = "Nothing is restored: a slug has been taken by another one meanwhile."
            self.message_user(request, text, messages.ERROR)

    def _report(self, request: HttpRequest, changed: list[Any], done: str) -> None:
        self.log(request, changed, CHANGE, f"{done.capitalize()}.")
        names = self.opts.verbose_name if len(changed) == 1 else self.opts.verbose_name_plural
        self.message_user(request, f"{len(changed)} {names} {done}.", messages.SUCCESS)
