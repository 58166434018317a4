"""Releases in the back office."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest

from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link, NeighbourFilter
from sentrylite.organizations.admin.filters import ProjectFilter
from sentrylite.organizations.admin.joins import JoinInline

from .models import Deploy, Release, ReleaseCommit, ReleaseProject

# A release may list thousands.
NEWEST_COMMITS = 50


class ReleaseProjectInline(JoinInline):
    """The projects that ship a release, with what their events said. Counts are not taken back."""

    model = ReleaseProject
    related = ("release", "project")
    fields = ["project", "new_issues", "first_event_at", "last_event_at"]
    readonly_fields = ["new_issues", "first_event_at", "last_event_at"]
    can_delete = False


class ReadOnlyInline(admin.TabularInline):
    """What build tools said of a release."""

    extra = 0
    can_delete = False
    related: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.related)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DeployInline(ReadOnlyInline):
    model = Deploy
    related = ("release", "environment")
    fields = ["environment", "name", "url", "started_at", "finished_at"]
    readonly_fields = ["url"]


class ReleaseCommitInline(ReadOnlyInline):
    """The newest of its commits."""

    model = ReleaseCommit
    verbose_name_plural = f"commits (the newest {NEWEST_COMMITS})"
    related = ("release", "commit__repository", "commit__author")
    fields = ["commit", "repository", "author", "committed_at", "message"]
    readonly_fields = ["repository", "author", "committed_at", "message"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReleaseCommit]:
        return super().get_queryset(request).filter(order__lt=NEWEST_COMMITS)

    @admin.display
    def repository(self, listed: ReleaseCommit) -> str:
        return str(listed.commit.repository)

    @admin.display(empty_value="-")
    def author(self, listed: ReleaseCommit) -> str:
        return str(listed.commit.author or "")

    @admin.display(description="committed (UTC)")
    def committed_at(self, listed: ReleaseCommit) -> datetime:
        return listed.commit.created_at

    @admin.display
    def message(self, listed: ReleaseCommit) -> str:
        return (listed.commit.message or "").partition("\n")[0]


@admin.register(Release)
class ReleaseAdmin(BaseAdmin):
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
    inlines = [ReleaseProjectInline, DeployInline, ReleaseCommitInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Release]:
        return super().get_queryset(request).prefetch_related("projects")

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

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # events and counters name it by its id
