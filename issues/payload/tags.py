"""The tags of an event: the sender's own, and those that its attributes imply."""

from collections.abc import Iterable, Iterator
from typing import Any

from issues.payload import security
from issues.payload.attributes import MAX_TAG_VALUE, is_tag_key
from issues.payload.event import EventUser
from issues.payload.values import JsonObject, scalar_text, trim

# Another value for every event: rows without an end, and nothing that anybody would count.
UNCOUNTED = frozenset({"trace", "trace.ctx", "trace.span"})

_ATTRIBUTES = (
    "level",
    "logger",
    "server_name",
    "site",
    "environment",
    "transaction",
    "release",
    "dist",
)
_CONTEXTS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "os": (("", ("name", "version")), (".name", ("name",)), (".rooted", ("rooted",))),
    "browser": (("", ("name", "version")), (".name", ("name",))),
    "runtime": (("", ("name", "version")), (".name", ("name",))),
    "device": (("", ("model",)), (".family", ("family",))),
    "app": ((".device", ("device_app_hash",)),),
    "gpu": ((".name", ("name",)), (".vendor", ("vendor_name",))),
    "trace": (("", ("trace_id",)), (".span", ("span_id",)), (".ctx", ("trace_id", "span_id"))),
    "monitor": ((".id", ("id",)),),
}
"""By type of context: what is added to its name, and the parts that make the value."""


def tags_of(event: JsonObject, user: EventUser | None) -> list[tuple[str, str]]:
    """The tags of a stored event and its user, each key once, sorted (ingest contract,
    section 7). Release, build and user go by their bare names."""
    automatic = _storable(_automatic_tags(event))
    implied = _storable(_implied_tags(event, user))
    return sorted({**automatic, **dict(event.get("tags", ())), **implied}.items())


def _storable(tags: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Tags that have a value, cut to size; a value with a line break is none."""
    texts = ((key, value.strip()) for key, value in tags)
    return {key: trim(text, MAX_TAG_VALUE) for key, text in texts if text and "\n" not in text}


def _automatic_tags(event: JsonObject) -> Iterator[tuple[str, str]]:
    """Tags that the sender's own win over."""
    yield "url", event.get("request", {}).get("url", "")


def _implied_tags(event: JsonObject, user: EventUser | None) -> Iterator[tuple[str, str]]:
    """Tags that win over the sender's own, the last ones most."""
    for name in _ATTRIBUTES:
        if name in event:
            yield name, event[name]
    if user is not None:
        yield "user", user.tag_value
    yield from _context_tags(event)
    yield from _mechanism_tags(event)
    yield from _report_tags(event)


def _context_tags(event: JsonObject) -> Iterator[tuple[str, str]]:
    for name, context in event.get("contexts", {}).items():
        separator = "-" if context["type"] == "trace" else " "
        for suffix, parts in _CONTEXTS.get(context["type"], ()):
            texts = [_text_of(context.get(part)) for part in parts]
            if all(texts) and (name in _CONTEXTS or is_tag_key(name + suffix)):
                yield name + suffix, separator.join(texts)


def _text_of(value: Any) -> str:
    if value is True or value is False:
        return "yes" if value else "no"
    return scalar_text(value) or ""


def _mechanism_tags(event: JsonObject) -> Iterator[tuple[str, str]]:
    """How the exception came here, of the newest that says so."""
    exceptions = event["exception"]["values"] if "exception" in event else ()
    for exception in reversed(exceptions):
        if mechanism := exception.get("mechanism"):
            yield "mechanism", mechanism["type"]
            if "handled" in mechanism:
                yield "handled", _text_of(mechanism["handled"])
            return


def _report_tags(event: JsonObject) -> Iterator[tuple[str, str]]:
    if report := event.get("csp"):
        yield "effective-directive", security.text_of(report, "effective_directive")
        yield "blocked-uri", security.text_of(report, "blocked_uri")
