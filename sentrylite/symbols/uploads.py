"""Keeping debug files: alone, in a zip, or put together from pieces."""

import atexit
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from tempfile import NamedTemporaryFile
from typing import IO, NamedTuple
from zipfile import BadZipFile, ZipFile, ZipInfo

from sentrylite.files import chunks, store
from sentrylite.files.models import Blob
from sentrylite.organizations.models import Project
from sentrylite.releases import bundles
from sentrylite.releases.bundles import BadBundle

from . import formats
from .formats import Description, NoDebugFile
from .models import DebugFile
from .places import local_path
from .reader import Reader, Unreadable

MAX_FILES = 1_000
MAX_RATIO = 100
"""How much larger than a zip what is in it may be: debug files compress to a fifth."""
MAX_SMALL = 64 * 1024 * 1024
"""Of which size it always may be."""

reader = Reader()
"""Not that of ingestion, which need not wait while a large file is read."""
atexit.register(reader.close)


class BadUpload(Exception):
    """Nothing of it was kept. The message says why."""


class Local(NamedTuple):
    """A file on this machine's disk, by the name that its sender gave it."""

    name: str
    path: str
    content: IO[bytes]


def add_upload(project: Project, content: IO[bytes], name: str, now: datetime) -> list[DebugFile]:
    """Keep a debug file, or those in a zip, where other files are passed over. Returns the objects
    in them, also those that were there already. Raises BadUpload.

    To be called outside transactions. The same number of statements however many files.
    """
    with ExitStack() as stack:
        content.seek(0)
        is_zip = content.read(4) in (b"PK\3\4", b"PK\5\6")
        content.seek(0)
        if is_zip:
            files = list(_extract(content, stack))
        else:
            files = [_copy(content, name, chunks.MAX_FILE_SIZE, stack)]
        described = []
        for file in files:
            try:
                described.append((file, formats.describe(file.path, file.name, reader)))
            except NoDebugFile as error:
                if not is_zip:
                    raise BadUpload(str(error)) from error
        blobs = store.store_all([file.content for file, _ in described], now)
        kept = [
            (file.path, blob, found) for (file, found), blob in zip(described, blobs, strict=True)
        ]
        return _keep(project, kept, now)


def add_blob(project: Project, blob: Blob, name: str, now: datetime) -> list[DebugFile]:
    """Keep what was put together from pieces. Raises BadUpload."""
    with local_path(blob) as path:
        try:
            found = formats.describe(path, name, reader)
        except NoDebugFile as error:
            raise BadUpload(str(error)) from error
        return _keep(project, [(path, blob, found)], now)


def find_whole(project: Project, checksums: Collection[str]) -> dict[str, DebugFile]:
    """The project's debug files whose content has these checksums. One statement."""
    found = DebugFile.objects.filter(project=project, blob__checksum__in=checksums)
    return {file.blob.checksum: file for file in found.select_related("blob").order_by("-pk")}


def _keep(
    project: Project, files: Sequence[tuple[str, Blob, list[Description]]], now: datetime
) -> list[DebugFile]:
    """The objects of files, by their paths, whose contents are stored."""
    with ExitStack() as stack:
        rows, indexes = [], []
        for path, blob, found in files:
            for each in found:
                rows.append(_row(project, blob, each, now))
                if each.has_addresses and (index := _index(path, each, stack)) is not None:
                    indexes.append((rows[-1], index))
        stored = store.store_all([index for _, index in indexes], now) if indexes else []
        for (row, _), symcache in zip(indexes, stored, strict=True):
            row.symcache = symcache
        DebugFile.objects.bulk_create(rows, ignore_conflicts=True)
    known = DebugFile.objects.filter(project=project, blob__in={row.blob_id for row in rows})
    by_identity = {_identity(row): row for row in known.select_related("blob")}
    return [by_identity[_identity(row)] for row in rows if _identity(row) in by_identity]


def _row(project: Project, blob: Blob, found: Description, now: datetime) -> DebugFile:
    return DebugFile(
        project=project,
        debug_id=found.debug_id,
        code_id=found.code_id[:100],
        cpu_name=found.cpu_name,
        object_name=found.object_name,
        format=found.format,
        kind=found.kind,
        features=found.features,
        blob=blob,
        created_at=now,
    )


def _identity(row: DebugFile) -> tuple[str, str, int]:
    return row.debug_id, row.cpu_name, row.blob_id


def _index(path: str, found: Description, stack: ExitStack) -> IO[bytes] | None:
    """What the addresses of an object mean, None when its debug information is broken: the file is
    kept all the same."""
    into = stack.enter_context(NamedTemporaryFile())  # noqa: SIM115
    try:
        reader.ask(
            "symcache",
            path=path,
            into=into.name,
            debug_id=found.debug_id,
            arch=found.cpu_name,
            seconds=formats.INDEX_SECONDS,
        )
    except Unreadable:
        return None
    return into


# Zips ---------------------------------------------------------------------------------------------


def _extract(content: IO[bytes], stack: ExitStack) -> Iterator[Local]:
    """The files of a zip, each under a name of ours. Raises BadUpload."""
    size = content.seek(0, 2)
    content.seek(0)
    try:
        with bundles.open_zip(content) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            _check(members, size)
            for info in members:
                yield _extract_one(archive, info, stack)
    except (BadBundle, BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadUpload(f"The zip file is broken: {error}") from error
    except (OSError, ValueError, zlib.error) as error:
        raise BadUpload(f"The zip file cannot be read: {error}") from error


def _extract_one(archive: ZipFile, info: ZipInfo, stack: ExitStack) -> Local:
    with archive.open(info) as member:
        return _copy(member, info.filename, info.file_size, stack)


def _check(members: Sequence[ZipInfo], size: int) -> None:
    if len(members) > MAX_FILES:
        raise BadUpload(f"The zip file has more than {MAX_FILES} files.")
    for info in members:
        name = info.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
            raise BadUpload("The zip file has a file outside of it.")
    total = sum(info.file_size for info in members)
    if total > min(max(size * MAX_RATIO, MAX_SMALL), chunks.MAX_FILE_SIZE):
        raise BadUpload("The files in the zip file are too large.")


def _copy(source: store.Readable, name: str, limit: int, stack: ExitStack) -> Local:
    """A file on disk, for as long as `stack` is open. Raises BadUpload."""
    target = stack.enter_context(NamedTemporaryFile())  # noqa: SIM115
    try:
        store.append(target, source, limit)
    except store.TooLarge as error:
        raise BadUpload(f"The file is {error}.") from error
    target.flush()
    return Local(name, target.name, target)
