"""Series as JSON (stats contract, sections 2 and 3)."""

from collections.abc import Mapping
from typing import Any

from sentrylite.api.serializers import OutputSerializer
from stats.periods import Points


class SeriesSerializer(OutputSerializer):
    """`[[1584824400.0, 6090], …]`: the time is a float, the count is not."""

    def to_representation(self, points: Points) -> Points:
        return points


class HookSeriesSerializer(OutputSerializer):
    """`[{"ts": 1584824400, "total": 5}, …]`: the time is no float here (stats contract, section
    4b)."""

    def to_representation(self, points: Points) -> list[dict[str, Any]]:
        return [{"ts": int(start), "total": count} for start, count in points]


class SeriesByIdSerializer(OutputSerializer):
    """`{"2": [[1584824400.0, 6090], …]}`; nothing at all is an empty *list*."""

    def to_representation(self, series: Mapping[int, Points]) -> Any:
        return {str(each): points for each, points in series.items()} or []
