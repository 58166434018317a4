"""Files that were uploaded for a release by themselves (releases contract, section 9)."""

from collections.abc import Mapping
from datetime import datetime
from typing import IO

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from sentrylite.files import store

from .models import Release, ReleaseFile


class NameTaken(Exception):
    """The release has a file of this name and dist."""


def of_release(release: Release) -> QuerySet[ReleaseFile]:
    """A release's files by name, with their blobs."""
    return release.files.select_related("blob").order_by("name", "dist", "pk")


def find(release: Release, file_id: int) -> ReleaseFile | None:
    """One of a release's files, with its blob. One statement."""
    return of_release(release).filter(pk=file_id).first()


def add(
    release: Release,
    content: IO[bytes],
    *,
    name: str,
    dist: str,
    headers: Mapping[str, str],
    now: datetime,
) -> ReleaseFile:
    """Keep a file. To be called outside transactions. Raises NameTaken; then no more is kept than
    there was."""
    blob = store.store(content, now)
    try:
        with transaction.atomic():
            return ReleaseFile.objects.create(
                release=release,
                name=name,
                dist=dist,
                headers=dict(headers),
                blob=blob,
                created_at=now,
            )
    except IntegrityError as error:
        raise NameTaken from error


def rename(file: ReleaseFile, name: str) -> None:
    """Raises NameTaken."""
    file.name = name
    try:
        with transaction.atomic():
            file.save(update_fields=["name"])
    except IntegrityError as error:
        raise NameTaken from error
