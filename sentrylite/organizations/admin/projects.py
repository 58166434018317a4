"""Projects and their client keys in the back office."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet, Value
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from issues.models import EventUser, Issue, UserReport
from issues.payload.filters import LEGACY_VERSIONS, is_network
from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, BaseInline, Link, NeighbourFilter
from sentrylite.admin.charts import Chart, Series
from sentrylite.admin.display import Panel
from sentrylite.admin.fields import CheckboxesField, ListsAsLines
from sentrylite.admin.forms import WholeForm
from sentrylite.admin.menu import Menu
from sentrylite.api.links import absolute_url
from sentrylite.organizations import actions, dsn, slugs
from sentrylite.organizations.access import PROJECT_SCOPES
from sentrylite.organizations.models import Project, ProjectKey, ServiceHook
from sentrylite.organizations.tenancy import OfProject, Projects
from sentrylite.releases.models import Release
from sentrylite.symbols.models import DebugFile
from stats import series, usage
from stats.models import Kind
from stats.periods import LIST_DAYS_30, LIST_HOURS_24

from .deletion import DeletedLater
from .filters import ProjectFilter
from .hooks import hooks_of
from .joins import ProjectTeamInline
from .scrubbing import SCRUBBING
from .snippets import snippets_for

SHOWN_PEOPLE = 20


def with_address(keys: QuerySet[ProjectKey], request: HttpRequest) -> QuerySet[ProjectKey]:
    """Keys that know the address at which this server was reached: it is part of their DSN."""
    return keys.annotate(base_url=Value(absolute_url(request, "")))


class DsnColumn:
    @admin.display(description="DSN")
    def dsn(self, key: Any) -> str:
        return display.copied(dsn.build(key.public_key, key.project_id, base_url=key.base_url))

    @admin.display(description="DSN with secret")
    def secret_dsn(self, key: Any) -> str:
        address = dsn.build(
            key.public_key, key.project_id, secret_key=key.secret_key, base_url=key.base_url
        )
        return display.copied(address)


class ProjectKeyInline(DsnColumn, BaseInline):
    tenancy = OfProject(PROJECT_SCOPES)
    model = ProjectKey
    fields = ["label", "dsn", "is_active", "created_at"]
    readonly_fields = ["dsn", "created_at"]
    extra = 0
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProjectKey]:
        return with_address(super().get_queryset(request), request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a link leads to the page that makes one


class ProjectForm(WholeForm):
    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"]
        slugs.validate(slug, reserved=slugs.RESERVED_FOR_PROJECTS)
        return slug

    def clean_blacklisted_ips(self) -> list[str]:
        addresses = self.cleaned_data["blacklisted_ips"]
        wrong = [address for address in addresses if not is_network(address)]
        if wrong:
            raise forms.ValidationError(f"Neither an address nor a network: {', '.join(wrong)}")
        return addresses


@admin.register(Project)
class ProjectAdmin(ListsAsLines, DeletedLater):
    menu = Menu("Organization", 2)
    tenancy = Projects(PROJECT_SCOPES)
    form = ProjectForm
    list_display = [
        "name",
        "slug",
        "organization_link",
        "team_links",
        "platform",
        "status_badge",
        "received",
        "issues",
    ]
    list_filter = ["status", ("organization", NeighbourFilter)]
    list_select_related = ["organization"]
    search_fields = ["name", "slug", "organization__slug"]
    autocomplete_fields = ["organization"]
    prepopulated_fields = {"slug": ["name"]}
    settled_fields = ["organization"]
    readonly_fields = ["created_at", "first_event_at"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "organization",
                    "name",
                    "slug",
                    "platform",
                    "created_at",
                    "first_event_at",
                ]
            },
        ),
        ("Events", {"fields": ["resolve_age", "allowed_domains"]}),
        (
            "Inbound filters",
            {
                "description": "Events that are refused before they are stored.",
                "fields": [
                    "filter_browser_extensions",
                    "filter_legacy_browsers",
                    "filter_localhost",
                    "filter_web_crawlers",
                    "blacklisted_ips",
                    "filtered_releases",
                    "filtered_error_messages",
                    "csp_ignored_sources_defaults",
                    "csp_ignored_sources",
                ],
            },
        ),
        SCRUBBING,
    ]
    inlines = [ProjectKeyInline, ProjectTeamInline]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "filter_legacy_browsers":
            return CheckboxesField(
                choices=LEGACY_VERSIONS, required=False, help_text=db_field.help_text
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return super().get_queryset(request).prefetch_related("teams")

    def load_page(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        now = timezone.now().timestamp()
        keys = [(project.pk, project.pk) for project in rows]
        points = series.read_series(Kind.PROJECT_RECEIVED, keys, LIST_HOURS_24.until(now), now)
        for project in rows:
            project.hours = [count for _, count in points[project.pk, project.pk]]

    @admin.display(description="organization", ordering="organization__slug")
    def organization_link(self, project: Project) -> str:
        return display.link_to(project.organization)

    @admin.display(description="teams")
    def team_links(self, project: Project) -> str:
        return display.links_to(project.teams.all())

    @admin.display(description="received in 24 h")
    def received(self, project: Any) -> str:
        total = sum(project.hours)
        chart = display.sparkline(project.hours, f"{total} events received in 24 hours")
        return format_html("{} {}", chart, total)

    @admin.display(description="issues")
    def issues(self, project: Project) -> str:
        return display.link(display.list_url(Issue, project__id__exact=project.pk), "Issues")

    def links(self, request: HttpRequest, obj: Project) -> Sequence[Link]:
        return [
            ("Issues", display.list_url(Issue, project__id__exact=obj.pk)),
            ("User feedback", display.list_url(UserReport, project__id__exact=obj.pk)),
            ("Releases", display.list_url(Release, projects__id__exact=obj.pk)),
            ("Debug files", display.list_url(DebugFile, project__id__exact=obj.pk)),
            ("Organization", display.url_of(obj.organization)),
            ("Add key", display.add_url(ProjectKey, project=obj.pk)),
            ("Add service hook", display.add_url(ServiceHook, project=obj.pk)),
        ]

    def introduction(self, request: HttpRequest, obj: Project) -> SafeString:
        """How many events it received, and how it is sent more."""
        key = obj.keys.filter(is_active=True).order_by("pk").first()
        address = absolute_url(request, "")
        text = dsn.build(key.public_key, obj.pk, base_url=address) if key else ""
        context = {
            "project": obj,
            "charts": _charts(obj, timezone.now().timestamp()),
            "dsn": text,
            "snippets": snippets_for(text, obj.platform),
        }
        return render_to_string("admin/organizations/setup.html", context)

    def panels(self, request: HttpRequest, obj: Project) -> Sequence[Panel]:
        found = EventUser.objects.filter(project_id=obj.pk)
        people = found.order_by("-first_seen", "-hash")[:SHOWN_PEOPLE]
        rows = [
            (person.tag_value, person.name, display.moment(person.first_seen)) for person in people
        ]
        note = f"The newest, no more than {SHOWN_PEOPLE}."
        people_panel = Panel(
            "People its events happened to", ("", "Name", "First seen"), rows, note
        )
        return [hooks_of(obj), people_panel]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if not change:
            ProjectKey.objects.create(project=form.instance)

    def response_add(
        self, request: HttpRequest, obj: Project, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Go on to the project's page: its DSN is there, and its teams are chosen there."""
        if "_addanother" not in request.POST and "_popup" not in request.POST:
            data = request.POST.copy()
            data["_continue"] = "1"
            request.POST = data  # type: ignore[assignment]
        return super().response_add(request, obj, post_url_continue)


