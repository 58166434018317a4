"""JSON values made storable: clean text, bounded size, forgiving conversions. Nothing here
knows what an attribute means."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from math import isfinite
from typing import Any, TypeAlias

import orjson

JsonObject: TypeAlias = dict[str, Any]

ELLIPSIS = "..."
MAX_NESTING = 100
"""Levels of a body that had to be cleaned; JSON writers give up at about 250."""
MAX_DEPTH = 16
"""Levels of free-form data (extra, contexts, variables)."""
MAX_EPOCH = 253_402_300_799.0
"""The last second `datetime` can say."""

_LONGEST_ADDRESS = 64
_SURROGATE = re.compile("[\ud800-\udfff]")
_SMALLEST_INTEGER, _LARGEST_INTEGER = -(2**63), 2**64 - 1


def clean(raw: Any) -> Any:
    """Any JSON value in; the same out, without NUL, lone surrogates, integers beyond 64 bits or
    nesting that cannot be written again. What is clean already, nearly everything, is not copied.
    """
    try:
        written = orjson.dumps(raw)
    except TypeError:
        return _cleaned(raw, MAX_NESTING)
    # An escaped backslash before "u0000" looks the same: cleaned in vain, but right.
    return _cleaned(raw, MAX_NESTING) if b"\\u0000" in written else raw


def _cleaned(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        if not levels:
            return ELLIPSIS
        return {clean_text(key): _cleaned(item, levels - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, levels - 1) for item in value] if levels else ELLIPSIS
    if isinstance(value, float):
        return value if isfinite(value) else 0
    if isinstance(value, int) and not _SMALLEST_INTEGER <= value <= _LARGEST_INTEGER:
        return _as_float(value)
    return value


def clean_text(text: str) -> str:
    """`text` without NUL, and with U+FFFD for every lone surrogate."""
    return _SURROGATE.sub("\ufffd", text.replace("\0", ""))


def _as_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return 0.0


def trim(text: str, limit: int) -> str:
    """At most `limit` characters, the last three of them dots where something was cut
    (ingest contract, section 8)."""
    return text if len(text) <= limit else text[: max(limit - len(ELLIPSIS), 0)] + ELLIPSIS


def trim_tree(value: Any, size: int) -> Any:
    """A copy of free-form data with about `size` characters in it and `MAX_DEPTH` levels.

    Keys come in order, so that it does not depend on the sender what is cut; non-finite numbers
    become 0 (ingest contract, section 6).
    """
    return _trim_tree(value, [size], MAX_DEPTH)


def _trim_tree(value: Any, left: list[int], levels: int) -> Any:
    """`left` holds the one number of characters that the whole tree may still take."""
    kind = type(value)
    if kind is str:
        size = len(value)
        if size > left[0]:
            value = trim(value, left[0])
        left[0] -= size
        return value
    left[0] -= 2
    if kind is dict:
        if not levels:
            return ELLIPSIS
        tree = {}
        for key, item in sorted(value.items()):
            left[0] -= len(key)
            if left[0] <= 0:
                break
            tree[key] = _trim_tree(item, left, levels - 1)
        return tree
    if kind is list:
        if not levels:
            return ELLIPSIS
        items = []
        for item in value:
            if left[0] <= 0:
                break
            items.append(_trim_tree(item, left, levels - 1))
        return items
    if kind is float and not isfinite(value):
        return 0
    return value


def scalar_text(value: Any) -> str | None:
    """Text, a number or a boolean as text; None for everything else."""
    if type(value) is str:
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def json_text(value: Any) -> str:
    """Text as it is, anything else as JSON."""
    return value if type(value) is str else orjson.dumps(value).decode()


def read_timestamp(value: Any) -> float | None:
    """Epoch seconds of a number or of an ISO 8601 text, which is UTC unless it says otherwise."""
    if type(value) is str:
        seconds = _read_date(value)
    elif type(value) is float or type(value) is int:
        seconds = float(value)
    else:
        return None
    return seconds if seconds is not None and 0 <= seconds <= MAX_EPOCH else None


def _read_date(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _read_number(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def _read_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def read_address(text: str) -> str | None:
    """An IP address in its usual spelling, without a zone; None if it is none."""
    return _read_address(text.strip().partition("%")[0][:_LONGEST_ADDRESS])


@lru_cache(maxsize=4096)
def _read_address(text: str) -> str | None:
    try:
        return str(ip_address(text))
    except ValueError:
        return None
