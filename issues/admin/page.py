"""The page of one issue: what broke, how often, where and for whom, and what to do about it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from issues import details, queries
from issues import events as issue_events
from issues.events import Wanted
from issues.models import Event, Issue
from sentrylite.accounts.models import User
from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin
from sentrylite.admin.charts import Chart, Series
from sentrylite.admin.display import Panel
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.models import Project, Team
from stats.periods import LIST_DAYS_30, LIST_HOURS_24, Points

from . import panels, readable
from .events import may_see_events, sibling_url
from .history import read_history
from .panels import event_url
from .tags import read_distributions

SPANS = {"24h": LIST_HOURS_24, "30d": LIST_DAYS_30}
TITLES = {"24h": "Last 24 hours", "30d": "Last 30 days"}


class Shown(NamedTuple):
    """An event, readable, and the way to it and to the one before."""

    event: Event
    story: readable.Story
    raw: str
    url: str
    older: str | None


class IssuePage(BaseAdmin):
    """For the admin of issues: a page to look at instead of a form."""

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        issue: Issue | None = self.get_object(request, object_id)
        if not self.has_view_permission(request, issue) or request.method == "POST":
            raise PermissionDenied
        if issue is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        now = timezone.now()
        queries.load_series([issue], SPANS, now)
        last_release = details.find_last_releases([issue]).get(issue.pk)
        may_read = may_see_events(request)
        context = {
            **self.admin_site.each_context(request),
            "title": issue.title or "(without a title)",
            "opts": self.opts,
            "issue": issue,
            "assigned": _sent(issue.assigned_user or issue.assigned_team),
            "assignee": display.link_to(issue.assigned_user or issue.assigned_team),
            "event_count": f"{issue.times_seen:,}",
            "user_count": f"{issue.user_count:,}",
            "badges": [self.level_badge(issue), self.status_badge(issue)],  # type: ignore[attr-defined]
            "seen": [display.ago(issue.first_seen), display.ago(issue.last_seen)],
            "releases": [display.link_to(issue.first_release), display.link_to(last_release)],
            "charts": [_chart(name, issue.series[name]) for name in SPANS],
            "shown": self._newest(issue) if may_read else None,
            "distributions": read_distributions(issue),
            "history": read_history(issue),
            "panels": self.panels(request, issue),
            "links": self.links(request, issue),
            "object_actions": self.object_actions(request, issue),
            "object_actions_url": self._url("run", issue.pk),
            "assignable": assignable([issue.project]),
            "facts": display.pretty_json(issue.metadata),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/issues/issue.html", context)

    def _newest(self, issue: Issue) -> Shown | None:
        """The last event. Two statements."""
        now = timezone.now()
        event = issue_events.find_newest_event(issue, Wanted(), now)
        if event is None:
            return None
        queries.load_neighbours(event, now)
        story, raw = readable.read(event.data), display.pretty_json(event.data)
        older = sibling_url(issue, event.previous_event_id)
        return Shown(event, story, raw, event_url(event), older)

    def panels(self, request: HttpRequest, obj: Issue) -> Sequence[Panel]:
        events = [panels.events(obj, timezone.now())] if may_see_events(request) else []
        return [
            *events,
            panels.reports(obj),
            panels.releases(obj),
            panels.people(obj),
            panels.hashes(obj),
            panels.marks(obj),
        ]


def assignable(projects: Sequence[Project]) -> list[tuple[str, str]]:
    """Who can be responsible for issues of these projects: what is sent, and the name. Two
    statements."""
    people, teams = organization_queries.find_actors_in(projects)
    return [
        ("", "Nobody"),
        *((f"team:{team.pk}", f"#{team.slug}") for team in teams),
        *((f"user:{person.pk}", str(person)) for person in people),
    ]


def _sent(actor: User | Team | None) -> str:
    """As `assignable` has it."""
    if actor is None:
        return ""
    return f"{'user' if isinstance(actor, User) else 'team'}:{actor.pk}"


def _chart(name: str, points: Points) -> Chart:
    counts = [int(count) for _, count in points]
    title = f"{TITLES[name]}: {sum(counts):,} event{'' if sum(counts) == 1 else 's'}"
    return Chart(
        title, [start for start, _ in points], SPANS[name].width, [Series("events", counts)]
    )
