"""Query strings about the health of releases to checked values (releases contract, sections 2 and
10; clients contract, section 8)."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.http import QueryDict

from sentrylite.api import params
from sentrylite.api.errors import BadParameter
from sentrylite.api.pagination import Cursor
from sentrylite.releases.health import COUNTS, DURATIONS, PERIODS, USERS, Figures
from sentrylite.releases.session_groups import Clause
from sentrylite.releases.sessions import Status
from stats.api.params import choices, read_range
from stats.periods import DAY, HOUR, Period

DEFAULT_RANGE = timedelta(days=90)
MAX_POINTS = 10_000
"""Of one answer: a group has one for each interval."""
TOO_MANY = (
    "Your interval and date range would create too many results. "
    "Use a larger interval, or a smaller date range."
)


@dataclass(frozen=True, slots=True)
class ReleaseStatsParams:
    of_users: bool
    intervals: list[range]
    """In hours since 1970, oldest first."""

    @classmethod
    def read(cls, query: QueryDict, now: datetime) -> Self:
        """Raises BadParameter."""
        stat = params.text(query, "type") or "sessions"
        if stat not in ("sessions", "users"):
            raise BadParameter("invalid stat")
        start, end = params.period(query, now)
        end = end or now
        width = _read_hours(params.text(query, "interval") or "24h")
        number = int((end - (start or end - DEFAULT_RANGE)) / timedelta(hours=width))
        if number > MAX_POINTS:
            raise BadParameter(TOO_MANY)
        stop = int(end.timestamp() // (width * HOUR)) * width + width
        intervals = [range(at, at + width) for at in range(stop - number * width, stop, width)]
        return cls(stat == "users", intervals)


def _read_hours(text: str) -> int:
    length = params.duration(text)
    seconds = length.total_seconds() if length else 0
    if not seconds or seconds % HOUR or seconds > 90 * DAY:
        raise BadParameter("Invalid interval. It takes whole hours, days or weeks, such as 24h.")
    return int(seconds // HOUR)


@dataclass(frozen=True, slots=True)
class HealthParams:
    """What a list of releases or the details of one are to say of their health."""

    is_wanted: bool
    summary: str
    series: str | None
    of_users: bool

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Raises BadParameter."""
        return cls(
            query.get("health") == "1",
            _read_period(query, "summaryStatsPeriod") or "14d",
            _read_period(query, "healthStatsPeriod"),
            params.choice(query, "healthStat", ("sessions", "users"), default="sessions")
            == "users",
        )


def _read_period(query: QueryDict, name: str) -> str | None:
    value = params.text(query, name)
    if value and value not in PERIODS:
        valid = ", ".join(map(repr, PERIODS))
        raise BadParameter(f"Invalid {name}. Valid choices are {valid}")
    return value or None


# Sessions -----------------------------------------------------------------------------------------

Value = int | float | None
Read = Callable[[Figures], Value]


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


SESSIONS_FIELD, USERS_FIELD = "sum(session)", "count_unique(user)"
RATES = {
    "errored_rate": Status.ERRORED,
    "unhandled_rate": Status.UNHANDLED,
    "abnormal_rate": Status.ABNORMAL,
    "crash_rate": Status.CRASHED,
}
QUANTILES = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def _free(rate: float | None) -> float | None:
    return None if rate is None else 1 - rate


# What is read for each field, and how it is made of that.
FIELDS: Mapping[str, tuple[str, Read]] = {
    SESSIONS_FIELD: (COUNTS, lambda figures: figures.total_sessions),
    USERS_FIELD: (USERS, lambda figures: figures.total_users),
    "crash_free_rate(session)": (
        COUNTS,
        lambda figures: _free(figures.rate_of_sessions(Status.CRASHED)),
    ),
    "crash_free_rate(user)": (
        USERS,
        lambda figures: _free(figures.rate_of_users(Status.CRASHED)),
    ),
    **{
        f"{name}(session)": (
            COUNTS,
            lambda figures, status=status: figures.rate_of_sessions(status),  # type: ignore[misc]
        )
        for name, status in RATES.items()
    },
    **{
        f"{name}(user)": (
            USERS,
            lambda figures, status=status: figures.rate_of_users(status),  # type: ignore[misc]
        )
        for name, status in RATES.items()
    },
    "avg(session.duration)": (DURATIONS, lambda figures: _seconds(figures.average_duration)),
    "max(session.duration)": (DURATIONS, lambda figures: _seconds(figures.duration_max)),
    **{
        f"{name}(session.duration)": (
            DURATIONS,
            lambda figures, part=part: _seconds(figures.quantile(part)),  # type: ignore[misc]
        )
        for name, part in QUANTILES.items()
    },
}

STATUS = "session.status"
GROUPINGS = ("project", "release", "environment", STATUS)


