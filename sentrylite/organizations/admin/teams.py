"""Teams in the back office."""

from collections.abc import Sequence

from django.contrib import admin
from django.http import HttpRequest

from sentrylite.admin import display
from sentrylite.admin.base import Link, NeighbourFilter
from sentrylite.admin.forms import WholeForm
from sentrylite.admin.menu import Menu
from sentrylite.organizations import slugs
from sentrylite.organizations.models import Team
from sentrylite.organizations.tenancy import Teams

from .deletion import DeletedLater
from .joins import ProjectTeamInline, TeamMembershipInline


class TeamForm(WholeForm):
    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"]
        slugs.validate(slug)
        return slug


@admin.register(Team)
class TeamAdmin(DeletedLater):
    menu = Menu("Organization", 3)
    tenancy = Teams()
    form = TeamForm
    list_display = ["slug", "name", "organization_link", "status_badge", "created_at"]
    list_filter = ["status", ("organization", NeighbourFilter)]
    list_select_related = ["organization"]
    search_fields = ["slug", "name", "organization__slug"]
    autocomplete_fields = ["organization"]
    prepopulated_fields = {"slug": ["name"]}
    settled_fields = ["organization"]
    readonly_fields = ["created_at"]
    fieldsets = [(None, {"fields": ["organization", "name", "slug", "created_at"]})]
    inlines = [TeamMembershipInline, ProjectTeamInline]

    @admin.display(description="organization", ordering="organization__slug")
    def organization_link(self, team: Team) -> str:
        return display.link_to(team.organization)

    def links(self, request: HttpRequest, obj: Team) -> Sequence[Link]:
        return [("Organization", display.url_of(obj.organization))]
