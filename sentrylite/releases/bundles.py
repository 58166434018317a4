"""Artifact bundles: zips with a `manifest.json` that says what is in them.

A bundle is kept as it came and never unpacked to disk: nothing in it can name a place outside, and
what it pretends to hold costs nothing until one file of it is read, up to a limit.
"""

import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import orjson

from sentrylite.files.assembling import Unacceptable

from .models.artifact import MAX_DIST, MAX_KIND, MAX_NAME

MANIFEST = "manifest.json"
MAX_FILES = 20_000
# The list of the files in a zip, which has to be in memory as a whole.
MAX_DIRECTORY = 4 * 1024 * 1024
MAX_MANIFEST = 16 * 1024 * 1024
# What files say that they have when they are decompressed.
MAX_FILE = 512 * 1024 * 1024
MAX_TOTAL = 4 * 1024 * 1024 * 1024
MAX_HEADERS = 8_000

IS_ENCRYPTED = 0x1


class BadBundle(Unacceptable):
    """It is no bundle that could be kept. The message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a bundle, as the manifest describes it."""

    path: str
    kind: str
    url: str
    debug_id: UUID | None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    debug_id: UUID | None
    """Of the bundle as a whole."""
    release: str
    dist: str
    entries: list[Entry]


def open_zip(content: IO[bytes]) -> ZipFile:
    """A zip, with all that its directory names inside it. Raises BadBundle."""
    guarded = _Guarded(content)
    try:
        bundle = ZipFile(guarded)
    except (BadZipFile, OSError, ValueError, OverflowError, NotImplementedError) as error:
        raise BadBundle(f"The bundle is not a zip file: {error}") from error
    guarded.is_read = True
    return bundle


def read_manifest(content: IO[bytes]) -> Manifest:
    """What a bundle says that it holds. Raises BadBundle."""
    try:
        with open_zip(content) as bundle:
            files = _check_directory(bundle)
            text = bundle.read(MANIFEST)
    except KeyError:
        raise BadBundle(f"The bundle has no {MANIFEST}.") from None
    except (BadZipFile, OSError, EOFError, ValueError, zlib.error) as error:
        raise BadBundle(f"The bundle is broken: {error}") from error
    try:
        manifest = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadBundle(f"{MANIFEST} is not JSON: {error}") from error
    described = manifest.get("files", {}) if isinstance(manifest, dict) else None
    if not isinstance(described, dict):
        raise BadBundle(f"{MANIFEST} describes no files.")
    for path, description in described.items():
        if path not in files:
            raise BadBundle(f"{MANIFEST} names {_short(path)}, which is not in the bundle.")
        if not isinstance(description, dict):
            raise BadBundle(f"{MANIFEST} does not describe {_short(path)}.")
    return Manifest(
        _uuid(manifest.get("debug_id")),
        _text(manifest, "release", 250),
        _text(manifest, "dist", MAX_DIST),
        [_entry(path, description) for path, description in described.items()],
    )


def url_hash(url: str) -> str:
    """As the database's md5() says it."""
    return hashlib.md5(url.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _check_directory(bundle: ZipFile) -> frozenset[str]:
    """The names of the files of a zip that keeps to the limits. Raises BadBundle."""
    infos = bundle.infolist()
    if len(infos) > MAX_FILES:
        raise BadBundle(f"The bundle has more than {MAX_FILES} files.")
    for info in infos:
        _check_file(info)
    if sum(info.file_size for info in infos) > MAX_TOTAL:
        raise BadBundle(f"The files of the bundle are larger than {MAX_TOTAL} bytes together.")
    return frozenset(info.filename for info in infos)


def _check_file(info: ZipInfo) -> None:
    name = info.filename
    is_inside = not (name.startswith(("/", "\\")) or name[1:2] == ":")
    if not is_inside or ".." in name.replace("\\", "/").split("/"):
        raise BadBundle(f"The bundle has a file outside of it: {_short(name)}.")
    limit = MAX_MANIFEST if name == MANIFEST else MAX_FILE
    if info.file_size > limit:
        raise BadBundle(f"{_short(name)} is larger than {limit} bytes.")
    if info.flag_bits & IS_ENCRYPTED or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise BadBundle(f"{_short(name)} is encrypted, or compressed in an unusual way.")


def _entry(path: str, description: Mapping[str, Any]) -> Entry:
    headers = description.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(v, str) for v in headers.values()):
        raise BadBundle(f"The headers of {_short(path)} are not text.")
    if sum(len(name) + len(value) for name, value in headers.items()) > MAX_HEADERS:
        raise BadBundle(f"The headers of {_short(path)} are too long.")
    kind = _text(description, "type", MAX_KIND)
    names = {name.lower(): value for name, value in headers.items()}
    url = _text(description, "url", MAX_NAME)
    if "\0" in path or any("\0" in text for pair in headers.items() for text in pair):
        raise BadBundle(f"{MANIFEST} holds a NUL character.")
    return Entry(path, kind, url, _uuid(names.get("debug-id")), headers)


def _text(values: Mapping[str, Any], name: str, longest: int) -> str:
    """ "" when it is absent. Raises BadBundle."""
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value or len(value) > longest:
        raise BadBundle(f"{name} in {MANIFEST} is no text of at most {longest} characters.")
    return value


def _uuid(value: object) -> UUID | None:
    """A debug id; one that is not well formed identifies nothing."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _short(name: str) -> str:
    return name if len(name) <= 100 else f"{name[:100]}…"


class _Guarded(io.RawIOBase):
    """A file that hands out no more at once than the directory of a zip may have, until that is
    read."""

    is_read = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        if self.is_read or 0 <= size <= MAX_DIRECTORY:
            return self._file.read(size)
        data = self._file.read(MAX_DIRECTORY + 1)
        if len(data) > MAX_DIRECTORY:
            raise BadZipFile("its directory is too large")
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True
