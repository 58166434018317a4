"""Service hooks in the back office: what they are told, and how their last deliveries went."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from sentrylite.accounts.models import User
from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link
from sentrylite.admin.display import Panel
from sentrylite.admin.fields import CheckboxesField
from sentrylite.admin.menu import Menu
from sentrylite.api.addresses import client_address
from sentrylite.organizations import hooks
from sentrylite.organizations.access import PROJECT_SCOPES
from sentrylite.organizations.audit import Author
from sentrylite.organizations.models import HookDelivery, Project, ServiceHook
from sentrylite.organizations.tenancy import OfProject
from stats import series
from stats.models import Kind
from stats.periods import LIST_HOURS_24

from .filters import ProjectFilter

SHOWN_DELIVERIES = 50


def hooks_of(project: Project) -> Panel:
    """For the page of a project. Another page makes and changes them."""
    rows = [
        (display.link_to(hook), ", ".join(hook.events), hook.status, display.code(hook.secret))
        for hook in project.hooks.all()[: hooks.MAX_HOOKS]
    ]
    return Panel("Service hooks", ("", "Events", "Status", "Secret"), rows)


@admin.register(ServiceHook)
class ServiceHookAdmin(BaseAdmin):
    menu = Menu("Organization", 6)
    tenancy = OfProject(PROJECT_SCOPES)
    list_display = ["url", "project_link", "event_list", "status", "fired", "resumes_at"]
    list_filter = ["status", ("project", ProjectFilter)]
    list_select_related = ["project"]
    search_fields = ["url", "guid", "project__name", "project__slug"]
    autocomplete_fields = ["project"]
    settled_fields = ["project"]
    readonly_fields = ["id_to_copy", "secret_to_copy", "created_at", "created_by", "resumes_at"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["project", "url", "events", "status", *(self.readonly_fields if obj else [])]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "events":
            return CheckboxesField(choices=ServiceHook.Event.values, required=False)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ServiceHook, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user  # type: ignore[assignment]
            super().save_model(request, obj, form, change)
            return
        facts = {name: form.cleaned_data[name] for name in form.changed_data}
        by = Author(cast(User, request.user), client_address(request))
        hook = ServiceHook.objects.select_related("project__organization").get(pk=obj.pk)
        hooks.change(hook, facts, by=by, now=timezone.now())

    def load_page(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        now = timezone.now().timestamp()
        keys = [(hook.project_id, hook.pk) for hook in rows]
        points = series.read_series(Kind.HOOK_FIRED, keys, LIST_HOURS_24.until(now), now)
        for hook in rows:
            hook.fired_by_hour = [count for _, count in points[hook.project_id, hook.pk]]

    @admin.display(description="project", ordering="project__slug")
    def project_link(self, hook: ServiceHook) -> str:
        return display.link_to(hook.project)

    @admin.display(description="events")
    def event_list(self, hook: ServiceHook) -> str:
        return ", ".join(hook.events) or display.NOTHING

    @admin.display(description="told in 24 h")
    def fired(self, hook: Any) -> str:
        total = sum(hook.fired_by_hour)
        return display.sparkline(hook.fired_by_hour, f"told {total} times in 24 hours")

    @admin.display(description="id")
    def id_to_copy(self, hook: ServiceHook) -> str:
        return display.code(hook.guid)

    @admin.display(description="secret")
    def secret_to_copy(self, hook: ServiceHook) -> str:
        return display.code(hook.secret)

    def links(self, request: HttpRequest, obj: ServiceHook) -> Sequence[Link]:
        return [("Project", display.url_of(obj.project))]

    def panels(self, request: HttpRequest, obj: ServiceHook) -> Sequence[Panel]:
        waiting = obj.deliveries.filter(status=HookDelivery.Status.WAITING)
        over = obj.deliveries.exclude(status=HookDelivery.Status.WAITING)
        columns = ("", "Event", "Status", "Attempts", "Answer")
        return [
            Panel("Waiting", columns, _rows(waiting.order_by("due_at", "id"), "due_at")),
            Panel("Told, or given up", columns, _rows(over.order_by("-id"), "ended_at")),
        ]


def _rows(deliveries: QuerySet[HookDelivery], moment: str) -> list[Sequence[object]]:
    return [
        (
            display.moment(getattr(delivery, moment)),
            delivery.event,
            delivery.status,
            delivery.attempts,
            delivery.answer,
        )
        for delivery in deliveries[:SHOWN_DELIVERIES]
    ]
