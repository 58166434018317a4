"""Removing contents that nothing refers to any more.

What refers to a blob has made sure of it within a day (`Blob.used_at`, `Chunk.used_at`), and what
is removed was not asked for in the last day; so nothing goes that somebody is about to refer to.
"""

import logging
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from . import store
from .models import Blob, Chunk

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=1)
ROWS_AT_ONCE = 1_000


def remove_unused(now: datetime) -> int:
    """Forget pieces that nobody has named for a day, then remove the contents that nothing refers
    to, and what writers that died have left; returns how many contents.

    In small transactions; interrupted, it goes on where it stopped.
    """
    before = now - KEPT_FOR
    while _forget_chunks(before):
        pass
    while _give_up(before):
        pass
    removed = 0
    while batch := list(Blob.objects.filter(is_stored=False, used_at__lt=before)[:ROWS_AT_ONCE]):
        for blob in batch:
            store.remove(blob)
        removed += len(batch)
    if removed:
        logger.info("removed %d contents of files that nothing referred to", removed)
    return removed


def _forget_chunks(before: datetime) -> int:
    old = Chunk.objects.filter(used_at__lt=before)
    ids = list(old.values_list("pk", flat=True)[:ROWS_AT_ONCE])
    # Asked again, for those that somebody has named since.
    return old.filter(pk__in=ids).delete()[0] if ids else 0


def _give_up(before: datetime) -> int:
    """Let no one find contents that nothing refers to. One that was asked for meanwhile stays: its
    row is looked at again when it is changed."""
    unused = _unreferenced().filter(is_stored=True, used_at__lt=before)
    ids = list(unused.values_list("pk", flat=True)[:ROWS_AT_ONCE])
    return unused.filter(pk__in=ids).update(is_stored=False) if ids else 0


def _unreferenced() -> QuerySet[Blob]:
    """Blobs that no foreign key of any table leads to."""
    found = Blob.objects.all()
    for relation in Blob._meta.related_objects:
        rows = relation.related_model._default_manager
        found = found.filter(~Exists(rows.filter(**{relation.field.name: OuterRef("pk")})))
    return found
