"""What an event is called: type, metadata, title, location and culprit."""

from typing import NamedTuple

from issues.payload import security
from issues.payload.values import JsonObject, trim

UNLABELED = "<unlabeled event>"
UNKNOWN = "<unknown>"
MAX_LINE = 100
MAX_CULPRIT = 200

_MAX_VALUE = 1024
_MAX_SEARCH_TEXT = 8192
_NATIVE = frozenset(("cocoa", "native", "objc"))
_SCRIPTS = frozenset(("javascript", "node"))


class Description(NamedTuple):
    """The names of an event."""

    type: str
    metadata: dict[str, str]
    title: str
    location: str | None
    culprit: str


def describe(event: JsonObject) -> Description:
    """How a stored event is called (ingest contract, section 8). The culprit depends on `in_app`
    as the sender gave it, so describe an event before that is settled."""
    if found := security.find_report(event):
        return _describe_report(event, *found)
    if "exception" in event:
        return _describe_error(event)
    if event.get("type") == "transaction":
        return _describe_transaction(event)
    title = first_line(message_text(event)) or UNLABELED
    return Description("default", {"title": title}, title, None, _culprit(event))


def search_text(event: JsonObject, description: Description) -> str:
    """What free-text search looks at: the message, what the metadata add to it, and the culprit
    (ingest contract, section 11)."""
    text = message_text(event)
    for part in (*description.metadata.values(), description.culprit):
        if part not in text:
            text = f"{text} {part}"
    return trim(text.strip(), _MAX_SEARCH_TEXT)


def message_text(event: JsonObject) -> str:
    """The log message of a stored event, empty if it has none."""
    return event["logentry"]["formatted"] if "logentry" in event else ""


def first_line(text: str) -> str:
    """The first line with something on it, at most 100 characters."""
    lines = text.strip().splitlines()
    return trim(lines[0].rstrip(), MAX_LINE) if lines else ""


def _describe_report(event: JsonObject, kind: str, report: JsonObject) -> Description:
    message = security.message_of(kind, report)
    if kind == "csp":
        location = security.blocked_source(report)
        metadata = {"directive": security.text_of(report, "effective_directive"), "uri": location}
    else:
        location = security.text_of(report, "hostname")
        metadata = {"origin": location}
    culprit = event.get("culprit") or trim(security.culprit_of(kind, report), MAX_CULPRIT)
    return Description(kind, {**metadata, "message": message}, message, location or None, culprit)


def _describe_transaction(event: JsonObject) -> Description:
    name = event.get("transaction", "")
    metadata = {"title": name or UNLABELED, "location": name}
    return Description("transaction", metadata, metadata["title"], name or None, name)


def _describe_error(event: JsonObject) -> Description:
    exception = event["exception"]["values"][-1]
    metadata = {"value": trim(exception.get("value", ""), _MAX_VALUE)}
    if not _is_synthetic(exception):
        metadata = {"type": exception.get("type", "Error"), **metadata}
    frame = _crash_frame(event)
    metadata |= {name: frame[name] for name in ("filename", "function") if name in frame}
    if "type" in metadata:
        title = ": ".join(filter(None, (metadata["type"], first_line(metadata["value"]))))
    else:
        title = _title_of_synthetic(event, exception)
        if title:
            metadata["title"] = title
        title = title or metadata.get("function", UNKNOWN)
    return Description("error", metadata, title, metadata.get("filename"), _culprit(event))


def _is_synthetic(exception: JsonObject) -> bool:
    return exception.get("mechanism", {}).get("synthetic", False)


def _title_of_synthetic(event: JsonObject, exception: JsonObject) -> str:
    """An exception that an SDK made up to carry a stack trace is called by the message that it
    goes with; without a type, its value is that message (clients contract, section 9.6)."""
    text = message_text(event)
    if not text and "type" not in exception:
        text = exception.get("value", "")
    return first_line(text)


def _crash_frame(event: JsonObject) -> JsonObject:
    """The newest frame of the application, else the newest; {} without a stack trace."""
    frames = _crash_frames(event)
    newest = frames[-1] if frames else {}
    return next((frame for frame in reversed(frames) if frame.get("in_app")), newest)


def _crash_frames(event: JsonObject) -> list[JsonObject]:
    threads = event["threads"]["values"] if "threads" in event else []
    crashed = [thread for thread in threads if thread.get("crashed") or len(threads) == 1]
    for holder in (event["exception"]["values"][-1], event, *crashed):
        if "stacktrace" in holder:
            return holder["stacktrace"]["frames"]
    return []


def _culprit(event: JsonObject) -> str:
    """Where it happened: as the sender says, else the frame to blame, else the URL."""
    stated = event.get("culprit") or event.get("transaction")
    if stated:
        return trim(stated, MAX_CULPRIT)
    exceptions = event["exception"]["values"] if "exception" in event else []
    if exceptions and _is_synthetic(exceptions[-1]):
        return ""
    holders = exceptions[::-1] if exceptions else [event]
    stack = next((holder["stacktrace"] for holder in holders if "stacktrace" in holder), None)
    blamed = _blame(stack["frames"], event["platform"]) if stack else ""
    return trim(blamed or event.get("request", {}).get("url", ""), MAX_CULPRIT)


def _blame(frames: list[JsonObject], platform: str) -> str:
    """The newest frame of the application that says where it is, else the newest of the system."""
    newest = None
    for frame in reversed(frames):
        if frame.get("in_app"):
            if text := _frame_text(frame, platform):
                return text
        elif newest is None:
            newest = frame
    return _frame_text(newest, platform) if newest else ""


def _frame_text(frame: JsonObject, platform: str) -> str:
    platform = frame.get("platform", platform)
    function = frame.get("function", "?")
    if platform in _NATIVE:
        return function
    place = frame.get("module") or frame.get("filename")
    if not place:
        return ""
    return f"{function}({place})" if platform in _SCRIPTS else f"{place} in {function}"
