"""Pieces as clients send them: plain or in gzip, each named by its checksum (clients contract,
section 6)."""

import gzip
import zlib
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime
from typing import IO, NamedTuple

from sentrylite.organizations.models import Organization

from . import chunks, store
from .chunks import CHECKSUM, CHUNK_SIZE
from .store import Measured, TooLarge

MAX_PIECES = 64


class Refused(Exception):
    """A piece that cannot be kept. The message says which and why."""


class PieceTooLarge(Refused):
    """Larger than pieces are."""


class Part(NamedTuple):
    """A piece as it was sent."""

    name: str
    """The SHA-1 of the piece, in hex."""
    content: IO[bytes]
    is_compressed: bool
    """In gzip."""


def receive(organization: Organization, parts: Iterable[Part], now: datetime) -> None:
    """Keep pieces for an organization to name; all of them or none. The same number of statements
    however many. Raises Refused."""
    parts = list(parts)
    if len(parts) > MAX_PIECES:
        raise Refused(f"There are more than {MAX_PIECES} chunks.")
    with ExitStack() as opened:
        contents = [_checked(part, opened) for part in parts]
        chunks.add(organization, store.store_measured(contents, now), now)


def _checked(part: Part, opened: ExitStack) -> Measured:
    """The content of a part, decompressed. Raises Refused."""
    name = part.name.lower()
    if not CHECKSUM.fullmatch(name):
        raise Refused("The file name of a chunk is its SHA-1 in 40 hexadecimal digits.")
    try:
        measured = store.measure(_plain(part, opened))
        is_too_large = measured.size > CHUNK_SIZE
    except TooLarge:
        is_too_large = True
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(f"The chunk {name} is not in gzip: {error}") from error
    if is_too_large:
        raise PieceTooLarge(f"The chunk {name} is larger than {CHUNK_SIZE} bytes.")
    if measured.checksum != name:
        raise Refused(f"The checksum of the chunk {name} is {measured.checksum}.")
    return measured


def _plain(part: Part, opened: ExitStack) -> IO[bytes]:
    if not part.is_compressed:
        return part.content
    with gzip.GzipFile(fileobj=part.content, mode="rb") as plain:
        return opened.enter_context(store.spool(plain, CHUNK_SIZE))