@dataclass(frozen=True, slots=True)
class SessionsParams:
    fields: tuple[str, ...]
    groups: tuple[str, ...]
    period: Period
    query: str
    clauses: tuple[Clause, ...]
    order: str
    is_descending: bool
    with_totals: bool
    with_series: bool
    cursor: Cursor
    size: int
    """Groups of a page."""

    @classmethod
    def read(cls, query: QueryDict, now: datetime) -> Self:
        """Raises BadParameter."""
        fields = choices(query, "field", FIELDS)
        if not fields:
            raise BadParameter(f"field is required. Valid choices are {', '.join(FIELDS)}.")
        groups = choices(query, "groupBy", GROUPINGS)
        if STATUS in groups and (rates := [name for name in fields if "_rate(" in name]):
            raise BadParameter(f"Cannot group {rates[0]} by {STATUS}.")
        text = (params.text(query, "query") or "").strip()
        order, is_descending = _read_order(query, fields)
        period = read_range(query, now)
        if len(period.buckets) > MAX_POINTS:
            raise BadParameter(TOO_MANY)
        most = MAX_POINTS // len(period.buckets)
        return cls(
            fields,
            groups,
            period,
            text,
            read_clauses(text),
            order,
            is_descending,
            query.get("includeTotals") != "0",
            query.get("includeSeries") != "0",
            Cursor.read(query),
            min(params.page_size(query, "per_page", "Invalid per_page parameter."), most),
        )

    @property
    def hours(self) -> list[range]:
        """The intervals, in hours since 1970."""
        width = self.period.width // HOUR
        return [range(at * width, (at + 1) * width) for at in self.period.buckets]

    @property
    def what(self) -> list[str]:
        """What has to be read for the fields."""
        return list(dict.fromkeys(FIELDS[name][0] for name in self.fields))


def _read_order(query: QueryDict, fields: Sequence[str]) -> tuple[str, bool]:
    value = params.text(query, "orderBy") or f"-{fields[0]}"
    name = value.removeprefix("-")
    if name not in fields:
        raise BadParameter(f"Invalid orderBy. Valid choices are {', '.join(fields)}.")
    return name, value.startswith("-")


KEYS = ("release", "environment", "project", "project.id")
MAX_QUERY, MAX_DEPTH = 10_000, 8
TOKEN = re.compile(
    r"(?P<word>[()]|AND\b|OR\b)"
    r"|(?P<negation>!?)(?P<key>[\w.]{1,50}):"
    r"(?:\[(?P<list>[^\]]*)\]|\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<value>[^\s()\"\[]+))"
)
ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",\s][^",]*))\s*(?:,|\Z)')
ESCAPED = re.compile(r"\\(.)")
UNREADABLE = (
    "Invalid query. It takes release, environment, project and project.id, such as "
    'release:"1.0" environment:[production,staging], and OR between values of the same one.'
)

Token = str | Clause


def read_clauses(text: str) -> tuple[Clause, ...]:
    """What a query asks for: all of the clauses. Between values of the same attribute there may be
    OR. Raises BadParameter."""
    if len(text) > MAX_QUERY:
        raise BadParameter(f"Invalid query: it is longer than {MAX_QUERY} characters.")
    tokens = deque(_tokens(text))
    clauses = _read_sequence(tokens, 0)
    if tokens:
        raise BadParameter(UNREADABLE)
    return tuple(clauses)


def _read_sequence(tokens: deque[Token], depth: int) -> list[Clause]:
    """The clauses up to the end, or to the parenthesis that closes them."""
    items: list[list[Clause]] = []
    words: set[str] = set()
    is_item_next = True
    while tokens and tokens[0] != ")":
        token = tokens.popleft()
        if token in ("AND", "OR"):
            if is_item_next:
                raise BadParameter(UNREADABLE)
            words.add(str(token))
            is_item_next = True
            continue
        if not is_item_next:
            words.add("AND")
        items.append(_read_item(token, tokens, depth))
        is_item_next = False
    if is_item_next and items:
        raise BadParameter(UNREADABLE)
    return [_any_of(items)] if words == {"OR"} else _all_of(items, words)


def _read_item(token: Token, tokens: deque[Token], depth: int) -> list[Clause]:
    if isinstance(token, Clause):
        return [token]
    inside = _read_sequence(tokens, depth + 1) if depth < MAX_DEPTH else []
    if not inside or not tokens or tokens.popleft() != ")":
        raise BadParameter(UNREADABLE)
    return inside


def _any_of(items: list[list[Clause]]) -> Clause:
    clauses = [clause for item in items for clause in item]
    [key, *others] = {clause.key for clause in clauses}
    if others or len(clauses) > len(items) or any(clause.is_negated for clause in clauses):
        raise BadParameter(UNREADABLE)
    return Clause(key, tuple(value for clause in clauses for value in clause.values), False)


def _all_of(items: list[list[Clause]], words: set[str]) -> list[Clause]:
    # OR binds weaker than AND, so together they would not be values of the same attribute.
    if "OR" in words:
        raise BadParameter(UNREADABLE)
    return [clause for item in items for clause in item]


def _tokens(text: str) -> Iterable[Token]:
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = TOKEN.match(text, position)
        if match is None:
            raise BadParameter(UNREADABLE)
        position = match.end()
        if match["word"]:
            yield match["word"]
        elif match["key"] not in KEYS:
            raise BadParameter(UNREADABLE)
        else:
            yield Clause(match["key"], _values(match), bool(match["negation"]))


def _values(match: re.Match[str]) -> tuple[str, ...]:
    if match["value"] is not None:
        return (match["value"],)
    if match["quoted"] is not None:
        return (ESCAPED.sub(r"\1", match["quoted"]),)
    items, position = [], 0
    while position < len(match["list"]):
        item = ITEM.match(match["list"], position)
        if item is None:
            raise BadParameter(UNREADABLE)
        quoted, bare = item.groups()
        items.append(bare.strip() if quoted is None else ESCAPED.sub(r"\1", quoted))
        position = item.end()
    return tuple(items)
