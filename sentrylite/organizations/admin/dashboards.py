"""Dashboards in the back office: to be read. They are made through the API."""

from collections.abc import Sequence

from django.contrib import admin
from django.http import HttpRequest

from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, BaseInline, Link, NeighbourFilter, ReadOnly
from sentrylite.admin.menu import Menu
from sentrylite.organizations.access import ORGANIZATION_SCOPES
from sentrylite.organizations.models import Dashboard, Widget
from sentrylite.organizations.tenancy import OfOrganization


class WidgetInline(ReadOnly, BaseInline):
    tenancy = OfOrganization(ORGANIZATION_SCOPES, "dashboard__organization")
    model = Widget
    fields = ["order", "title", "display_type", "display_options", "created_at"]


@admin.register(Dashboard)
class DashboardAdmin(ReadOnly, BaseAdmin):
    menu = Menu("Organization", 7)
    tenancy = OfOrganization(ORGANIZATION_SCOPES)
    list_display = ["title", "organization_link", "created_by", "created_at"]
    list_filter = [("organization", NeighbourFilter)]
    list_select_related = ["organization", "created_by"]
    search_fields = ["title", "organization__slug"]
    fields = ["organization", "title", "created_by", "created_at"]
    inlines = [WidgetInline]

    @admin.display(description="organization", ordering="organization__slug")
    def organization_link(self, dashboard: Dashboard) -> str:
        return display.link_to(dashboard.organization)

    def links(self, request: HttpRequest, obj: Dashboard) -> Sequence[Link]:
        return [("Organization", display.url_of(obj.organization))]
