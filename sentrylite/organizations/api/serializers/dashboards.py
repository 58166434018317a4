"""Dashboards and widgets as JSON (organizations contract, section 15).

Their dates have the name of 2019 and the name of today.
"""

from typing import TYPE_CHECKING

from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.organizations.models import Dashboard, DataSource, Widget

if TYPE_CHECKING:
    from sentrylite.organizations.api import shapes


class DashboardSerializer(OutputSerializer):
    """Its widgets and their sources have been loaded."""

    def to_representation(self, dashboard: Dashboard) -> "shapes.Dashboard":
        created_by = dashboard.created_by_id
        return {
            "id": str(dashboard.pk),
            "title": dashboard.title,
            "organization": str(dashboard.organization_id),
            "dateAdded": timestamp(dashboard.created_at),
            "dateCreated": timestamp(dashboard.created_at),
            "createdBy": None if created_by is None else str(created_by),
            "widgets": WidgetSerializer(dashboard.widgets.all(), many=True).data,
        }


class WidgetSerializer(OutputSerializer):
    def to_representation(self, widget: Widget) -> "shapes.Widget":
        return {
            "id": str(widget.pk),
            "order": str(widget.order),
            "title": widget.title,
            "displayType": widget.display_type,
            "displayOptions": widget.display_options,
            "dateAdded": timestamp(widget.created_at),
            "dateCreated": timestamp(widget.created_at),
            "dashboardId": str(widget.dashboard_id),
            "dataSources": [_data_source(source) for source in widget.data_sources.all()],
        }


def _data_source(source: DataSource) -> "shapes.WidgetDataSource":
    return {
        "id": str(source.pk),
        "type": source.type,
        "name": source.name,
        "data": source.data,
        "order": str(source.order),
        "widgetId": str(source.widget_id),
    }
