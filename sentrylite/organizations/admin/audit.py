"""The audit log in the back office: to be read, never changed."""

from collections.abc import Sequence

from django.contrib import admin
from django.http import HttpRequest

from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link, NeighbourFilter, ReadOnly
from sentrylite.admin.menu import Menu
from sentrylite.organizations.access import AUDIT_SCOPES
from sentrylite.organizations.models import AuditLogEntry
from sentrylite.organizations.tenancy import OfOrganization


@admin.register(AuditLogEntry)
class AuditLogEntryAdmin(ReadOnly, BaseAdmin):
    menu = Menu("Access", 6)
    tenancy = OfOrganization(AUDIT_SCOPES)
    list_display = ["created_at", "event", "actor_label", "organization_link", "ip_address"]
    list_filter = [("organization", NeighbourFilter)]
    list_select_related = ["organization"]
    search_fields = ["event", "actor_label", "organization__slug"]
    fields = [
        "organization",
        "created_at",
        "event",
        "actor_label",
        "actor",
        "ip_address",
        "target_id",
        "target_user",
        "data",
    ]

    @admin.display(description="organization", ordering="organization__slug")
    def organization_link(self, entry: AuditLogEntry) -> str:
        return display.link_to(entry.organization)

    def links(self, request: HttpRequest, obj: AuditLogEntry) -> Sequence[Link]:
        return [("Organization", display.url_of(obj.organization))]
