"""Making something of pieces that an organization has sent (clients contract, section 6).

It is made while the client waits for the answer, by one of those who ask at the same time; the
others are told that it is being made. Nothing remembers that: if the process dies, the next one to
ask makes it.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.db import connection

from sentrylite.organizations.models import Organization

from . import chunks
from .chunks import MAX_FILE_SIZE, WrongChecksum
from .models import Blob
from .store import TooLarge


class State(StrEnum):
    NOT_FOUND = "not_found"
    """Some of its pieces are still to be sent."""
    ASSEMBLING = "assembling"
    OK = "ok"
    ERROR = "error"


class Unacceptable(Exception):
    """It is whole, but not what it should be. The message says why."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """What became of it so far."""

    state: State
    missing: Collection[str] = field(default_factory=list)
    """The checksums of the pieces that are still to be sent, in their order."""
    detail: str | None = None
    """Why it is an error."""


def assemble(
    organization: Organization,
    checksum: str,
    pieces: Sequence[str],
    now: datetime,
    *,
    is_there: Callable[[], bool],
    accept: Callable[[Blob], object],
) -> Assembly:
    """Put pieces, named by their checksums, together to what has this checksum.

    `is_there` says whether the organization has it already and, if so, does what is to be done when
    it comes again. `accept` is handed the whole; it raises Unacceptable. To be called outside
    transactions. An error leaves nothing behind that anybody sees.
    """
    if is_there():
        return Assembly(State.OK)
    found = chunks.find(organization, pieces, now)
    if not pieces or len(found) < len(set(pieces)):
        missing = [piece for piece in dict.fromkeys(pieces) if piece not in found]
        return Assembly(State.NOT_FOUND, missing)
    with _alone(organization, checksum) as is_alone:
        if not is_alone:
            return Assembly(State.ASSEMBLING)
        if is_there():  # made by whoever was alone just before
            return Assembly(State.OK)
        try:
            accept(
                chunks.assemble([found[piece] for piece in pieces], checksum, now, MAX_FILE_SIZE)
            )
        except TooLarge as error:
            return Assembly(State.ERROR, detail=f"The whole is {error}.")
        except (Unacceptable, WrongChecksum) as error:
            return Assembly(State.ERROR, detail=str(error))
    return Assembly(State.OK)


@contextmanager
def _alone(organization: Organization, checksum: str) -> Iterator[bool]:
    """Whether nobody else of all the servers makes the same thing now, nor does until the end."""
    digest = hashlib.sha1(f"{organization.pk} {checksum}".encode(), usedforsecurity=False).digest()
    lock = int.from_bytes(digest[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        is_alone = cursor.fetchone()[0]
        try:
            yield is_alone
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])
