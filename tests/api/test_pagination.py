"""Cursors, pages and the `Link` header, without a database where that is possible."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from sentrylite.accounts.models import User
from sentrylite.api.errors import BadParameter
from sentrylite.api.pagination import (
    Cursor,
    Page,
    Slice,
    date_key,
    date_of,
    keyed_page,
    offset_page,
    queryset_page,
)
from tests.factories import UserFactory

Row = tuple[int, int]
"""(key, id): what lists below consist of."""


def descending(*keys: int) -> list[Row]:
    return sorted(((key, number) for number, key in enumerate(keys)), reverse=True)


def ascending(*keys: int) -> list[Row]:
    return sorted((key, number) for number, key in enumerate(keys))


def source(rows: list[Row], log: list[Slice] | None = None) -> Callable[[Slice], list[Row]]:
    """Finds slices of sorted rows, as a table would."""
    sign = 1 if rows == sorted(rows) else -1

    def fetch(part: Slice) -> list[Row]:
        if log is not None:
            log.append(part)
        found = rows[::-1] if part.is_backward else rows
        if part.start is not None:
            start = sign * part.start
            if part.is_backward:
                found = [row for row in found if sign * row[0] < start]
            else:
                found = [row for row in found if sign * row[0] >= start]
        return found[part.offset : part.offset + part.limit]

    return fetch


def key(row: Row) -> int:
    return row[0]


def page_of(rows: list[Row], cursor: str = "", size: int = 2) -> Page[Row]:
    return keyed_page(Cursor.read(QueryDict(f"cursor={cursor}")), size, source(rows), key)


def ends(page: Page[Any]) -> str:
    """Both cursors, each with a plus when something is there."""
    return " ".join(
        f"{cursor}{'+' * has_results}"
        for cursor, has_results in (
            (page.previous, page.has_previous),
            (page.next, page.has_next),
        )
    )


def request(path: str) -> Request:
    return Request(APIRequestFactory().get(path))


class TestCursor:
    @pytest.mark.parametrize(
        ("text", "cursor"),
        [
            ("", Cursor(0, 0, False)),
            ("0:0:0", Cursor(0, 0, False)),
            ("4:100:0", Cursor(4, 100, False)),
            ("4:0:1", Cursor(4, 0, True)),
            ("4:0:7", Cursor(4, 0, True)),
            ("4:0:-1", Cursor(4, 0, True)),
            ("-3:0:0", Cursor(-3, 0, False)),
            ("1.5:0:0", Cursor(1, 0, False)),
            ("-1.5:0:0", Cursor(-1, 0, False)),
            ("1536610594590.0:0:0", Cursor(1536610594590, 0, False)),
            ("9" * 40 + ":0:0", Cursor(2**63 - 1, 0, False)),
            ("-" + "9" * 40 + ":0:0", Cursor(-(2**63 - 1), 0, False)),
            ("1:" + "9" * 40 + ":0", Cursor(1, 2**53, False)),
        ],
    )
    def test_reads_what_is_documented(self, text: str, cursor: Cursor) -> None:
        assert Cursor.read(QueryDict(f"cursor={text}")) == cursor

    def test_absent_is_the_first_page(self) -> None:
        assert Cursor.read(QueryDict("")) == Cursor(0, 0, False)

    @pytest.mark.parametrize(
        "text",
        [
            *("abc", "1", "1:2", "a:b:c", "1:2:3:4", "1:2:x", "::", "1::0", ".5:0:0", "1:1.5:0"),
            *("nan:0:0", "inf:0:0", "1e3:0:0", "0x1:0:0", "1_0:0:0", "٣:0:0", " 1:0:0", "1:0:0 "),
            *("1:0:0%00", "1:0:0%0A", "9" * 41 + ":0:0", "9" * 5000 + ":0:0"),
        ],
    )
    def test_refuses_anything_else(self, text: str) -> None:
        with pytest.raises(BadParameter) as error:
            Cursor.read(QueryDict(f"cursor={text}"))
        assert error.value.detail == "Invalid cursor parameter."

    def test_refuses_negative_offsets(self) -> None:
        with pytest.raises(BadParameter) as error:
            Cursor.read(QueryDict("cursor=100:-1:1"))
        assert error.value.detail == "Pagination offset cannot be negative"

    @given(st.text())
    def test_never_fails_otherwise(self, text: str) -> None:
        query = QueryDict(mutable=True)
        query["cursor"] = text
        with suppress(BadParameter):
            Cursor.read(query)

    @given(st.integers(0, 2**63 - 1), st.integers(0, 2**53), st.booleans())
    def test_reads_what_it_writes(self, value: int, offset: int, is_prev: bool) -> None:
        cursor = Cursor(value, offset, is_prev)
        assert Cursor.read(QueryDict(f"cursor={cursor}")) == cursor


class TestKeyedPages:
    """The numbers are those of the observed contract, section 1."""

    def test_the_only_row_counts_as_a_page(self) -> None:
        page = page_of(descending(4), size=100)
        assert page.rows == [(4, 0)]
        assert ends(page) == "4:0:1 4:100:0"

    def test_the_last_page_ends_behind_the_rows_with_its_last_key(self) -> None:
        assert ends(page_of(ascending(2, 3), size=100)) == "2:0:1 3:1:0"
        assert ends(page_of(descending(9, 3, 3), size=100)) == "9:0:1 3:2:0"

    def test_an_empty_list_has_cursors_too(self) -> None:
        page = page_of([])
        assert page.rows == []
        assert ends(page) == "0:0:1 0:0:0"

    def test_a_walk_forward(self) -> None:
        rows = descending(50, 40, 30, 20, 10)
        first = page_of(rows)
        assert [key(row) for row in first.rows] == [50, 40]
        assert ends(first) == "50:0:1 30:0:0+"
        second = page_of(rows, "30:0:0")
        assert [key(row) for row in second.rows] == [30, 20]
        assert ends(second) == "30:0:1+ 10:0:0+"
        third = page_of(rows, "10:0:0")
        assert [key(row) for row in third.rows] == [10]
        assert ends(third) == "10:0:1+ 10:2:0"

    def test_a_full_last_page_has_no_next(self) -> None:
        assert ends(page_of(descending(20, 10))) == "20:0:1 10:1:0"

    def test_a_walk_back(self) -> None:
        rows = descending(50, 40, 30, 20, 10)
        second = page_of(rows, "10:0:1")
        assert [key(row) for row in second.rows] == [30, 20]
        assert ends(second) == "30:0:1+ 10:0:0+"
        first = page_of(rows, "30:0:1")
        assert [key(row) for row in first.rows] == [50, 40]
        assert ends(first) == "50:0:1 30:0:0+"

    def test_a_walk_back_in_an_ascending_list(self) -> None:
        rows = ascending(10, 20, 30, 40, 50)
        assert ends(page_of(rows, "30:0:0")) == "30:0:1+ 50:0:0+"
        second = page_of(rows, "50:0:1")
        assert [key(row) for row in second.rows] == [30, 40]
        assert ends(second) == "30:0:1+ 50:0:0+"

    def test_equal_keys_across_the_border_of_a_page(self) -> None:
        rows = descending(3, 2, 2, 1)
        first = page_of(rows)
        assert first.rows == [(3, 0), (2, 2)]
        assert ends(first) == "3:0:1 2:1:0+"
        second = page_of(rows, "2:1:0")
        assert second.rows == [(2, 1), (1, 3)]
        assert ends(second) == "2:1:1+ 1:1:0"
        assert page_of(rows, "2:1:1") == Page(
            first.rows, Cursor(3, 0, True), False, Cursor(2, 1), True
        )

    def test_equal_keys_on_several_pages(self) -> None:
        rows = descending(7, 7, 7, 7, 7)
        assert ends(page_of(rows)) == "7:0:1 7:2:0+"
        assert ends(page_of(rows, "7:2:0")) == "7:2:1+ 7:4:0+"
        assert ends(page_of(rows, "7:4:0")) == "7:4:1+ 7:6:0"
        assert page_of(rows, "7:4:1").rows == page_of(rows, "7:2:0").rows
        assert ends(page_of(rows, "7:4:1")) == "7:2:1+ 7:4:0+"
        assert ends(page_of(rows, "7:2:1")) == "7:0:1 7:2:0+"

    def test_going_back_into_more_equal_keys_than_fit_on_a_page(self) -> None:
        rows = descending(8, 7, 7, 7, 7, 7, 7, 7, 1)
        page = page_of(rows, "1:0:1")
        assert page.rows == rows[-3:-1]
        assert ends(page) == "7:5:1+ 1:0:0+"
        assert page_of(rows, "7:5:1").rows == rows[-5:-3]

    def test_past_the_end(self) -> None:
        page = page_of(descending(3, 2), "1:0:0")
        assert page.rows == []
        assert ends(page) == "0:0:1+ 1:0:0"

    def test_back_from_past_the_end(self) -> None:
        page = page_of(descending(4, 3, 2), "0:0:1")
        assert page.rows == [(3, 1), (2, 2)]
        assert ends(page) == "3:0:1+ 2:1:0"

    def test_a_cursor_ahead_of_the_start_finds_everything(self) -> None:
        page = page_of(descending(3, 2), "99999999999999:0:0")
        assert page.rows == descending(3, 2)
        assert ends(page) == "3:0:1+ 2:1:0"

    def test_asking_again_for_what_is_newer(self) -> None:
        page = page_of(descending(3, 2), "3:0:1")
        assert page.rows == []
        assert ends(page) == "3:0:1 3:0:0+"
        assert page_of(descending(3, 2, 4), "3:0:1").rows == [(4, 2)]

    def test_rows_that_went_away_are_no_obstacle(self) -> None:
        assert page_of(descending(9, 1), "5:3:1").rows == [(9, 0)]
        assert page_of(descending(9, 1), "5:3:0").rows == []

    @pytest.mark.parametrize("cursor", ["", "30:0:0", "30:0:1", "10:0:1", "0:0:1"])
    def test_a_page_is_one_statement(self, cursor: str) -> None:
        log: list[Slice] = []
        rows = descending(50, 40, 30, 20, 10)
        keyed_page(Cursor.read(QueryDict(f"cursor={cursor}")), 2, source(rows, log), key)
        assert [part.limit for part in log] == [3]

    @given(st.lists(st.integers(1, 6), max_size=30), st.integers(1, 5), st.booleans())
    def test_a_walk_there_and_back_sees_every_row_once(
        self, keys: list[int], size: int, is_descending: bool
    ) -> None:
        rows = (descending if is_descending else ascending)(*keys)
        there = [page_of(rows, size=size)]
        while there[-1].has_next:
            there.append(page_of(rows, str(there[-1].next), size))
        assert [row for page in there for row in page.rows] == rows

        back = [there[-1]]
        while back[-1].has_previous:
            back.append(page_of(rows, str(back[-1].previous), size))
        assert [page.rows for page in back] == [page.rows for page in reversed(there)]

    @given(
        st.lists(st.integers(1, 6), min_size=1, max_size=30),
        st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=20),
    )
    def test_any_turn_leads_to_the_adjoining_rows(
        self, keys: list[int], steps: list[tuple[bool, int]]
    ) -> None:
        rows = descending(*keys)
        page = page_of(rows)
        start, end = 0, len(page.rows)
        for is_back, size in steps:
            if is_back and page.has_previous:
                page = page_of(rows, str(page.previous), size)
                start, end = max(start - size, 0), start
            elif not is_back and page.has_next:
                page = page_of(rows, str(page.next), size)
                start, end = end, min(end + size, len(rows))
            assert page.rows == rows[start:end]
            assert page.has_previous >= (start > 0)
            assert page.has_next == (end < len(rows))

    @given(
        st.lists(st.integers(1, 3), max_size=9),
        st.integers(-2, 5),
        st.integers(0, 12),
        st.booleans(),
        st.integers(1, 4),
    )
    def test_a_made_up_cursor_finds_something_or_nothing(
        self, keys: list[int], value: int, offset: int, is_prev: bool, size: int
    ) -> None:
        page = keyed_page(Cursor(value, offset, is_prev), size, source(descending(*keys)), key)
        assert len(page.rows) <= size


class TestOffsetPages:
    """The numbers are those of the observed contract, section 1."""

    @staticmethod
    def page(rows: str, cursor: str = "", size: int = 2) -> Page[str]:
        return offset_page(
            Cursor.read(QueryDict(f"cursor={cursor}")),
            size,
            lambda offset, limit: list(rows[offset : offset + limit]),
        )

    def test_the_only_page(self) -> None:
        assert ends(self.page("ab", size=100)) == "100:-1:1 100:1:0"

    def test_an_empty_list(self) -> None:
        assert ends(self.page("", size=100)) == "100:-1:1 100:1:0"

    def test_a_walk(self) -> None:
        first = self.page("abcd")
        assert (first.rows, ends(first)) == (["a", "b"], "2:-1:1 2:1:0+")
        second = self.page("abcd", "2:1:0")
        assert (second.rows, ends(second)) == (["c", "d"], "2:0:1+ 2:2:0")
        assert self.page("abcd", "2:0:1") == first

    def test_a_walk_keeps_its_page_size(self) -> None:
        assert self.page("abcdef", "2:1:0", size=100).rows == ["c", "d"]

    def test_a_cursor_without_a_size_takes_the_request_s(self) -> None:
        assert self.page("abcd", "0:1:0").rows == ["c", "d"]

    def test_past_the_end(self) -> None:
        page = self.page("ab", "2:9:0")
        assert (page.rows, ends(page)) == ([], "2:8:1+ 2:10:0")

    def test_a_page_is_never_longer_than_a_hundred_rows(self) -> None:
        assert len(self.page("a" * 300, "100000:0:0").rows) == 100

    def test_a_negative_size_is_refused(self) -> None:
        with pytest.raises(BadParameter):
            self.page("ab", "-2:1:0")

    def test_huge_numbers_are_past_the_end(self) -> None:
        assert self.page("ab", f"{10**30}:{10**30}:0").rows == []


class TestLink:
    PAGE = Page([1], Cursor(4, 0, True), False, Cursor(4, 100), True)

    def test_without_parameters(self) -> None:
        assert self.PAGE.link(request("/api/0/projects/acme/pump/keys/")) == (
            "<http://testserver/api/0/projects/acme/pump/keys/?&cursor=4:0:1>; "
            'rel="previous"; results="false"; cursor="4:0:1", '
            "<http://testserver/api/0/projects/acme/pump/keys/?&cursor=4:100:0>; "
            'rel="next"; results="true"; cursor="4:100:0"'
        )

    def test_parameters_are_kept_except_the_cursor(self) -> None:
        link = self.PAGE.link(request("/x/?per_page=2&cursor=1:0:0&query=is:a%20%26b&empty="))
        url = "<http://testserver/x/?per_page=2&query=is%3Aa%20%26b&empty=&cursor=4:0:1>"
        assert link.startswith(url)

    def test_repeated_parameters_are_all_kept(self) -> None:
        link = self.PAGE.link(request("/x/?project=1&project=2"))
        assert link.startswith("<http://testserver/x/?project=1&project=2&cursor=4:0:1>")

    def test_the_header_is_plain_text_whatever_the_address_holds(self) -> None:
        link = self.PAGE.link(request("/rel%C3%A4ase%401.0/?q=%0D%0AX:%20%22%3E%FF%00"))
        url = "/rel%C3%A4ase%401.0/?q=%0D%0AX%3A%20%22%3E%EF%BF%BD%00&cursor="
        assert link.startswith(f"<http://testserver{url}")

    def test_the_public_url_wins(self, settings: Any) -> None:
        settings.PUBLIC_URL = "https://errors.example.com/sub"
        assert self.PAGE.link(request("/api/0/x/")).startswith(
            "<https://errors.example.com/sub/api/0/x/?&cursor="
        )


class TestDates:
    MOMENT = datetime(2018, 9, 10, 20, 36, 34, 590_100, tzinfo=UTC)

    def test_a_key_is_milliseconds_rounded_towards_the_start_of_the_list(self) -> None:
        assert date_key(self.MOMENT) == 1536611794591
        assert date_key(self.MOMENT, is_descending=False) == 1536611794590

    def test_whole_milliseconds_are_exact(self) -> None:
        moment = self.MOMENT.replace(microsecond=590_000)
        assert date_key(moment) == date_key(moment, is_descending=False) == 1536611794590
        assert date_of(1536611794590) == moment

    @given(st.datetimes(timezones=st.just(UTC)))
    def test_no_row_is_ahead_of_its_key(self, moment: datetime) -> None:
        millisecond = timedelta(milliseconds=1)
        if moment < datetime(9999, 12, 31, tzinfo=UTC):
            assert timedelta(0) <= date_of(date_key(moment)) - moment < millisecond
        assert timedelta(0) <= moment - date_of(date_key(moment, is_descending=False))

    @pytest.mark.parametrize("key", [2**63 - 1, -(2**63 - 1)])
    def test_what_no_date_can_say_is_the_first_or_the_last(self, key: int) -> None:
        assert date_of(key).year in (1, 9999)


@pytest.mark.django_db
class TestQuerysets:
    @pytest.fixture
    def users(self, now: datetime) -> list[User]:
        """Newest first; of the five, the middle three joined within a millisecond."""
        ages = (0, 1_000_000, 1_000_001, 1_000_002, 9_000_000)
        return [UserFactory(date_joined=now - timedelta(microseconds=age)) for age in ages]

    @staticmethod
    def walk(order: str, step: str, size: int = 2) -> list[User]:
        """All users in the order of a walk by `step`, next or previous."""
        cursor = Cursor(is_prev=step == "previous")
        found: list[User] = []
        while True:
            page = queryset_page(User.objects.all(), order, cursor, size)
            found = [*found, *page.rows] if step == "next" else [*page.rows, *found]
            if not getattr(page, f"has_{step}"):
                return found
            cursor = getattr(page, step)

    @pytest.mark.parametrize("step", ["next", "previous"])
    def test_by_date(self, users: list[User], step: str) -> None:
        assert self.walk("-date_joined", step) == users
        assert self.walk("date_joined", step) == users[::-1]

    @pytest.mark.parametrize("step", ["next", "previous"])
    def test_by_id(self, users: list[User], step: str) -> None:
        assert self.walk("id", step) == users
        assert self.walk("-id", step) == users[::-1]

    def test_equal_dates_are_in_the_order_of_their_ids(self, now: datetime) -> None:
        older, newer = UserFactory(date_joined=now), UserFactory(date_joined=now)
        assert self.walk("-date_joined", "next") == [newer, older]

    def test_a_page_is_one_statement(
        self, users: list[User], django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for size in (1, 4):
            with django_assert_num_queries(1):
                queryset_page(User.objects.all(), "-date_joined", Cursor(), size)

    @pytest.mark.parametrize("is_prev", [False, True])
    @pytest.mark.parametrize("value", [2**63 - 1, -(2**63 - 1)])
    @pytest.mark.parametrize("order", ["id", "-id", "date_joined", "-date_joined"])
    def test_huge_numbers_are_no_error(
        self, users: list[User], order: str, value: int, is_prev: bool
    ) -> None:
        cursor = Cursor(value, 2**53, is_prev)
        assert len(queryset_page(User.objects.all(), order, cursor, 2).rows) in (0, 2)

    def test_an_offset_that_is_too_large_finds_nothing(self, users: list[User]) -> None:
        page = offset_page(
            Cursor(100, 2**53),
            100,
            lambda offset, limit: list(User.objects.order_by("username")[offset : offset + limit]),
        )
        assert page.rows == []
