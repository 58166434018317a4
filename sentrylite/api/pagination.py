"""The documented cursor and its `Link` header (conventions contract, section 7).

A keyed list is sorted by a positive number or by a date and, where that is equal, by id. An offset
list has page numbers. Both read a page and one row more, in one statement.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Self, TypeVar
from urllib.parse import quote

from django.db import models
from django.http import QueryDict
from rest_framework.request import Request

from .errors import BadParameter
from .links import absolute_url
from .params import EARLIEST, LATEST, MAX_PER_PAGE

T = TypeVar("T")
M = TypeVar("M", bound=models.Model)

# The first number may come with a fraction, which is cut off.
CURSOR = re.compile(r"(-?\d{1,40})(?:\.\d*)?:(-?\d{1,40}):(-?\d{1,40})", re.ASCII)
MAX_VALUE = 2**63 - 1
# Far behind the end of every list, and still far from what PostgreSQL can skip.
MAX_OFFSET = 2**53

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows of a list, and the direction to go on in.

    In a keyed list the place is behind `offset` of the rows whose key is `value`; without a value
    it is the start of the list, or its end when going back. In an offset list `value` is the size
    of a page and `offset` its number, and `is_prev` says nothing.
    """

    value: int = 0
    offset: int = 0
    is_prev: bool = False

    def __str__(self) -> str:
        return f"{self.value}:{self.offset}:{self.is_prev:d}"

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """The `cursor` parameter; absent and empty are the first page. Raises BadParameter."""
        text = query.get("cursor")
        if not text:
            return cls()
        match = CURSOR.fullmatch(text)
        if match is None:
            raise BadParameter("Invalid cursor parameter.")
        value, offset, is_prev = map(int, match.groups())
        if offset < 0:
            raise BadParameter("Pagination offset cannot be negative")
        value = max(-MAX_VALUE, min(value, MAX_VALUE))
        return cls(value, min(offset, MAX_OFFSET), bool(is_prev))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and where its neighbours are.

    The cursors lead somewhere also where there is nothing yet: clients may ask again later.
    """

    rows: Sequence[T]
    previous: Cursor
    has_previous: bool
    next: Cursor
    has_next: bool

    def link(self, request: Request) -> str:
        """The `Link` header: previous and next, always both."""
        query = "&".join(
            f"{quote(name)}={quote(value)}"
            for name, values in request.query_params.lists()
            if name != "cursor"
            for value in values
        )
        url = f"{absolute_url(request, quote(request.path))}?{query}"
        relations = (
            ("previous", self.previous, self.has_previous),
            ("next", self.next, self.has_next),
        )
        return ", ".join(
            f'<{url}&cursor={cursor}>; rel="{relation}"; '
            f'results="{str(has_results).lower()}"; cursor="{cursor}"'
            for relation, cursor, has_results in relations
        )


# Keyed lists --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows that a page needs from a keyed list, at most `limit`.

    Forward: those whose key is `start` and all behind them, in the order of the list, without the
    first `offset`. Backward: those before all whose key is `start`, the nearest first. Without a
    `start` they begin at that end of the list.
    """

    start: int | None
    is_backward: bool
    offset: int
    limit: int


Fetch = Callable[[Slice], list[T]]
Key = Callable[[T], int]


def keyed_page(cursor: Cursor, size: int, fetch: Fetch[T], key: Key[T]) -> Page[T]:
    """A page of what `fetch` finds, in a list sorted by `key`. Whether it ascends or descends is
    known to these two alone.

    One statement; one more to go back to where rows with the same key were shown already, and a
    few to go back into more of them than fit on a page.
    """
    if cursor.is_prev:
        return _page_before(cursor, size, fetch, key)
    return _page_behind(cursor, size, fetch, key)


def _page_behind(cursor: Cursor, size: int, fetch: Fetch[T], key: Key[T]) -> Page[T]:
    rows = fetch(Slice(cursor.value or None, False, cursor.offset, size + 1))
    has_previous = cursor != Cursor()
    if not rows:
        return Page([], Cursor(is_prev=True), has_previous, cursor, False)
    page, first = rows[:size], key(rows[0])
    skipped = cursor.offset if first == cursor.value else 0
    return Page(
        page,
        Cursor(first, skipped, is_prev=True),
        has_previous,
        _cursor_behind(cursor, size, [key(row) for row in rows]),
        len(rows) > size,
    )


def _cursor_behind(cursor: Cursor, size: int, keys: list[int]) -> Cursor:
    """Behind the page of these keys, the last of which may be that of the first row after it."""
    last = keys[-1]
    if last == (cursor.value or keys[0]):
        # A page of nothing but this key. Clients know a short one to count as a whole one.
        return Cursor(last, cursor.offset + size)
    return Cursor(last, keys[:size].count(last))


