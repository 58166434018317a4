"""Query strings and path parts about issues and events to checked values."""

import re
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from django.http import QueryDict

from issues.models import Issue
from sentrylite.api import params
from sentrylite.api.errors import BadParameter
from sentrylite.api.pagination import Cursor
from stats.periods import LIST_DAYS_14, LIST_HOURS_24, Span

Status = Issue.Status

EVENT_ID = re.compile(r"[0-9a-fA-F]{32}")
SORTS = ("date", "new", "priority", "freq")
SPANS = {"24h": LIST_HOURS_24, "14d": LIST_DAYS_14}
STATUSES = {
    "": (Status.UNRESOLVED, Status.RESOLVED, Status.IGNORED),
    "is:unresolved": (Status.UNRESOLVED,),
    "is:resolved": (Status.RESOLVED,),
    "is:ignored": (Status.IGNORED,),
}


def read_event_id(text: str) -> UUID | None:
    """An event id as people write it, in capitals or with dashes too; None if it is none."""
    digits = text.replace("-", "")
    return UUID(digits) if EVENT_ID.fullmatch(digits) else None


@dataclass(frozen=True, slots=True)
class IssueListParams:
    """Which issues of a project, and what about them (issues contract, section 5)."""

    statuses: tuple[Status, ...]
    """Issues in none of these are not wanted; empty when an event is looked for."""
    event_id: UUID | None
    spans: dict[str, Span]
    """What to count events over."""
    cursor: Cursor
    limit: int

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Raises BadParameter."""
        search = (params.text(query, "query", default="is:unresolved") or "").strip()
        event_id = read_event_id(search)
        _check_sort(query)
        refuse_environment(query)
        return cls(
            () if event_id else _read_statuses(search),
            event_id,
            _read_spans(query),
            Cursor.read(query),
            params.page_size(query, "limit", "invalid limit"),
        )


def _read_statuses(search: str) -> tuple[Status, ...]:
    if search not in STATUSES:
        raise BadParameter(
            "This search is not supported yet. Supported are is:unresolved, is:resolved, "
            "is:ignored, the id of an event, and an empty query for all issues."
        )
    return STATUSES[search]


def _check_sort(query: QueryDict) -> None:
    sort = params.choice(query, "sort", SORTS, default="date")
    if sort != "date":
        raise BadParameter(f"Sorting by {sort} is not supported yet. Use date.")


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
