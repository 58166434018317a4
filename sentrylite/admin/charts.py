"""Series as pictures that the server draws: SVG without scripts or styles, and its numbers as text.

Bars stretch with the page, so that what is to be read stands beside them as text.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

MINUTE, DAY = 60, 86400
BAR_WIDTH = 0.8
MOST_WITH_HINTS = 100
"""Of more bars than these none says by itself how much it is."""


class Series(NamedTuple):
    """One colour of a chart, by which it is also called in its legend and its table."""

    name: str
    counts: Sequence[float]


class Bar(NamedTuple):
    """A rectangle; the picture is one unit a bucket wide and 100 units high."""

    name: str
    x: float
    y: float
    height: float


class Bucket(NamedTuple):
    label: str
    counts: Sequence[float]
    bars: Sequence[Bar]


class Chart:
    """Series over the same buckets, stacked.

    `starts` are where the buckets begin, in epoch seconds, and `width` is how long each is.
    """

    bar_width = BAR_WIDTH

    def __init__(
        self, title: str, starts: Sequence[float], width: int, series: Sequence[Series]
    ) -> None:
        self.title, self.series = title, series
        self.length = max(len(starts), 1)
        highest = max(
            (sum(each) for each in zip(*(s.counts for s in series), strict=True)), default=0
        )
        self.top = _round_up(highest)
        self.buckets = [
            self._bucket(place, _label(start, width)) for place, start in enumerate(starts)
        ]
        self.has_hints = len(starts) <= MOST_WITH_HINTS

    def _bucket(self, place: int, label: str) -> Bucket:
        counts, bars, below = [series.counts[place] for series in self.series], [], 0.0
        for series, count in zip(self.series, counts, strict=True):
            if count > 0:
                # What happened at all can be seen.
                height = max(round(100 * count / self.top, 2), 1)
                below += height
                x = round(place + (1 - BAR_WIDTH) / 2, 2)
                bars.append(Bar(series.name, x, round(100 - below, 2), height))
        return Bucket(label, counts, bars)

    @property
    def scale(self) -> str:
        return f"{self.top:,}"

    @property
    def summary(self) -> str:
        totals = ", ".join(f"{sum(series.counts):,} {series.name}" for series in self.series)
        if not self.buckets:
            return totals
        return f"{totals}; from {self.buckets[0].label} to {self.buckets[-1].label} UTC"

    @property
    def ticks(self) -> list[str]:
        """What stands below the bars: the first bucket, the one in the middle, the last."""
        labels = [bucket.label for bucket in self.buckets]
        places = {0, (len(labels) - 1) // 2, len(labels) - 1} if labels else set()
        return [labels[place] for place in sorted(places)]

    def __html__(self) -> SafeString:
        return render_to_string("admin/chart.html", {"chart": self})

    __str__ = __html__


def _label(start: float, width: int) -> str:
    moment = datetime.fromtimestamp(start, UTC)
    if width >= DAY:
        return f"{moment:%b} {moment.day}"
    return f"{moment:%b} {moment.day}, {moment:%H:%M}" + (
        "" if width >= MINUTE else f"{moment::%S}"
    )


def _round_up(highest: float) -> int:
    """The first of 4, 10, 20, 50, 100, … that nothing is above of."""
    scale = 1
    while True:
        for step in (4, 10, 20, 40):
            if highest <= step * scale:
                return step * scale
        scale *= 10
