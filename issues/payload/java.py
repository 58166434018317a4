"""Frames and exceptions of obfuscated Java and Kotlin, by the names that their authors gave them.

The event's `debug_meta` names the ProGuard or R8 mapping of the build, and `Mappings` knows those
that were uploaded.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Lookup
from typing import NamedTuple, Protocol
from uuid import UUID

from issues.payload.javascript import Unusable
from issues.payload.stacktrace import MAX_FILENAME, lighten, unrestored
from issues.payload.values import JsonObject, clean_text, trim

MAX_NAME = 256
MAX_TYPE = 128
MAX_LINE = 2**31


class Call(NamedTuple):
    """A frame as the mapping knows it."""

    class_name: str
    method: str
    line: int
    """0 when it is not known."""


class Original(NamedTuple):
    """What a frame was before."""

    class_name: str
    method: str
    line: int
    """0 when it is not known."""
    file: str | None


class Names(NamedTuple):
    """What a mapping says."""

    frames: list[list[Original]]
    """For each call: the innermost of inlined methods first; nothing for one that it has not."""
    classes: Lookup[str, str | None]
    has_lines: bool


class ProguardMapping(Protocol):
    def names(self, calls: Sequence[Call], classes: Sequence[str]) -> Names:
        """What calls and classes were called before. Raises Unusable."""


class Mappings(Protocol):
    def find(self, uuids: Sequence[str]) -> Lookup[str, ProguardMapping]:
        """The mappings of those ids that were uploaded."""


def mapping_ids(event: JsonObject) -> list[str]:
    """The mappings that a stored Java event names, if it has something to look up in them."""
    if event["platform"] != "java" or (not any(_calls(event)) and not any(_classes(event))):
        return []
    images = event.get("debug_meta", {}).get("images")
    found: dict[str, None] = {}
    for image in images if type(images) is list else ():
        if type(image) is dict and image.get("type") == "proguard":
            try:
                found[str(UUID(image.get("uuid") or image.get("debug_id")))] = None
            except (AttributeError, TypeError, ValueError):
                continue
    return list(found)


def restore(event: JsonObject, mappings: Mappings) -> None:
    """Rename the frames and exceptions of a stored event, in place. Holders of rewritten stack
    traces keep what was sent as `raw_stacktrace`; what is missing is noted in `errors`."""
    uuids = mapping_ids(event)
    found = mappings.find(uuids)
    errors: list[JsonObject] = []
    for uuid in uuids:
        if uuid not in found:
            errors.append({"type": "proguard_missing_mapping", "mapping_uuid": uuid})
            continue
        calls, classes = list(dict.fromkeys(_calls(event))), list(dict.fromkeys(_classes(event)))
        try:
            names = found[uuid].names(calls, classes)
        except Unusable as error:
            errors.append({"type": error.kind, "mapping_uuid": uuid, **error.details})
            continue
        if not names.has_lines:
            errors.append({"type": "proguard_missing_lineno", "mapping_uuid": uuid})
        _rename(event, dict(zip(calls, names.frames, strict=True)), names.classes)
    if errors:
        event["errors"] = event.get("errors", []) + errors


def _rename(
    event: JsonObject, frames: Lookup[Call, list[Original]], classes: Lookup[str, str | None]
) -> None:
    for holder in unrestored(event):
        raw = holder["stacktrace"]
        restored: list[JsonObject] = []
        for frame in raw["frames"]:
            call = _call_of(frame)
            originals = frames.get(call, []) if call else []
            # Oldest call first: the methods that were inlined are the newer ones.
            restored += [_restored(frame, each) for each in reversed(originals)] or [frame.copy()]
        if any(map(frames.get, _calls_of(raw))):
            lighten(restored)
            holder["raw_stacktrace"] = raw
            holder["stacktrace"] = raw | {"frames": restored}
    for exception in _exceptions(event):
        name = classes.get(_class_of(exception))
        if name:
            module, _, kind = clean_text(name).rpartition(".")
            exception["type"] = trim(kind, MAX_TYPE)
            exception["module"] = trim(module, MAX_TYPE)


def _restored(frame: JsonObject, original: Original) -> JsonObject:
    restored = {
        **frame,
        "module": trim(clean_text(original.class_name), MAX_NAME),
        "function": trim(clean_text(original.method), MAX_NAME),
        "data": {**frame.get("data", {}), "symbolicated": True},
    }
    if original.file:
        restored["filename"] = trim(clean_text(original.file), MAX_FILENAME)
        restored["abs_path"] = restored["filename"]
    if original.line:
        restored["lineno"] = original.line
    return restored


def _exceptions(event: JsonObject) -> Sequence[JsonObject]:
    return event["exception"]["values"] if "exception" in event else ()


def _calls(event: JsonObject) -> Iterator[Call]:
    for holder in unrestored(event):
        yield from _calls_of(holder["stacktrace"])


def _calls_of(stack: JsonObject) -> Iterator[Call]:
    for frame in stack["frames"]:
        if call := _call_of(frame):
            yield call


def _call_of(frame: JsonObject) -> Call | None:
    if frame.get("platform", "java") != "java" or "module" not in frame or "function" not in frame:
        return None
    line = frame.get("lineno", 0)
    return Call(frame["module"], frame["function"], line if line < MAX_LINE else 0)


def _classes(event: JsonObject) -> Iterator[str]:
    for exception in _exceptions(event):
        if name := _class_of(exception):
            yield name


def _class_of(exception: JsonObject) -> str:
    """The whole name of an exception's class, "" without one."""
    if "type" not in exception or "module" not in exception:
        return ""
    return f"{exception['module']}.{exception['type']}"
