"""Contents in, contents out: `store(file, now)`, `store_all(files, now)` and `open_blob(blob)`.

Files are in Django's storage `files`, the database says which of them are whole. A crash at any
moment leaves at most a file that no stored blob names, and its row, by which it is removed.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import IO, NamedTuple, Protocol

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import IntegrityError, transaction

from sentrylite.arrays import literal
from sentrylite.spooling import spooled_file

from .models import Blob, new_name

PIECE = 1024 * 1024

TOUCH = """
    UPDATE files_blob SET used_at = greatest(used_at, %(now)s)
    WHERE checksum = ANY(%(checksums)s::text[]) AND is_stored
    RETURNING id, name, checksum, size, is_stored, created_at, used_at
"""


class Readable(Protocol):
    """Bytes from the beginning to the end, once."""

    def read(self, size: int, /) -> bytes: ...


class Measured(NamedTuple):
    content: IO[bytes]
    checksum: str
    """SHA-1, in hex."""
    size: int


class TooLarge(Exception):
    """More bytes than there may be. The message says how many."""


def storage() -> Storage:
    return storages["files"]


def store(file: IO[bytes], now: datetime) -> Blob:
    """`store_all` of one file."""
    return store_all([file], now)[0]


def store_all(files: Sequence[IO[bytes]], now: datetime) -> list[Blob]:
    """`store_measured` of files that can be read from their start more than once."""
    return store_measured([measure(file) for file in files], now)


def store_measured(files: Sequence[Measured], now: datetime) -> list[Blob]:
    """Keep the contents of files; returns the blob of each, which is that of the same content if
    that is there already.

    Whoever gets a blob has a day to refer to it. To be called outside transactions: the row of a
    new blob has to be there before its file. Reads pieces of 1 MiB. The same number of statements
    however many files. Raises what the storage raises; none of the new ones is kept then.
    """
    wanted = {file.checksum: file for file in files}
    found = _touch(wanted, now)
    new = [
        Blob(name=new_name(sum_), checksum=sum_, size=file.size, created_at=now, used_at=now)
        for sum_, file in sorted(wanted.items())
        if sum_ not in found
    ]
    if new:
        Blob.objects.bulk_create(new)
        try:
            for blob in new:
                _write(blob, wanted[blob.checksum].content)
            found |= _finish(new, now)
        except BaseException:
            for blob in new:
                remove(blob)
            raise
    return [found[file.checksum] for file in files]


def open_blob(blob: Blob) -> IO[bytes]:
    """The content, to be read, sought and closed. Raises FileNotFoundError when the storage has
    lost it."""
    return storage().open(blob.name, "rb")


def remove(blob: Blob) -> None:
    """Remove a blob that is not stored: the file, then the row. One that is stored stays, also if
    its writer did not hear of it."""
    unfinished = Blob.objects.filter(pk=blob.pk, is_stored=False)
    if unfinished.exists():
        storage().delete(blob.name)
        unfinished.delete()


def spool(source: Readable, limit: int) -> IO[bytes]:
    """What can be read only once as a temporary file at its start. Raises TooLarge beyond `limit`
    bytes, after which no more is read."""
    spooled = spooled_file()
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


def measure(file: IO[bytes]) -> Measured:
    """Read a file that can be read from its start more than once."""
    checksum, size = hashlib.sha1(usedforsecurity=False), 0
    file.seek(0)
    while piece := file.read(PIECE):
        checksum.update(piece)
        size += len(piece)
    return Measured(file, checksum.hexdigest(), size)


def _write(blob: Blob, file: IO[bytes]) -> None:
    file.seek(0)
    storage().save(blob.name, File(file, blob.name))


def _finish(written: list[Blob], now: datetime) -> dict[str, Blob]:
    """Let others find what has been written. Where somebody else was quicker with the same content,
    theirs is taken and ours removed."""
    found: dict[str, Blob] = {}
    left = written
    while left:
        try:
            with transaction.atomic():
                Blob.objects.filter(pk__in=[blob.pk for blob in left]).update(is_stored=True)
        except IntegrityError:
            theirs = _touch([blob.checksum for blob in left], now)
            for blob in left:
                if blob.checksum in theirs:
                    remove(blob)
            left = [blob for blob in left if blob.checksum not in theirs]
            found |= theirs
        else:
            for blob in left:
                blob.is_stored = True
            return found | {blob.checksum: blob for blob in left}
    return found


def _touch(checksums: Iterable[str], now: datetime) -> dict[str, Blob]:
    """Those of these contents that are there, by checksum; they stay for a day from now."""
    names = {"checksums": literal(checksums), "now": now}
    return {blob.checksum: blob for blob in Blob.objects.raw(TOUCH, names)}
