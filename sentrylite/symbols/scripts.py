"""Minified scripts and their source maps: where a map is, and asking the engine what is in it."""

import re
import time
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from .messages import Message
from .reader import Missing, Reader, TookTooLong, Unreadable

MAX_SCRIPT = 32 * 1024 * 1024
MAX_MAP = 64 * 1024 * 1024
MAX_REFERENCE = 4096
"""Characters of a reference that is no inline map."""

SECONDS = 5.0
"""That reading a script may take; 12 MB of map take 0.4."""
BROKEN_SECONDS = 600.0
BROKEN_SCRIPTS = 1000

HEADERS = ("sourcemap", "x-sourcemap")
_REFERENCE = re.compile(rb"//[#@][ \t]*sourceMappingURL=[ \t]*([^\s'\"]+)[ \t]*\r?$", re.MULTILINE)


class Unusable(Exception):
    """A script with which nothing can be done."""


class TooSlow(Unusable):
    """A file took too long to read."""


class Broken(Unusable):
    """A file cannot be read."""


def reference_of(minified: bytes, headers: Mapping[str, Any]) -> str | None:
    """What a script says of its map, as an address relative to its own or as `data:`; None when it
    says nothing. A header of the upload wins over the last comment in the file."""
    named = {name.lower(): value for name, value in headers.items()}
    for name in HEADERS:
        if isinstance(named.get(name), str) and named[name]:
            return named[name][:MAX_REFERENCE]
    last = None
    for last in _REFERENCE.finditer(minified):  # noqa: B007  only the last counts
        pass
    if last is None:
        return None
    text = last[1].decode("utf-8", "replace")
    return text if text.startswith("data:") else text[:MAX_REFERENCE]


def inline_map(reference: str) -> bytes:
    """The map in a `data:` reference. Raises Broken."""
    head, comma, data = reference.partition(",")
    if not comma:
        raise Broken("a data URL without data")
    try:
        return b64decode(data) if head.endswith(";base64") else unquote_to_bytes(data)
    except ValueError as error:
        raise Broken(str(error)) from error


class ScriptReader:
    """Looks positions up in scripts, and remembers for ten minutes which ones are broken, so that
    they cost their events nothing more."""

    def __init__(self, reader: Reader, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._broken: dict[str, tuple[float, Unusable]] = {}

    def tokens(
        self,
        key: str,
        load: Callable[[], tuple[bytes, bytes]],
        positions: Sequence[tuple[int, int]],
        *,
        seconds: float = SECONDS,
    ) -> list[Message | None]:
        """What the script of that `key`, which names its content, has at `positions` (line and
        column, from 1).

        `load` gives the script and its map, and is asked when the engine has not got them. Raises
        Unusable.
        """
        if key in self._broken:
            expires_at, error = self._broken[key]
            if self._clock() < expires_at:
                raise error
            del self._broken[key]
        try:
            return self._ask(key, load, positions, seconds)
        except TookTooLong as error:
            if seconds < SECONDS:
                raise TooSlow(str(error)) from error
            raise self._remember(key, TooSlow(str(error))) from error
        except Unreadable as error:
            raise self._remember(key, Broken(str(error))) from error
        except Unusable as error:
            raise self._remember(key, error) from None

    def _ask(
        self,
        key: str,
        load: Callable[[], tuple[bytes, bytes]],
        positions: Sequence[tuple[int, int]],
        seconds: float,
    ) -> list[Message | None]:
        request = {"key": key, "positions": positions}
        try:
            answer = self._reader.ask("script", seconds=seconds, **request)
        except Missing:
            answer = self._reader.ask("script", *load(), seconds=seconds, **request)
        return answer["tokens"]

    def _remember(self, key: str, error: Unusable) -> Unusable:
        if len(self._broken) >= BROKEN_SCRIPTS:
            del self._broken[next(iter(self._broken))]  # the oldest
        self._broken[key] = self._clock() + BROKEN_SECONDS, error
        return error
