"""What became of what SDKs sent, read for pages: the numbers and their charts."""

from collections.abc import Collection, Iterable
from typing import NamedTuple, Self

from django.http import HttpRequest
from django.utils.safestring import SafeString

from sentrylite.admin import display
from sentrylite.admin.charts import Chart, Series
from sentrylite.admin.tenancy import may
from sentrylite.organizations.models import Organization
from stats import series
from stats.models import Kind
from stats.periods import LIST_DAYS_30, LIST_HOURS_24, Period
from stats.series import Key

SPANS = {"24 hours": LIST_HOURS_24, "30 days": LIST_DAYS_30}

ORGANIZATION = (
    Kind.ORGANIZATION_RECEIVED,
    Kind.ORGANIZATION_REJECTED,
    Kind.ORGANIZATION_BLACKLISTED,
)
PROJECT = (Kind.PROJECT_RECEIVED, Kind.PROJECT_REJECTED, Kind.PROJECT_BLACKLISTED)


class Usage(NamedTuple):
    """The events of each bucket of some time. Those that were rejected, because of a limit, and
    those that an inbound filter met were received too."""

    starts: list[float]
    width: int
    received: list[int]
    rejected: list[int]
    filtered: list[int]

    @classmethod
    def sum(cls, usages: Iterable[Self], period: Period) -> Self:
        """All of them as one, also when there are none."""
        empty = [0] * len(period.buckets)
        columns = zip(
            *((each.received, each.rejected, each.filtered) for each in usages), strict=True
        )
        summed = [[sum(counts) for counts in zip(*each, strict=True)] for each in columns]
        starts = [float(bucket * period.width) for bucket in period.buckets]
        return cls(starts, period.width, *(summed or [empty, empty, empty]))

    @property
    def accepted(self) -> list[int]:
        columns = zip(self.received, self.rejected, self.filtered, strict=True)
        return [max(received - rejected - filtered, 0) for received, rejected, filtered in columns]

    @property
    def total(self) -> int:
        return sum(self.received)

    @property
    def figures(self) -> list[tuple[str, str]]:
        """Each number with its name."""
        names = ("received", "accepted", "rejected", "filtered")
        return [(name, f"{sum(getattr(self, name)):,}") for name in names]

    @property
    def sparkline(self) -> SafeString:
        return display.sparkline(self.received, f"{self.total:,} events received")

    def chart(self, title: str) -> Chart:
        names = ("accepted", "rejected", "filtered")
        return Chart(title, self.starts, self.width, [Series(n, getattr(self, n)) for n in names])


def read_usage(
    kinds: Iterable[Kind], keys: Collection[Key], period: Period, now: float
) -> dict[Key, Usage]:
    """The usage of each of the keys, of the three kinds of ORGANIZATION or PROJECT. Three
    statements."""
    read = [series.read_series(kind, keys, period, now) for kind in kinds]
    starts = [float(bucket * period.width) for bucket in period.buckets]
    return {
        key: Usage(
            starts,
            period.width,
            *([int(count) for _, count in points[key]] for points in read),
        )
        for key in keys
    }


def may_see_usage(request: HttpRequest) -> bool:
    return may(request, "view", Organization)
