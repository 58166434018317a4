"""Bodies that name debug files (clients contract, section 6)."""

from typing import NamedTuple

from rest_framework import serializers
from rest_framework.request import Request

from sentrylite.api.errors import BadParameter
from sentrylite.api.inputs import Input
from sentrylite.files.chunks import CHECKSUM, CHUNK_SIZE, MAX_FILE_SIZE
from sentrylite.symbols.models import MAX_NAME

MAX_FILES = 5_000
MAX_PIECES = MAX_FILE_SIZE // CHUNK_SIZE
# Of all files of a request together.
MAX_ALL_PIECES = 50_000


class MappingReleaseInput(Input):
    """The release that a mapping is said to be of."""

    is_partial = False

    release_name = serializers.CharField(max_length=250)
    proguard_uuid = serializers.UUIDField()


class Wanted(NamedTuple):
    """A file that is to be there."""

    name: str
    pieces: list[str]
    """Their checksums, in order."""


def read_wanted(request: Request) -> dict[str, Wanted]:
    """`{checksum: {"name", "debug_id"?, "chunks"}}`, by the checksum of the whole. Raises
    BadParameter."""
    body = request.data
    if not isinstance(body, dict):
        raise BadParameter("The body has to be an object of files by their checksums.")
    if len(body) > MAX_FILES:
        raise BadParameter(f"There are more than {MAX_FILES} files.")
    wanted = {}
    for checksum, described in body.items():
        if not _is_checksum(checksum):
            raise BadParameter("A file is named by its SHA-1, 40 hexadecimal digits.")
        if not isinstance(described, dict):
            raise BadParameter(f"The file {checksum} has to be described by an object.")
        name, pieces = described.get("name"), described.get("chunks")
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not _is_clean(name):
            raise BadParameter(f"name of {checksum} is no text of 1 to {MAX_NAME} characters.")
        if not isinstance(pieces, list) or not all(map(_is_checksum, pieces)):
            raise BadParameter(f"chunks of {checksum} is no list of checksums.")
        if len(pieces) > MAX_PIECES:
            raise BadParameter(f"{checksum} has more than {MAX_PIECES} chunks.")
        wanted[checksum.lower()] = Wanted(name, [piece.lower() for piece in pieces])
    if sum(len(each.pieces) for each in wanted.values()) > MAX_ALL_PIECES:
        raise BadParameter(f"There are more than {MAX_ALL_PIECES} chunks.")
    return wanted


def _is_checksum(value: object) -> bool:
    return isinstance(value, str) and CHECKSUM.fullmatch(value.lower()) is not None


def _is_clean(text: str) -> bool:
    """Whether the database can hold it."""
    try:
        return "\0" not in text and bool(text.encode())
    except UnicodeEncodeError:
        return False
