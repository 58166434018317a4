"""The parts of an event's story: exception, breadcrumbs, request and the others (events contract,
section 3).

They are made of the stored event that `issues.payload.normalize` describes. What is not as it
should be there is left out: an event can always be shown.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sentrylite.api.serializers import timestamp

if TYPE_CHECKING:
    from issues.api.shapes import Entry

Json = dict[str, Any]

HEX = re.compile(r"0[xX]([0-9a-fA-F]+)")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def entries_of(data: Json, happened_at: datetime) -> "list[Entry]":
    """The entries of a stored event, by their display scores. Those without content are missing.

    A breadcrumb that does not say when it was gets `happened_at`: clients insist on a time.
    """
    entries: tuple[tuple[str, Json | list[Json] | None], ...] = (
        ("message", _message(data.get("logentry"))),
        ("exception", _exception(data.get("exception"))),
        ("stacktrace", _stacktrace(data.get("stacktrace"))),
        ("threads", _threads(data.get("threads"))),
        ("csp", _report(data.get("csp"))),
        ("hpkp", _report(data.get("hpkp"))),
        ("expectct", _report(data.get("expectct"))),
        ("expectstaple", _report(data.get("expectstaple"))),
        ("template", _template(data.get("template"))),
        ("breadcrumbs", _breadcrumbs(data.get("breadcrumbs"), happened_at)),
        ("request", _request(data.get("request"))),
        ("debugmeta", _debug_meta(data.get("debug_meta"))),
        ("spans", _objects(data.get("spans"))),
    )
    return [{"type": kind, "data": content} for kind, content in entries if content]


# Reading what may be anything ---------------------------------------------------------------------


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[Json]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _values(interface: Any) -> list[Json]:
    return _objects(_object(interface).get("values"))


def _pairs(value: Any) -> list[list[Any]]:
    return [item for item in _list(value) if isinstance(item, list) and len(item) == 2]


def _present(source: Json) -> Json:
    return {key: value for key, value in source.items() if value is not None}


# Message, exception, threads ----------------------------------------------------------------------


def _message(source: Any) -> Json:
    entry = _object(source)
    return _present({name: entry.get(name) for name in ("message", "params", "formatted")})


def _exception(source: Any) -> Json:
    values = [
        {
            "type": exception.get("type"),
            "value": exception.get("value"),
            "mechanism": _present(_object(exception.get("mechanism"))) or None,
            "threadId": exception.get("thread_id"),
            "module": exception.get("module"),
            "stacktrace": _stacktrace(exception.get("stacktrace")),
            "rawStacktrace": _stacktrace(exception.get("raw_stacktrace")),
        }
        for exception in _values(source)
    ]
    if not values:
        return {}
    stacks = [value["stacktrace"] for value in values if value["stacktrace"]]
    return {
        "values": values,
        "hasSystemFrames": any(stack["hasSystemFrames"] for stack in stacks),
        "excOmitted": _object(source).get("exc_omitted"),
    }


def _threads(source: Any) -> Json:
    values = [
        {
            "id": thread.get("id"),
            "current": thread.get("current"),
            "crashed": thread.get("crashed"),
            "name": thread.get("name"),
            "stacktrace": _stacktrace(thread.get("stacktrace")),
            "rawStacktrace": _stacktrace(thread.get("raw_stacktrace")),
        }
        for thread in _values(source)
    ]
    return {"values": values} if values else {}


# Stack traces -------------------------------------------------------------------------------------


def _stacktrace(source: Any) -> Json | None:
    stack = _object(source)
    frames = _objects(stack.get("frames"))
    if not frames:
        return None
    digits = max(_digits(frame) for frame in frames)
    return {
        "frames": [_frame(frame, digits) for frame in frames],
        "framesOmitted": stack.get("frames_omitted"),
        "registers": stack.get("registers"),
        # What the documents call so: whether the application's frames stand out from others.
        "hasSystemFrames": any(frame.get("in_app") is True for frame in frames),
    }


def _frame(frame: Json, digits: int) -> Json:
    answer = {
        "filename": frame.get("filename"),
        "absPath": frame.get("abs_path"),
        "module": frame.get("module"),
        "package": frame.get("package"),
        "platform": frame.get("platform"),
        "instructionAddr": _address(frame.get("instruction_addr"), digits),
        "symbolAddr": _address(frame.get("symbol_addr"), digits),
        "function": frame.get("function"),
        "rawFunction": frame.get("raw_function"),
        "symbol": frame.get("symbol"),
        "context": _context(frame),
        "lineNo": frame.get("lineno"),
        "colNo": frame.get("colno"),
        "inApp": frame.get("in_app") is True,
        "trust": frame.get("trust"),
        "errors": frame.get("errors"),
        "vars": _object(frame.get("vars")) or None,
    }
    return answer | _source_map(_object(frame.get("data")))


def _source_map(data: Json) -> Json:
    """Where a frame was before a source map moved it."""
    url = data.get("sourcemap")
    if not isinstance(url, str):
        return {}
    return {
        "map": url.rsplit("/", 1)[-1],
        "mapUrl": url,
        "origFunction": data.get("orig_function"),
        "origAbsPath": data.get("orig_abs_path"),
        "origFilename": data.get("orig_filename"),
        "origLineNo": data.get("orig_lineno"),
        "origColNo": data.get("orig_colno"),
    }


def _digits(frame: Json) -> int:
    """The hexadecimal digits of the longest address of a frame."""
    addresses = (frame.get("instruction_addr"), frame.get("symbol_addr"))
    matches = (HEX.fullmatch(text) for text in addresses if isinstance(text, str))
    return max((len(match[1]) for match in matches if match), default=0)


def _address(value: Any, digits: int) -> Any:
    """An address as long as the longest of its stack trace."""
    match = HEX.fullmatch(value) if isinstance(value, str) else None
    return f"0x{match[1].zfill(digits)}" if match else value


def _context(source: Json) -> list[list[Any]]:
    """The numbered lines around the one that a frame or template is at."""
    line_number, line = source.get("lineno"), source.get("context_line")
    before, after = _list(source.get("pre_context")), _list(source.get("post_context"))
    if not isinstance(line_number, int) or (line is None and not before and not after):
        return []
    first = max(line_number - len(before), 0)
    return [[number, text] for number, text in enumerate([*before, line, *after], first)]


# What was around it -------------------------------------------------------------------------------


def _breadcrumbs(source: Any, happened_at: datetime) -> Json:
    values = [
        {
            "type": crumb.get("type") or "default",
            "timestamp": _moment(crumb.get("timestamp")) or timestamp(happened_at),
            "level": crumb.get("level") or "info",
            "message": crumb.get("message"),
            "category": crumb.get("category"),
            "data": _object(crumb.get("data")) or None,
            "event_id": crumb.get("event_id"),
        }
        for crumb in _values(source)
    ]
    return {"values": values} if values else {}


def _moment(value: Any) -> str | None:
    """Epoch seconds as a date."""
    if not isinstance(value, int | float):
        return None
    try:
        return timestamp(EPOCH + timedelta(seconds=value))
    except (OverflowError, ValueError):
        return None


def _request(source: Any) -> Json:
    request = _object(source)
    if not request:
        return {}
    return {
        "method": request.get("method"),
        "url": request.get("url"),
        "query": _pairs(request.get("query_string")),
        "fragment": request.get("fragment") or "",
        "data": request.get("data"),
        "headers": _pairs(request.get("headers")),
        "cookies": _pairs(request.get("cookies")),
        "env": _object(request.get("env")) or None,
        "inferredContentType": request.get("inferred_content_type"),
    }


def _template(source: Any) -> Json:
    template = _object(source)
    if not template:
        return {}
    return {
        "lineNo": template.get("lineno"),
        "filename": template.get("filename"),
        "context": _context(template),
    }


def _report(source: Any) -> Json:
    return _present(_object(source))


def _debug_meta(source: Any) -> Json:
    images = _objects(_object(source).get("images"))
    return {"images": images} if images else {}
