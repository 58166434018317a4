"""The numbers on the back office's first page."""

from typing import Any

from django import template
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

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
    ids = _rows(request, Organization).values_list("pk", flat=True)[:MAX_ORGANIZATIONS]
    keys = [(0, pk) for pk in ids]
    today, month = (
        Usage.sum(read_usage(ORGANIZATION, keys, period, now).values(), period)
        for period in periods.values()
    )
    projects = list(_rows(request, Project).select_related("organization")[:MAX_PROJECTS])
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


def _rows(request: HttpRequest, model: type[Any]) -> Any:
    """The active rows that somebody may see."""
    rows: Any = admin.site.get_model_admin(model).get_queryset(request)
    return rows.active().prefetch_related(None).order_by("pk")
