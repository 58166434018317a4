"""What the text of a version says."""

import re
from typing import NamedTuple

# `com.example.app-1.0`: at least two words with a dot between them, and a dash.
PACKAGE = re.compile(r"[a-zA-Z][a-zA-Z0-9-]+(?:\.[a-zA-Z][a-zA-Z0-9-]+)+-(?=.)")
COMMIT = re.compile(r"[a-f0-9]{40}")


def short_version(version: str) -> str:
    """The version as people read it: without a package in front, a commit's hash cut to 7
    characters (releases contract, section 1)."""
    if package := PACKAGE.match(version):
        version = version[package.end() :]
    return version[:7] if COMMIT.fullmatch(version) else version


# `package@1.2.3-pre+build`
NAMED = re.compile(r"(@?[^@\s]+)@(\S.*)", re.DOTALL)
NUMBERS = re.compile(
    r"v?(?P<numbers>\d{1,18}(?:\.\d{1,18}){0,3})(?:-?(?P<pre>[a-zA-Z][0-9A-Za-z.-]*|(?<=-)\d[0-9A-Za-z.-]*))?"
    r"(?:\+(?P<build>[0-9A-Za-z.+-]+))?",
    re.ASCII,
)
BUILD_HASH = re.compile(
    r"[0-9a-fA-F]{12}|[0-9a-fA-F]{16}|[0-9a-fA-F]{20}|[0-9a-fA-F]{32,40}|[0-9a-fA-F]{64}"
)

# Not in a version, nor in the name of an environment: what would break a line or a path.
FORBIDDEN = re.compile(r"[\r\n\f\t/]")


class Numbers(NamedTuple):
    """A version that reads as numbers."""

    major: int
    minor: int
    patch: int
    revision: int
    pre: str
    build: str
    components: int
    """How many of the numbers are there."""


class VersionInfo(NamedTuple):
    """What a version says of itself."""

    package: str | None
    raw: str
    """Without the package."""
    numbers: Numbers | None
    """Only read behind a package."""
    description: str
    build_hash: str | None


def read_version(version: str) -> VersionInfo | None:
    """The parts of `package@1.2.3-rc.1+build`; None for what nobody may call a release. A version
    without a package is taken as it is."""
    if not is_valid(version):
        return None
    named = NAMED.fullmatch(version)
    if named is None:
        build_hash = _read_hash(version)
        return VersionInfo(None, version, None, _shown(build_hash, version), build_hash)
    package, raw = named.groups()
    build_hash = _read_hash(raw)
    if build_hash is not None or (numbers := _read_numbers(raw)) is None:
        return VersionInfo(package, raw, None, _shown(build_hash, raw), build_hash)
    build_hash = _read_hash(numbers.build)
    description = raw.partition("+")[0]
    if numbers.build:
        description += f" ({_shown(build_hash, numbers.build)})"
    return VersionInfo(package, raw, numbers, description, build_hash)


def is_valid(version: str) -> bool:
    """Whether a release may be called this (releases contract, section 1)."""
    return (
        bool(version.strip())
        and version not in (".", "..")
        and version.lower() != "latest"
        and FORBIDDEN.search(version) is None
    )


def _read_hash(text: str) -> str | None:
    """The text, if it is a hash and no number."""
    return text if BUILD_HASH.fullmatch(text) and not text.isdecimal() else None


def _shown(build_hash: str | None, text: str) -> str:
    return build_hash[:12] if build_hash else text


def _read_numbers(raw: str) -> Numbers | None:
    match = NUMBERS.fullmatch(raw)
    if match is None:
        return None
    numbers = [int(number) for number in match["numbers"].split(".")]
    major, minor, patch, revision = [*numbers, 0, 0, 0][:4]
    pre, build = match["pre"] or "", match["build"] or ""
    return Numbers(major, minor, patch, revision, pre, build, len(numbers))
