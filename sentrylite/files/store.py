"""Contents in, contents out: `store(file, now)` and `open_blob(blob)`.

Files are in Django's storage `files`, the database says which of them are whole. A crash at any
moment leaves at most a file that no stored blob names, and its row, by which it is removed.
"""

import hashlib
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Protocol

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import IntegrityError, transaction

from .models import Blob, new_name

PIECE = 1024 * 1024
# What is smaller waits in memory for its end, the rest in the temporary directory.
IN_MEMORY = 64 * 1024

TOUCH = """
    UPDATE files_blob SET used_at = greatest(used_at, %(now)s)
    WHERE checksum = %(checksum)s AND is_stored
    RETURNING id, name, checksum, size, is_stored, created_at, used_at
"""


class Readable(Protocol):
    """Bytes from the beginning to the end, once."""

    def read(self, size: int, /) -> bytes: ...


class TooLarge(Exception):
    """More bytes than there may be. The message says how many."""


def storage() -> Storage:
    return storages["files"]


def store(file: IO[bytes], now: datetime) -> Blob:
    """Keep the content of a file that can be read from its start more than once; returns its blob,
    which is that of the same content if that is there already.

    Whoever gets a blob has a day to refer to it. To be called outside transactions: the row of a
    new blob has to be there before its file. Reads pieces of 1 MiB. Raises what the storage raises.
    """
    checksum, size = measure(file)
    while True:
        if blob := _touch(checksum, now):
            return blob
        blob = Blob.objects.create(
            name=new_name(checksum), checksum=checksum, size=size, created_at=now, used_at=now
        )
        try:
            file.seek(0)
            storage().save(blob.name, File(file, blob.name))
            with transaction.atomic():
                Blob.objects.filter(pk=blob.pk).update(is_stored=True)
        except IntegrityError:
            remove(blob)  # somebody else was quicker with the same
        except BaseException:
            remove(blob)
            raise
        else:
            blob.is_stored = True
            return blob


def open_blob(blob: Blob) -> IO[bytes]:
    """The content, to be read, sought and closed. Raises FileNotFoundError when the storage has
    lost it."""
    return storage().open(blob.name, "rb")


def remove(blob: Blob) -> None:
    """Remove a blob that is not stored: the file, then the row."""
    storage().delete(blob.name)
    Blob.objects.filter(pk=blob.pk, is_stored=False).delete()


def spool(source: Readable, limit: int) -> IO[bytes]:
    """What can be read only once as a temporary file at its start. Raises TooLarge beyond `limit`
    bytes, after which no more is read."""
    spooled: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  the caller closes it
    try:
        append(spooled, source, limit)
    except BaseException:
        spooled.close()
        raise
    spooled.seek(0)
    return spooled


def append(target: IO[bytes], source: Readable, limit: int) -> int:
    """Copy at most `limit` bytes; returns how many there were. Raises TooLarge."""
    size = 0
    while piece := source.read(PIECE):
        size += len(piece)
        if size > limit:
            raise TooLarge(f"larger than {limit} bytes")
        target.write(piece)
    return size


def measure(file: IO[bytes]) -> tuple[str, int]:
    """The SHA-1 of a file, in hex, and its size."""
    checksum, size = hashlib.sha1(usedforsecurity=False), 0
    file.seek(0)
    while piece := file.read(PIECE):
        checksum.update(piece)
        size += len(piece)
    return checksum.hexdigest(), size


def _touch(checksum: str, now: datetime) -> Blob | None:
    return next(iter(Blob.objects.raw(TOUCH, {"checksum": checksum, "now": now})), None)
