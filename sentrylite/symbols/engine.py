"""The program that reads source maps and debug files: `python -m sentrylite.symbols.engine`.

What it reads was uploaded by somebody, and a few kilobytes are enough to exhaust the stack of a
parser. So it runs in a process of its own, which may crash, is ended by its own alarm when a file
takes too long, cannot take all memory, and goes away when nobody has asked for a while: a server
that does not symbolicate never loads the library. `sentrylite.symbols.reader` starts it and talks
to it. It knows nothing of Django or a database.
"""

import ctypes
import ctypes.util
import os
import re
import resource
import select
import signal
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from sentrylite.symbols import messages
from sentrylite.symbols.messages import Message

T = TypeVar("T")

IDLE_SECONDS = 300.0
CACHED_BYTES = 64 * 1024 * 1024
"""Of files that are kept parsed, by their own size: that is about what they take."""
MAX_MEMORY = 2 * 1024**3
CONTEXT_LINES = 5
"""Lines of source before and after the one that a frame is at."""


class Missing(Exception):
    """What is asked of is not kept here (any more): ask again with the file."""


class Cache(Generic[T]):
    """What was used last, as long as the files it was made of have room together."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._kept: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._size = 0

    def get(self, key: str) -> T:
        """Raises Missing."""
        if key not in self._kept:
            raise Missing
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def put(self, key: str, value: T, size: int) -> T:
        _, freed = self._kept.pop(key, (None, 0))
        self._size -= freed
        while self._kept and self._size + size > self._budget:
            _, (_, freed) = self._kept.popitem(last=False)
            self._size -= freed
        self._kept[key] = value, size
        self._size += size
        return value


class Engine:
    """Answers one message after the other. The library is loaded by the first that needs it."""

    def __init__(self) -> None:
        self._cache: Cache[Any] = Cache(CACHED_BYTES)
        self._operations: dict[str, Callable[[Message, list[bytes]], Message]] = {
            "script": self.script,
            "objects": self.objects,
            "mapping": self.mapping,
            "symcache": self.symcache,
            "addresses": self.addresses,
            "java": self.java,
        }

    def answer(self, message: Message, blobs: list[bytes]) -> Message:
        """The answer to a message: `{"missing": true}` for what has to be sent along, `{"error"}`
        for what cannot be read."""
        from symbolic.exceptions import SymbolicError

        try:
            return self._operations[message["operation"]](message, blobs)
        except Missing:
            return {"missing": True}
        except (SymbolicError, LookupError, ValueError, OverflowError, OSError) as error:
            return {"error": str(error) or type(error).__name__}

    # Source maps --------------------------------------------------------------------------------

    def script(self, message: Message, blobs: list[bytes]) -> Message:
        """Where `positions` (line and column, both from 1) of a minified script come from.

        `blobs` are the script, which may be empty, and its map.
        """
        from symbolic.sourcemapcache import SourceMapCache

        key = message["key"]
        if blobs:
            minified, source_map = blobs
            kept = SourceMapCache.from_bytes(minified, source_map.removeprefix(b"\xef\xbb\xbf"))
            self._cache.put(key, kept, len(minified) + len(source_map))
        script = self._cache.get(key)
        return {"tokens": [_token(script, *position) for position in message["positions"]]}

    # Debug files --------------------------------------------------------------------------------

    def objects(self, message: Message, blobs: list[bytes]) -> Message:
        """What is in a debug file: `[{"debug_id", "code_id", "arch", "kind", "format",
        "features"}]`, one for each architecture."""
        from symbolic.debuginfo import Archive

        found = []
        archive = Archive.open(message["path"])
        for each in archive.iter_objects():
            found.append(
                {
                    "debug_id": each.debug_id,
                    "code_id": each.code_id,
                    "arch": each.arch,
                    "kind": each.kind,
                    "format": each.file_format,
                    "features": sorted(each.features),
                }
            )
        return {"objects": found}

    def mapping(self, message: Message, blobs: list[bytes]) -> Message:
        """The id of a ProGuard mapping, and whether it knows lines."""
        from symbolic.proguard import ProguardMapper

        mapper = ProguardMapper.open(message["path"])
        return {"uuid": str(mapper.uuid), "has_lines": mapper.has_line_info}

    def symcache(self, message: Message, blobs: list[bytes]) -> Message:
        """Write what addresses of one object mean into the file `into`, ready to be looked up."""
        from symbolic.debuginfo import Archive

        archive = Archive.open(message["path"])
        for each in archive.iter_objects():
            if (each.debug_id, each.arch) == (message["debug_id"], message["arch"]):
                with open(message["into"], "wb") as file:
                    each.make_symcache().dump_into(file)
                return {}
        raise LookupError("no such object")

    def addresses(self, message: Message, blobs: list[bytes]) -> Message:
        """For each address, relative to its image, the functions and lines there: inlined ones
        first, as the library lists them."""
        from symbolic.symcache import SymCache

        if message.get("path"):
            size = os.path.getsize(message["path"])
            self._cache.put(message["key"], SymCache.open(message["path"]), size)
        symcache = self._cache.get(message["key"])
        return {"locations": [_locations(symcache, each) for each in message["addresses"]]}

    def java(self, message: Message, blobs: list[bytes]) -> Message:
        """What obfuscated Java frames (class, method, line) and classes were called."""
        from symbolic.proguard import ProguardMapper

        if message.get("path"):
            size = os.path.getsize(message["path"])
            self._cache.put(message["key"], ProguardMapper.open(message["path"]), size)
        mapper = self._cache.get(message["key"])
        return {
            "frames": [
                [
                    {
                        "class_name": found.class_name,
                        "method": found.method,
                        "line": found.line,
                        "file": found.file,
                    }
                    for found in mapper.remap_frame(*frame)
                ]
                for frame in message["frames"]
            ],
            "classes": {name: mapper.remap_class(name) for name in message["classes"]},
            "has_lines": mapper.has_line_info,
        }


def _token(script: Any, line: int, column: int) -> Message | None:
    if not (0 < line < 2**32 and 0 < column < 2**32):
        return None
    token = script.lookup(line, column, CONTEXT_LINES)
    if token is None:
        return None
    return {
        "source": token.src,
        "line": token.line,
        "column": token.col,
        "name": token.name,
        "function": token.function_name,
        "context_line": token.context_line,
        "pre_context": token.pre_context,
        "post_context": token.post_context,
    }


def _locations(symcache: Any, address: int) -> list[Message]:
    if not 0 <= address < 2**64:
        return []
    return [
        {
            "symbol": found.symbol,
            "function": demangled(found.symbol),
            "file": found.full_path,
            "line": found.line,
            "symbol_address": found.sym_addr,
            "language": found.lang,
        }
        for found in symcache.lookup(address)
    ]


# Names --------------------------------------------------------------------------------------------

RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")


def _demangler() -> Callable[[bytes], str | None]:
    """The one of the C++ library, where there is one."""
    try:
        library = ctypes.CDLL(ctypes.util.find_library("stdc++") or "libstdc++.so.6")
        demangle = library.__cxa_demangle
        free = ctypes.CDLL(None).free
    except (OSError, AttributeError):
        return lambda name: None
    demangle.restype = ctypes.c_void_p
    free.argtypes = [ctypes.c_void_p]

    def call(name: bytes) -> str | None:
        status = ctypes.c_int()
        found = demangle(name, None, None, ctypes.byref(status))
        if not found:
            return None
        try:
            return ctypes.string_at(found).decode("utf-8", "replace")
        finally:
            free(found)

    return call


_demangle: Callable[[bytes], str | None] | None = None


def demangled(symbol: str) -> str:
    """The name of a function as its author wrote it, of C++ and Rust; other names as they are."""
    global _demangle
    # Mach-O puts one more underscore in front.
    name = symbol.removeprefix("_") if symbol.startswith("__Z") else symbol
    if not name.startswith("_Z"):
        return symbol
    if _demangle is None:
        _demangle = _demangler()
    found = _demangle(name.encode())
    return RUST_HASH.sub("", found) if found else symbol


# The process --------------------------------------------------------------------------------------


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's: our server ends us
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    # Whatever a library prints must not get between the answers.
    incoming, outgoing = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    engine = Engine()
    while select.select([incoming], [], [], IDLE_SECONDS)[0]:
        received = messages.read(incoming)
        if received is None:
            return
        message, blobs = received
        # Not caught: it ends this process, wherever it is.
        signal.setitimer(signal.ITIMER_REAL, message["seconds"])
        answer = engine.answer(message, blobs)
        signal.setitimer(signal.ITIMER_REAL, 0)
        messages.write(outgoing, answer)


if __name__ == "__main__":
    main()
