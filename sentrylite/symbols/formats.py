"""What a debug file is: its format, and the ids by which the frames of events name it."""

import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from .models import MAX_NAME, Format
from .reader import Reader, Unreadable

SECONDS = 60.0
"""That the engine may take for one file."""
INDEX_SECONDS = 300.0
NIL = "00000000-0000-0000-0000-000000000000"

ADDRESSED = frozenset({"symtab", "debug"})
"""Features of files in which addresses can be looked up."""

CONTENT_TYPES = {
    Format.MACHO: "application/x-mach-binary",
    Format.ELF: "application/x-elf-binary",
    Format.PE: "application/x-dosexec",
    Format.PDB: "application/x-ms-pdb",
    Format.PORTABLE_PDB: "application/x-portable-pdb",
    Format.WASM: "application/wasm",
    Format.BREAKPAD: "text/x-breakpad",
    Format.PROGUARD: "text/x-proguard+plain",
    Format.SOURCE_BUNDLE: "application/x-sentry-bundle+zip",
}

_MAPPING_NAME = re.compile(
    r"(?:^|/)([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.txt$", re.IGNORECASE
)
_MAPPED_CLASS = re.compile(rb"^[\w.$\-]+ -> [\w.$\-]+:[ \t\r]*(?:#.*)?$", re.MULTILINE)
_DEBUG_ID = re.compile(
    r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})(?:-?([0-9a-f]{1,8}))?"
)
_CODE_ID = re.compile(r"[0-9a-f]{1,100}")
_MAPPING_START = 64 * 1024


class NoDebugFile(Exception):
    """A file is none that could be kept. The message says why."""


class Description(NamedTuple):
    """One object of a file."""

    format: Format
    debug_id: str
    code_id: str
    cpu_name: str
    object_name: str
    kind: str
    features: list[str]

    @property
    def has_addresses(self) -> bool:
        return not ADDRESSED.isdisjoint(self.features)


def describe(path: str, name: str, reader: Reader) -> list[Description]:
    """The objects in the file at `path`, which its sender calls `name`. Raises NoDebugFile."""
    object_name = PurePosixPath(name.replace("\\", "/")).name[:MAX_NAME] or "unknown"
    try:
        if _is_mapping(path):
            return [_describe_mapping(path, name, object_name, reader)]
        found = reader.ask("objects", path=path, seconds=SECONDS)["objects"]
    except Unreadable as error:
        raise NoDebugFile(f"No debug file of a known format: {error}") from error
    described = [
        Description(
            Format(each["format"]),
            each["debug_id"],
            (each["code_id"] or "").lower(),
            each["arch"],
            object_name,
            each["kind"],
            each["features"],
        )
        for each in found
        if each["format"] in Format.values and not each["debug_id"].startswith(NIL)
    ]
    if not described:
        raise NoDebugFile("The file has no debug id.")
    return described


def read_debug_id(text: str) -> str | None:
    """A debug id as it is stored, of any of its spellings: a UUID, with or without dashes, and an
    age in hexadecimal; None for others."""
    match = _DEBUG_ID.fullmatch(text.strip().lower())
    if match is None:
        return None
    age = (match[6] or "").lstrip("0")
    return "-".join(match.groups()[:5] + ((age,) if age else ()))


def read_code_id(text: str) -> str | None:
    """A code id as it is stored; None for what is none."""
    bare = text.strip().lower().replace("-", "")
    return bare if _CODE_ID.fullmatch(bare) else None


def _is_mapping(path: str) -> bool:
    with Path(path).open("rb") as file:
        return _MAPPED_CLASS.search(file.read(_MAPPING_START)) is not None


def _describe_mapping(path: str, name: str, object_name: str, reader: Reader) -> Description:
    """A mapping has the id that its name says, or else one that follows from its content."""
    found = reader.ask("mapping", path=path, seconds=SECONDS)
    named = _MAPPING_NAME.search(name)
    debug_id = named[1].lower() if named else found["uuid"]
    return Description(Format.PROGUARD, debug_id, "", "any", object_name, "", ["mapping"])