def _charts(project: Project, now: float) -> list[Chart]:
    """What it received lately. Two statements."""
    charts = []
    for words, span in {"24 hours": LIST_HOURS_24, "30 days": LIST_DAYS_30}.items():
        period = span.until(now)
        points = usage.project_series(Kind.PROJECT_RECEIVED, project.pk, period, now)
        counts = [int(count) for _, count in points]
        title = f"Received in {words}: {sum(counts):,}"
        starts = [start for start, _ in points]
        charts.append(Chart(title, starts, period.width, [Series("received", counts)]))
    return charts


@admin.register(ProjectKey)
class ProjectKeyAdmin(DsnColumn, BaseAdmin):
    menu = Menu("Access", 3, "Client keys")
    tenancy = OfProject(PROJECT_SCOPES)
    list_display = ["label", "project_link", "dsn", "is_active", "created_at"]
    list_filter = ["is_active", ("project", ProjectFilter)]
    list_select_related = ["project"]
    search_fields = ["label", "public_key", "project__name", "project__slug"]
    autocomplete_fields = ["project"]
    settled_fields = ["project"]
    readonly_fields = ["dsn", "secret_dsn", "created_at"]
    actions = ["enable", "disable"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProjectKey]:
        return with_address(super().get_queryset(request), request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        made = ["dsn", "secret_dsn", "created_at"] if obj else []
        limit = ("rate_limit_count", "rate_limit_window")
        return ["project", "label", "is_active", limit, *made]

    @admin.display(description="project", ordering="project__slug")
    def project_link(self, key: ProjectKey) -> str:
        return display.link_to(key.project)

    def links(self, request: HttpRequest, obj: ProjectKey) -> Sequence[Link]:
        return [("Project", display.url_of(obj.project))]

    @admin.action(description="Enable selected keys", permissions=["change"])
    def enable(self, request: HttpRequest, keys: QuerySet[ProjectKey]) -> None:
        self._report(request, actions.set_keys_active(keys, True), "enabled")

    @admin.action(description="Disable selected keys", permissions=["change"])
    def disable(self, request: HttpRequest, keys: QuerySet[ProjectKey]) -> None:
        self._report(request, actions.set_keys_active(keys, False), "disabled")

    def _report(self, request: HttpRequest, changed: int, done: str) -> None:
        names = "key" if changed == 1 else "keys"
        self.message_user(request, f"{changed} {names} {done}.", messages.SUCCESS)
