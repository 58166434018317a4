"""The search language of issue lists: text to terms (conventions contract, section 10).

A search is words and terms between spaces, and all of them must hold. Nothing here knows of tables;
what the terms mean in SQL is in `issues.filters`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

Operator = str  # <, <=, =, >= or >

# What one search may ask for: enough for people, and a bounded statement for the database.
MAX_TERMS = 50
MAX_VALUES = 100
MAX_NUMBER = 2**63 - 1

OPEN, RESOLVED, IGNORED = "unresolved", "resolved", "ignored"
STATUS_NAMES = {
    "unresolved": OPEN,
    "resolved": RESOLVED,
    "ignored": IGNORED,
    "muted": IGNORED,  # an old name
    "archived": IGNORED,  # a new one
}
ASSIGNED = {"assigned": True, "unassigned": False}
# As the documents' server lists them.
_IS = "['assigned', 'ignored', 'muted', 'resolved', 'unassigned', 'unresolved']"

# How people call what is not a tag, to what `issues.filters` calls it.
DATES = {
    "age": "first_seen",
    "firstSeen": "first_seen",
    "first_seen": "first_seen",
    "lastSeen": "last_seen",
    "last_seen": "last_seen",
    "activeSince": "active_since",
    "active_since": "active_since",
    "event.timestamp": "event_timestamp",
    "timestamp": "event_timestamp",
}
NUMBERS = {
    "timesSeen": "times_seen",
    "times_seen": "times_seen",
    "issue.id": "issue_id",
    "project.id": "project_id",
}
# Whether it says that nobody handled an error, or that somebody did.
HANDLED = {"error.handled": True, "error.unhandled": False}
FIELDS = {
    "assigned": "assigned",
    "assigned_to": "assigned",
    "assigned_or_suggested": "assigned",  # nobody is suggested
    "bookmarks": "bookmarks",
    "bookmarked_by": "bookmarks",
    "subscribed": "subscribed",
    "subscribed_by": "subscribed",
    "first-release": "first_release",
    "firstRelease": "first_release",
    "first_release": "first_release",
    "issue": "short_id",
    "issue.category": "category",
    "issue.type": "category",
    "issue.priority": "priority",
    "project": "project",
    "project.name": "project",
    "title": "title",
    "culprit": "culprit",
    "message": "message",
    "event.type": "type",
    "error.type": "error_type",
    "error.value": "error_value",
    "platform": "platform",
    "platform.name": "platform",
    "user.id": "user.id",
    "user.email": "user.email",
    "user.username": "user.username",
    "user.ip": "user.ip",
    # Tags too, but with more than their value to say.
    "user": "user",
    "release": "release",
}


KEYS = frozenset({"is", "has", *DATES, *NUMBERS, *HANDLED, *FIELDS})


class SearchError(ValueError):
    """A search that means nothing; says why, to follow "could not be parsed: "."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words one after another, or a text in quotes, somewhere in what an issue says."""

    text: str


@dataclass(frozen=True, slots=True)
class Is:
    status: str
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class IsAssigned:
    is_assigned: bool


