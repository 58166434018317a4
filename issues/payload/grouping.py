"""Grouping: which events are the same issue. The classic algorithm, whose hashes old and new
servers agree on."""

import re
from collections.abc import Iterable
from hashlib import md5

from issues.payload import security
from issues.payload.stacktrace import is_url
from issues.payload.values import JsonObject

_DEFAULT = ("{{ default }}", "{{default}}")
_MD5 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_MAX_CONTEXT_LINE = 120
_LEAST_APPLICATION_SHARE = 0.1
_IDENTITY = ("lineno", "function", "filename", "module", "abs_path", "colno", "package")

_VERSION_IN_PATH = re.compile(
    r"(?:v?(?:\d+\.)*\d+|[a-f0-9]{7,8}|[a-f0-9]{32}|[a-f0-9]{40})/", re.IGNORECASE
)
_NUMBERED_ACCESSORS = (
    "sun.reflect.GeneratedMethodAccessor",
    "jdk.internal.reflect.GeneratedMethodAccessor",
)
_GENERATED_CLASS = re.compile(
    r"(sun\.reflect\.Generated(?:Serialization)?ConstructorAccessor)\d+"
    r"|(\$\$\w+?CGLIB\$\$)[a-fA-F0-9]+(?:_\d+)?"
    r"|(\$\$_javassist)(?:_seam)?(?:_\d+)?"
    r"|(\$fn__)\d+"
)
_JAVASSIST = re.compile(r"(\$\$_javassist)(?:_seam)?(?:_\d+)?")
_ANONYMOUS_NUMBER = re.compile(r"_\d{2,}")

Parts = list[str]
"""What one hash is made of: texts, put together without anything between them."""


def hashes(event: JsonObject) -> list[str]:
    """The grouping hashes of a stored event with settled `in_app`, 32 hex digits each, in the
    order in which they decide (ingest contract, section 10)."""
    if fingerprint := event.get("fingerprint"):
        return _distinct(_fingerprint_parts(fingerprint, event))
    if checksum := event.get("checksum"):
        return [checksum.lower()] if _MD5.fullmatch(checksum) else [_hash([checksum])]
    return _distinct(_default_parts(event))


def _distinct(variants: Iterable[Parts]) -> list[str]:
    return list(dict.fromkeys(map(_hash, variants)))


def _hash(parts: Parts) -> str:
    return md5("".join(parts).encode(), usedforsecurity=False).hexdigest()


def _fingerprint_parts(fingerprint: list[str], event: JsonObject) -> list[Parts]:
    """The sender's parts; those that stand for the default grouping make way for its parts, once
    for every default hash."""
    if not any(part in _DEFAULT for part in fingerprint):
        return [fingerprint]
    return [
        [part for given in fingerprint for part in (default if given in _DEFAULT else [given])]
        for default in _default_parts(event)
    ]


def _default_parts(event: JsonObject) -> list[Parts]:
    """The parts of the first interface that has any: one list or, where the application's frames
    differ from all frames, two. A message that is missing is an empty one."""
    if variants := _exception_variants(event) or _stack_variants(event) or _thread_parts(event):
        return variants
    if found := security.find_report(event):
        return [security.grouping_parts(*found)]
    return [_template_parts(event) or [_raw_message(event)]]


def _exception_variants(event: JsonObject) -> list[Parts]:
    """All stack traces with their exceptions' types, else types and values."""
    exceptions = event["exception"]["values"] if "exception" in event else []
    system: Parts = []
    application: Parts = []
    for exception in exceptions:
        kind = [exception["type"]] if "type" in exception else []
        for parts, stack in zip((system, application), _stack_parts(exception, event), strict=True):
            if stack:
                parts += stack + kind
    if not system:
        named = [exception.get(name) for exception in exceptions for name in ("type", "value")]
        system = [text for text in named if text]
    return [parts for parts in (system, application) if parts]


def _stack_variants(event: JsonObject) -> list[Parts]:
    return [parts for parts in _stack_parts(event, event) if parts]


def _thread_parts(event: JsonObject) -> list[Parts]:
    """All frames of the only thread that shows any."""
    threads = event["threads"]["values"] if "threads" in event else []
    traced = [thread for thread in threads if "stacktrace" in thread]
    system, _ = _stack_parts(traced[0], event) if len(traced) == 1 else ([], [])
    return [system] if system else []


