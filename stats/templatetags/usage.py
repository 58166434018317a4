"""The panel on the back office's first page."""

from typing import Any

from django import template
from django.utils import timezone

from sentrylite.admin.tenancy import only_visible
from sentrylite.organizations.models import Organization
from stats.admin import Usage, may_see_usage, read_usage

register = template.Library()

SPAN = "24 hours"
MAX_ORGANIZATIONS = 1000


@register.inclusion_tag("admin/usage_panel.html", takes_context=True)
def usage_panel(context: dict[str, Any]) -> dict[str, Any]:
    """What all organizations together received lately. Four statements, whatever their number."""
    request = context["request"]
    if not may_see_usage(request):
        return {"usage": None}
    organizations = only_visible(request, Organization.objects.active()).order_by("pk")
    ids = list(organizations.values_list("pk", flat=True)[:MAX_ORGANIZATIONS])
    each = list(read_usage(ids, SPAN, timezone.now().timestamp()).values())
    return {
        "usage": Usage(
            SPAN,
            [sum(counts) for counts in zip(*(usage.hours_or_days for usage in each), strict=True)],
            sum(usage.rejected for usage in each),
            sum(usage.blacklisted for usage in each),
        ),
        "organizations": len(ids),
    }
