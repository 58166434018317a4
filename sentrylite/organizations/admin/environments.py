"""Environments in the back office. Events make them; here they are hidden and shown."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest

from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, BaseInline, Link, NeighbourFilter
from sentrylite.admin.menu import Menu
from sentrylite.admin.tenancy import visible
from sentrylite.organizations.access import PROJECT_SCOPES
from sentrylite.organizations.models import Environment, EnvironmentProject, Project
from sentrylite.organizations.tenancy import OfProject, OfProjects


class EnvironmentProjectInline(BaseInline):
    tenancy = OfProject(PROJECT_SCOPES)
    model = EnvironmentProject
    fields = ["project", "is_hidden"]
    readonly_fields = ["project"]
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[EnvironmentProject]:
        return super().get_queryset(request).select_related("project", "environment")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Environment)
class EnvironmentAdmin(BaseAdmin):
    menu = Menu("Organization", 5)
    tenancy = OfProjects(PROJECT_SCOPES, EnvironmentProject, "environment")
    list_display = ["__str__", "organization_link", "project_links", "created_at"]
    list_filter = [("organization", NeighbourFilter)]
    list_select_related = ["organization"]
    search_fields = ["name", "organization__slug"]
    readonly_fields = ["name", "organization", "created_at"]
    inlines = [EnvironmentProjectInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Environment]:
        return (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("projects", visible(request, Project)))
        )

    @admin.display(description="organization", ordering="organization__slug")
    def organization_link(self, environment: Environment) -> str:
        return display.link_to(environment.organization)

    @admin.display(description="projects")
    def project_links(self, environment: Environment) -> str:
        return display.links_to(environment.projects.all())

    def links(self, request: HttpRequest, obj: Environment) -> Sequence[Link]:
        return [("Organization", display.url_of(obj.organization))]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # events and counters name it by its id
