"""Frames of compiled programs, put back to functions and lines of their source.

A frame has an address, the event's `debug_meta` says which image was loaded there, and an uploaded
debug file of the image's id what the address means (`DebugFiles`). Frames of which nothing is known
stay as they were sent, and what is missing is noted in the event's `errors`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import NamedTuple, Protocol

from issues.payload.javascript import Unusable
from issues.payload.problems import MAX_PROBLEMS
from issues.payload.stacktrace import MAX_FILENAME, MAX_PATH, context_around, lighten, unrestored
from issues.payload.values import JsonObject, clean_text, trim

IMAGE_TYPES = frozenset(("apple", "breakpad", "elf", "macho", "pe", "symbolic", "wasm"))
MAX_NAME = 256
MAX_ADDRESS = 2**64
UNKNOWN_ADDRESS = 2**32 - 1

_SYSTEM = re.compile(
    r"/usr/lib|/lib(?:64|32)?/|/System/|/system/|/vendor/|/apex/|linux-(?:gate|vdso)"
    r"|[A-Za-z]:\\Windows\\",
    re.IGNORECASE,
)
"""Where programs find what is not their own."""


class Image(NamedTuple):
    """A program or library, where it was loaded."""

    start: int | None
    """None where addresses are only ever relative to the image: in WebAssembly."""
    size: int
    """0 when the SDK does not know."""
    debug_id: str | None
    code_id: str | None
    path: str
    number: int
    """Its place among the images of the event, from 0."""

    @property
    def is_system(self) -> bool:
        return _SYSTEM.match(self.path) is not None


class Location(NamedTuple):
    """What an address means."""

    symbol: str
    """As the linker knows it."""
    function: str
    file: str | None
    line: int
    """0 when it is not known."""
    symbol_address: int
    """Where the function begins, relative to its image; `UNKNOWN_ADDRESS` of an inlined one."""
    language: str


class DebugFile(Protocol):
    """What was uploaded for an image."""

    def locations(self, addresses: Sequence[int]) -> list[list[Location]]:
        """What each address, relative to the image, means: the innermost of inlined functions
        first; nothing for one that it does not know. Raises Unusable."""


class DebugFiles(Protocol):
    """The debug files that were uploaded for an event."""

    def find(self, images: Sequence[Image]) -> Mapping[Image, DebugFile]:
        """Those that there are."""

    def sources(self, image: Image, paths: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The lines of the sources of an image that was found, by their paths, of those that were
        uploaded. To be asked once for each image."""


class _Place(NamedTuple):
    """An address in an image, as it is looked up."""

    image: Image
    address: int


def has_addresses(event: JsonObject) -> bool:
    """Whether there are frames of a stored event that can be looked up."""
    images = _images(event)
    return bool(images) and any(
        _place_of(frame, images, is_last=False) for frame in _all_frames(event)
    )


def restore(event: JsonObject, debug_files: DebugFiles) -> None:
    """Rewrite the frames of a stored event, in place; of one address that inlined functions share
    there become several frames. Holders of rewritten stack traces keep what was sent as
    `raw_stacktrace`."""
    _Restoration(event, debug_files).run()


class _Restoration:
    def __init__(self, event: JsonObject, debug_files: DebugFiles) -> None:
        self._event = event
        self._debug_files = debug_files
        self._images = _images(event)
        self._errors: list[JsonObject] = []
        self._locations: dict[_Place, list[Location]] = {}
        self._sources: dict[Image, Mapping[str, Sequence[str]]] = {}
        self._status: dict[int, str] = {}
        """What became of an image, by its number."""

    def run(self) -> None:
        self._look_up()
        for holder in unrestored(self._event):
            self._restore(holder)
        if self._status:
            images = list(self._event["debug_meta"]["images"])
            for number, status in self._status.items():
                images[number] = images[number] | {"debug_status": status}
            self._event["debug_meta"] = self._event["debug_meta"] | {"images": images}
        if self._errors:
            self._event["errors"] = self._event.get("errors", []) + self._errors

    def _look_up(self) -> None:
        wanted: dict[Image, dict[int, None]] = {}
        for holder in unrestored(self._event):
            frames = holder["stacktrace"]["frames"]
            for frame in frames:
                place = _place_of(frame, self._images, is_last=frame is frames[-1])
                if place is not None:
                    wanted.setdefault(place.image, {})[place.address] = None
        found = self._debug_files.find([*wanted])
        for image, addresses in wanted.items():
            if image not in found:
                self._status[image.number] = "missing"
                if not image.is_system:
                    self._note("native_missing_dsym", image)
                continue
            try:
                locations = found[image].locations([*addresses])
            except Unusable as error:
                self._status[image.number] = "malformed"
                self._note(error.kind, image, **error.details)
                continue
            self._status[image.number] = "found"
            for address, located in zip(addresses, locations, strict=True):
                self._locations[_Place(image, address)] = located
                if not located:
                    self._note("native_missing_symbol", image)
            paths = {each.file: None for located in locations for each in located if each.file}
            self._sources[image] = self._debug_files.sources(image, [*paths]) if paths else {}

    def _restore(self, holder: JsonObject) -> None:
        raw = holder["stacktrace"]
        frames: list[JsonObject] = []
        is_restored = False
        for frame in raw["frames"]:
            place = _place_of(frame, self._images, is_last=frame is raw["frames"][-1])
            located = self._locations.get(place) if place is not None else None
            if place is None or not located:
                frames.append(frame.copy())
                continue
            is_restored = True
            # Oldest call first: the functions that were inlined are the newer ones.
            sources = self._sources[place.image]
            frames += [_restored(frame, place.image, each, sources) for each in reversed(located)]
        if not is_restored:
            return
        lighten(frames)
        holder["raw_stacktrace"] = raw
        holder["stacktrace"] = raw | {"frames": frames}

    def _note(self, kind: str, image: Image, **details: str | int) -> None:
        """What concerns many frames is said once."""
        error: JsonObject = {
            "type": kind,
            "image_name": trim(_name_of(image.path), MAX_NAME),
            "image_path": trim(image.path, MAX_PATH),
            "image_uuid": image.debug_id,
            **details,
        }
        if error not in self._errors and len(self._errors) < MAX_PROBLEMS:
            self._errors.append(error)