@dataclass(frozen=True, slots=True)
class Has:
    """Whether a tag has a value."""

    key: str
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One of the values of FIELDS is one of these; `*` stands for any text."""

    field: str
    values: tuple[str, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag has one of these values; `*` stands for any text."""

    key: str
    values: tuple[str, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    field: str
    operator: Operator
    number: int
    is_negated: bool = False


class Bound(NamedTuple):
    operator: Operator
    moment: datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """A date within all of these bounds."""

    field: str
    bounds: tuple[Bound, ...]
    is_negated: bool = False


Term = Text | Is | IsAssigned | Has | Field | Tag | Number | Moment


@dataclass(frozen=True, slots=True)
class Search:
    """What all of the terms together ask for."""

    statuses: frozenset[str]
    """Of OPEN, RESOLVED and IGNORED."""
    is_open: bool
    """Whether issues that count as resolved by now are not wanted: `is:unresolved`."""
    terms: tuple[Term, ...]
    """All that is not about the status."""


def read_search(text: str, now: datetime) -> Search:
    """A search as people write it. Raises SearchError."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise SearchError("it holds a character that no text can have")
    statuses, is_open, rest = {OPEN, RESOLVED, IGNORED}, False, []
    for count, term in enumerate(_terms(text, now)):
        if count == MAX_TERMS:
            raise SearchError(f"it has more than {MAX_TERMS} terms")
        if isinstance(term, Is):
            statuses = statuses - {term.status} if term.is_negated else statuses & {term.status}
            is_open = is_open or (term.status == OPEN and not term.is_negated)
        else:
            rest.append(term)
    return Search(frozenset(statuses), is_open, tuple(rest))


# Text to tokens -----------------------------------------------------------------------------------

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_KEY = re.compile(rf"(!?)(?:{_QUOTED}|tags\[([^\]\s]+)\]|([A-Za-z0-9_.\-]+)):", re.DOTALL)
_QUOTED_VALUE = re.compile(rf"{_QUOTED}(?=\s|\Z)", re.DOTALL)
_LIST = re.compile(r"\[([^\]]+)\](?=\s|\Z)")
# Possessive, since spaces fit in three places: a list that is none is found out in one go.
_ITEM = re.compile(rf"\s*+(?:{_QUOTED}|([^,\"]*+))\s*+(?:,|\Z)", re.DOTALL)
_WORD = re.compile(r"\S+")
_SPACE = re.compile(r"\s+")
_ESCAPED_QUOTE = re.compile(r'\\(")')


class _Key(NamedTuple):
    name: str
    is_tag: bool
    is_negated: bool

    @property
    def is_known(self) -> bool:
        """Whether it can only be meant as a key."""
        return self.is_tag or self.name in KEYS


def _key(match: re.Match[str]) -> _Key:
    """What _KEY found."""
    negation, quoted, tag, bare = match.groups()
    return _Key(bare or tag or _unescape(quoted or ""), tag is not None, bool(negation))


def _terms(text: str, now: datetime) -> Iterator[Term]:
    """The terms in their order, words that follow one another as one."""
    place, words = 0, list[str]()
    while place < len(text):
        if space := _SPACE.match(text, place):
            place = space.end()
            continue
        term, end = _term_at(text, place, now)
        if term is None:
            words.append(_checked_word(text[place:end], text, place))
        else:
            if words:
                yield Text(" ".join(words))
                words = []
            yield term
        place = end
    if words:
        yield Text(" ".join(words))


def _checked_word(word: str, text: str, place: int) -> str:
    """A word that begins at this place of the text, unless it means more than a word."""
    if word.strip("()") in ("OR", "AND"):
        raise SearchError(
            'Boolean statements containing "OR" or "AND" are not supported in this search'
        )
    behind = place + len(word) - len(word.lstrip("("))
    match = _KEY.match(text, behind) if behind > place else None
    if match and _key(match).is_known and text[match.end() : place + len(word)]:
        raise SearchError(
            f"Parentheses around terms are not supported in this search: '{word}'. "
            "Put it in double quotes if it is meant to be text"
        )
    return word


def _term_at(text: str, place: int, now: datetime) -> tuple[Term | None, int]:
    """The term that starts here, None for a word; and where it ends."""
    if phrase := _QUOTED_VALUE.match(text, place):
        return Text(_unescape(phrase[1])), phrase.end()
    match = _KEY.match(text, place)
    if match is not None:
        key = _key(match)
        values, end = _values_at(text, match.end())
        if not _is_text(key, values):
            return _term(key, values, now), end
    word = _WORD.match(text, place)
    return None, word.end() if word else len(text)


def _values_at(text: str, place: int) -> tuple[tuple[str, ...], int]:
    """The values behind a colon, none if there is nothing; and where they end."""
    if quoted := _QUOTED_VALUE.match(text, place):
        return (_unescape(quoted[1]),), quoted.end()
    if (found := _LIST.match(text, place)) and (items := _items(found[1])):
        return items, found.end()
    word = _WORD.match(text, place)
    return ((word[0],), word.end()) if word else ((), place)


def _items(text: str) -> tuple[str, ...]:
    """The items of a list; none if it is not one."""
    items, place = [], 0
    while place < len(text):
        item = _ITEM.match(text, place)
        if item is None:
            return ()
        quoted, bare = item.groups()
        items.append(_unescape(quoted) if quoted is not None else bare.strip())
        if len(items) > MAX_VALUES:
            raise SearchError(f"a list has more than {MAX_VALUES} values")
        place = item.end()
    return tuple(items)


def _unescape(quoted: str) -> str:
    return _ESCAPED_QUOTE.sub(r"\1", quoted)


def _is_text(key: _Key, values: tuple[str, ...]) -> bool:
    """Whether this is no term but what people paste: `ValueError: it broke`, an address, `A::b`."""
    if key.is_known:
        return False
    return not key.name or not values or values[0].startswith(("//", ":"))


# Tokens to terms ----------------------------------------------------------------------------------


def _term(key: _Key, values: tuple[str, ...], now: datetime) -> Term:
    name, is_tag, is_negated = key
    if not is_tag and name == "is":
        return _is(_one(key, values), is_negated)
    if not is_tag and name in DATES:
        bounds = _read_bounds(_one(key, values), now)
        return Moment(DATES[name], bounds, is_negated)
    if not is_tag and name in NUMBERS:
        return Number(NUMBERS[name], *_read_number(_one(key, values)), is_negated)
    if not values:
        raise SearchError(f"Empty string after '{name}:'")
    if not is_tag and name in HANDLED:
        # An issue is unhandled when one of its events was.
        is_unhandled = _read_flag(key, _one(key, values)) != HANDLED[name]
        return Tag("handled", ("no",), is_unhandled == is_negated)
    if not is_tag and name == "has":
        value = _one(key, values)
        if not value:
            raise SearchError("Empty string after 'has:'")
        return Has(value, is_negated)
    if values == ("",):
        return Has(name, not is_negated)
    if not is_tag and name in FIELDS:
        return Field(FIELDS[name], values, is_negated)
    return Tag(name, values, is_negated)


def _one(key: _Key, values: tuple[str, ...]) -> str:
    if len(values) > 1:
        raise SearchError(f"'{key.name}:' takes one value")
    return values[0] if values else ""


def _is(value: str, is_negated: bool) -> Term:
    if value in STATUS_NAMES:
        return Is(STATUS_NAMES[value], is_negated)
    if value in ASSIGNED:
        return IsAssigned(ASSIGNED[value] != is_negated)
    raise SearchError(f'Invalid value for "is" search, valid values are {_IS}')


_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_NUMBER = re.compile(r"(>=|<=|>|<|=)?(-?[0-9]+)([kmb]?)")
_MULTIPLES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_RELATIVE = re.compile(r"([+-])([0-9]{1,12})([mhdw])")
_ABSOLUTE = re.compile(
    r"(>=|<=|>|<|=)?([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _read_flag(key: _Key, value: str) -> bool:
    if value.lower() not in _FLAGS:
        raise SearchError(f"'{key.name}:' is true or false, not '{value}'")
    return _FLAGS[value.lower()]


def _read_number(value: str) -> tuple[Operator, int]:
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise SearchError(f'"{value}" could not be converted to a number.')
    operator, digits, multiple = match.groups()
    # Python refuses to read thousands of digits, and the database has no number beyond.
    number = int(digits[:30]) * _MULTIPLES[multiple]
    return operator or "=", max(-MAX_NUMBER, min(number, MAX_NUMBER))


def _read_bounds(value: str, now: datetime) -> tuple[Bound, ...]:
    """A date as people write it: `-24h` is since then, `+12h` before then, a day is the whole of
    it and a moment some minutes around it."""
    try:
        bounds = _relative_bounds(value, now) or _absolute_bounds(value)
    except (ValueError, OverflowError):
        bounds = ()
    if not bounds:
        raise SearchError(f"{value} is not a valid datetime query")
    return bounds


def _relative_bounds(value: str, now: datetime) -> tuple[Bound, ...]:
    match = _RELATIVE.fullmatch(value)
    if match is None:
        return ()
    sign, count, unit = match.groups()
    moment = now - timedelta(**{_UNITS[unit]: int(count)})
    return (Bound(">=" if sign == "-" else "<=", moment),)


def _absolute_bounds(value: str) -> tuple[Bound, ...]:
    match = _ABSOLUTE.fullmatch(value)
    if match is None:
        return ()
    operator, day, time = match.groups()
    moment = datetime.fromisoformat(day + (time or ""))
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if operator and operator != "=":
        return (Bound(operator, moment),)
    if time is None:
        return Bound(">=", moment), Bound("<", moment + timedelta(days=1))
    return (
        Bound(">=", moment - timedelta(minutes=5)),
        Bound("<", moment + timedelta(minutes=6)),
    )
