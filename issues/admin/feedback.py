"""What users said about errors, in the back office."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from issues.models import UserReport
from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link, ReadOnly
from sentrylite.admin.menu import Menu
from sentrylite.organizations.access import EVENT_SCOPES
from sentrylite.organizations.admin.filters import ProjectFilter
from sentrylite.organizations.tenancy import OfProject


@admin.register(UserReport)
class UserReportAdmin(ReadOnly, BaseAdmin):
    menu = Menu("", 2, "User feedback", "feedback")
    tenancy = OfProject(EVENT_SCOPES)
    list_display = ["words", "who", "issue_link", "project_link", "environment", "created"]
    list_display_links = ["words"]
    list_filter = [("project", ProjectFilter)]
    list_select_related = ["issue", "project", "environment"]
    search_fields = ["comments", "name", "email"]
    search_help_text = "Words of a report, or a name or an e-mail address."
    ordering = ["-created_at", "-id"]
    fields = [
        "comments",
        ("name", "email"),
        "issue_link",
        ("project_link", "environment"),
        "event",
        "created",
    ]
    readonly_fields = ["issue_link", "project_link", "event", "created"]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Also an issue's, which is not among the filters: its page leads here."""
        return lookup == "issue__id__exact" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    def links(self, request: HttpRequest, obj: UserReport) -> Sequence[Link]:
        return [
            ("Project", display.url_of(obj.project)),
            ("Its feedback", display.list_url(UserReport, project__id__exact=obj.project_id)),
        ]

    @admin.display(description="report", ordering="comments")
    def words(self, report: UserReport) -> str:
        return display.shorten(report.comments)

    @admin.display(description="from", ordering="name")
    def who(self, report: UserReport) -> str:
        return " ".join(filter(None, [report.name, report.email and f"<{report.email}>"]))

    @admin.display(description="issue")
    def issue_link(self, report: UserReport) -> str:
        if report.issue is None:
            return "about no event" if report.stands_alone else "waits for its event"
        return display.link_to(report.issue, display.shorten(report.issue.title))

    @admin.display(description="project", ordering="project__slug")
    def project_link(self, report: UserReport) -> str:
        return display.link_to(report.project)

    @admin.display(description="event")
    def event(self, report: UserReport) -> str:
        if report.issue_id is None:
            return display.code(report.event_id)
        address = reverse("admin:issues_event", args=[report.issue_id, report.event_id])
        return display.link(address, report.event_id)

    @admin.display(description="said", ordering="created_at")
    def created(self, report: UserReport) -> str:
        return display.moment(report.created_at)
