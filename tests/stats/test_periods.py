"""Which buckets a request means. No database: tables of cases."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats import periods
from stats.periods import DAY, HOUR, TEN_SECONDS, Period

# The moment of the measurements on a real server: 02:46:23 UTC.
NOW = 1795315583
TEN, THIS_HOUR, TODAY = 1795315580, 1795312800, 1795305600


def aligned(moment: float, width: int) -> float:
    return moment // width * width


def edges(period: Period) -> tuple[float, float]:
    points = period.fill({}, now=NOW)
    return points[0][0], points[-1][0]


@pytest.mark.parametrize(
    ("asked", "width", "count", "first", "last"),
    [
        # nothing, or only a resolution
        ({}, HOUR, 24, THIS_HOUR - 82800, THIS_HOUR),
        ({}, HOUR, 24, 1795230000, 1795312800),
        ({"resolution": "10s"}, TEN_SECONDS, 8640, TEN - 86390, TEN),
        ({"resolution": "1h"}, HOUR, 24, THIS_HOUR - 82800, THIS_HOUR),
        ({"resolution": "60m"}, HOUR, 24, THIS_HOUR - 82800, THIS_HOUR),
        ({"resolution": "1d"}, DAY, 1, TODAY, TODAY),
        ({"resolution": "24h"}, DAY, 1, TODAY, TODAY),
        ({"resolution": ""}, HOUR, 24, THIS_HOUR - 82800, THIS_HOUR),
        # up to an hour by 10 seconds
        ({"since": NOW - 3600}, TEN_SECONDS, 361, 1795311980, 1795315580),
        ({"since": NOW - 3599}, TEN_SECONDS, 360, 1795311990, 1795315580),
        (
            {"since": THIS_HOUR - 3600, "until": THIS_HOUR},
            *(TEN_SECONDS, 361, THIS_HOUR - 3600, THIS_HOUR),
        ),
        (
            {"since": THIS_HOUR - 3599, "until": THIS_HOUR},
            *(TEN_SECONDS, 360, THIS_HOUR - 3590, THIS_HOUR),
        ),
        ({"since": TEN - 60, "until": TEN}, TEN_SECONDS, 7, TEN - 60, TEN),
        ({"since": TEN - 55, "until": TEN - 5}, TEN_SECONDS, 6, TEN - 60, TEN - 10),
        ({"since": NOW, "until": NOW}, TEN_SECONDS, 1, TEN, TEN),
        ({"since": NOW - 60, "until": NOW + 60}, TEN_SECONDS, 13, TEN - 60, TEN + 60),
        ({"since": NOW - 100.5, "until": NOW - 50.75}, TEN_SECONDS, 5, TEN - 90, TEN - 50),
        ({"since": 1e9, "until": 1000000100}, TEN_SECONDS, 11, 1000000000.0, 1000000100.0),
        ({"since": -100, "until": 0}, TEN_SECONDS, 11, -100.0, 0.0),
        # up to a week by the hour
        ({"since": NOW - 3601}, HOUR, 2, 1795309200, 1795312800),
        ({"since": NOW - 7200}, HOUR, 3, THIS_HOUR - 7200, THIS_HOUR),
        ({"since": NOW - 86400}, HOUR, 25, THIS_HOUR - 86400, THIS_HOUR),
        ({"since": NOW - 86399}, HOUR, 24, THIS_HOUR - 82800, THIS_HOUR),
        ({"since": NOW - 259200}, HOUR, 73, THIS_HOUR - 259200, THIS_HOUR),
        ({"since": NOW - 259200, "resolution": "1d"}, DAY, 4, TODAY - 259200, TODAY),
        ({"since": NOW - 259200, "resolution": "10s"}, TEN_SECONDS, 25921, TEN - 259200, TEN),
        ({"since": NOW - 604800}, HOUR, 169, THIS_HOUR - 604800, THIS_HOUR),
        ({"until": NOW - 86400}, HOUR, 24, THIS_HOUR - 169200, THIS_HOUR - 86400),
        ({"until": NOW + 86400}, HOUR, 24, THIS_HOUR + 3600, THIS_HOUR + 86400),
        # longer by the day
        ({"since": NOW - 604801}, DAY, 8, TODAY - 604800, TODAY),
        ({"since": NOW - 3456000}, DAY, 41, TODAY - 3456000, TODAY),
        ({"since": NOW - 3456000, "resolution": "1h"}, HOUR, 961, THIS_HOUR - 3456000, THIS_HOUR),
        ({"since": NOW - 7776000}, DAY, 91, TODAY - 7776000, TODAY),
        ({"since": NOW - 8640000}, DAY, 101, TODAY - 8640000, TODAY),
        (
            {"since": TODAY - 864000, "until": TODAY, "resolution": "1d"},
            *(DAY, 11, TODAY - 864000, TODAY),
        ),
        (
            {"since": TODAY - 864000, "until": TODAY - 1, "resolution": "1d"},
            *(DAY, 10, TODAY - 864000, TODAY - 86400),
        ),
    ],
)
def test_the_period_of_a_request(
    asked: dict, width: int, count: int, first: float, last: float
) -> None:
    asked = {"since": None, "until": None, "resolution": None, **asked}
    period = periods.requested(**asked, now=NOW)
    assert period.width == width
    assert len(period.buckets) == count
    assert edges(period) == (first, last)


def test_thirty_minutes_take_the_finest_resolution() -> None:
    assert len(periods.requested(NOW - 1800, None, None, now=NOW).buckets) == 181


@pytest.mark.parametrize(
    ("text", "width"),
    [
        *(("10s", TEN_SECONDS), ("1h", HOUR), ("60m", HOUR), ("3600s", HOUR)),
        *(("1d", DAY), ("24h", DAY), ("1440m", DAY), ("86400s", DAY)),
    ],
)
def test_resolutions(text: str, width: int) -> None:
    assert periods.parse_resolution(text) == width


@pytest.mark.parametrize(
    "text",
    [
        *("1m", "5m", "x", "3600", "1w", "0s", "", "h", "1 h", "1H", "-1h", "1.0h", "1h\n"),
        *("2d", "\N{ARABIC-INDIC DIGIT ONE}h", "9" * 5000 + "s"),
    ],
)
def test_other_resolutions_are_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="Valid values are 10s, 1h and 1d"):
        periods.parse_resolution(text)


@pytest.mark.parametrize(
    ("seconds", "width"),
    [
        (0, TEN_SECONDS),
        (3600, TEN_SECONDS),
        (3601, HOUR),
        (604800, HOUR),
        (604801, DAY),
        (10**10, DAY),
    ],
)
def test_the_optimal_width_depends_on_the_length_alone(seconds: int, width: int) -> None:
    assert periods.optimal_width(NOW - seconds, NOW) == width
    assert periods.optimal_width(0, seconds) == width


def test_the_length_is_that_of_whole_seconds() -> None:
    assert periods.optimal_width(NOW - 3600, NOW + 0.9) == TEN_SECONDS


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="since: it is later than until"):
        Period(NOW + 1, NOW, HOUR)


def test_no_range_is_too_long_to_be_refused() -> None:
    longest = (periods.MAX_POINTS - 1) * TEN_SECONDS
    assert len(Period(NOW - longest, NOW, TEN_SECONDS).buckets) == periods.MAX_POINTS
    with pytest.raises(ValueError, match=r"100001 points, more than 100000\. Choose a shorter"):
        Period(NOW - longest - 10, NOW, TEN_SECONDS)


def test_a_point_is_a_float_and_a_whole_number() -> None:
    points = Period(NOW - 3600, NOW, HOUR).fill({THIS_HOUR // HOUR: 3}, now=NOW)
    assert points == [[THIS_HOUR - 3600.0, 0], [float(THIS_HOUR), 3]]
    assert [[type(part) for part in point] for point in points] == [[float, int]] * 2


@pytest.mark.parametrize(("width", "kept"), [(TEN_SECONDS, 360), (HOUR, 168), (DAY, 90)])
def test_a_bucket_lives_as_long_as_something_in_it_may(width: int, kept: int) -> None:
    current = periods.bucket(NOW, width)
    period = Period(NOW - (kept + 5) * width, NOW, width)
    points = period.fill(dict.fromkeys(period.buckets, 1), now=NOW)
    assert periods.oldest_bucket(width, NOW) == current - kept
    assert period.live_buckets(NOW) == range(current - kept, current + 1)
    assert [count for _, count in points] == [0] * 5 + [1] * (kept + 1)


def test_a_period_of_long_ago_has_no_live_buckets() -> None:
    assert not Period(0, 3600, TEN_SECONDS).live_buckets(NOW)


@pytest.mark.parametrize(
    ("span", "width", "count"),
    [
        (periods.HOURS_24, HOUR, 25),
        (periods.DAYS_30, DAY, 31),
        (periods.LIST_HOURS_24, HOUR, 24),
        (periods.LIST_DAYS_14, DAY, 14),
        (periods.LIST_DAYS_30, DAY, 30),
    ],
)
def test_the_series_inside_other_answers(span: periods.Span, width: int, count: int) -> None:
    period = span.until(NOW)
    assert (period.width, len(period.buckets)) == (width, count)
    assert edges(period)[1] == aligned(NOW, width)


def test_the_series_of_the_documented_issue() -> None:
    generated_at = datetime(2018, 9, 10, 20, 36, 34, tzinfo=UTC).timestamp()
    assert edges(periods.HOURS_24.until(generated_at)) == (1536523200.0, 1536609600.0)
    assert edges(periods.DAYS_30.until(generated_at)) == (1533945600.0, 1536537600.0)


# Eighths of seconds: floats of which differences are exact.
eighths = st.integers(-(10**10), 10**11).map(lambda number: number / 8)


@given(eighths, st.integers(0, 800_000), st.sampled_from(periods.WIDTHS))
def test_points_are_in_order_without_gaps_and_end_with_until(
    until: float, length: int, width: int
) -> None:
    period = Period(until - length / 8, until, width)
    starts = [start for start, _ in period.fill({}, now=NOW)]
    assert starts[-1] <= until < starts[-1] + width
    assert period.since - width < starts[0] <= until
    assert starts == [starts[0] + index * width for index in range(len(starts))]
