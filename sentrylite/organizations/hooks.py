"""Making, changing and removing service hooks. Ingestion hears of it within a few seconds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from . import audit
from .audit import Author, Event
from .models import HookDelivery, Project, ServiceHook

Status = ServiceHook.Status

MAX_HOOKS = 50
"""Of a project: each of them is told of each event."""


class TooMany(Exception):
    """The project has as many hooks as it may have."""


@transaction.atomic
def register(
    project: Project, facts: Mapping[str, Any], *, by: Author, now: datetime
) -> ServiceHook:
    """Add a hook with this `url` and perhaps `events`, `version` and `is_active`; it is active
    unless told otherwise. Raises TooMany."""
    # The project's row is the queue of those who add hooks to it.
    Project.objects.select_for_update(no_key=True).filter(pk=project.pk).values("pk").first()
    if ServiceHook.objects.filter(project=project).count() >= MAX_HOOKS:
        raise TooMany(f"A project has at most {MAX_HOOKS} service hooks.")
    hook = ServiceHook(project=project, created_by=by.user, **_columns(facts))
    hook.save(force_insert=True)
    _log(Event.SERVICEHOOK_ADD, hook, by=by, now=now)
    return hook


@transaction.atomic
def change(hook: ServiceHook, facts: Mapping[str, Any], *, by: Author, now: datetime) -> None:
    """Change what `facts` name, as in `register`.

    Another address, or being switched on again, ends a pause. What waits for a hook that is
    switched off is forgotten.
    """
    columns = _columns(facts)
    columns = {name: value for name, value in columns.items() if value != getattr(hook, name)}
    if not columns:
        return
    if "status" in columns or "url" in columns:
        columns |= {"failures": 0, "resumes_at": None}
    for name, value in columns.items():
        setattr(hook, name, value)
    hook.save(update_fields=columns)
    if hook.status == Status.DISABLED:
        hook.deliveries.filter(status=HookDelivery.Status.WAITING).delete()
    _log(Event.SERVICEHOOK_EDIT, hook, by=by, now=now)


@transaction.atomic
def remove(hook: ServiceHook, *, by: Author, now: datetime) -> None:
    """Remove a hook with all that it was told and was to be told."""
    # Whoever announces something to it is waited for, and finds it gone afterwards.
    if ServiceHook.objects.select_for_update().filter(pk=hook.pk).values("pk").first():
        _log(Event.SERVICEHOOK_REMOVE, hook, by=by, now=now)
        hook.delete()


def _columns(facts: Mapping[str, Any]) -> dict[str, Any]:
    columns = dict(facts)
    if (is_active := columns.pop("is_active", None)) is not None:
        columns["status"] = Status.ACTIVE if is_active else Status.DISABLED
    return columns


def _log(event: Event, hook: ServiceHook, *, by: Author, now: datetime) -> None:
    audit.record(
        hook.project.organization,
        event,
        by=by,
        now=now,
        target_id=hook.pk,
        data={"url": hook.url, "events": hook.events, "status": hook.status},
    )
