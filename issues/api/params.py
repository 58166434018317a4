"""Query strings and path parts about issues and events to checked values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from issues import event_filters, project_tags
from issues.event_filters import EventSearch
from issues.filters import Where
from issues.models import Issue
from issues.queries import SORT_KEYS, Sort
from issues.search import (
    IGNORED,
    OPEN,
    RESOLVED,
    STATUS_NAMES,
    Bound,
    Moment,
    Search,
    SearchError,
    Term,
    read_search,
)
from issues.tags import Order
from sentrylite.api import params
from sentrylite.api.errors import BadParameter
from sentrylite.api.pagination import Cursor
from stats.periods import DAY, HOUR, LIST_DAYS_14, LIST_HOURS_24, SAMPLES, Span

EVENT_ID = re.compile(r"[0-9a-fA-F]{32}")
SORTS: dict[str, Sort] = {name: name for name in SORT_KEYS}
# What later servers weigh up in ways of their own is sorted by date here.
LATER_SORTS: dict[str, Sort] = {"recommended": "date", "inbox": "date", "trends": "date"}
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


def read_share_id(text: str) -> UUID | None:
    """The last part of an issue's public address; None if it is none."""
    return UUID(text) if EVENT_ID.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class IssueSearchParams:
    """Which issues (issues contract, section 5)."""

    text: str
    """The search as it was written, for what may be found directly."""
    search: Search
    statuses: tuple[int, ...]
    """Issues in none of these are not wanted."""
    environments: frozenset[str] | None
    """Only issues seen in one of these; None is any."""
    sort: Sort
    since: datetime | None
    until: datetime | None
    """Only issues that were seen in this time: last not before it and first not after it."""

    @property
    def terms(self) -> tuple[Term, ...]:
        """What is asked of an issue beside its status and when it was last seen."""
        if self.until is None:
            return self.search.terms
        return *self.search.terms, Moment("first_seen", (Bound("<=", self.until),))

    @classmethod
    def of_project(cls, query: QueryDict, now: datetime) -> Self:
        """Raises BadParameter."""
        return cls._read(query, now, SORTS, None, None)

    @classmethod
    def of_organization(cls, query: QueryDict, now: datetime) -> Self:
        """Here `statsPeriod`, or `start` and `end`, say when issues were seen. Raises
        BadParameter."""
        since, until = params.period(query, now)
        # What was first seen until now is everything.
        until = until if until and until < now else None
        return cls._read(query, now, SORTS | LATER_SORTS, since, until)

    @classmethod
    def _read(
        cls,
        query: QueryDict,
        now: datetime,
        sorts: Mapping[str, Sort],
        since: datetime | None,
        until: datetime | None,
    ) -> Self:
        text = (params.text(query, "query", default="is:unresolved") or "").strip()
        try:
            search = read_search(text, now)
        except SearchError as error:
            raise _not_parsed(error) from error
        return cls(
            text,
            search,
            tuple(number for name, number in STATUSES.items() if name in search.statuses),
            _read_environments(query),
            sorts[params.choice(query, "sort", sorts, default="date")],
            since,
            until,
        )


def _not_parsed(error: SearchError) -> BadParameter:
    return BadParameter(f"Your search query could not be parsed: {error}")


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

    collapsed: frozenset[str]
    """The names of what is to be left out."""

    @classmethod
    def of_project(cls, query: QueryDict, now: datetime) -> Self:
        """Raises BadParameter."""
        return cls._read(
            query,
            IssueSearchParams.of_project(query, now),
            _read_spans(query, "statsPeriod", "stats_period", SPANS),
            params.page_size(query, "limit", "invalid limit"),
            frozenset(),
        )

    @classmethod
    def of_organization(cls, query: QueryDict, now: datetime) -> Self:
        """Here `groupStatsPeriod` says what to count events over. Raises BadParameter."""
        chosen = IssueSearchParams.of_organization(query, now)
        choices = SPANS | {"auto": span_since(chosen.since, now)}
        spans = _read_spans(query, "groupStatsPeriod", "groupStatsPeriod", choices)
        size = read_page_size(query)
        return cls._read(
            query,
            chosen,
            spans,
            params.page_size(query, "limit", "invalid limit", default=size),
            frozenset(query.getlist("collapse")),
        )

    @classmethod
    def _read(
        cls,
        query: QueryDict,
        chosen: IssueSearchParams,
        spans: dict[str, Span],
        limit: int,
        collapsed: frozenset[str],
    ) -> Self:
        return cls(
            chosen,
            read_event_id(chosen.text),
            chosen.text if query.get("shortIdLookup") == "1" else None,
            {} if "stats" in collapsed else spans,
            Cursor.read(query),
            limit,
            collapsed,
        )


def read_change(query: QueryDict) -> QueryDict:
    """Which issues to change, as a list's query says it. Without ids and a search these are all
    issues, or all of one `status`, which is what `sentry-cli issues resolve --all` and
    `--status muted` mean (clients contract, section 5). Raises BadParameter."""
    if "query" in query:
        return query
    changed = query.copy()
    changed["query"] = ""
    if query.get("status"):
        changed["query"] = f"is:{params.choice(query, 'status', STATUS_NAMES, default='')}"
    return changed


MAX_SEARCHES = 10


