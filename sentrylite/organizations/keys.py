"""Changes to client keys."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from . import audit
from .actions import is_taken
from .audit import Author
from .models import Project, ProjectKey

ADJECTIVES = tuple(
    """
    amber bold brave bright calm clever copper crisp curious eager early faithful fast gentle
    golden happy humble keen kind lively loyal lucky mellow merry mighty modest nimble noble
    patient polite proud quick quiet rapid ready silver sleek solid steady sunny swift tidy
    trusty vivid warm wild wise witty
    """.split()  # noqa: SIM905  readable, unlike a list of quoted words
)
NOUNS = tuple(
    """
    badger bear beaver bison condor crane crow deer dolphin eagle falcon ferret finch fox gecko
    hare hawk heron ibex jackal koala lark lemur lion lynx marmot marten moose newt otter owl
    panda parrot pelican puffin raven robin salmon seal shark sparrow stork swan tapir tiger
    turtle walrus whale wolf wren yak
    """.split()  # noqa: SIM905  readable, unlike a list of quoted words
)


class KeyTaken(Exception):
    """Some project has a key with this public half."""


def random_name() -> str:
    """Two words for a key that nobody named: `Brave Otter`."""
    return f"{secrets.choice(ADJECTIVES)} {secrets.choice(NOUNS)}".title()


@transaction.atomic
def create_key(
    project: Project, columns: Mapping[str, Any], *, by: Author, now: datetime
) -> ProjectKey:
    """A new key; what `columns` does not say is made up. Raises KeyTaken."""
    key = ProjectKey(project=project, created_at=now, **{"label": random_name(), **columns})
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError as error:
        if not is_taken(error):
            raise
        raise KeyTaken from error
    _record(audit.Event.KEY_ADD, key, by=by, now=now)
    return key


@transaction.atomic
def change_key(key: ProjectKey, columns: Mapping[str, Any], *, by: Author, now: datetime) -> None:
    """Set these columns. Servers notice within seconds whether a key is active."""
    changes = {name: value for name, value in columns.items() if getattr(key, name) != value}
    if not changes:
        return
    for name, value in changes.items():
        setattr(key, name, value)
    key.save(update_fields=list(changes))
    _record(audit.Event.KEY_EDIT, key, by=by, now=now, **changes)


@transaction.atomic
def delete_key(key: ProjectKey, *, by: Author, now: datetime) -> None:
    """Remove a key. What it sent stays."""
    if ProjectKey.objects.filter(pk=key.pk).delete()[0]:
        _record(audit.Event.KEY_REMOVE, key, by=by, now=now)


def _record(
    event: audit.Event, key: ProjectKey, *, by: Author, now: datetime, **changes: object
) -> None:
    audit.record(
        key.project.organization,
        event,
        by=by,
        now=now,
        target_id=key.pk,
        data={"project": key.project.slug, "public_key": key.public_key, **changes},
    )
