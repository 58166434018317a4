"""Everything that one issue's page shows, in a fixed number of statements."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from sentrylite import rows
from sentrylite.accounts.models import User
from sentrylite.arrays import literal
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.access import Access, Caller
from sentrylite.organizations.models import Organization, Project
from sentrylite.releases.commits import load_commits
from sentrylite.releases.models import Release
from sentrylite.releases.queries import load_releases
from sentrylite.statements import Statement
from stats.periods import DAYS_30, HOURS_24, Points

from . import environments, queries
from .models import Activity, Issue, IssueResolution
from .models.issue import read_short_id

MAX_ACTIVITIES = 100
# An issue that half a company watches does not make a page of a megabyte.
MAX_PEOPLE = 100

SPANS = {"24h": HOURS_24, "30d": DAYS_30}

# The newest of the releases that the issue was seen in.
_LAST_RELEASE = """
    SELECT release.id FROM issues_issuerelease seen_in
    JOIN releases_release release ON release.id = seen_in.release_id
    WHERE seen_in.project_id = i.project_id AND seen_in.issue_id = i.id
    ORDER BY coalesce(release.released_at, release.created_at) DESC, release.id DESC LIMIT 1
"""

FIND_LAST_RELEASES = f"""
    SELECT i.id, ({_LAST_RELEASE}) FROM issues_issue i WHERE i.id = ANY(%(issues)s::bigint[])
"""

# Most issues have neither activities nor people: then nothing more is asked about them.
_HAS = """
    (SELECT count(*) FROM issues_userreport WHERE issue_id = i.id),
    EXISTS (SELECT 1 FROM issues_activity WHERE issue_id = i.id),
    EXISTS (SELECT 1 FROM issues_issueseen WHERE issue_id = i.id)
        OR EXISTS (SELECT 1 FROM issues_issuesubscription WHERE issue_id = i.id)
"""

FIND_ISSUE = Statement(
    "find_issue",
    f"""
    SELECT {queries.MARK_COLUMNS}, ({_LAST_RELEASE}), {_HAS}, i.tag_keys, {queries.ISSUE_COLUMNS},
        {organization_queries.PROJECT_COLUMNS}
    FROM issues_issue named
    JOIN issues_issue i ON i.id = coalesce(named.merged_into_id, named.id)
    JOIN organizations_project p ON p.id = i.project_id AND p.status = 'active'
    {organization_queries.PROJECT_JOINS} {queries.ISSUE_JOINS} {queries.MARK_JOINS}
    WHERE named.id = %(issue)s AND i.status < {Issue.Status.PENDING_DELETION:d}
    """,
    issue="bigint",
    user="bigint",
)

FIND_SHARED_ISSUE = f"""
    SELECT {queries.ISSUE_COLUMNS}, {rows.columns(Project, "p")}, {rows.columns(Organization, "o")}
    FROM issues_issue i
    JOIN organizations_project p ON p.id = i.project_id AND p.status = 'active'
    JOIN organizations_organization o
        ON o.id = p.organization_id AND o.status = 'active' AND o.allow_shared_issues
    {queries.ISSUE_JOINS}
    WHERE i.share_id = %(share)s AND i.status < {Issue.Status.PENDING_DELETION:d}
"""

FIND_ACTIVITIES = Statement(
    "find_activities",
    f"""
    SELECT {rows.columns(Activity, "a")}, {rows.columns(User, "u")}
    FROM issues_activity a LEFT JOIN accounts_user u ON u.id = a.user_id
    WHERE a.issue_id = %(issue)s
    ORDER BY a.created_at DESC, a.id DESC LIMIT {MAX_ACTIVITIES}
    """,
    issue="bigint",
)

# Those who have seen it, newest first, with when; those who are subscribed, without.
FIND_PEOPLE = Statement(
    "find_people",
    f"""
    (SELECT seen.last_seen, {rows.columns(User, "u")}
        FROM issues_issueseen seen JOIN accounts_user u ON u.id = seen.user_id
        WHERE seen.issue_id = %(issue)s ORDER BY seen.last_seen DESC LIMIT {MAX_PEOPLE})
    UNION ALL
    (SELECT NULL, {rows.columns(User, "u")}
        FROM issues_issuesubscription subscription
        JOIN accounts_user u ON u.id = subscription.user_id
        WHERE subscription.issue_id = %(issue)s AND subscription.is_active
        ORDER BY subscription.id LIMIT {MAX_PEOPLE})
    """,
    issue="bigint",
)


class Viewer(NamedTuple):
    user: User
    last_seen: datetime


class CurrentRelease(NamedTuple):
    """The newest release of an issue in some environments."""

    release: Release
    seen: environments.Sighting
    series: dict[str, Points]


class Details(NamedTuple):
    """What an issue's page shows beside the issue."""

    activities: list[Activity]
    """Newest first, with their users."""
    viewers: list[Viewer]
    participants: list[User]
    first_release: Release | None
    last_release: Release | None
    has_environments: bool
    """Whether environments were chosen; the next is of them."""
    current_release: CurrentRelease | None
    report_count: int