def _page_before(cursor: Cursor, size: int, fetch: Fetch[T], key: Key[T]) -> Page[T]:
    rows = _rows_before(cursor, size + 1, fetch, key)
    # What is behind this page is what the cursor was before; nothing, at the end of the list.
    has_next, behind = cursor.value != 0, Cursor(cursor.value, cursor.offset)
    if not rows:
        return Page([], cursor, False, behind, has_next)
    keys = [key(row) for row in rows]
    if not has_next:
        behind = Cursor(keys[-1], keys[-size:].count(keys[-1]))
    before = _cursor_before(cursor, size, keys, fetch, key)
    return Page(rows[-size:], before, len(rows) > size, behind, has_next)


def _rows_before(cursor: Cursor, limit: int, fetch: Fetch[T], key: Key[T]) -> list[T]:
    """The last `limit` rows before the cursor, in the order of the list."""
    start, same = cursor.value or None, []
    if start is not None and cursor.offset:
        skipped = max(cursor.offset - limit, 0)
        rows = fetch(Slice(start, False, skipped, min(cursor.offset, limit)))
        same = [row for row in rows if key(row) == start]
    if len(same) == limit:
        return same
    return fetch(Slice(start, True, 0, limit - len(same)))[::-1] + same


def _cursor_before(
    cursor: Cursor, size: int, keys: list[int], fetch: Fetch[T], key: Key[T]
) -> Cursor:
    """Before the page of these keys, the first of which may be that of the last row before it."""
    page = keys[-size:]
    first, shown = page[0], page.count(page[0])
    if len(keys) <= size or keys[0] != first:
        return Cursor(first, 0, is_prev=True)
    total = cursor.offset if first == cursor.value else _count_key(first, shown, fetch, key)
    return Cursor(first, total - shown, is_prev=True)


def _count_key(value: int, at_least: int, fetch: Fetch[T], key: Key[T]) -> int:
    """How many rows have this key: by trial, so that `fetch` need not know how to count."""

    def is_behind(offset: int) -> bool:
        rows = fetch(Slice(value, False, offset, 1))
        return not rows or key(rows[0]) != value

    bound = at_least
    while not is_behind(bound):
        bound *= 2
    return bisect_left(range(bound), True, lo=at_least, key=is_behind)


def queryset_page(queryset: models.QuerySet[M], order: str, cursor: Cursor, size: int) -> Page[M]:
    """A page of a queryset by an integer or date field of its model: `"id"`, `"-created_at"`.

    The queryset's own order does not matter.
    """
    field, is_descending = order.removeprefix("-"), order.startswith("-")
    is_date = isinstance(queryset.model._meta.get_field(field), models.DateTimeField)

    def key(row: M) -> int:
        value = getattr(row, field)
        return date_key(value, is_descending=is_descending) if is_date else value

    def fetch(part: Slice) -> list[M]:
        rows = queryset
        if part.start is not None:
            bound = date_of(part.start) if is_date else part.start
            if part.is_backward:
                lookup = "gt" if is_descending else "lt"
            else:
                lookup = "lte" if is_descending else "gte"
            rows = rows.filter(**{f"{field}__{lookup}": bound})
        sign = "-" if is_descending != part.is_backward else ""
        rows = rows.order_by(f"{sign}{field}", f"{sign}pk")
        return list(rows[part.offset : part.offset + part.limit])

    return keyed_page(cursor, size, fetch, key)


def date_key(moment: datetime, *, is_descending: bool = True) -> int:
    """A date as the key of a list: epoch milliseconds.

    Rounded towards the start of the list, so that no row is ahead of `date_of` its key.
    """
    microseconds = (moment - EPOCH) // timedelta(microseconds=1)
    return -(-microseconds // 1000) if is_descending else microseconds // 1000


def date_of(key: int) -> datetime:
    """The moment a key stands for; one that no date can say is the first or the last."""
    return EPOCH + timedelta(milliseconds=max(EARLIEST * 1000, min(key, LATEST * 1000)))


# Offset lists -------------------------------------------------------------------------------------


def offset_page(cursor: Cursor, size: int, fetch: Callable[[int, int], list[T]]) -> Page[T]:
    """A page of a list that is sorted by a name or by several columns. One statement.

    `fetch(offset, limit)` finds its rows. A walk keeps the page size that it started with.
    """
    if cursor.value < 0:
        raise BadParameter("Invalid cursor parameter.")
    size, number = min(cursor.value or size, MAX_PER_PAGE), cursor.offset
    rows = fetch(min(number * size, MAX_OFFSET), size + 1)
    return Page(
        rows[:size],
        Cursor(size, number - 1, is_prev=True),
        number > 0,
        Cursor(size, number + 1),
        len(rows) > size,
    )
