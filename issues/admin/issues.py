"""Issues in the back office: found, looked at, and changed through actions only."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.models import DELETION
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from issues import actions, queries
from issues.models import Issue, UserReport
from sentrylite.accounts.models import User
from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link, ReadOnly
from sentrylite.admin.display import Panel
from sentrylite.admin.menu import Menu
from sentrylite.organizations.access import EVENT_SCOPES
from sentrylite.organizations.admin.filters import ProjectFilter
from sentrylite.organizations.tenancy import OfProject
from stats.models import IssueDay
from stats.periods import HOURS_OF_DAY, LIST_DAYS_30, LIST_HOURS_24

from . import panels
from .events import EventPages
from .filters import LevelFilter, StatusFilter, by_short_id

SPANS = {"24h": LIST_HOURS_24, "30d": LIST_DAYS_30}


def load_last_hours(issues: Sequence[Issue], now: datetime) -> None:
    """Fill in the last 24 hours of issues of any projects, as `series["24h"]`. One statement."""
    moment = now.timestamp()
    period = LIST_HOURS_24.until(moment)
    days = {hour // HOURS_OF_DAY for hour in period.live_buckets(moment)}
    counts: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    found = IssueDay.objects.filter(
        project_id__in={issue.project_id for issue in issues},
        issue_id__in=[issue.pk for issue in issues],
        day__in=days,
    )
    for issue_id, day, hours in found.values_list("issue_id", "day", "hours"):
        for hour, quantity in enumerate(hours, day * HOURS_OF_DAY):
            counts[issue_id][hour] += quantity
    for issue in issues:
        issue.series = {"24h": period.fill(counts[issue.pk], moment)}


@admin.register(Issue)
class IssueAdmin(EventPages, ReadOnly, BaseAdmin):
    tenancy = OfProject(EVENT_SCOPES)
    menu = Menu("", 1, icon="issues")
    list_display = [
        "headline",
        "short_id",
        "project_link",
        "level_badge",
        "status_badge",
        "hours",
        "event_count",
        "users",
        "seen",
    ]
    list_display_links = ["headline"]
    list_filter = [StatusFilter, LevelFilter, ("project", ProjectFilter)]
    list_select_related = ["project"]
    search_fields = ["title", "culprit"]
    search_help_text = "Words of the title or the culprit, or a short id such as PUMP-STATION-1."
    ordering = ["-last_seen", "-id"]
    actions = ["resolve", "unresolve", "ignore", "merge", "discard", "delete"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("short_id", "project_link"),
                    "title",
                    "culprit",
                    ("status_badge", "level_badge"),
                    "assignee",
                    ("event_count", "users"),
                    ("first", "last"),
                    ("hours", "days"),
                    ("type", "platform"),
                    ("logger", "first_release"),
                ]
            },
        ),
        ("Metadata", {"fields": ["facts"], "classes": ["collapse"]}),
    ]
    readonly_fields = [
        "short_id",
        "project_link",
        "status_badge",
        "level_badge",
        "assignee",
        "event_count",
        "users",
        "first",
        "last",
        "hours",
        "days",
        "facts",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Issue]:
        visible = Issue.objects.visible().order_by(*self.ordering)
        return self.tenancy.rows(request.user, visible)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Issue | None:
        """One issue, with what its page names."""
        if not object_id.isdecimal() or len(object_id) > 18:
            return None
        related = ("project__organization", "assigned_user", "assigned_team", "first_release")
        issues = self.get_queryset(request).select_related(*related)
        # Who follows an old link to an issue that was merged away means the one that is left.
        return issues.filter(Q(pk=object_id) | Q(merged=object_id)).first()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Issue], search_term: str
    ) -> tuple[QuerySet[Issue], bool]:
        named = by_short_id(search_term)
        if named is not None and (found := queryset.filter(named)).exists():
            return found, False
        return super().get_search_results(request, queryset, search_term)

    def load_page(self, request: HttpRequest, rows: Sequence[Issue]) -> None:
        load_last_hours(rows, timezone.now())

    def list_links(self, request: HttpRequest) -> Sequence[Link]:
        return self.event_links(request)

    def links(self, request: HttpRequest, obj: Issue) -> Sequence[Link]:
        return [
            ("Project", display.url_of(obj.project)),
            ("Its other issues", display.list_url(Issue, project__id__exact=obj.project_id)),
            ("User feedback", display.list_url(UserReport, issue__id__exact=obj.pk)),
        ]

    def panels(self, request: HttpRequest, obj: Issue) -> Sequence[Panel]:
        now = timezone.now()
        return [
            panels.events(obj, now),
            panels.tags(obj),
            panels.people(obj),
            panels.reports(obj),
            panels.releases(obj),
            panels.hashes(obj),
            panels.activity(obj),
            panels.marks(obj),
        ]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        queries.load_series([obj], SPANS, timezone.now())
        return super().render_change_form(request, context, add, change, form_url, obj)

    # Columns and facts.

    @admin.display(description="issue", ordering="title")
    def headline(self, issue: Issue) -> SafeString:
        return format_html(
            '<span class="title">{}</span> <small>{}</small>',
            display.shorten(issue.title) or "(without a title)",
            display.shorten(issue.culprit),
        )

    @admin.display(description="short id", ordering="number")
    def short_id(self, issue: Issue) -> str:
        return issue.short_id

    @admin.display(description="project", ordering="project__slug")
    def project_link(self, issue: Issue) -> str:
        return display.link_to(issue.project)

    @admin.display(description="level", ordering="level")
    def level_badge(self, issue: Issue) -> SafeString:
        return display.badge(issue.get_level_display(), f"level-{issue.get_level_display()}")

    @admin.display(description="status", ordering="status")
    def status_badge(self, issue: Issue) -> SafeString:
        if issue.is_auto_resolved(timezone.now()):
            return display.badge("resolved: quiet", "status-resolved")
        return display.badge(issue.get_status_display(), f"status-{issue.get_status_display()}")

    @admin.display(description="events", ordering="times_seen")
    def event_count(self, issue: Issue) -> str:
        return f"{issue.times_seen:,}"

    @admin.display(description="users", ordering="user_count")
    def users(self, issue: Issue) -> str:
        return f"{issue.user_count:,}"

    @admin.display(description="first seen")
    def first(self, issue: Issue) -> str:
        return display.moment(issue.first_seen)

    @admin.display(description="last seen")
    def last(self, issue: Issue) -> str:
        return display.moment(issue.last_seen)

    @admin.display(description="last seen", ordering="last_seen")
    def seen(self, issue: Issue) -> str:
        return display.ago(issue.last_seen)

    @admin.display(description="24 hours")
    def hours(self, issue: Issue) -> SafeString:
        return _chart(issue, "24h", "24 hours")

    @admin.display(description="30 days")
    def days(self, issue: Issue) -> SafeString:
        return _chart(issue, "30d", "30 days")

    @admin.display
    def assignee(self, issue: Issue) -> str:
        return display.link_to(issue.assigned_user or issue.assigned_team)

    @admin.display(description="as stored")
    def facts(self, issue: Issue) -> SafeString:
        return display.pretty_json(issue.metadata)

    # Actions. The rows are not edited, but who may change or delete issues may do these.

    def object_actions(self, request: HttpRequest, obj: Any) -> list[str]:
        return [name for name in super().object_actions(request, obj) if name != "merge"]

    @admin.action(description="Resolve selected issues", permissions=["triage"])
    def resolve(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        self._change(request, rows, actions.resolve_issues, "resolved")

    @admin.action(description="Unresolve selected issues", permissions=["triage"])
    def unresolve(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        self._change(request, rows, actions.unresolve_issues, "unresolved")

    @admin.action(description="Ignore selected issues", permissions=["triage"])
    def ignore(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        self._change(request, rows, actions.ignore_issues, "ignored")

    @admin.action(description="Merge selected issues", permissions=["triage"])
    def merge(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        try:
            by = cast(User, request.user)
            merged = actions.merge_issues(list(rows), by=by, now=timezone.now())
        except actions.CannotMerge:
            text = "Issues of several projects cannot be merged."
            self.message_user(request, text, messages.ERROR)
            return
        if merged is None:
            self.message_user(request, "It takes two issues to merge.", messages.ERROR)
            return
        text = f"{len(merged.children) + 1} issues are {merged.parent.short_id} now."
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description="Discard selected issues", permissions=["removal"])
    def discard(self, request: HttpRequest, rows: QuerySet[Issue]) -> HttpResponse | None:
        warning = (
            "They are gone at once. If one of them happens again, the event is dropped; the API "
            "lists what was discarded as the project's tombstones, and takes it back."
        )
        question = self.confirm(request, rows, action="discard", verb="Discard", warning=warning)
        if question is not None:
            return question
        issues, by = list(rows), cast(User, request.user)
        discarded = actions.discard_issues(issues, by=by, now=timezone.now())
        self.log(request, issues, DELETION)
        self._report(request, discarded, len(issues), "discarded")
        return None

    @admin.action(description="Delete selected issues", permissions=["removal"])
    def delete(self, request: HttpRequest, rows: QuerySet[Issue]) -> HttpResponse | None:
        warning = (
            "They are gone at once, and cannot be brought back. If one of them happens again, it "
            "is a new issue."
        )
        question = self.confirm(request, rows, action="delete", verb="Delete", warning=warning)
        if question is not None:
            return question
        issues = list(rows)
        deleted = actions.delete_issues(issues, by=cast(User, request.user), now=timezone.now())
        self.log(request, issues, DELETION)
        self._report(request, deleted, len(issues), "deleted")
        return None

    def _change(
        self, request: HttpRequest, rows: QuerySet[Issue], action: Callable[..., int], done: str
    ) -> None:
        issues = list(rows)
        changed = action(issues, by=cast(User, request.user), now=timezone.now())
        self._report(request, changed, len(issues), done)

    def _report(self, request: HttpRequest, changed: int, selected: int, done: str) -> None:
        text = f"{changed} {'issue' if changed == 1 else 'issues'} {done}."
        if same := selected - changed:
            text += f" {same} already {'was' if same == 1 else 'were'}."
        self.message_user(request, text, messages.SUCCESS)


def _chart(issue: Issue, name: str, words: str) -> SafeString:
    counts = [count for _, count in issue.series[name]]
    return display.sparkline(counts, f"{sum(counts)} events in {words}")
