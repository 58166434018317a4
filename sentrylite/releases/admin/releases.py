"""Releases in the back office: listed, made, and looked at."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Max, Prefetch, QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link, NeighbourFilter
from sentrylite.admin.display import Panel
from sentrylite.admin.menu import Menu
from sentrylite.admin.tenancy import visible
from sentrylite.organizations.access import RELEASE_SCOPES
from sentrylite.organizations.admin.filters import ProjectFilter
from sentrylite.organizations.admin.joins import JoinInline
from sentrylite.organizations.models import Project
from sentrylite.organizations.tenancy import OfProject, OfProjects
from sentrylite.releases.models import Release, ReleaseProject

from . import contents

MAX_PROJECTS = 1000


class ReleaseProjectInline(JoinInline):
    """The projects that ship a release, with what their events said. Counts are not taken back."""

    tenancy = OfProject(RELEASE_SCOPES)
    model = ReleaseProject
    related = ("release", "project")
    fields = ["project", "new_issues", "first_event_at", "last_event_at"]
    readonly_fields = ["new_issues", "first_event_at", "last_event_at"]
    can_delete = False


@admin.register(Release)
class ReleaseAdmin(BaseAdmin):
    menu = Menu("", 3, icon="releases")
    tenancy = OfProjects(RELEASE_SCOPES, ReleaseProject, "release")
    list_display = [
        "version",
        "organization_link",
        "project_links",
        "new_issues",
        "last_event",
        "created_at",
        "released_at",
    ]
    list_filter = ["status", ("organization", NeighbourFilter), ("projects", ProjectFilter)]
    list_select_related = ["organization"]
    search_fields = ["version", "ref", "organization__slug"]
    autocomplete_fields = ["organization", "owner"]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    fields = [
        *("organization", "version", "status", "ref", "url", "owner"),
        *("created_at", "released_at"),
    ]
    settled_fields = ["organization", "version"]  # events carry the version they are from
    readonly_fields = ["created_at"]
    inlines = [ReleaseProjectInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        return (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("projects", visible(request, Project)))
        )

    def load_page(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        shipped = ReleaseProject.objects.filter(release__in=rows).order_by()
        sums = {
            release_id: facts
            for release_id, *facts in shipped.values_list("release").annotate(
                Sum("new_issues"), Max("last_event_at")
            )
        }
        for release in rows:
            release.new_issues, release.last_event_at = sums.get(release.pk, (0, None))

    @admin.display(description="organization", ordering="organization__slug")
    def organization_link(self, release: Release) -> str:
        return display.link_to(release.organization)

    @admin.display(description="projects")
    def project_links(self, release: Release) -> str:
        return display.links_to(release.projects.all())

    @admin.display(description="new issues")
    def new_issues(self, release: Release) -> int:
        return release.new_issues

    @admin.display(description="last event")
    def last_event(self, release: Release) -> str:
        return display.ago(release.last_event_at)

    def links(self, request: HttpRequest, obj: Release) -> Sequence[Link]:
        return [("Organization", display.url_of(obj.organization))]

    def introduction(self, request: HttpRequest, obj: Release) -> SafeString:
        """How often it happened to break, and how its sessions went."""
        projects = visible(request, Project).filter(releases=obj).order_by("pk")
        ids = list(projects.values_list("pk", flat=True)[:MAX_PROJECTS])
        now = timezone.now().timestamp()
        drawn = contents.charts(obj, ids, now) + contents.sessions(obj, ids, now)
        cards = ((chart,) for chart in drawn)
        return format_html(
            '<div class="columns">{}</div>',
            format_html_join("", '<div class="card">{}</div>', cards),
        )

    def panels(self, request: HttpRequest, obj: Release) -> Sequence[Panel]:
        return [contents.commits(obj), contents.deploys(obj), contents.files(obj)]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # events and counters name it by its id