def read_searches(query: QueryDict, now: datetime) -> dict[str, IssueSearchParams]:
    """What each of the repeated `query` asks of an organization's issues, by how it is written.

    Raises BadParameter.
    """
    texts = dict.fromkeys(query.getlist("query"))
    if len(texts) > MAX_SEARCHES:
        raise BadParameter(f"Invalid query: more than {MAX_SEARCHES} searches.")
    searches = {}
    for text in texts:
        one = query.copy()
        one["query"] = text
        searches[text] = IssueSearchParams.of_organization(one, now)
    return searches


def _read_spans(
    query: QueryDict, name: str, called: str, choices: Mapping[str, Span]
) -> dict[str, Span]:
    period = query.get(name, "24h")
    if period and period not in choices:
        *most, last = ("", *choices)
        raise BadParameter(
            f"Invalid {called}. Valid choices are {', '.join(map(repr, most))}, and {last!r}"
        )
    return {period: choices[period]} if period else {}


def span_since(since: datetime | None, now: datetime) -> Span:
    """Back to then by the hour, where that is two days at most, else by the day."""
    if since is None:
        return LIST_DAYS_14
    age = max((now - since).total_seconds(), 0)
    width = HOUR if age <= 2 * DAY else DAY
    return Span(width, min(int(age // width), SAMPLES[width]))


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


# Events -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EventListParams:
    """Which events of an issue or a project, and how (issues contract, section 6; events contract,
    section 1)."""

    event_id: UUID | None
    where: Where
    environments: tuple[str, ...]
    start: datetime | None
    end: datetime | None
    is_full: bool
    cursor: Cursor
    size: int

    @classmethod
    def of_issue(cls, query: QueryDict, now: datetime) -> Self:
        """Raises BadParameter."""
        text = _read_query(query)
        if event_id := read_event_id(text):
            return cls._read(query, now, event_filters.containing(text), event_id)
        try:
            return cls._read(query, now, event_filters.read(read_search(text, now)))
        except SearchError as error:
            raise _not_parsed(error) from error

    @classmethod
    def of_project(cls, query: QueryDict, now: datetime) -> Self:
        """The search is for one text, as it stands. Raises BadParameter."""
        text = _read_query(query)
        search = event_filters.containing(text) if text else event_filters.ALL
        return cls._read(query, now, search)

    @classmethod
    def _read(
        cls,
        query: QueryDict,
        now: datetime,
        search: EventSearch,
        event_id: UUID | None = None,
    ) -> Self:
        return cls(
            event_id,
            search.where,
            read_environments(query),
            *search.within(*params.period(query, now)),
            bool(query.get("full")),
            Cursor.read(query),
            read_page_size(query),
        )


def _read_query(query: QueryDict) -> str:
    return (params.text(query, "query") or "").strip()


def read_page_size(query: QueryDict) -> int:
    """Raises BadParameter."""
    return params.page_size(query, "per_page", "Invalid per_page parameter.")


def read_environments(query: QueryDict) -> tuple[str, ...]:
    """The names in the repeatable parameter `environment`. Raises BadParameter."""
    names = tuple(dict.fromkeys(query.getlist("environment")))
    if any("\0" in name for name in names):
        raise BadParameter("Invalid environment: it holds a NUL character.")
    if len(names) > params.MAX_PER_PAGE:
        raise BadParameter(f"Invalid environment: more than {params.MAX_PER_PAGE} names.")
    return names


@dataclass(frozen=True, slots=True)
class ScrubbingSuggestionsParams:
    """Which event to look at, if any."""

    event_id: UUID | None
    project_id: int | None

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        text, project = query.get("eventId"), query.get("projectId")
        event_id = read_event_id(text) if text else None
        if text and event_id is None:
            raise BadParameter("Invalid eventId. It takes 32 hexadecimal digits.")
        if project and not params.is_id(project):
            raise BadParameter("Invalid projectId. It takes a project's id.")
        return cls(event_id, int(project) if project else None)


# User feedback ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportListParams:
    """Which reports of users (projects contract, section 9; issues contract, section 11)."""

    is_unresolved: bool
    """Only those on unresolved issues."""
    environments: tuple[str, ...]
    cursor: Cursor
    size: int

    @classmethod
    def read(cls, query: QueryDict, *, has_status: bool = True) -> Self:
        """Raises BadParameter, and ValidationError for another status."""
        status = query.get("status", "unresolved") if has_status else ""
        if status not in ("unresolved", ""):
            raise ValidationError({"status": "Invalid status choice"})
        return cls(
            status == "unresolved",
            read_environments(query),
            Cursor.read(query),
            read_page_size(query),
        )


# Tags ---------------------------------------------------------------------------------------------

# How the values of a tag can be sorted, and what by.
VALUE_ORDERS: dict[str, Order] = {"age": "first_seen", "date": "last_seen"}


@dataclass(frozen=True, slots=True)
class ProjectTagValueListParams:
    """Which values of a project's tag (projects contract, section 10)."""

    wanted: project_tags.Wanted
    cursor: Cursor
    size: int

    @classmethod
    def read(cls, query: QueryDict, now: datetime) -> Self:
        """Raises BadParameter."""
        wanted = project_tags.Wanted(_read_query(query) or None, *params.period(query, now))
        return cls(wanted, Cursor.read(query), read_page_size(query))


@dataclass(frozen=True, slots=True)
class TagValueListParams:
    """Which values of a tag (issues contract, section 9)."""

    order: Order
    cursor: Cursor
    size: int

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Raises BadParameter."""
        sort = params.choice(query, "sort", VALUE_ORDERS, default="age")
        return cls(VALUE_ORDERS[sort], Cursor.read(query), read_page_size(query))
