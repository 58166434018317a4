"""Time buckets: how wide they are, how long they live, and which of them a request asks for.

Moments are epoch seconds (float), widths seconds (int). A bucket is named by its number, the epoch
divided by the width and rounded down, so days start at 00:00 UTC.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

K = TypeVar("K")

Points = list[list[float]]
"""A series: `[start of the bucket as a float, count as an int]`, oldest first, without gaps."""

TEN_SECONDS, HOUR, DAY = 10, 3600, 86400
HOURS_OF_DAY = DAY // HOUR

SAMPLES = {TEN_SECONDS: 360, HOUR: 168, DAY: 90}
"""How many buckets of each width are kept (stats contract, section 1)."""
WIDTHS = tuple(SAMPLES)

UNITS = {"s": 1, "m": 60, "h": HOUR, "d": DAY}
RESOLUTION = re.compile(r"([0-9]{1,9})([smhd])\Z")

MAX_POINTS = 100_000
"""Of one answer: more would only be zeros, and would let one request eat the server."""


def bucket(moment: float, width: int) -> int:
    """The bucket that a moment falls into."""
    return int(moment // width)


def oldest_bucket(width: int, now: float) -> int:
    """The first bucket that still lives: the one of the moment a lifetime ago.

    Whatever was counted is therefore kept for at least the documented lifetime.
    """
    return bucket(now, width) - SAMPLES[width]


def parse_resolution(text: str) -> int:
    """`10s`, `1h`, `1d`, or the same in other units (`60m`, `24h`), to a width.

    Raises ValueError, naming the valid values, for any other width.
    """
    if match := RESOLUTION.match(text):
        width = int(match[1]) * UNITS[match[2]]
        if width in SAMPLES:
            return width
    raise ValueError("Invalid resolution. Valid values are 10s, 1h and 1d.")


def optimal_width(since: float, until: float) -> int:
    """The finest width whose kept buckets span the range; days when none do.

    However long ago the range is (stats contract, section 2).
    """
    length = int(until) - int(since)
    return next((width for width in WIDTHS if width * SAMPLES[width] >= length), DAY)


@dataclass(frozen=True, slots=True)
class Period:
    """A range of time in buckets (stats contract, section 2).

    The bucket of `until` is always the last one. The bucket of `since` may be missing: there are
    `floor((until - since) / width) + 1`. Raises ValueError for a range that ends before it starts
    or has more than MAX_POINTS buckets.
    """

    since: float
    until: float
    width: int

    def __post_init__(self) -> None:
        if self.since > self.until:
            raise ValueError("Invalid since: it is later than until.")
        if len(self.buckets) > MAX_POINTS:
            raise ValueError(
                f"The range has {len(self.buckets)} points, more than {MAX_POINTS}. "
                "Choose a shorter range or a coarser resolution."
            )

    @property
    def buckets(self) -> range:
        last = bucket(self.until, self.width)
        return range(last - int((self.until - self.since) // self.width), last + 1)

    def live_buckets(self, now: float) -> range:
        """Those of its buckets that have not outlived their retention; maybe none."""
        buckets = self.buckets
        return range(max(buckets.start, oldest_bucket(self.width, now)), buckets.stop)

    def fill(self, counts: Mapping[int, int], now: float) -> Points:
        """A point for every bucket: its count in `counts` (bucket to count), else 0.

        What has outlived its retention is 0 whatever `counts` says.
        """
        return self.fill_all({None: counts}, now)[None]

    def fill_all(self, counts: Mapping[K, Mapping[int, int]], now: float) -> dict[K, Points]:
        """`fill` for many series at once, most buckets of which are empty: they share the points
        that are 0, which nobody may change."""
        live, first, width = self.live_buckets(now), self.buckets.start, float(self.width)
        empty: Points = [[each * width, 0] for each in self.buckets]
        filled = {}
        for key, found in counts.items():
            points = empty.copy()
            for each, count in found.items():
                if each in live:
                    points[each - first] = [each * width, count]
            filled[key] = points
        return filled


def requested(
    since: float | None, until: float | None, resolution: str | None, *, now: float
) -> Period:
    """The period that a request's parameters mean; None is a parameter that was not given.

    Without any it is 24 points of an hour. Raises ValueError with a text for the client.
    """
    if until is None:
        until = now
    if since is None:
        since = until - DAY + 1
    return Period(
        since, until, parse_resolution(resolution) if resolution else optimal_width(since, until)
    )


@dataclass(frozen=True, slots=True)
class Span:
    """So many intervals back from now: the series inside other answers, section 5."""

    width: int
    intervals: int

    def until(self, now: float) -> Period:
        """One point more than there are intervals; the last is the current bucket."""
        return Period(now - self.intervals * self.width, now, self.width)


# Issue details and a project's current release.
HOURS_24 = Span(HOUR, 24)
DAYS_30 = Span(DAY, 30)

# Lists of issues and of projects count the current bucket among the 24, 14 or 30.
LIST_HOURS_24 = Span(HOUR, 23)
LIST_DAYS_14 = Span(DAY, 13)
LIST_DAYS_30 = Span(DAY, 29)
