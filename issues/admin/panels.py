"""What hangs on one issue, as panels of its page. One or two statements each."""

from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from issues.models import (
    Event,
    EventUser,
    Issue,
    IssueBookmark,
    IssueHash,
    IssueRelease,
    IssueSeen,
    IssueSubscription,
    IssueUser,
    UserReport,
)
from sentrylite.admin import display
from sentrylite.admin.display import Panel
from sentrylite.organizations.models import Environment
from sentrylite.releases.models import Release

SHOWN = 20
CLOCKS_DIFFER = timedelta(days=1)
"""Between those who say when something happened and the server that received it."""


def event_url(event: Event) -> str:
    return reverse("admin:issues_event", args=[event.issue_id, event.event_id.hex])


def events(issue: Issue, now: datetime) -> Panel:
    """The newest, from the partitions that can hold them."""
    found = Event.objects.filter(
        project_id=issue.project_id,
        issue_id=issue.pk,
        received_at__gte=issue.first_seen - CLOCKS_DIFFER,
        received_at__lte=now + CLOCKS_DIFFER,
    )
    newest = found.defer("payload").order_by("-timestamp", "-event_id")[:SHOWN]
    columns = ("Event", "Happened (UTC)", "Environment", "Release", "User", "Message")
    return Panel("Latest events", columns, [_event_row(event) for event in newest])


def _event_row(event: Event) -> tuple[object, ...]:
    tags = dict(event.tag_pairs)
    return (
        display.link(event_url(event), event.event_id.hex[:12]),
        display.moment(event.timestamp),
        tags.get("environment", ""),
        tags.get("release", ""),
        tags.get("user", ""),
        display.shorten(event.message, 80),
    )


def people(issue: Issue) -> Panel:
    """Some of those it happened to: their index knows no order."""
    hashes = IssueUser.objects.filter(project_id=issue.project_id, issue_id=issue.pk)
    found = EventUser.objects.filter(
        project_id=issue.project_id,
        hash__in=hashes.order_by("user_hash").values("user_hash")[:SHOWN],
    )
    rows = [
        (person.tag_value, person.name, person.username, person.email, person.ip_address or "")
        for person in found.order_by("hash")
    ]
    note = f"{len(rows)} of {issue.user_count}." if rows else ""
    return Panel("Users", ("", "Name", "User name", "E-mail address", "IP address"), rows, note)


def releases(issue: Issue) -> Panel:
    """Where it was seen, the newest first."""
    seen = list(
        IssueRelease.objects.filter(project_id=issue.project_id, issue_id=issue.pk).order_by(
            "-last_seen"
        )[:SHOWN]
    )
    versions = Release.objects.in_bulk({row.release_id for row in seen})
    environments = Environment.objects.in_bulk({row.environment_id for row in seen})
    rows = [
        (
            display.link_to(versions.get(row.release_id)),
            display.link_to(environments.get(row.environment_id)),
            row.times_seen,
            display.moment(row.first_seen),
            display.moment(row.last_seen),
        )
        for row in seen
    ]
    columns = ("Release", "Environment", "Events", "First seen (UTC)", "Last seen (UTC)")
    return Panel("Releases and environments", columns, rows)


def hashes(issue: Issue) -> Panel:
    found = IssueHash.objects.filter(project_id=issue.project_id, issue_id=issue.pk)
    rows = [(display.code(each.hash.hex),) for each in found.order_by("hash")[:SHOWN]]
    return Panel("Hashes", (), rows, "Events with one of these are in this issue." if rows else "")


def reports(issue: Issue) -> Panel:
    """What users said, the newest first."""
    found = UserReport.objects.filter(issue=issue).order_by("-created_at", "-id")
    rows = [
        (
            display.link_to(report, display.shorten(report.comments)),
            report.name,
            report.email,
            display.moment(report.created_at),
        )
        for report in found[:SHOWN]
    ]
    return Panel("User feedback", ("Report", "Name", "E-mail address", "Said (UTC)"), rows)


def marks(issue: Issue) -> Panel:
    """Who looked at it, follows it, bookmarked it."""
    found = [
        *((each, "seen", each.last_seen) for each in _newest(IssueSeen, issue)),
        *((each, _subscribed(each), each.created_at) for each in _newest(IssueSubscription, issue)),
        *((each, "bookmarked", each.created_at) for each in _newest(IssueBookmark, issue)),
    ]
    rows = [(display.link_to(mark.user), what, display.moment(at)) for mark, what, at in found]
    return Panel("Colleagues", ("", "", "At (UTC)"), rows)


def _newest(marks: type[Any], issue: Issue) -> Any:
    return marks.objects.filter(issue=issue).select_related("user").order_by("-id")[:SHOWN]


def _subscribed(mark: IssueSubscription) -> str:
    return f"subscribed: {mark.get_reason_display()}" if mark.is_active else "unsubscribed"
