"""Issues in the back office: found, looked at, and changed through actions only."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.models import DELETION
from django.db.models import QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from issues import actions, details, merging, queries
from issues.models import Issue, UserReport
from sentrylite.accounts.models import User
from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link, ReadOnly
from sentrylite.admin.menu import Menu
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.access import EVENT_SCOPES
from sentrylite.organizations.admin.filters import ProjectFilter
from sentrylite.organizations.models import Project, Team
from sentrylite.organizations.tenancy import OfProject
from sentrylite.releases.models import Release
from stats.periods import LIST_HOURS_24

from .events import EventPages
from .filters import NEWEST, AssigneeFilter, LevelFilter, StatusFilter, by_short_id, with_words
from .page import IssuePage, assignable

SPANS = {"24h": LIST_HOURS_24}
TOO_FREQUENT = f"Very many issues have {{words}}: looked for in the {NEWEST:,} that were seen last."
# What runs from its sources has no stack traces to restore.
FROM_SOURCES = frozenset(("elixir", "perl", "php", "python", "ruby"))
ACTOR = re.compile(r"(user|team):[0-9]{1,18}", re.ASCII)


@admin.register(Issue)
class IssueAdmin(IssuePage, EventPages, ReadOnly, BaseAdmin):
    menu = Menu("", 1, icon="issues")
    tenancy = OfProject(EVENT_SCOPES)
    list_display = [
        "headline",
        "status_badge",
        "hours",
        "event_count",
        "users",
        "assignee",
        "first",
        "seen",
    ]
    list_display_links = None  # the headline has links of its own
    list_filter = [StatusFilter, LevelFilter, AssigneeFilter, ("project", ProjectFilter)]
    list_select_related = ["project", "assigned_user", "assigned_team", "first_release"]
    search_fields = ["title"]  # there is a search; get_search_results says for what
    search_help_text = (
        "Words of the title, the culprit or the message, a short id such as PUMP-STATION-1, or the "
        "id of an event."
    )
    ordering = ["-last_seen", "-id"]
    actions = [
        "resolve",
        "unresolve",
        "ignore",
        "assign",
        "merge",
        "reprocess",
        "discard",
        "delete",
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
        meant = Issue.objects.filter(pk=object_id).values(meant=Coalesce("merged_into_id", "pk"))
        return issues.filter(pk=Subquery(meant)).first()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Issue], search_term: str
    ) -> tuple[QuerySet[Issue], bool]:
        named = by_short_id(search_term)
        if named is not None and (found := queryset.filter(named)).exists():
            return found, False
        found, frequent = with_words(queryset, search_term)
        if frequent:
            self.message_user(request, TOO_FREQUENT.format(words=", ".join(frequent)))
        return found, False

    def load_page(self, request: HttpRequest, rows: Sequence[Issue]) -> None:
        queries.load_series(rows, SPANS, timezone.now())
        last_releases = details.find_last_releases(rows)
        for issue in rows:
            issue.last_release = last_releases.get(issue.pk)  # type: ignore[attr-defined]

    def list_links(self, request: HttpRequest) -> Sequence[Link]:
        return self.event_links(request)

    def links(self, request: HttpRequest, obj: Issue) -> Sequence[Link]:
        return [
            ("Project", display.url_of(obj.project)),
            ("Its other issues", display.list_url(Issue, project__id__exact=obj.project_id)),
            ("User feedback", display.list_url(UserReport, issue__id__exact=obj.pk)),
        ]

    # Columns and facts.

    @admin.display(description="issue", ordering="title")
    def headline(self, issue: Issue) -> SafeString:
        return format_html(
            '<span class="title">{}</span><small>{} {} · {}{}</small>',
            display.link_to(issue, display.shorten(issue.title) or "(without a title)"),
            self.level_badge(issue),
            issue.short_id,
            display.link_to(issue.project),
            format_html(" · {}", display.shorten(issue.culprit)) if issue.culprit else "",
        )

    @admin.display(description="level", ordering="level")
    def level_badge(self, issue: Issue) -> SafeString:
        return display.badge(issue.get_level_display(), f"level-{issue.get_level_display()}")

    @admin.display(description="status", ordering="status")
    def status_badge(self, issue: Issue) -> SafeString:
        if issue.is_auto_resolved(timezone.now()):
            return display.badge("resolved: quiet", "status-resolved")
        return display.badge(issue.get_status_display(), f"status-{issue.get_status_display()}")

    @admin.display(description="24 hours")
    def hours(self, issue: Issue) -> SafeString:
        counts = [count for _, count in issue.series["24h"]]
        return display.sparkline(counts, f"{sum(counts)} events in 24 hours")

    @admin.display(description="events", ordering="times_seen")
    def event_count(self, issue: Issue) -> str:
        return f"{issue.times_seen:,}"

    @admin.display(description="users", ordering="user_count")
    def users(self, issue: Issue) -> str:
        return f"{issue.user_count:,}"

    @admin.display(description="assignee")
    def assignee(self, issue: Issue) -> str:
        return display.link_to(issue.assigned_user or issue.assigned_team)

    @admin.display(description="first seen", ordering="first_seen")
    def first(self, issue: Issue) -> SafeString:
        return _seen(issue.first_seen, issue.first_release)

    @admin.display(description="last seen", ordering="last_seen")
    def seen(self, issue: Any) -> SafeString:
        return _seen(issue.last_seen, issue.last_release)

    # Actions. The rows are not edited, but who may change or delete issues may do these.

    def object_actions(self, request: HttpRequest, obj: Any) -> list[str]:
        done = {"merge", "reprocess"} if obj.platform in FROM_SOURCES else {"merge"}
        return [name for name in super().object_actions(request, obj) if name not in done]

    @admin.action(description="Resolve selected issues", permissions=["triage"])
    def resolve(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        self._change(request, rows, actions.resolve_issues, "resolved")

    @admin.action(description="Unresolve selected issues", permissions=["triage"])
    def unresolve(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        self._change(request, rows, actions.unresolve_issues, "unresolved")

    @admin.action(description="Ignore selected issues", permissions=["triage"])
    def ignore(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        self._change(request, rows, actions.ignore_issues, "ignored")

    @admin.action(description="Assign selected issues", permissions=["triage"])
    def assign(self, request: HttpRequest, rows: QuerySet[Issue]) -> HttpResponse | None:
        issues = list(rows.select_related("project__organization"))
        projects = list({issue.project_id: issue.project for issue in issues}.values())
        question = self.confirm(
            request,
            rows,
            action="assign",
            verb="Assign",
            warning="Who is responsible is told of what happens to an issue from then on.",
            choices=assignable(projects),
        )
        if question is not None:
            return question
        chosen = request.POST.get("choice", "")
        actor = _find_actor(projects, chosen)
        if chosen and actor is None:
            text = "Only those can be responsible who are in a team of each issue's project."
            self.message_user(request, text, messages.ERROR)
            return None
        by = cast(User, request.user)
        changed = actions.assign_issues(issues, actor, by=by, now=timezone.now())
        done = f"assigned to {actor}" if actor else "assigned to nobody"
        self._report(request, changed, len(issues), done)
        return None

    @admin.action(description="Merge selected issues", permissions=["triage"])
    def merge(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        try:
            by = cast(User, request.user)
            merged = actions.merge_issues(list(rows), by=by, now=timezone.now())
        except merging.CannotMerge:
            text = "Issues of several projects cannot be merged."
            self.message_user(request, text, messages.ERROR)
            return
        if merged is None:
            self.message_user(request, "It takes two issues to merge.", messages.ERROR)
            return
        text = f"{len(merged.children) + 1} issues are {merged.parent.short_id} now."
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(
        description="Restore stack traces of selected issues again", permissions=["triage"]
    )
    def reprocess(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        issues, by = list(rows), cast(User, request.user)
        begun = actions.reprocess_issues(issues, by=by, now=timezone.now())
        text = (
            f"The stack traces of {begun} {'issue' if begun == 1 else 'issues'} are being restored "
            "with the files that are there by now. Their events may turn out to be other issues."
        )
        if same := len(issues) - begun:
            text += f" Of {same} that was under way."
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


def _seen(when: datetime, release: Release | None) -> SafeString:
    """How long ago, and in which release."""
    link = display.link_to(release, release.short_version) if release else ""
    return format_html("{}<small>{}</small>", display.ago(when), link)


def _find_actor(projects: Sequence[Project], chosen: str) -> User | Team | None:
    """Who was chosen of those who are `assignable`, if they are in a team of each project."""
    organizations = {project.organization for project in projects}
    if ACTOR.fullmatch(chosen) is None or len(organizations) != 1:
        return None
    actor = organization_queries.find_actor(projects[0].organization, chosen)
    if actor is None:
        return None
    reached = organization_queries.projects_of_actor(projects, actor)
    return actor if reached == {project.pk for project in projects} else None
