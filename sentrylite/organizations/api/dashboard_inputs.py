"""Bodies of changes to dashboards and widgets (organizations contract, section 15)."""

from typing import Any

import orjson
from rest_framework import serializers

from sentrylite.api.inputs import Input, ListOf
from sentrylite.organizations.dashboards import MAX_WIDGETS
from sentrylite.organizations.models import DataSource, DisplayType

MAX_SOURCES = 20
MAX_SIZE, MAX_DEPTH = 10_000, 20
"""Of free-form JSON: bytes, and levels."""
LARGEST_ORDER = 2**31 - 1

SOURCE_TYPES = {"discover_saved_search": DataSource.Type.DISCOVER_SAVED_SEARCH}


class JsonObjectField(serializers.DictField):
    """Any JSON object of a reasonable size that the database gives back as it was."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        found = super().to_internal_value(data)
        if not _is_kept(data, MAX_DEPTH):
            raise serializers.ValidationError(
                f"It is nested deeper than {MAX_DEPTH} levels, or holds a NUL character or a "
                "number beyond 2^53."
            )
        if len(orjson.dumps(found)) > MAX_SIZE:
            raise serializers.ValidationError(f"It is larger than {MAX_SIZE} bytes.")
        return found


def _is_kept(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels > 0 and all(
            _is_kept(key, 0) and _is_kept(each, levels - 1) for key, each in value.items()
        )
    if isinstance(value, list):
        return levels > 0 and all(_is_kept(each, levels - 1) for each in value)
    if isinstance(value, str):
        return "\0" not in value
    return not isinstance(value, int | float) or abs(value) <= 2**53


class DashboardCreateInput(Input):
    must_have = ("title",)

    title = serializers.CharField(max_length=255)


class WidgetOrderInput(Input):
    must_have = ("id", "order")

    id = serializers.IntegerField(min_value=0)
    order = serializers.IntegerField(min_value=0)


class DashboardUpdateInput(Input):
    """`widgets` comes out as the number that each id was given."""

    title = serializers.CharField(max_length=255)
    widgets = ListOf(WidgetOrderInput(), max_length=MAX_WIDGETS)

    def validate_widgets(self, widgets: list[dict[str, int]]) -> dict[int, int]:
        orders = {widget["id"]: widget["order"] for widget in widgets}
        if len(orders) < len(widgets):
            raise serializers.ValidationError("Widgets must not be named twice.")
        if len(set(orders.values())) < len(orders):
            raise serializers.ValidationError("Widgets must not have duplicate order values.")
        return orders


class DataSourceInput(Input):
    must_have = ("name", "data", "type", "order")

    name = serializers.CharField(max_length=255)
    data = JsonObjectField()  # type: ignore[assignment]
    type = serializers.CharField()
    order = serializers.IntegerField(min_value=0, max_value=LARGEST_ORDER)

    def validate_type(self, type: str) -> int:
        if type not in SOURCE_TYPES:
            raise serializers.ValidationError(f"Widget data source type {type} not recognized.")
        return SOURCE_TYPES[type]


class WidgetInput(Input):
    """A widget, new or changed: `columns` is what it sets, `sources` what it draws, if it says."""

    title = serializers.CharField(max_length=255)
    displayType = serializers.CharField()
    displayOptions = JsonObjectField()
    dataSources = ListOf(DataSourceInput(), max_length=MAX_SOURCES)

    COLUMNS = {
        "title": "title",
        "displayType": "display_type",
        "displayOptions": "display_options",
    }

    def validate_displayType(self, name: str) -> str:
        if name not in DisplayType.values:
            raise serializers.ValidationError(f"Widget displayType {name} not recognized.")
        return name

    def validate_dataSources(self, sources: list[dict[str, Any]]) -> list[DataSource]:
        for key in ("name", "order"):
            if len({source[key] for source in sources}) < len(sources):
                raise serializers.ValidationError(
                    f"Data sources must not have duplicate {key} values."
                )
        return [DataSource(**source) for source in sources]

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        return {
            "columns": {column: sent[key] for key, column in self.COLUMNS.items() if key in sent},
            "sources": sent.get("dataSources"),
        }


class WidgetCreateInput(WidgetInput):
    must_have = ("title", "displayType")