def _template_parts(event: JsonObject) -> Parts:
    template = event.get("template", {})
    return [template[name] for name in ("filename", "context_line") if template.get(name)]


def _raw_message(event: JsonObject) -> str:
    """The template of the message, so that its parameters do not tell events apart."""
    entry = event.get("logentry", {})
    return entry.get("message") or entry.get("formatted", "")


def _stack_parts(holder: JsonObject, event: JsonObject) -> tuple[Parts, Parts]:
    """The parts of a stack trace by all its frames and by those of the application. The latter
    are all if there are none, and say nothing where they are too few."""
    frames = holder["stacktrace"]["frames"] if "stacktrace" in holder else []
    if not frames or _is_inline_script(frames):
        return [], []
    pieces = [(frame, _frame_parts(frame, event["platform"])) for frame in frames]
    system = _join(pieces)
    own = [piece for piece in pieces if piece[0]["in_app"]]
    if not own:
        return system, system
    if len(own) < _LEAST_APPLICATION_SHARE * len(frames):
        return system, []
    return system, _join(own)


def _is_inline_script(frames: list[JsonObject]) -> bool:
    """A single frame in an HTML page: neither its address nor its line can be trusted."""
    return len(frames) == 1 and "function" not in frames[0] and is_url(frames[0].get("abs_path"))


def _join(pieces: list[tuple[JsonObject, Parts]]) -> Parts:
    """The parts of all frames but those that repeat the one before: however deep a recursion
    went, it is the same."""
    joined: Parts = []
    previous: JsonObject = {}
    for frame, parts in pieces:
        if not _is_repetition(frame, previous):
            joined += parts
        previous = frame
    return joined


def _is_repetition(frame: JsonObject, previous: JsonObject) -> bool:
    return all(frame.get(name) == previous.get(name) for name in _IDENTITY)


def _frame_parts(frame: JsonObject, platform: str) -> Parts:
    if frame.get("filename") == "[native code]":
        return []
    platform = frame.get("platform", platform)
    on_web = is_url(frame.get("abs_path"))
    parts = _place(frame, platform, on_web=on_web)
    function = frame.get("function")
    line = frame.get("context_line")
    if line is not None and len(line) <= _MAX_CONTEXT_LINE and (function or not on_web):
        parts.append(line)
    elif parts and "symbol" in frame:
        parts.append(frame["symbol"])
    elif parts and function:
        parts.append(_clean_function(function))
    elif parts and "lineno" in frame:
        parts.append(str(frame["lineno"]))
    return parts


def _place(frame: JsonObject, platform: str, *, on_web: bool) -> Parts:
    """The module of a frame or else its file, as far as it is the same from build to build."""
    module, filename = frame.get("module"), frame.get("filename")
    if module:
        return [_clean_module(module, frame, platform)]
    if filename and not on_web and not filename.startswith("Caused by: "):
        return [_clean_filename(filename, platform)]
    return []


def _clean_module(module: str, frame: JsonObject, platform: str) -> str:
    if platform == "javascript":
        is_path = "/" in module and frame.get("abs_path", "").endswith(module)
        return "<module>" if is_path else module
    if platform != "java":
        return module
    if "$$Lambda$" in module:
        return "<module>"
    for accessor in _NUMBERED_ACCESSORS:
        if module.startswith(accessor):
            return accessor
    return _GENERATED_CLASS.sub(_without_number, module)


def _clean_filename(filename: str, platform: str) -> str:
    if platform == "cocoa":
        return filename.rpartition("/")[2]
    if platform == "java":
        filename = _JAVASSIST.sub(_without_number, filename)
    return _VERSION_IN_PATH.sub("<version>/", filename)


def _clean_function(function: str) -> str:
    if function.startswith(("lambda$", "[Anonymous")):
        return "<function>"
    return "block" if function.startswith("block ") else _ANONYMOUS_NUMBER.sub("_<anon>", function)


def _without_number(match: re.Match[str]) -> str:
    return f"{match[match.lastindex or 0]}<auto>"
