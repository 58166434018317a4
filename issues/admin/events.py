"""Events in the back office: found by their id or by project, and read.

They have a composite key, which Django's admin does not list; so these are pages of our own, beside
those of issues. Every query bounds `received_at` on both sides with constants.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from issues import queries
from issues.models import Event, EventAddress, Issue
from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link
from sentrylite.admin.display import Panel
from sentrylite.admin.tenancy import may, only_visible, visible
from sentrylite.organizations.models import Project

from . import readable
from .panels import CLOCKS_DIFFER, event_url

PAGE_SIZE = 50
MAX_PROJECTS = 500
# An event id is made by an SDK: it may be in several projects.
MAX_FOUND = 20


def may_see_events(request: HttpRequest) -> bool:
    """Who may see issues may see their events."""
    return may(request, "view", Issue)


class EventPages(BaseAdmin):
    """For the admin of issues."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("events/", wrap(self.events_view), name="issues_events"),
            path(
                "<int:issue_id>/events/<str:event_id>/", wrap(self.event_view), name="issues_event"
            ),
            *super().get_urls(),
        ]

    def event_links(self, request: HttpRequest) -> Sequence[Link]:
        return [("Events", reverse("admin:issues_events"))] if may_see_events(request) else []

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Who looks for an event's id among issues is led to the event."""
        text = request.GET.get("q", "").strip()
        if as_event_id(text) and may_see_events(request):
            found = find_events(text, visible(request, Project))
            if len(found) == 1:
                return redirect(event_url(found[0]))
        return super().changelist_view(request, extra_context)

    def events_view(self, request: HttpRequest) -> HttpResponse:
        """An event by its id, or a project's newest."""
        if not may_see_events(request):
            raise PermissionDenied
        text = request.GET.get("q", "").strip()
        projects = list(
            only_visible(request, Project.objects.active())
            .select_related("organization")
            .order_by("organization__slug", "slug")[:MAX_PROJECTS]
        )
        chosen = request.GET.get("project", str(projects[0].pk) if len(projects) == 1 else "")
        now = timezone.now()
        found: list[Event] = []
        if text:
            found = find_events(text, visible(request, Project))
        elif any(str(project.pk) == chosen for project in projects) or (
            chosen.isdecimal()
            and len(chosen) < 19
            and visible(request, Project).filter(pk=chosen).exists()
        ):
            found = newest_events(int(chosen), _before(request, now), now)
        if text and len(found) == 1:
            return redirect(event_url(found[0]))
        context = {
            **self.admin_site.each_context(request),
            "title": "Events",
            "opts": self.opts,
            "text": text,
            "projects": projects,
            "chosen": chosen,
            "panel": _panel(found),
            "asked": text or chosen,
            "before": found[-1].received_at.isoformat()
            if not text and len(found) == PAGE_SIZE
            else "",
        }
        return TemplateResponse(request, "admin/issues/events.html", context)

    def event_view(self, request: HttpRequest, issue_id: int, event_id: str) -> HttpResponse:
        """One event, readable."""
        if not may_see_events(request):
            raise PermissionDenied
        issue, key = self.get_object(request, str(issue_id)), as_event_id(event_id)
        event = queries.find_event(issue.project_id, key) if issue and key else None
        if issue is None or event is None or event.issue_id != issue.pk:
            raise Http404
        queries.load_neighbours(event, timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "title": f"Event {event}",
            "opts": self.opts,
            "issue": issue,
            "badges": [self.level_badge(issue), self.status_badge(issue)],  # type: ignore[attr-defined]
            "event": event,
            "story": readable.read(event.data),
            "raw": display.pretty_json(event.data),
            "older": sibling_url(issue, event.previous_event_id),
            "newer": sibling_url(issue, event.next_event_id),
        }
        return TemplateResponse(request, "admin/issues/event.html", context)


def as_event_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def find_events(text: str, projects: QuerySet[Project]) -> list[Event]:
    """The events with this id, whichever of the projects they are in. Two statements."""
    event_id = as_event_id(text)
    if event_id is None:
        return []
    # The key begins with the project: each project is one look into the index.
    addresses = EventAddress.objects.filter(
        project_id__in=projects.order_by().values("pk"), event_id=event_id
    )
    places = [
        Q(project_id=address.project_id, received_at=address.received_at, event_id=event_id)
        for address in addresses[:MAX_FOUND]
    ]
    if not places:
        return []
    return list(Event.objects.filter(reduce(or_, places)).defer("payload"))


def newest_events(project_id: int, before: datetime, now: datetime) -> list[Event]:
    """A page of the events that a project received before a moment, the newest first."""
    oldest = now - timedelta(days=settings.EVENT_RETENTION_DAYS) - CLOCKS_DIFFER
    found = Event.objects.filter(
        project_id=project_id, received_at__gte=oldest, received_at__lt=before
    )
    return list(found.defer("payload").order_by("-received_at")[:PAGE_SIZE])


def _before(request: HttpRequest, now: datetime) -> datetime:
    try:
        before = parse_datetime(request.GET.get("before", ""))
    except ValueError:
        before = None
    return before if before and before.tzinfo else now + CLOCKS_DIFFER


def _panel(events: Iterable[Event]) -> Panel:
    events = list(events)
    issues = Issue.objects.visible().select_related("project")
    of_event = issues.in_bulk({event.issue_id for event in events})
    rows = [_row(event, of_event.get(event.issue_id)) for event in events]
    return Panel("Events", ("Event", "Received (UTC)", "Issue", "Project", "User", "Message"), rows)


def _row(event: Event, issue: Issue | None) -> tuple[Any, ...]:
    short = event.event_id.hex[:12]
    return (
        display.link(event_url(event), short) if issue else short,
        display.moment(event.received_at),
        display.link_to(issue, issue.short_id) if issue else "deleted",
        display.link_to(issue.project) if issue else event.project_id,
        dict(event.tag_pairs).get("user", ""),
        display.shorten(event.message, 80),
    )


def sibling_url(issue: Issue, event_id: UUID | None) -> str | None:
    """The page of the event before or after one, if there is one."""
    return reverse("admin:issues_event", args=[issue.pk, event_id.hex]) if event_id else None