def _restored(
    frame: JsonObject, image: Image, location: Location, sources: Mapping[str, Sequence[str]]
) -> JsonObject:
    symbol, function = clean_text(location.symbol), clean_text(location.function)
    restored = {
        **frame,
        "function": trim(function, MAX_NAME),
        "symbol": trim(symbol, MAX_NAME),
        "package": frame.get("package") or trim(image.path, MAX_NAME),
        "in_app": frame.get("in_app", not image.is_system),
        "data": {**frame.get("data", {}), "symbolicator_status": "symbolicated"},
    }
    if location.symbol_address != UNKNOWN_ADDRESS:
        start = image.start or 0
        restored["symbol_addr"] = hex((start + location.symbol_address) % MAX_ADDRESS)
    if symbol != function:
        restored["raw_function"] = trim(symbol, MAX_NAME)
    if location.file:
        path = clean_text(location.file)
        restored["abs_path"] = trim(path, MAX_PATH)
        restored["filename"] = trim(_name_of(path), MAX_FILENAME)
    if location.line:
        restored["lineno"] = location.line
        restored |= context_around(sources.get(location.file or "", ()), location.line)
    return restored


# Frames and images --------------------------------------------------------------------------------


def _all_frames(event: JsonObject) -> Iterator[JsonObject]:
    for holder in unrestored(event):
        yield from holder["stacktrace"]["frames"]


def _place_of(frame: JsonObject, images: Sequence[Image], *, is_last: bool) -> _Place | None:
    """The address of a frame in its image. That of a call is the one behind the call, so that one
    less is in it; the newest frame was interrupted just where it is."""
    address = _number(frame.get("instruction_addr"))
    if address is None or "lineno" in frame:
        return None
    mode = frame.get("addr_mode", "abs")
    if mode.startswith("rel:"):
        image = next((each for each in images if str(each.number) == mode[4:]), None)
        relative = address
    else:
        # The last one that begins before it.
        starts = [each.start for each in images if each.start is not None]
        count = bisect_right(starts, address)
        image = images[count - 1] if count else None
        relative = address - starts[count - 1] if count else 0
    if image is None or (image.size and relative >= image.size):
        return None
    return _Place(image, relative if is_last or not relative else relative - 1)


def _images(event: JsonObject) -> list[Image]:
    """The images of an event that can be looked up, by their addresses, those without one last."""
    images = event.get("debug_meta", {}).get("images")
    found = []
    for number, image in enumerate(images if type(images) is list else ()):
        if type(image) is not dict or image.get("type") not in IMAGE_TYPES:
            continue
        start = _number(image.get("image_addr"))
        debug_id = image.get("debug_id") or image.get("id") or image.get("uuid")
        code_id = image.get("code_id")
        if not (type(debug_id) is str or type(code_id) is str):
            continue
        path = image.get("code_file") or image.get("name") or image.get("debug_file")
        found.append(
            Image(
                start,
                _number(image.get("image_size")) or 0,
                debug_id if type(debug_id) is str else None,
                code_id if type(code_id) is str else None,
                path if type(path) is str else "",
                number,
            )
        )
    return sorted(found, key=lambda image: MAX_ADDRESS if image.start is None else image.start)


def _number(value: object) -> int | None:
    """An address: hexadecimal text, or a number."""
    if type(value) is str and value[:2].lower() == "0x":
        try:
            value = int(value, 16)
        except ValueError:
            return None
    return value if type(value) is int and 0 <= value < MAX_ADDRESS else None


def _name_of(path: str) -> str:
    """The last part of a path of any system."""
    if "\\" in path:
        return PureWindowsPath(path).name
    return PurePosixPath(path).name