class Found(NamedTuple):
    """An issue, and how its caller gets at it."""

    issue: Issue
    access: Access
    team_ids: frozenset[int]
    """The project's teams."""
    last_release_id: int | None
    report_count: int
    """How often users have said something about it."""
    has_activities: bool
    has_people: bool
    """Somebody has seen it or is subscribed."""


def find_issue(caller: Caller, issue_id: int) -> Found | None:
    """An issue by its id, with its project, its assignee and the caller's marks. One statement.

    The id of an issue that was merged away finds the one that it was merged into (conventions
    contract, section 1). None when there is none, or none any more. The access may well allow
    nothing.
    """
    with connection.cursor() as cursor:
        row = FIND_ISSUE.run(cursor, issue=issue_id, user=caller.user_id).fetchone()
    if row is None:
        return None
    marks, facts, tag_keys, columns = row[:3], row[3:7], row[7], row[8:]
    split = queries.ISSUE_WIDTH
    access, project, team_ids = organization_queries.read_project(caller, columns[split:])
    issue = queries.read_issue(columns[:split], project)
    queries.load_resolving_commits([issue])
    issue.tag_keys = orjson.loads(tag_keys)
    issue.is_bookmarked, issue.has_seen, issue.subscription_reason = marks
    return Found(issue, access, team_ids, *facts)


FIND_SHORT_ID = f"""
    SELECT i.id FROM organizations_project p
    JOIN issues_issue named ON named.project_id = p.id AND named.number = %(number)s
    JOIN issues_issue i ON i.id = coalesce(named.merged_into_id, named.id)
    WHERE p.organization_id = %(organization)s AND p.status = 'active' AND lower(p.slug) = %(slug)s
        AND i.status < {Issue.Status.PENDING_DELETION:d}
    ORDER BY i.id LIMIT 1
"""


def find_issue_in(access: Access, address: str) -> Found | None:
    """An issue of the caller's organization by its id or its short id, in any letter case.

    None also when the caller does not reach its project. At most two statements.
    """
    if (named := read_short_id(address)) is not None:
        slug, number = named
        place: dict[str, Any] = {"slug": slug, "number": number}
        with connection.cursor() as cursor:
            cursor.execute(FIND_SHORT_ID, place | {"organization": access.organization.pk})
            issue_id = next(iter(cursor.fetchone() or ()), None)
    else:
        is_id = address.isascii() and address.isdigit() and len(address) < 19
        issue_id = int(address) if is_id else None
    found = find_issue(access.caller, issue_id) if issue_id is not None else None
    if found is None or found.issue.project.organization_id != access.organization.pk:
        return None
    return found if access.reaches_project(found.team_ids) else None


def find_shared_issue(share_id: UUID) -> Issue | None:
    """The issue with this public address, where its organization allows that. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_SHARED_ISSUE, {"share": share_id})
        row = cursor.fetchone()
    if row is None:
        return None
    start, end = queries.ISSUE_WIDTH, queries.ISSUE_WIDTH + rows.width(Project)
    project = rows.instance(Project, row[start:end])
    project.organization = rows.instance(Organization, row[end:])
    issue = queries.read_issue(row[:start], project)
    queries.load_resolving_commits([issue])
    return issue


def find_last_releases(issues: Collection[Issue]) -> dict[int, Release]:
    """The newest of the releases that each of the issues was seen in, by the issue's id; those that
    were seen in none are missing. Two statements."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_LAST_RELEASES, {"issues": literal(issue.pk for issue in issues)})
        newest = dict(cursor.fetchall())
    releases = Release.objects.in_bulk({pk for pk in newest.values() if pk is not None})
    return {issue_id: releases[pk] for issue_id, pk in newest.items() if pk in releases}


