"""The usage of all organizations, and the statistics of one.

Counters have composite keys, which Django's admin does not list: their pages hang on the list of
organizations.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from sentrylite.admin.base import CappedPaginator, Link
from sentrylite.admin.charts import Chart, Series
from sentrylite.admin.tenancy import only_visible
from sentrylite.organizations.admin import OrganizationAdmin
from sentrylite.organizations.models import Organization, Project
from stats import usage
from stats.models import Kind
from stats.periods import DAY, HOUR, SAMPLES, Period, optimal_width, parse_resolution

from .usage import ORGANIZATION, PROJECT, SPANS, may_see_usage, read_usage

PAGE_SIZE = 50
MAX_PROJECTS = 200

STATS = {
    "received": Kind.ORGANIZATION_RECEIVED,
    "rejected": Kind.ORGANIZATION_REJECTED,
    "filtered": Kind.ORGANIZATION_BLACKLISTED,
}
PERIODS = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, "90d": 90 * DAY}
RESOLUTIONS = {"10s": "10 seconds", "1h": "1 hour", "1d": "1 day"}


class Choice(NamedTuple):
    """What the form of the statistics says."""

    period: str
    resolution: str
    problem: str = ""

    @classmethod
    def read(cls, request: HttpRequest) -> "Choice":
        """What was asked for, as far as it can be shown: the last 24 hours without a word."""
        period = request.GET.get("period", "24h")
        resolution = request.GET.get("resolution", "")
        if period not in PERIODS:
            return cls("24h", "1h", f"There is no period {period[:20]}.")
        best = _name(optimal_width(0, PERIODS[period]))
        if not resolution:
            return cls(period, best)
        if resolution not in RESOLUTIONS:
            return cls(period, best, f"There is no resolution {resolution[:20]}.")
        width = parse_resolution(resolution)
        if width * SAMPLES[width] < PERIODS[period]:
            kept = f"Counts of every {RESOLUTIONS[resolution]} are not kept for so long."
            return cls(period, best, kept)
        return cls(period, resolution)

    def until(self, now: float) -> Period:
        width = parse_resolution(self.resolution)
        return Period(now - max(PERIODS[self.period] - width, 0), now, width)


def _name(width: int) -> str:
    return next(name for name in RESOLUTIONS if parse_resolution(name) == width)


class OrganizationWithUsageAdmin(OrganizationAdmin):
    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("usage/", wrap(self.usage_view), name="stats_usage"),
            path(
                "<int:object_id>/statistics/",
                wrap(self.statistics_view),
                name="stats_organization",
            ),
            *super().get_urls(),
        ]

    def list_links(self, request: HttpRequest) -> Sequence[Link]:
        return [("Usage", reverse("admin:stats_usage"))] if may_see_usage(request) else []

    def links(self, request: HttpRequest, obj: Organization) -> Sequence[Link]:
        own = [("Statistics", reverse("admin:stats_organization", args=[obj.pk]))]
        return [*(own if may_see_usage(request) else []), *super().links(request, obj)]

    def introduction(self, request: HttpRequest, obj: Organization) -> SafeString:
        """What it received lately."""
        now = timezone.now().timestamp()
        charts = []
        for words, span in SPANS.items():
            found = read_usage(ORGANIZATION, [(0, obj.pk)], span.until(now), now)
            charts.append(found[0, obj.pk].chart(f"Last {words}"))
        cards = format_html_join("", '<div class="card">{}</div>', ((chart,) for chart in charts))
        return format_html('<div class="columns">{}</div>', cards)

    def usage_view(self, request: HttpRequest) -> HttpResponse:
        """What each organization received, a page at a time."""
        if not may_see_usage(request):
            raise PermissionDenied
        now = timezone.now().timestamp()
        organizations = only_visible(request, Organization.objects.active()).order_by("slug")
        page = CappedPaginator(organizations, PAGE_SIZE).get_page(request.GET.get("p"))
        keys = [(0, organization.pk) for organization in page]
        spans = [read_usage(ORGANIZATION, keys, span.until(now), now) for span in SPANS.values()]
        context = {
            **self.admin_site.each_context(request),
            "title": "Usage",
            "opts": self.opts,
            "spans": SPANS,
            "page": page,
            "rows": [(each, [span[0, each.pk] for span in spans]) for each in page],
        }
        return TemplateResponse(request, "admin/usage.html", context)

    def statistics_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A chart for each number of one organization, and the numbers of its projects."""
        organization: Any = self.get_object(request, str(object_id))
        if organization is None:
            raise Http404
        if not may_see_usage(request):
            raise PermissionDenied
        now = timezone.now().timestamp()
        choice = Choice.read(request)
        period = choice.until(now)
        charts = []
        for name, kind in STATS.items():
            points = usage.organization_series(kind, organization.pk, period, now)
            counts = [int(count) for _, count in points]
            starts = [start for start, _ in points]
            total = f"{name.capitalize()}: {sum(counts):,}"
            charts.append(Chart(total, starts, period.width, [Series(name, counts)]))
        projects = Project.objects.active().filter(organization=organization)
        shown = list(only_visible(request, projects).order_by("slug")[:MAX_PROJECTS])
        of_project = read_usage(PROJECT, [(each.pk, each.pk) for each in shown], period, now)
        rows = [(each, of_project[each.pk, each.pk]) for each in shown]
        context = {
            **self.admin_site.each_context(request),
            "title": "Statistics",
            "subtitle": f"Statistics of {organization}",
            "opts": self.opts,
            "organization": organization,
            "choice": choice,
            "periods": PERIODS,
            "resolutions": RESOLUTIONS,
            "charts": charts,
            "rows": sorted(rows, key=lambda row: -row[1].total),
        }
        return TemplateResponse(request, "admin/statistics.html", context)


admin.site.unregister(Organization)
admin.site.register(Organization, OrganizationWithUsageAdmin)
