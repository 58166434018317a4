"""What people did with issues, all of it, in the back office."""

from django.contrib import admin

from issues.models import Activity
from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, NeighbourFilter, ReadOnly
from sentrylite.admin.menu import Menu
from sentrylite.organizations.access import EVENT_SCOPES
from sentrylite.organizations.tenancy import OfProject


@admin.register(Activity)
class ActivityAdmin(ReadOnly, BaseAdmin):
    menu = Menu("Operation", 1)
    tenancy = OfProject(EVENT_SCOPES, "issue__project")
    list_display = ["type", "issue_link", "user_link", "created_at"]
    list_filter = ["type", ("user", NeighbourFilter)]
    list_select_related = ["issue", "user"]
    search_fields = ["issue__title", "user__username"]
    ordering = ["-id"]
    fields = ["type", "issue_link", "user_link", "created_at", "facts"]
    readonly_fields = ["issue_link", "user_link", "facts"]

    @admin.display(description="issue")
    def issue_link(self, activity: Activity) -> str:
        return display.link_to(activity.issue, display.shorten(activity.issue.title))

    @admin.display(description="user")
    def user_link(self, activity: Activity) -> str:
        return display.link_to(activity.user)

    @admin.display(description="data")
    def facts(self, activity: Activity) -> str:
        return display.pretty_json(activity.data)
