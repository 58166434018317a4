"""Series as JSON (stats contract, sections 2 and 3)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sentrylite.api.serializers import OutputSerializer, timestamp
from stats.outcomes import ACCEPTED, OUTCOMES, Group
from stats.periods import Period, Points
from stats.usage import KeyUsage

from .params import OutcomeStatsParams

if TYPE_CHECKING:
    from stats.api import shapes


class SeriesSerializer(OutputSerializer):
    """`[[1584824400.0, 6090], …]`: the time is a float, the count is not."""

    def to_representation(self, points: Points) -> Points:
        return points


class HookSeriesSerializer(OutputSerializer):
    """`[{"ts": 1584824400, "total": 5}, …]`: the time is no float here (stats contract, section
    4b)."""

    def to_representation(self, points: Points) -> "list[shapes.HookPoint]":
        return [{"ts": int(start), "total": int(count)} for start, count in points]


class SeriesByIdSerializer(OutputSerializer):
    """`{"2": [[1584824400.0, 6090], …]}`; nothing at all is an empty *list*."""

    def to_representation(self, series: Mapping[int, Points]) -> Any:
        return {str(each): points for each, points in series.items()} or []


class OutcomesSerializer(OutputSerializer):
    """Groups of outcomes, as `stats_v2` answers. Pass `context={"params": …}`.

    Projects have no series: there can be too many of them (clients contract, section 8).
    """

    def to_representation(self, groups: Sequence[Group]) -> "shapes.Outcomes":
        params = self.context["params"]
        return {
            **intervals(params.period),
            "groups": [_group(each, params) for each in groups],
        }


def intervals(period: Period) -> "shapes.Intervals":
    """A period whose buckets are intervals, in dates."""
    width, buckets = period.width, period.buckets
    return {
        "start": _moment(buckets.start * width),
        "end": _moment(buckets.stop * width),
        "intervals": [_moment(bucket * width) for bucket in buckets],
    }


def _moment(epoch: float) -> str:
    return timestamp(datetime.fromtimestamp(epoch, UTC))


def _group(group: Group, params: OutcomeStatsParams) -> "shapes.OutcomeGroup":
    answer: shapes.OutcomeGroup = {
        "by": group.by,
        "totals": dict.fromkeys(params.fields, group.total),
    }
    if "project" in params.groups:
        return answer
    return {**answer, "series": dict.fromkeys(params.fields, group.series)}


class OutcomeSummarySerializer(OutputSerializer):
    """Groups of outcomes by project, category and outcome, as `stats-summary` answers. Pass
    `context={"params": …, "projects": …}`, the latter with a slug for each."""

    def to_representation(self, groups: Sequence[Group]) -> "shapes.OutcomeSummary":
        params = self.context["params"]
        of_period = intervals(params.period)
        found: dict[Any, dict[Any, dict[Any, int]]] = {}
        for group in groups:
            project, category, outcome = group.by.values()
            found.setdefault(project, {}).setdefault(category, {})[outcome] = group.total
        return {
            "start": of_period["start"],
            "end": of_period["end"],
            "projects": [
                {
                    "id": project.pk,
                    "slug": project.slug,
                    "stats": [
                        _category(name, by_outcome, params.fields)
                        for name, by_outcome in found[project.pk].items()
                    ],
                }
                for project in self.context["projects"]
                if project.pk in found
            ],
        }


def _category(
    name: str, by_outcome: Mapping[str, int], fields: Sequence[str]
) -> "shapes.CategorySummary":
    total = sum(by_outcome.values())
    return {
        "category": name,
        "outcomes": {each: by_outcome.get(each, 0) for each in OUTCOMES},
        "totals": {
            "dropped": total - by_outcome.get(ACCEPTED, 0),
            **dict.fromkeys(fields, total),
        },
    }


class KeyUsageSerializer(OutputSerializer):
    """`{"ts": 1584824400, "total": 5, …}`: what was accepted, dropped and filtered is the total."""

    def to_representation(self, usage: KeyUsage) -> "shapes.KeyUsage":
        return {
            "accepted": usage.accepted,
            "dropped": usage.rejected,
            "filtered": usage.filtered,
            "total": usage.received,
            "ts": usage.start,
        }
