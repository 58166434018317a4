"""Dashboards and their widgets (organizations contract, section 15)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api.errors import Conflict
from sentrylite.api.params import is_id
from sentrylite.organizations import dashboards
from sentrylite.organizations.api import params
from sentrylite.organizations.api.base import OrganizationScopedView
from sentrylite.organizations.api.dashboard_inputs import (
    DashboardCreateInput,
    DashboardUpdateInput,
    WidgetCreateInput,
    WidgetInput,
)
from sentrylite.organizations.api.serializers.dashboards import (
    DashboardSerializer,
    WidgetSerializer,
)
from sentrylite.organizations.models import Dashboard, Widget


@contextmanager
def changing(kind: str) -> Iterator[None]:
    """What the ground floor refuses, as answers."""
    try:
        yield
    except dashboards.TitleTaken:
        raise Conflict(f"This {kind} already exists") from None
    except dashboards.TooManyWidgets:
        raise ValidationError(
            {"detail": f"A dashboard has at most {dashboards.MAX_WIDGETS} widgets."}
        ) from None
    except dashboards.UnknownWidget:
        text = "All widgets must exist within this dashboard prior to reordering."
        raise ValidationError({"widgets": [text]}) from None
    except ObjectDoesNotExist:
        raise Http404 from None


def find(rows: QuerySet[Any], address: str) -> Any:
    """The row with the id that a path names. Raises Http404."""
    row = rows.filter(pk=int(address)).first() if is_id(address) else None
    if row is None:
        raise Http404
    return row


class DashboardListView(OrganizationScopedView):
    """List an organization's dashboards, make one."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = dashboards.dashboards_of(self.organization, params.search(request.query_params))
        page = params.page_of(request, found)
        return params.answer_page(
            request, page, lambda rows: DashboardSerializer(rows, many=True).data
        )

    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = DashboardCreateInput.read(request)
        with changing("dashboard"):
            dashboard = dashboards.create_dashboard(
                self.organization, title=sent["title"], by=self.caller.user, now=timezone.now()
            )
        dashboards.load_widgets(dashboard)
        return Response(DashboardSerializer(dashboard).data, status=201)


class DashboardScopedView(OrganizationScopedView):
    """`/organizations/{organization}/dashboards/{dashboard_id}/…`"""

    dashboard: Dashboard

    def find_scope(self, **path: str) -> None:
        super().find_scope(**path)
        self.dashboard = find(self.organization.dashboards.all(), path["dashboard_id"])


class DashboardDetailView(DashboardScopedView):
    """One dashboard."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        dashboards.load_widgets(self.dashboard)
        return Response(DashboardSerializer(self.dashboard).data)

    def put(self, request: Request, **kwargs: Any) -> Response:
        sent = DashboardUpdateInput.read(request)
        with changing("dashboard"):
            dashboards.change_dashboard(
                self.dashboard, title=sent.get("title"), orders=sent.get("widgets")
            )
        return self.get(request)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        with changing("dashboard"):
            dashboards.delete_dashboard(self.dashboard)
        return Response(status=204)


class WidgetListView(DashboardScopedView):
    """Add a widget to a dashboard."""

    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = WidgetCreateInput.read(request)
        with changing("widget"):
            widget = dashboards.add_widget(
                self.dashboard, sent["columns"], sent["sources"] or [], now=timezone.now()
            )
        dashboards.load_sources(widget)
        return Response(WidgetSerializer(widget).data, status=201)


class WidgetDetailView(DashboardScopedView):
    """One widget. The documented path has no slash at its end."""

    widget: Widget

    def find_scope(self, **path: str) -> None:
        super().find_scope(**path)
        self.widget = find(self.dashboard.widgets.all(), path["widget_id"])
        self.widget.dashboard = self.dashboard

    def put(self, request: Request, **kwargs: Any) -> Response:
        sent = WidgetInput.read(request)
        with changing("widget"):
            dashboards.change_widget(self.widget, sent["columns"], sent["sources"])
        dashboards.load_sources(self.widget)
        return Response(WidgetSerializer(self.widget).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        with changing("widget"):
            dashboards.delete_widget(self.widget)
        return Response(status=204)
