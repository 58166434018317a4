"""What belongs to an organization, on its page: a statement or two each, and no more than a few
rows. Lists of their own have the others."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from sentrylite.admin import display
from sentrylite.admin.display import Panel
from sentrylite.admin.tenancy import may, visible
from sentrylite.organizations.models import ApiKey, Organization, OrganizationMember, Project, Team
from sentrylite.organizations.models.organization import Status
from stats import series
from stats.models import Kind
from stats.periods import LIST_HOURS_24

SHOWN = 10


def panels(request: HttpRequest, organization: Organization) -> Sequence[Panel]:
    """Those of what somebody may see."""
    found = [_projects(request, organization), _teams(request, organization)]
    if may(request, "view", OrganizationMember):
        found.append(_members(request, organization))
    if may(request, "view", ApiKey):
        found.append(_keys(request, organization))
    return found


def _rows(request: HttpRequest, model: type[Any], organization: Organization) -> Any:
    return visible(request, model).filter(organization=organization)


def _panel(
    model: type[Model], columns: Sequence[str], rows: Sequence[Any], organization: Organization
) -> Panel:
    name = str(model._meta.verbose_name_plural)
    url = display.list_url(model, organization__id__exact=organization.pk)
    note: SafeString = format_html('<a href="{}">All {}</a>', url, name)
    return Panel(str(capfirst(name)), columns, rows, note)


def _projects(request: HttpRequest, organization: Organization) -> Panel:
    found = list(_rows(request, Project, organization).active().order_by("slug")[:SHOWN])
    now = timezone.now().timestamp()
    keys = [(project.pk, project.pk) for project in found]
    points = series.read_series(Kind.PROJECT_RECEIVED, keys, LIST_HOURS_24.until(now), now)
    rows = []
    for project in found:
        counts = [count for _, count in points[project.pk, project.pk]]
        label = f"{sum(counts):,} events received in 24 hours"
        chart = display.sparkline(counts, label)
        rows.append((display.link_to(project), project.platform, chart, f"{sum(counts):,}"))
    columns = ("Project", "Platform", "24 hours", "Received")
    return _panel(Project, columns, rows, organization)


def _teams(request: HttpRequest, organization: Organization) -> Panel:
    found = _rows(request, Team, organization).filter(status=Status.ACTIVE)
    rows = [
        (display.link_to(team, f"#{team.slug}"), team.name)
        for team in found.order_by("slug")[:SHOWN]
    ]
    return _panel(Team, ("Team", "Name"), rows, organization)


def _members(request: HttpRequest, organization: Organization) -> Panel:
    found = _rows(request, OrganizationMember, organization).select_related("user")
    rows = [
        (
            display.link_to(member),
            member.get_role_display(),
            "" if member.user else "invited",
            display.moment(member.created_at),
        )
        for member in found.order_by("pk")[:SHOWN]
    ]
    columns = ("Member", "Role", "", "Since (UTC)")
    return _panel(OrganizationMember, columns, rows, organization)


def _keys(request: HttpRequest, organization: Organization) -> Panel:
    rows = [
        (display.link_to(key), "active" if key.is_active else "inactive", ", ".join(key.scopes))
        for key in _rows(request, ApiKey, organization).order_by("pk")[:SHOWN]
    ]
    return _panel(ApiKey, ("Key", "", "Scopes"), rows, organization)
