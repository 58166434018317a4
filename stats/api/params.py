"""Query strings of the stats paths to checked values (stats contract, sections 2 to 4a).

Whatever cannot be used is a BadParameter that names what can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from django.http import QueryDict

from sentrylite.api import params
from sentrylite.api.errors import BadParameter
from stats.models import Kind
from stats.periods import Period, requested
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


def _ids(query: QueryDict, names: list[str]) -> frozenset[int] | None:
    """The ids that all of these repeatable parameters list; None when none was given."""
    given = [frozenset(params.ids(query, name)) for name in names if name in query]
    return frozenset.intersection(*given) if given else None
