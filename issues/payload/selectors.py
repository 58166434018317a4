"""What data scrubbing could be told to look at: the selectors of the values in an event."""

import re
from collections.abc import Iterator
from typing import Any

from issues.payload.scrub import FILTERED
from issues.payload.stacktrace import stack_traces
from issues.payload.values import JsonObject, trim

MAX_SELECTORS = 500
MAX_EXAMPLES = 5
MAX_EXAMPLE = 200

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")

Found = tuple[str, Any]


def suggest_selectors(event: JsonObject) -> dict[str, list[str]]:
    """The selectors of a stored event's texts and numbers, sorted, each with some of the values
    that it selects. Values that were scrubbed already are left out."""
    found: dict[str, list[str]] = {}
    for selector, value in _values(event):
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            continue
        text = str(value)
        if not text or text == FILTERED:
            continue
        if selector not in found and len(found) >= MAX_SELECTORS:
            continue
        examples, example = found.setdefault(selector, []), trim(text, MAX_EXAMPLE)
        if len(examples) < MAX_EXAMPLES and example not in examples:
            examples.append(example)
    return dict(sorted(found.items()))


def _values(event: JsonObject) -> Iterator[Found]:
    """By the names that the parts of an event have whatever holds them, such as `$frame` for every
    frame of every stack trace."""
    for exception in event.get("exception", {}).get("values", ()):
        yield "$error.value", exception.get("value")
    entry = event.get("logentry", {})
    yield "$message", entry.get("formatted")
    yield from _tree("$logentry.params", entry.get("params"))
    yield from _request(event.get("request", {}))
    yield from _tree("$user", event.get("user"))
    for stack in stack_traces(event):
        for frame in stack["frames"]:
            yield from _tree("$frame.vars", frame.get("vars"))
    for crumb in event.get("breadcrumbs", {}).get("values", ()):
        yield "$breadcrumb.message", crumb.get("message")
        yield from _tree("$breadcrumb.data", crumb.get("data"))
    yield from _tree("extra", event.get("extra"))
    yield from _tree("contexts", event.get("contexts"))
    yield from _tree("tags", dict(event.get("tags", ())))


def _request(request: JsonObject) -> Iterator[Found]:
    yield "$http.url", request.get("url")
    for name in ("query_string", "headers", "cookies"):
        for key, value in request.get(name, ()):
            yield from _tree(f"$http.{name}.{_quoted(key)}", value)
    yield from _tree("$http.data", request.get("data"))
    yield from _tree("$http.env", request.get("env"))


def _tree(selector: str, value: Any) -> Iterator[Found]:
    """The values in free-form data; any item of a list is `*`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _tree(f"{selector}.{_quoted(key)}", item)
    elif isinstance(value, list):
        for item in value:
            yield from _tree(f"{selector}.*", item)
    else:
        yield selector, value


def _quoted(key: str | None) -> str:
    """A key in a selector: in quotes, and those in it doubled, unless it is a plain word."""
    key = key or ""
    return key if _PLAIN_KEY.fullmatch(key) else "'{}'".format(key.replace("'", "''"))
