"""The usage of organizations in the back office.

Counters have composite keys, which Django's admin does not list: their page hangs on the list of
organizations.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from sentrylite.admin import display
from sentrylite.admin.base import CappedPaginator, Link
from sentrylite.admin.tenancy import may, only_visible
from sentrylite.organizations.admin import OrganizationAdmin
from sentrylite.organizations.models import Organization

from . import series
from .models import Kind
from .periods import LIST_DAYS_30, LIST_HOURS_24, Span

PAGE_SIZE = 50
SPANS = {"24 hours": LIST_HOURS_24, "30 days": LIST_DAYS_30}


class Usage(NamedTuple):
    """What arrived in some time; the two others were received too."""

    span: str
    hours_or_days: list[int]
    """Received in each of them."""
    rejected: int
    blacklisted: int

    @property
    def received(self) -> int:
        return sum(self.hours_or_days)

    @property
    def chart(self) -> SafeString:
        label = f"{self.received:,} events received in {self.span}"
        return display.sparkline(self.hours_or_days, label)

    @property
    def figures(self) -> list[tuple[str, str]]:
        """Each number with its name."""
        names = ("received", "rejected", "blacklisted")
        return [(name, f"{getattr(self, name):,}") for name in names]


def read_usage(organization_ids: Collection[int], name: str, now: float) -> dict[int, Usage]:
    """The usage of each of the organizations in one of the SPANS. Three statements."""
    received = _read(Kind.ORGANIZATION_RECEIVED, organization_ids, SPANS[name], now)
    rejected = _read(Kind.ORGANIZATION_REJECTED, organization_ids, SPANS[name], now)
    blacklisted = _read(Kind.ORGANIZATION_BLACKLISTED, organization_ids, SPANS[name], now)
    return {
        each: Usage(name, received[each], sum(rejected[each]), sum(blacklisted[each]))
        for each in organization_ids
    }


def _read(kind: Kind, ids: Collection[int], span: Span, now: float) -> dict[int, list[int]]:
    points = series.read_series(kind, [(0, each) for each in ids], span.until(now), now)
    return {each: [int(count) for _, count in points[0, each]] for each in ids}


def may_see_usage(request: HttpRequest) -> bool:
    return may(request, "view", Organization)


class OrganizationWithUsageAdmin(OrganizationAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.usage_view)
        return [path("usage/", view, name="stats_usage"), *super().get_urls()]

    def list_links(self, request: HttpRequest) -> Sequence[Link]:
        return [("Usage", reverse("admin:stats_usage"))] if may_see_usage(request) else []

    def usage_view(self, request: HttpRequest) -> HttpResponse:
        """What each organization received, a page at a time."""
        if not may_see_usage(request):
            raise PermissionDenied
        now = timezone.now().timestamp()
        organizations = only_visible(request, Organization.objects.active()).order_by("slug")
        page = CappedPaginator(organizations, PAGE_SIZE).get_page(request.GET.get("p"))
        ids = [organization.pk for organization in page]
        usage = [read_usage(ids, name, now) for name in SPANS]
        context = {
            **self.admin_site.each_context(request),
            "title": "Usage",
            "opts": self.opts,
            "spans": SPANS,
            "page": page,
            "rows": [(each, [spans[each.pk] for spans in usage]) for each in page],
        }
        return TemplateResponse(request, "admin/usage.html", context)


admin.site.unregister(Organization)
admin.site.register(Organization, OrganizationWithUsageAdmin)
