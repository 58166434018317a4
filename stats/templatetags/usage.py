"""The numbers on the back office's first page."""

from typing import Any

from django import template
from django.utils import timezone

from sentrylite.admin.tenancy import only_visible
from sentrylite.organizations.models import Organization, Project
from stats.admin.usage import ORGANIZATION, PROJECT, SPANS, Usage, may_see_usage, read_usage

register = template.Library()

MAX_ORGANIZATIONS = 1000
MAX_PROJECTS = 1000
SHOWN_PROJECTS = 8


@register.inclusion_tag("admin/usage_panel.html", takes_context=True)
def usage_panel(context: dict[str, Any]) -> dict[str, Any]:
    """What somebody's organizations received lately, all together and by project. Eleven
    statements, whatever their number."""
    request = context["request"]
    if not may_see_usage(request):
        return {"usage": None}
    now = timezone.now().timestamp()
    periods = {name: span.until(now) for name, span in SPANS.items()}
    organizations = only_visible(request, Organization.objects.active()).order_by("pk")
    ids = organizations.values_list("pk", flat=True)[:MAX_ORGANIZATIONS]
    keys = [(0, pk) for pk in ids]
    today, month = (
        Usage.sum(read_usage(ORGANIZATION, keys, period, now).values(), period)
        for period in periods.values()
    )
    found = only_visible(request, Project.objects.active()).order_by("pk")
    projects = list(found.select_related("organization")[:MAX_PROJECTS])
    of_project = read_usage(
        PROJECT, [(each.pk, each.pk) for each in projects], periods["24 hours"], now
    )
    busiest = sorted(
        ((project, of_project[project.pk, project.pk]) for project in projects),
        key=lambda row: (-row[1].total, row[0].slug),
    )
    return {
        "usage": today,
        "charts": [today.chart("Last 24 hours"), month.chart("Last 30 days")],
        "projects": busiest[:SHOWN_PROJECTS],
        "more": max(len(busiest) - SHOWN_PROJECTS, 0),
    }
