"""Stack traces: frames read one by one, the long ones made lighter, and `in_app` settled."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from issues.payload.fields import read_flags, read_integers, read_object, read_texts, read_trees
from issues.payload.problems import Problems
from issues.payload.values import JsonObject, clean_text, scalar_text, trim

MAX_FRAMES_WITH_CONTEXT = 50
MAX_LINE = 256
LINES_AROUND = 5
MAX_PATH = 2048
MAX_FILENAME = 256
URL_SCHEMES = ("http:", "https:", "file:", "blob:", "applewebdata:")

_TEXTS = {
    "abs_path": MAX_PATH,
    "filename": MAX_PATH,
    "module": 256,
    "package": 256,
    "function": 256,
    "raw_function": 256,
    "symbol": 256,
    "platform": 64,
    "trust": 64,
    "addr_mode": 64,
}
_ADDRESSES = frozenset(("instruction_addr", "symbol_addr", "image_addr"))
_NUMBERS = ("lineno", "colno")
_FLAGS = ("in_app",)
_TREES = {"vars": 4096, "data": 4096}
_LOCATIONS = frozenset(("filename", "function", "module", "package", "instruction_addr"))
_CONTEXT = ("vars", "pre_context", "post_context")


def is_url(path: str | None) -> bool:
    """Whether a frame's path is an address on the web rather than on a disk."""
    return path is not None and path.startswith(URL_SCHEMES)


def stack_traces(event: JsonObject) -> Iterator[JsonObject]:
    """Every stack trace of a stored event."""
    for holder in _holders(event):
        for name in ("stacktrace", "raw_stacktrace"):
            if name in holder:
                yield holder[name]


def unrestored(event: JsonObject) -> Iterator[JsonObject]:
    """What in a stored event has a stack trace that its SDK has not restored itself."""
    for holder in _holders(event):
        if "stacktrace" in holder and "raw_stacktrace" not in holder:
            yield holder


def restored_frames(event: JsonObject) -> int:
    """How many frames of a stored event we have put back to where they come from."""
    return sum(
        _is_restored(frame)
        for holder in _holders(event)
        if "stacktrace" in holder
        for frame in holder["stacktrace"]["frames"]
    )


def take_back(event: JsonObject) -> None:
    """Make the frames of a stored event what was sent, in place. What its SDK has restored itself
    stays."""
    for holder in _holders(event):
        frames = holder["stacktrace"]["frames"] if "stacktrace" in holder else []
        if "raw_stacktrace" in holder and any(map(_is_restored, frames)):
            holder["stacktrace"] = holder.pop("raw_stacktrace")


def _is_restored(frame: JsonObject) -> bool:
    data = frame.get("data", {})
    return bool(data.get("symbolicated")) or data.get("symbolicator_status") == "symbolicated"


def _holders(event: JsonObject) -> Iterator[JsonObject]:
    """What may have a stack trace: a stored event, its exceptions and its threads."""
    yield event
    for name in ("exception", "threads"):
        if name in event:
            yield from event[name]["values"]


def settle_in_app(event: JsonObject) -> None:
    """Make `in_app` a boolean on every frame of a stored event, in place. A stack trace that is
    in-app throughout tells nothing, so all of it counts as system code (ingest contract,
    section 6). Where that is not what was sent, this is kept: see `unsettle_in_app`."""
    for stack in stack_traces(event):
        frames = stack["frames"]
        sent = [frame.get("in_app") for frame in frames]
        mixed = any(sent) and not all(sent)
        settled = [mixed and bool(mark) for mark in sent]
        if settled != sent:
            stack["in_app_sent"] = sent
            for frame, mark in zip(frames, settled, strict=True):
                frame["in_app"] = mark


def unsettle_in_app(event: JsonObject) -> None:
    """Make `in_app` what was sent, in place."""
    for stack in stack_traces(event):
        if "in_app_sent" in stack:
            for frame, mark in zip(stack["frames"], stack.pop("in_app_sent"), strict=True):
                if mark is None:
                    del frame["in_app"]
                else:
                    frame["in_app"] = mark


