"""Query strings of the stats paths to checked values (stats contract, sections 2 to 4a).

Whatever cannot be used is a BadParameter that names what can.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.http import QueryDict

from sentrylite.api import params
from sentrylite.api.errors import BadParameter
from stats.models import Kind
from stats.outcomes import CATEGORIES, ERROR, OUTCOMES, Outcome
from stats.periods import DAY, HOUR, Period, requested
from stats.usage import FILTERS

ORGANIZATION_STATS = {
    "received": Kind.ORGANIZATION_RECEIVED,
    "rejected": Kind.ORGANIZATION_REJECTED,
    "blacklisted": Kind.ORGANIZATION_BLACKLISTED,
}
PROJECT_STATS = {
    "received": Kind.PROJECT_RECEIVED,
    "rejected": Kind.PROJECT_REJECTED,
    "blacklisted": Kind.PROJECT_BLACKLISTED,
    "generated": Kind.PROJECT_GENERATED,
}
GROUPS: Mapping[str, Mapping[str, Kind]] = {
    "organization": ORGANIZATION_STATS,
    "project": PROJECT_STATS,
}
STATS_OF_ONE_PROJECT: Mapping[str, Kind] = {
    **PROJECT_STATS,
    "forwarded": Kind.PROJECT_FORWARDED,
    **dict.fromkeys(FILTERS, Kind.FILTERED),
}


def read_period(query: QueryDict, now: float) -> Period:
    """`since`, `until` and `resolution`; absent and empty ones have their defaults."""
    since, until = params.epoch(query, "since"), params.epoch(query, "until")
    try:
        return requested(since, until, params.text(query, "resolution"), now=now)
    except ValueError as error:
        raise BadParameter(str(error)) from error


def read_environment(query: QueryDict, kind: Kind) -> str | None:
    """The name asked for, where it matters: only stored events are counted by environment."""
    return params.text(query, "environment") if kind is Kind.PROJECT_GENERATED else None


@dataclass(frozen=True, slots=True)
class OrganizationStatsParams:
    group: str
    kind: Kind
    period: Period
    environment: str | None
    ids: frozenset[int] | None
    """Only these organizations (`id`) or projects (`id` and `projectID`); None is all."""

    @classmethod
    def read(cls, query: QueryDict, now: float) -> Self:
        group = params.choice(query, "group", GROUPS, default="organization")
        kind = GROUPS[group][params.choice(query, "stat", GROUPS[group], default="received")]
        return cls(
            group,
            kind,
            read_period(query, now),
            read_environment(query, kind),
            _ids(query, ["id", "projectID"] if group == "project" else ["id"]),
        )


@dataclass(frozen=True, slots=True)
class ProjectStatsParams:
    kind: Kind
    filter_id: int | None
    """The filter's number, when the kind is FILTERED."""
    period: Period
    environment: str | None

    @classmethod
    def read(cls, query: QueryDict, now: float) -> Self:
        stat = params.choice(query, "stat", STATS_OF_ONE_PROJECT, default="received")
        kind = STATS_OF_ONE_PROJECT[stat]
        return cls(kind, FILTERS.get(stat), read_period(query, now), read_environment(query, kind))


@dataclass(frozen=True, slots=True)
class TeamStatsParams:
    """There is no `stat`: whatever it says, a team's stats are its stored events."""

    period: Period
    environment: str | None

    @classmethod
    def read(cls, query: QueryDict, now: float) -> Self:
        return cls(read_period(query, now), params.text(query, "environment"))


FIELDS = ("sum(quantity)", "sum(times_seen)")
GROUPINGS = ("outcome", "category", "reason", "project")
# Older names of what is all errors.
CATEGORY_NAMES = {**{name: name for name in CATEGORIES}, "default": ERROR, "security": ERROR}
DEFAULT_RANGE = timedelta(days=90)
INTERVALS = ", ".join(f"{hours}h" for hours in range(1, 25) if 24 % hours == 0)
_UNITS = {"s": 1, "m": 60, "h": HOUR, "d": DAY}


@dataclass(frozen=True, slots=True)
class OutcomeStatsParams:
    """Which outcomes, and how, in the parameters that today's clients send."""

    fields: tuple[str, ...]
    groups: tuple[str, ...]
    period: Period
    outcomes: frozenset[str] | None
    categories: frozenset[str] | None
    reasons: frozenset[str] | None
    """Each None for all of them."""

    @classmethod
    def read(cls, query: QueryDict, now: datetime, groups: tuple[str, ...] | None = None) -> Self:
        """With these `groups`, or those that the parameter `groupBy` chooses."""
        fields = choices(query, "field", FIELDS)
        if not fields:
            raise BadParameter(f"field is required. Valid choices are {', '.join(FIELDS)}.")
        categories = choices(query, "category", CATEGORY_NAMES)
        return cls(
            fields,
            choices(query, "groupBy", GROUPINGS) if groups is None else groups,
            read_range(query, now),
            frozenset(choices(query, "outcome", OUTCOMES)) or None,
            frozenset(CATEGORY_NAMES[name] for name in categories) or None,
            frozenset(query.getlist("reason")) or None,
        )

    def wants(self, outcome: Outcome) -> bool:
        return (
            (self.outcomes is None or outcome.outcome in self.outcomes)
            and (self.categories is None or outcome.category in self.categories)
            and (self.reasons is None or outcome.reason in self.reasons)
        )


def read_range(query: QueryDict, now: datetime) -> Period:
    """`statsPeriod`, or `start` and `end`, and `interval`: the whole intervals that it touches."""
    width = _read_interval(query)
    start, end = params.period(query, now)
    first = (start or now - DEFAULT_RANGE).timestamp() // width
    last = max(first, -(-(end or now).timestamp() // width) - 1)
    if (last + 1) * width > params.LATEST:
        raise BadParameter("Invalid end: there are no dates after the year 9999.")
    try:
        return Period(first * width, last * width, width)
    except ValueError as error:
        raise BadParameter(str(error)) from error


def _read_interval(query: QueryDict) -> int:
    value = params.text(query, "interval") or "1h"
    number, unit = value[:-1], value[-1]
    if number.isascii() and number.isdigit() and len(number) < 7 and unit in _UNITS:
        seconds = int(number) * _UNITS[unit]
        if seconds and seconds % HOUR == 0 and DAY % seconds == 0:
            return seconds
    raise BadParameter(
        f"Invalid interval. It takes a number of hours that divides a day: {INTERVALS}."
    )


def choices(query: QueryDict, name: str, choices: Iterable[str]) -> tuple[str, ...]:
    """The values of a repeatable parameter, each once. Raises BadParameter naming the choices."""
    values = tuple(dict.fromkeys(value for value in query.getlist(name) if value))
    if not set(values) <= set(choices):
        raise BadParameter(f"Invalid {name}. Valid choices are {', '.join(choices)}.")
    return values


def _ids(query: QueryDict, names: list[str]) -> frozenset[int] | None:
    """The ids that all of these repeatable parameters list; None when none was given."""
    given = [frozenset(params.ids(query, name)) for name in names if name in query]
    return frozenset.intersection(*given) if given else None
