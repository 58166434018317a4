"""Making, changing and removing service hooks. Ingestion hears of it within a few seconds."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from sentrylite.accounts.models import User

from .models import HookDelivery, Project, ServiceHook

Status = ServiceHook.Status

MAX_HOOKS = 50
"""Of a project: each of them is told of each event."""


class TooMany(Exception):
    """The project has as many hooks as it may have."""


@transaction.atomic
def register(project: Project, facts: Mapping[str, Any], *, by: User | None) -> ServiceHook:
    """Add a hook with this `url` and perhaps `events`, `version` and `is_active`; it is active
    unless told otherwise. Raises TooMany."""
    # The project's row is the queue of those who add hooks to it.
    Project.objects.select_for_update(no_key=True).filter(pk=project.pk).values("pk").first()
    if ServiceHook.objects.filter(project=project).count() >= MAX_HOOKS:
        raise TooMany(f"A project has at most {MAX_HOOKS} service hooks.")
    hook = ServiceHook(project=project, created_by=by, **_columns(facts))
    hook.save(force_insert=True)
    return hook


@transaction.atomic
def change(hook: ServiceHook, facts: Mapping[str, Any]) -> None:
    """Change what `facts` name, as in `register`.

    Another address, or being switched on again, ends a pause. What waits for a hook that is
    switched off is forgotten.
    """
    columns = _columns(facts)
    if hook.status != columns.get("status", hook.status) or hook.url != columns.get(
        "url", hook.url
    ):
        columns |= {"failures": 0, "resumes_at": None}
    for name, value in columns.items():
        setattr(hook, name, value)
    if columns:
        hook.save(update_fields=columns)
    if columns.get("status") == Status.DISABLED:
        hook.deliveries.filter(status=HookDelivery.Status.WAITING).delete()


@transaction.atomic
def remove(hook: ServiceHook) -> None:
    """Remove a hook with all that it was told and was to be told."""
    # Whoever announces something to it is waited for, and finds it gone afterwards.
    ServiceHook.objects.select_for_update().filter(pk=hook.pk).values("pk").first()
    hook.delete()


def _columns(facts: Mapping[str, Any]) -> dict[str, Any]:
    columns = dict(facts)
    if (is_active := columns.pop("is_active", None)) is not None:
        columns["status"] = Status.ACTIVE if is_active else Status.DISABLED
    return columns