def load_details(
    found: Found, now: datetime, *, environment_ids: Sequence[int] | None = None
) -> Details:
    """The rest of an issue's page; fills in the issue's series. At most four statements; two more
    when hashes were unmerged.

    With environments, what is counted is counted in these, and at most four statements more.
    """
    issue, seen = found.issue, None
    queries.load_series([issue], SPANS, now, environment_ids=environment_ids)
    if environment_ids is not None:
        environments.load_seen_in(issue, environment_ids, now)
        seen = environments.find_newest_release(issue, environment_ids)
    viewers, participants = _people(issue) if found.has_people else ([], [])
    ids = (issue.first_release_id, found.last_release_id, seen and seen.release_id)
    releases = load_releases({pk for pk in ids if pk is not None})
    first_release = releases.get(issue.first_release_id or 0)
    return Details(
        activities=find_activities(found),
        viewers=viewers,
        participants=participants,
        first_release=first_release,
        # As the documents' server had it: without a first release there is no last one.
        last_release=releases.get(found.last_release_id or 0) if first_release else None,
        has_environments=environment_ids is not None,
        current_release=_current_release(issue, seen, releases, now),
        report_count=found.report_count,
    )


def _current_release(
    issue: Issue, seen: environments.Sighting | None, releases: dict[int, Release], now: datetime
) -> CurrentRelease | None:
    if seen is None or seen.release_id not in releases:
        return None
    series = environments.release_series(issue, seen, SPANS, now)
    return CurrentRelease(releases[seen.release_id], seen, series)


def find_activities(found: Found) -> list[Activity]:
    """What people did with an issue, newest first, with their users and, of unmerges, the issues on
    the other side, and of commits these. At most one statement; two more when there are such of
    either, and another when the issue is resolved in the next release."""
    activities: list[Activity] = []
    if not found.has_activities:
        return activities
    split = rows.width(Activity)
    with connection.cursor() as cursor:
        for row in FIND_ACTIVITIES.run(cursor, issue=found.issue.pk).fetchall():
            activity = rows.instance(Activity, row[:split])
            if activity.user_id is not None:
                activity.user = rows.instance(User, row[split:])
            activities.append(activity)
    _name_next_release(activities, found.issue)
    _load_other_issues(activities, found.issue.project, found.access.caller.user_id)
    commits = load_commits({pk for each in activities if (pk := each.commit_id) is not None})
    for activity in activities:
        activity.commit = commits.get(activity.commit_id or 0)
    return activities


def _name_next_release(activities: Sequence[Activity], issue: Issue) -> None:
    """Which release an issue was resolved in that was resolved in the next one, as soon as there is
    one (issues contract, section 2.1). One statement, or none."""
    resolution = issue.resolution
    if resolution is None or resolution.type != IssueResolution.Type.IN_NEXT_RELEASE:
        return
    kind = Activity.Type.SET_RESOLVED_IN_RELEASE
    newest = next((activity for activity in activities if activity.type == kind), None)
    if newest is None or newest.data.get("version") or resolution.release is None:
        return
    later = Release.objects.filter(
        projects=issue.project, created_at__gt=resolution.release.created_at
    )
    version = later.order_by("created_at", "pk").values_list("version", flat=True).first()
    newest.data = {"version": version or ""}


def _load_other_issues(
    activities: Sequence[Activity], project: Project, user_id: int | None
) -> None:
    """Fill in the issues on the other side of unmerges. Two statements, or none."""
    ids = {activity.data[side] for activity in activities if (side := activity.other_side)}
    if not ids:
        return
    others = {issue.pk: issue for issue in queries.find_issues_by_id([project], ids)}
    queries.load_marks(others.values(), user_id)
    for activity in activities:
        if side := activity.other_side:
            activity.other_issue = others.get(activity.data[side])


def find_participants(found: Found) -> list[User]:
    """Who is subscribed to an issue, MAX_PEOPLE at most. One statement, or none."""
    return _people(found.issue)[1] if found.has_people else []


def _people(issue: Issue) -> tuple[list[Viewer], list[User]]:
    viewers, participants = [], []
    with connection.cursor() as cursor:
        for last_seen, *columns in FIND_PEOPLE.run(cursor, issue=issue.pk).fetchall():
            user = rows.instance(User, columns)
            if last_seen is None:
                participants.append(user)
            else:
                viewers.append(Viewer(user, last_seen))
    return viewers, participants
