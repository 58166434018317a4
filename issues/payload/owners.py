"""Ownership rules: which events are whose.

    # comment
    path:src/views/*         jane@example.com #frontend
    url:*/checkout/*         #payments
    tags.browser.name:Safari #frontend
    path:"with spaces/*"     #frontend

A pattern has `*` for any text, `?` for any character and `[ab]` for one of some, in any letter
case. Owners are e-mail addresses and teams. The last rule that matches an event says whose it is.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple

from .values import JsonObject

MAX_RULES = 500
MAX_OWNERS = 20

LINE = re.compile(
    r'(?P<place>path|url|tags\.[^\s:"]+):(?:"(?P<quoted>[^"]+)"|(?P<bare>\S+))(?P<owners>.*)'
)
OWNER = re.compile(r"#[a-z0-9_\-]{1,50}|[^\s@#,]{1,64}@[^\s@#,]{1,190}")


class BadRule(ValueError):
    """A rule that cannot be read; its text names the line and says why."""


class Rule(NamedTuple):
    place: str
    """`path`, `url`, or `tags.` with a key."""
    matches: Callable[[str], object]
    owners: tuple[str, ...]
    """In lower case, the first one first: e-mail addresses, and slugs of teams after `#`."""


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[Rule, ...]:
    """The rules in a text, in their order. Raises BadRule."""
    rules = tuple(_rules(text))
    if len(rules) > MAX_RULES:
        raise BadRule(f"There are {len(rules)} rules, more than {MAX_RULES}.")
    return rules


def _rules(text: str) -> Iterator[Rule]:
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line and not line.startswith("#"):
            yield _rule(line, number)


def _rule(line: str, number: int) -> Rule:
    match = LINE.fullmatch(line)
    if match is None:
        raise BadRule(
            f"Line {number}: a rule is path:, url: or tags.<key>: with a pattern, and its owners."
        )
    owners = tuple(match["owners"].lower().split())
    if not owners:
        raise BadRule(f"Line {number}: the rule has no owners.")
    if match["quoted"] is None and '"' in match["bare"]:
        raise BadRule(f"Line {number}: a quotation mark is missing.")
    if len(owners) > MAX_OWNERS:
        raise BadRule(f"Line {number}: the rule has more than {MAX_OWNERS} owners.")
    for owner in owners:
        if not OWNER.fullmatch(owner):
            raise BadRule(f"Line {number}: {owner[:100]} is no e-mail address and no #team.")
    pattern = re.compile(translate(match["quoted"] or match["bare"]), re.IGNORECASE)
    return Rule(match["place"], pattern.match, owners)


def owners_of(event: JsonObject, rules: Sequence[Rule]) -> tuple[str, ...]:
    """The owners that the last matching rule names for a stored event; none without a match."""
    texts: dict[str, list[str]] = {}
    for rule in reversed(rules):
        if rule.place not in texts:
            texts[rule.place] = list(_texts(event, rule.place))
        if any(rule.matches(text) for text in texts[rule.place]):
            return rule.owners
    return ()


def _texts(event: JsonObject, place: str) -> Iterator[str]:
    """What the rules for a place are compared with."""
    if place == "path":
        yield from {path for frame in _frames(event) for path in _paths(frame)}
    elif place == "url":
        url = (event.get("request") or {}).get("url")
        if isinstance(url, str):
            yield url
    else:
        key = place.removeprefix("tags.")
        yield from (value for name, value in event.get("tags") or () if name == key)


def _frames(event: JsonObject) -> Iterator[JsonObject]:
    exceptions = (event.get("exception") or {}).get("values") or ()
    threads = (event.get("threads") or {}).get("values") or ()
    for holder in (*exceptions, *threads, event):
        stacktrace = (holder or {}).get("stacktrace") or {}
        yield from (frame for frame in stacktrace.get("frames") or () if frame)


def _paths(frame: JsonObject) -> Iterator[str]:
    for name in ("filename", "abs_path"):
        if isinstance(path := frame.get(name), str):
            yield path
