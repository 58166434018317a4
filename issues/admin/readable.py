"""A stored event as people read it: what broke, where, and what was known around it.

It takes the payload (`issues.payload.normalize` says what is in it) and is as forgiving as those
who wrote it: what is missing or of another shape is left out. Texts are escaped by the template.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.utils.html import format_html

from sentrylite.admin import display

Json = Mapping[str, Any]
Row = tuple[str, str]

# Objects that are shown as they are: the attribute and what it is called.
PLAIN = {
    "extra": "Extra",
    "csp": "Content Security Policy report",
    "hpkp": "Public key pinning report",
    "expectct": "Certificate Transparency report",
    "expectstaple": "OCSP stapling report",
    "template": "Template",
    "sdk": "SDK",
    "modules": "Modules",
}
REQUEST_LISTS = {"query_string": "Query", "headers": "Headers", "cookies": "Cookies"}
OPEN_FRAMES = 5
HANDLED = {"true": "handled", "false": "not handled"}
REQUEST_TEXTS = ("method", "url", "fragment", "data", "env")


class Line(NamedTuple):
    number: int | None
    text: str
    is_current: bool


class Frame(NamedTuple):
    """One call of a stack trace."""

    function: str
    place: str
    in_app: bool
    is_open: bool
    lines: list[Line]
    variables: list[Row]


class Trace(NamedTuple):
    """An exception or a thread."""

    title: str
    text: str
    note: str
    frames: list[Frame]


class Crumb(NamedTuple):
    at: str
    category: str
    level: str
    message: str
    data: str


class Section(NamedTuple):
    title: str
    rows: list[Row]


class Story(NamedTuple):
    message: str
    traces: list[Trace]
    """The last exception first: that is what the reader is to see."""
    crumbs: list[Crumb]
    sections: list[Section]


def read(data: Json) -> Story:
    """The payload of an event, `{}` when it is damaged."""
    sections = [
        Section("User", _rows(data.get("user"))),
        *_request(_object(data.get("request"))),
        *(
            Section(f"Context: {name}", _rows(context))
            for name, context in _object(data.get("contexts")).items()
        ),
        *(Section(title, _rows(data.get(name))) for name, title in PLAIN.items()),
        Section("Problems with what was sent", [_problem(each) for each in _list(data, "errors")]),
    ]
    return Story(
        message=_text(_object(data.get("logentry")).get("formatted")),
        traces=_traces(data),
        crumbs=[_crumb(each) for each in _values(data, "breadcrumbs")],
        sections=[section for section in sections if section.rows],
    )


# Stack traces -------------------------------------------------------------------------------------


def _traces(data: Json) -> list[Trace]:
    traces = [_exception(each) for each in reversed(_values(data, "exception"))]
    traces += [_thread(each) for each in _values(data, "threads") if each.get("stacktrace")]
    if data.get("stacktrace"):
        traces.append(Trace("Stack trace", "", "", _frames(data)))
    return traces


def _exception(exception: Json) -> Trace:
    mechanism = _object(exception.get("mechanism"))
    notes = [
        _text(exception.get("module")),
        f"mechanism {mechanism['type']}" if mechanism.get("type") else "",
        HANDLED.get(_text(mechanism.get("handled")), ""),
    ]
    return Trace(
        _text(exception.get("type")) or "Exception",
        _text(exception.get("value")),
        ", ".join(filter(None, notes)),
        _frames(exception),
    )


def _thread(thread: Json) -> Trace:
    name = _text(thread.get("name")) or _text(thread.get("id"))
    notes = [flag for flag in ("crashed", "current", "main") if thread.get(flag) is True]
    return Trace(f"Thread {name}".strip(), "", ", ".join(notes), _frames(thread))


def _frames(holder: Json) -> list[Frame]:
    """The newest call first; open are the newest of the application's own, or else the newest."""
    frames = _objects(_object(holder.get("stacktrace")).get("frames"))[::-1]
    own = [index for index, frame in enumerate(frames) if frame.get("in_app")]
    opened = own[:OPEN_FRAMES] or [0]
    return [_frame(frame, index in opened) for index, frame in enumerate(frames)]


def _frame(frame: Json, is_open: bool) -> Frame:
    path = frame.get("filename") or frame.get("abs_path") or frame.get("module")
    place = ":".join(_text(part) for part in (path, frame.get("lineno")) if part)
    return Frame(
        function=_text(frame.get("function")) or _text(frame.get("instruction_addr")) or "?",
        place=place or _text(frame.get("package")),
        in_app=frame.get("in_app") is True,
        is_open=is_open,
        lines=_lines(frame),
        variables=_rows(frame.get("vars")),
    )


def _lines(frame: Json) -> list[Line]:
    current = frame.get("context_line")
    if current is None:
        return []
    before = _texts(frame.get("pre_context"))
    after = _texts(frame.get("post_context"))
    number = frame.get("lineno")
    first = number - len(before) if isinstance(number, int) else None
    return [
        Line(None if first is None else first + index, text, index == len(before))
        for index, text in enumerate([*before, _text(current), *after])
    ]


# What surrounds them ------------------------------------------------------------------------------


def _crumb(crumb: Json) -> Crumb:
    data = crumb.get("data")
    return Crumb(
        at=_time(crumb.get("timestamp")),
        category=_text(crumb.get("category")) or _text(crumb.get("type")),
        level=_text(crumb.get("level")),
        message=_text(crumb.get("message")),
        data=json.dumps(data, ensure_ascii=False, default=str) if data else "",
    )


def _request(request: Json) -> list[Section]:
    facts = [(name, _cell(request[name])) for name in REQUEST_TEXTS if request.get(name)]
    lists = [
        Section(f"Request: {title}", _pairs(request.get(name)))
        for name, title in REQUEST_LISTS.items()
    ]
    return [Section("Request", facts), *lists]


def _problem(problem: Any) -> Row:
    problem = _object(problem)
    rest = {key: value for key, value in problem.items() if key != "type"}
    return _text(problem.get("type")), _cell(rest)


# Anything to text ---------------------------------------------------------------------------------


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _values(data: Json, name: str) -> list[Json]:
    return _objects(_object(data.get(name)).get("values"))


def _list(data: Json, name: str) -> Sequence[Any]:
    value = data.get(name)
    return value if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [_text(each) for each in value] if isinstance(value, list) else []


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _time(value: Any) -> str:
    try:
        return f"{datetime.fromtimestamp(value, UTC):%H:%M:%S}"
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def _rows(value: Any) -> list[Row]:
    return [(key, _cell(each)) for key, each in _object(value).items()]


def _pairs(value: Any) -> list[Row]:
    """`[[name, value], …]`"""
    pairs = value if isinstance(value, list) else []
    return [
        (_text(pair[0]), _cell(pair[1]))
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2
    ]


def _cell(value: Any) -> str:
    """A text as it is, anything that has parts as JSON."""
    if isinstance(value, (dict, list)):
        return display.pretty_json(value)
    return format_html('<span class="text">{}</span>', _text(value))
