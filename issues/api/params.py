"""Query strings and path parts about issues and events to checked values."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self, cast
from uuid import UUID

from django.http import QueryDict

from issues.models import Issue
from issues.queries import Sort
from issues.search import IGNORED, OPEN, RESOLVED, Search, SearchError, read_search
from sentrylite.api import params
from sentrylite.api.errors import BadParameter
from sentrylite.api.pagination import Cursor
from stats.periods import LIST_DAYS_14, LIST_HOURS_24, Span

EVENT_ID = re.compile(r"[0-9a-fA-F]{32}")
SORTS: tuple[Sort, ...] = ("date", "new", "priority", "freq")
SPANS = {"24h": LIST_HOURS_24, "14d": LIST_DAYS_14}
STATUSES = {
    OPEN: Issue.Status.UNRESOLVED,
    RESOLVED: Issue.Status.RESOLVED,
    IGNORED: Issue.Status.IGNORED,
}


def read_event_id(text: str) -> UUID | None:
    """An event id as people write it, in capitals or with dashes too; None if it is none."""
    digits = text.replace("-", "")
    return UUID(digits) if EVENT_ID.fullmatch(digits) else None


@dataclass(frozen=True, slots=True)
class IssueSearchParams:
    """Which issues of a project (issues contract, section 5)."""

    text: str
    """The search as it was written, for what may be found directly."""
    search: Search
    statuses: tuple[int, ...]
    """Issues in none of these are not wanted."""
    environments: frozenset[str] | None
    """Only issues seen in one of these; None is any."""
    sort: Sort

    @classmethod
    def read(cls, query: QueryDict, now: datetime) -> Self:
        """Raises BadParameter."""
        text = (params.text(query, "query", default="is:unresolved") or "").strip()
        try:
            search = read_search(text, now)
        except SearchError as error:
            problem = f"Your search query could not be parsed: {error}"
            raise BadParameter(problem) from error
        return cls(
            text,
            search,
            tuple(number for name, number in STATUSES.items() if name in search.statuses),
            _read_environments(query),
            cast(Sort, params.choice(query, "sort", SORTS, default="date")),
        )


@dataclass(frozen=True, slots=True)
class IssueListParams:
    """A page of what is found, and what about it."""

    chosen: IssueSearchParams
    event_id: UUID | None
    short_id: str | None
    """An event, and the name of an issue, that may be found directly."""
    spans: dict[str, Span]
    """What to count events over."""
    cursor: Cursor
    limit: int

    @classmethod
    def read(cls, query: QueryDict, now: datetime) -> Self:
        """Raises BadParameter."""
        chosen = IssueSearchParams.read(query, now)
        return cls(
            chosen,
            read_event_id(chosen.text),
            chosen.text if query.get("shortIdLookup") == "1" else None,
            _read_spans(query),
            Cursor.read(query),
            params.page_size(query, "limit", "invalid limit"),
        )


def _read_environments(query: QueryDict) -> frozenset[str] | None:
    names = query.getlist("environment")
    if any("\0" in name for name in names):
        raise BadParameter("Invalid environment: it holds a NUL character.")
    return frozenset(names) if names else None


def refuse_environment(query: QueryDict) -> None:
    """Raises BadParameter when the query chooses an environment."""
    # To overlook it would be to answer with other environments' issues.
    if "environment" in query:
        raise BadParameter("Choosing an environment is not supported yet.")


def _read_spans(query: QueryDict) -> dict[str, Span]:
    period = query.get("statsPeriod", "24h")
    if period and period not in SPANS:
        raise BadParameter("Invalid stats_period. Valid choices are '', '24h', and '14d'")
    return {period: SPANS[period]} if period else {}
