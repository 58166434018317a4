"""The plain attributes of an event: id, times, names, tags and fingerprint."""

import re
from typing import Any
from uuid import uuid4

from issues.payload.fields import read_object
from issues.payload.levels import level_name
from issues.payload.problems import Problems
from issues.payload.values import (
    JsonObject,
    json_text,
    read_timestamp,
    scalar_text,
    trim,
    trim_tree,
)

MAX_TAG_KEY = 32
MAX_TAG_VALUE = 200
MAX_AHEAD = 60.0
MAX_AGE = 30 * 24 * 3600.0

PLATFORMS = frozenset(
    (
        "as3",
        "c",
        "cfml",
        "cocoa",
        "csharp",
        "elixir",
        "go",
        "groovy",
        "haskell",
        "java",
        "javascript",
        "native",
        "node",
        "objc",
        "other",
        "perl",
        "php",
        "python",
        "ruby",
    )
)

_EVENT_ID = re.compile(r"[0-9a-f]{32}")
_NO_ID = "0" * 32
_TAG_KEY = re.compile(rf"[a-zA-Z0-9_.:-]{{1,{MAX_TAG_KEY}}}")
_RESERVED_TAGS = frozenset(("release", "dist", "user", "filename", "function"))
_DIST = re.compile(r"[a-zA-Z0-9_.-]+")
_LINE_BREAK = re.compile(r"[\n\r\f]")
_VERSION_BREAK = re.compile(r"[\n\r\f/]")
_LARGEST_EXACT_FLOAT = 2**53


def read_event_id(value: Any, problems: Problems) -> str:
    """32 hex digits: the given ones, or new ones."""
    if type(value) is str:
        event_id = value.replace("-", "").lower()
        if _EVENT_ID.fullmatch(event_id) and event_id != _NO_ID:
            return event_id
    if value is not None:
        problems.invalid("event_id", value, "invalid event identifier")
    return uuid4().hex


def read_event_time(value: Any, now: float, problems: Problems) -> float:
    """When it happened; when it was received, if that cannot be right."""
    if value is None:
        return now
    moment = read_timestamp(value)
    if moment is None:
        problems.invalid("timestamp", value, "input contains invalid characters")
    elif moment > now + MAX_AHEAD:
        problems.add("future_timestamp", "timestamp", value=moment)
    elif moment < now - MAX_AGE:
        problems.add("past_timestamp", "timestamp", value=moment)
    else:
        return moment
    return now


def read_level(value: Any, default: str, problems: Problems) -> str:
    """The name of the level."""
    if value is None:
        return default
    level = level_name(value)
    if level is None:
        problems.invalid("level", value, "invalid level")
    return level or default


def read_platform(value: Any) -> str:
    """A platform that we know, else `other`."""
    return value if type(value) is str and value in PLATFORMS else "other"


def read_short_text(value: Any, path: str, problems: Problems) -> str | None:
    """One trimmed text of at most 200 characters."""
    return _read_name(value, path, problems, 200)


def read_logger(value: Any, path: str, problems: Problems) -> str | None:
    """At most 64 characters without line breaks."""
    return _read_name(value, path, problems, 64, forbidden=_LINE_BREAK)


def read_release(value: Any, path: str, problems: Problems) -> str | None:
    """At most 200 characters without line breaks and slashes."""
    return _read_name(value, path, problems, 200, forbidden=_VERSION_BREAK)


def read_environment(value: Any, path: str, problems: Problems) -> str | None:
    """At most 64 characters without line breaks and slashes."""
    return _read_name(value, path, problems, 64, forbidden=_VERSION_BREAK)


def read_dist(value: Any, path: str, problems: Problems) -> str | None:
    """At most 200 characters of a version's build name."""
    if type(value) is not str:
        problems.invalid(path, value, "expected a string")
        return None
    dist = trim(value.strip(), 200)
    if dist and not _DIST.fullmatch(dist):
        problems.invalid(path, value, "invalid characters in string")
        return None
    return dist or None


def _read_name(
    value: Any,
    path: str,
    problems: Problems,
    limit: int,
    *,
    forbidden: re.Pattern[str] | None = None,
) -> str | None:
    text = scalar_text(value)
    if text is None:
        problems.invalid(path, value, "expected a string")
        return None
    text = text.strip()
    if forbidden is not None and forbidden.search(text):
        problems.invalid(path, value, "invalid characters in string")
        return None
    return trim(text, limit) or None


def read_extra(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """Free-form data of about 16 thousand characters."""
    source = read_object(value, path, problems, "expected an object")
    return trim_tree(source, 16384) if source else None


def read_tags(value: Any, path: str, problems: Problems) -> list[list[str]] | None:
    """The sender's own tags as pairs, sorted by key. Bad keys and missing values vanish without
    a word, bad values are noted (observed contract, section 9)."""
    if type(value) is dict:
        pairs: list[Any] = sorted(value.items())
    elif type(value) is list:
        pairs = value
    else:
        problems.invalid(path, value, "expected a list or an object")
        return None
    tags = {}
    for index, pair in enumerate(pairs):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            if pair is not None:
                problems.invalid(f"{path}.{index}", pair, "expected a tuple")
            continue
        key = _read_tag_key(pair[0])
        text = _read_tag_value(pair[1], f"{path}.{index}", problems) if key else None
        if key and text:
            tags[key] = text
    return [[key, tags[key]] for key in sorted(tags)] or None


def _read_tag_key(value: Any) -> str | None:
    key = (scalar_text(value) or "").strip().replace(" ", "-")
    return key if is_tag_key(key) and key not in _RESERVED_TAGS else None


def is_tag_key(key: str) -> bool:
    """Whether a tag may have this key."""
    return _TAG_KEY.fullmatch(key) is not None


def _read_tag_value(value: Any, path: str, problems: Problems) -> str | None:
    if value is None:
        return None
    text = (scalar_text(value) or "").strip()
    if not text or "\n" in text:
        problems.invalid(f"{path}.1", value, "invalid characters in string")
        return None
    if len(text) > MAX_TAG_VALUE:
        problems.too_long(path, value)
        return None
    return text


def read_fingerprint(value: Any, path: str, problems: Problems) -> list[str] | None:
    """The parts that decide about grouping as texts; numbers lose their fraction."""
    if type(value) is not list:
        problems.invalid(path, value, "expected a list")
        return None
    parts = []
    for index, item in enumerate(value):
        if type(item) is float:
            if not abs(item) < _LARGEST_EXACT_FLOAT:
                problems.invalid(f"{path}.{index}", item, "expected a number that is exact")
                continue
            item = int(item)
        text = scalar_text(item)
        if text is not None:
            parts.append(text)
    return parts or None


def read_checksum(value: Any, path: str, problems: Problems) -> str | None:
    """The hash, or what to make one from, of senders that group themselves."""
    return trim(json_text(value), 128) or None
