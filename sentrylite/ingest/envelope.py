"""Envelopes: bytes to headers and items (ingest contract, section 5)."""

import re
from dataclasses import dataclass, field
from typing import Any

from .decoding import BrokenJSON, parse_json
from .limits import DEFAULT_LIMITS, TooLarge

# Headers are a few hundred bytes. A regular expression and a JSON parser let no other thread run
# while they work, so neither is given a hundred megabytes at once.
LONGEST_LINE = 64 * 1024
BLANK_LINES = re.compile(rb"[\r\n\t ]{1,65536}")


@dataclass(frozen=True, slots=True)
class Item:
    headers: dict[str, Any]
    type: str
    payload: memoryview
    """A window on the envelope: nothing is copied."""


@dataclass(frozen=True, slots=True)
class Envelope:
    headers: dict[str, Any]
    items: list[Item] = field(default_factory=list)


class BrokenEnvelope(Exception):
    """The envelope does not follow the grammar: 400.

    `envelope` is what could be read before the fault: its headers and the items that arrived
    whole, worth keeping although the sender is told. None when even its headers are unreadable.
    """

    def __init__(self, reason: str, envelope: Envelope | None = None) -> None:
        super().__init__(reason)
        self.envelope = envelope


def parse(body: bytes, *, max_items: int = DEFAULT_LIMITS.items) -> Envelope:
    """The headers and items of an envelope, items of unknown types included.

    Tolerant where SDKs differ (clients contract, section 9.5): blank lines between items, no last
    newline, no `length`. Strict otherwise: raises `BrokenEnvelope` when a header line is no JSON
    object, an item has no type, or a payload is not as long as it says. Raises `TooLarge` for more
    than `max_items` items.
    """
    headers, position = _header_line(body, 0)
    if headers is None:
        raise BrokenEnvelope("invalid envelope header")
    envelope = Envelope(headers)
    view = memoryview(body)
    while (position := _after_blank_lines(body, position)) < len(body):
        if len(envelope.items) == max_items:
            raise TooLarge(max_items, "items")
        item_headers, start = _header_line(body, position)
        if item_headers is None:
            raise BrokenEnvelope("invalid item header", envelope)
        item_type = item_headers.get("type")
        if not item_type or not isinstance(item_type, str):
            raise BrokenEnvelope("missing item type", envelope)
        end = _payload_end(body, start, item_headers.get("length"))
        if end is None:
            raise BrokenEnvelope("invalid item length", envelope)
        envelope.items.append(Item(item_headers, item_type, view[start:end]))
        position = end + 1
    return envelope


def _header_line(body: bytes, start: int) -> tuple[dict[str, Any] | None, int]:
    """The JSON object in the line at `start`, None for anything else, and the next line's start."""
    end = _line_end(body, start)
    try:
        headers = parse_json(body[start:end]) if end - start <= LONGEST_LINE else None
    except BrokenJSON:
        headers = None
    return headers if isinstance(headers, dict) else None, min(end + 1, len(body))


def _payload_end(body: bytes, start: int, length: Any) -> int | None:
    """Where the payload at `start` ends: at the next newline without a `length`. None: nowhere."""
    if length is None:
        return _line_end(body, start)
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        return None
    end = start + length
    return end if end == len(body) or body[end : end + 1] == b"\n" else None


def _line_end(body: bytes, start: int) -> int:
    end = body.find(b"\n", start)
    return len(body) if end < 0 else end


def _after_blank_lines(body: bytes, position: int) -> int:
    while blank := BLANK_LINES.match(body, position):
        position = blank.end()
    return position
