"""What is new and what is frequent, on the back office's first page."""

from datetime import datetime
from typing import Any, NamedTuple

from django import template
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from issues import queries
from issues.filters import EVERYTHING
from issues.models import Issue
from issues.queries import Place
from sentrylite.admin import display
from sentrylite.admin.tenancy import may, only_visible, visible
from sentrylite.organizations.models import Project
from sentrylite.releases.models import Release
from stats.periods import LIST_HOURS_24

register = template.Library()

MAX_PROJECTS = 1000
SHOWN = 6
SPANS = {"24h": LIST_HOURS_24}


class Row(NamedTuple):
    """An issue, and how it is shown."""

    issue: Issue
    level: SafeString
    hours: SafeString
    seen: SafeString | str


@register.inclusion_tag("admin/issues/overview.html", takes_context=True)
def issues_panel(context: dict[str, Any]) -> dict[str, Any]:
    """The newest and the most frequent of the unresolved issues that somebody may see, and the
    newest releases. Six statements, whatever their number."""
    request, now = context["request"], timezone.now()
    return {
        "lists": _find_issues(request, now) if may(request, "view", Issue) else [],
        "releases": _newest_releases(request) if may(request, "view", Release) else [],
    }


def _find_issues(request: HttpRequest, now: datetime) -> list[tuple[str, list[Row]]]:
    """Those that nobody has settled. Four statements."""
    projects = only_visible(request, Project.objects.active()).order_by("pk")[:MAX_PROJECTS]
    places = [Place(project) for project in projects]
    statuses = [Issue.Status.UNRESOLVED.value]
    newest = queries.search_issues(places, statuses, EVERYTHING, sort="new", limit=SHOWN)
    frequent = queries.search_issues(places, statuses, EVERYTHING, sort="freq", limit=SHOWN)
    queries.load_series([*newest, *frequent], SPANS, now)
    return [
        ("Newest issues", [_row(issue, issue.first_seen) for issue in newest]),
        ("Most frequent issues", [_row(issue, issue.last_seen) for issue in frequent]),
    ]


def _row(issue: Issue, moment: datetime) -> Row:
    counts = [count for _, count in issue.series["24h"]]
    level = issue.get_level_display()
    return Row(
        issue,
        display.badge(level, f"level-{level}"),
        display.sparkline(counts, f"{sum(counts):,} events in 24 hours"),
        display.ago(moment),
    )


def _newest_releases(request: HttpRequest) -> list[Any]:
    """Two statements."""
    releases: Any = admin.site.get_model_admin(Release)
    found = visible(request, Release).select_related("organization").order_by("-id")
    newest = list(found[:SHOWN])
    releases.load_page(request, newest)
    return [(each, display.ago(each.created_at), releases.last_event(each)) for each in newest]