def read_stacktrace(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """A stack trace with at least one frame, or None (ingest contract, section 6)."""
    if type(value) is list:
        value = {"frames": value}
    source = read_object(value, path, problems, "expected stacktrace")
    if not source:
        return None
    frames = _read_frames(source.get("frames"), f"{path}.frames", problems)
    if not frames:
        return None
    stack: JsonObject = {"frames": frames}
    stack |= read_trees(source, {"registers": 4096}, path, problems)
    omitted = source.get("frames_omitted")
    if type(omitted) is list and [type(bound) for bound in omitted] == [int, int]:
        stack["frames_omitted"] = omitted
    return stack


def _read_frames(value: Any, path: str, problems: Problems) -> list[JsonObject]:
    if type(value) is not list:
        if value is not None:
            problems.invalid(path, value, "expected a list")
        return []
    frames = []
    for index, item in enumerate(value):
        frame = _read_frame(item, f"{path}.{index}", problems)
        if frame is not None:
            frames.append(frame)
    lighten(frames)
    return frames


def _read_frame(value: Any, path: str, problems: Problems) -> JsonObject | None:
    source = read_object(value, path, problems, "expected frame")
    if source is None:
        return None
    frame = read_texts(source, _TEXTS, path, problems)
    frame |= read_integers(source, _NUMBERS, path, problems)
    frame |= read_flags(source, _FLAGS, path, problems)
    if not _ADDRESSES.isdisjoint(source):
        frame |= _read_addresses(source)
    _settle_names(frame)
    if _LOCATIONS.isdisjoint(frame):
        problems.missing(f"{path}.filename")
        return None
    frame |= read_context(source, path, problems)
    if type(source.get("vars")) is list:
        source = source | {"vars": {str(i): item for i, item in enumerate(source["vars"])}}
    frame |= read_trees(source, _TREES, path, problems)
    return frame


def _read_addresses(source: JsonObject) -> JsonObject:
    """Addresses are written as hexadecimal text, whatever they came as."""
    addresses = {}
    for name in _ADDRESSES:
        value = source.get(name)
        if type(value) is int:
            addresses[name] = hex(value)
        elif type(value) is str and value:
            addresses[name] = trim(value, 64)
    return addresses


def _settle_names(frame: JsonObject) -> None:
    """Drop unknown functions, and let path and file name stand in for one another."""
    for name in ("function", "symbol"):
        if frame.get(name) == "?":
            del frame[name]
    if "abs_path" not in frame and "filename" in frame:
        frame["abs_path"] = frame.pop("filename")
    if "filename" not in frame and "abs_path" in frame:
        frame["filename"] = _path_of(frame["abs_path"])
    if "filename" in frame:
        frame["filename"] = trim(frame["filename"], MAX_FILENAME)


def _path_of(location: str) -> str:
    if not is_url(location):
        return location
    try:
        return urlsplit(location).path or location
    except ValueError:
        return location


def read_context(source: JsonObject, path: str, problems: Problems) -> JsonObject:
    """The source line and its neighbours, which are worth nothing without it."""
    line = source.get("context_line")
    if type(line) is not str:
        if line is not None:
            problems.invalid(f"{path}.context_line", line, "expected a string")
        return {}
    context: JsonObject = {"context_line": trim(line, MAX_LINE)}
    for name in ("pre_context", "post_context"):
        lines = source.get(name)
        if type(lines) is list:
            context[name] = [
                line if type(line) is str and len(line) <= MAX_LINE else _read_line(line)
                for line in lines
            ]
        elif lines is not None:
            problems.invalid(f"{path}.{name}", lines, "expected a list")
    return context


def context_around(lines: Sequence[str], number: int) -> JsonObject:
    """The line of a source with that number, from 1, and its neighbours, as attributes of a frame;
    {} if there is no such line."""
    if not 0 < number <= len(lines):
        return {}
    before, after = lines[max(number - 1 - LINES_AROUND, 0) : number - 1], lines[number:]
    return {
        "context_line": source_line(lines[number - 1]),
        "pre_context": [source_line(line) for line in before],
        "post_context": [source_line(line) for line in after[:LINES_AROUND]],
    }


def source_line(text: str) -> str:
    """A line of a source as it is stored."""
    return trim(clean_text(text.rstrip("\r\n")), MAX_LINE)


def _read_line(value: Any) -> str:
    return trim(scalar_text(value) or "", MAX_LINE)


def lighten(frames: list[JsonObject]) -> None:
    """Of more than fifty frames, take variables and surrounding lines from those in the middle:
    those of the system first, then those of the application."""
    if len(frames) <= MAX_FRAMES_WITH_CONTEXT:
        return
    application = [frame for frame in frames if frame.get("in_app")]
    system = [frame for frame in frames if not frame.get("in_app")]
    share = min(len(application), MAX_FRAMES_WITH_CONTEXT)
    dark = _middle(system, MAX_FRAMES_WITH_CONTEXT - share) + _middle(application, share)
    for frame in dark:
        for name in _CONTEXT:
            frame.pop(name, None)


def _middle(frames: list[JsonObject], kept: int) -> list[JsonObject]:
    """All but the outermost `kept` frames, half of them at either end."""
    return frames[kept // 2 : len(frames) - (kept - kept // 2)] if kept < len(frames) else []
