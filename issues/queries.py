"""Reading issues and events: finding them, and loading what a page shows beside their rows."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any, Literal, NamedTuple
from uuid import UUID

from django.db import connection

from sentrylite import rows
from sentrylite.accounts.models import User
from sentrylite.arrays import literal
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.access import Access
from sentrylite.organizations.models import Project, Team
from sentrylite.releases.commits import load_commits
from sentrylite.releases.models import Release
from sentrylite.releases.queries import load_releases
from sentrylite.statements import Statement
from stats import series
from stats.periods import Span

from .filters import EVERYTHING, Finder, Where
from .models import Event, Issue, IssueResolution, IssueSnooze
from .models.event import CLOCKS_DIFFER, LONGEST_WAY
from .models.issue import SeenIn, read_short_id
from .payload import codec

logger = logging.getLogger(__name__)

MAX_HITS = 1000

# Issues -------------------------------------------------------------------------------------------

# A large column that only an issue's own page shows, which reads it itself.
_LEFT_OUT = "tag_keys"

# What `read_issue` reads. The issue is `i`.
ISSUE_COLUMNS = ", ".join(
    [
        rows.columns(Issue, "i", without=_LEFT_OUT),
        rows.columns(User, "assignee"),
        rows.columns(Team, "team"),
        rows.columns(IssueResolution, "resolution"),
        rows.columns(Release, "resolved_in"),
        rows.columns(IssueSnooze, "snooze"),
        rows.columns(User, "actor"),
    ]
)
_OTHERS = (User, Team, IssueResolution, Release, IssueSnooze, User)
_WIDTHS = [rows.width(Issue, without=_LEFT_OUT), *map(rows.width, _OTHERS)]
_PARTS = [slice(start, end) for start, end in pairwise(accumulate(_WIDTHS, initial=0))]
ISSUE_WIDTH = sum(_WIDTHS)
ISSUE_JOINS = """
    LEFT JOIN accounts_user assignee ON assignee.id = i.assigned_user_id
    LEFT JOIN organizations_team team ON team.id = i.assigned_team_id
    LEFT JOIN issues_issueresolution resolution ON resolution.issue_id = i.id
    LEFT JOIN releases_release resolved_in ON resolved_in.id = resolution.release_id
    LEFT JOIN issues_issuesnooze snooze ON snooze.issue_id = i.id
    LEFT JOIN accounts_user actor ON actor.id = coalesce(resolution.actor_id, snooze.actor_id)
"""

# Each status in each project is one ordered scan of the index, of no more rows than the page needs;
# the page's rows are read after that. Without OFFSET the planner might prefer to join all issues.
_OF_PAGE = f"""
    CROSS JOIN LATERAL (SELECT * FROM issues_issue WHERE id = page.id OFFSET 0) i {ISSUE_JOINS}
"""
_FIND_ISSUES = f"""
    SELECT {ISSUE_COLUMNS}
    FROM (
        SELECT found.*
        FROM unnest(%(projects)s, %(since)s) AS place (project_id, since)
        CROSS JOIN unnest(%(statuses)s) AS wanted (status)
        CROSS JOIN LATERAL (
            SELECT id, last_seen FROM issues_issue
            WHERE project_id = place.project_id AND status = wanted.status
                AND last_seen >= place.since AND {{part}}
            ORDER BY last_seen {{direction}}, id {{direction}}
            LIMIT %(offset)s + %(limit)s
        ) found
        ORDER BY found.last_seen {{direction}}, found.id {{direction}}
        LIMIT %(limit)s OFFSET %(offset)s
    ) page {_OF_PAGE}
    ORDER BY page.last_seen {{direction}}, page.id {{direction}}
"""

_PAGE = {
    "projects": "bigint[]",
    "since": "timestamptz[]",
    "statuses": "smallint[]",
    "start": "timestamptz",
    "offset": "bigint",
    "limit": "bigint",
}

ISSUES_FORWARD = Statement(
    "issues_forward",
    _FIND_ISSUES.format(
        part="last_seen <= coalesce(%(start)s, 'infinity'::timestamptz)", direction="DESC"
    ),
    **_PAGE,
)
ISSUES_BACKWARD = Statement(
    "issues_backward",
    _FIND_ISSUES.format(
        part="last_seen > coalesce(%(start)s, '-infinity'::timestamptz)", direction="ASC"
    ),
    **_PAGE,
)

COUNT_ISSUES = Statement(
    "count_issues",
    """
    SELECT count(*) FROM (
        SELECT 1
        FROM unnest(%(projects)s, %(since)s) AS place (project_id, since)
        CROSS JOIN unnest(%(statuses)s) AS wanted (status)
        CROSS JOIN LATERAL (
            SELECT 1 FROM issues_issue
            WHERE project_id = place.project_id AND status = wanted.status
                AND last_seen >= place.since
            LIMIT %(most)s
        ) found
        LIMIT %(most)s
    ) counted
    """,
    projects="bigint[]",
    since="timestamptz[]",
    statuses="smallint[]",
    most="bigint",
)

# The same scans for any search and order, with conditions from `issues.filters`. Where the order is
# another than by `last_seen`, that is no condition for an index: the planner, who does not know how
# much of time `since` leaves, would take the index of `last_seen` and sort.
IN_TIME = "i.last_seen >= place.since"
IN_TIME_IN_PASSING = f"coalesce({IN_TIME}, true)"
_PLACES = "unnest(%(projects)s::bigint[], %(since)s::timestamptz[]) AS place (project_id, since)"
_SEARCH_PAGE = f"""
    SELECT page.sort_key, {ISSUE_COLUMNS}
    FROM ({{page}}) page {_OF_PAGE}
    ORDER BY page.sort_key {{direction}}, page.id {{direction}}
"""
_SEARCH_ISSUES = f"""
    SELECT found.*
    FROM {_PLACES}
    CROSS JOIN unnest(%(statuses)s::smallint[]) AS wanted (status)
    CROSS JOIN LATERAL (
        SELECT i.id, {{key}} AS sort_key FROM issues_issue i
        WHERE i.project_id = place.project_id AND i.status = wanted.status
            AND {{in_time}} AND {{part}} AND {{where}}
        ORDER BY {{key}} {{direction}}, i.id {{direction}}
        LIMIT %(offset)s + %(limit)s
    ) found
    ORDER BY found.sort_key {{direction}}, found.id {{direction}}
    LIMIT %(limit)s OFFSET %(offset)s
"""

_COUNT_SEARCH = f"""
    SELECT count(*) FROM (
        SELECT 1
        FROM {_PLACES}
        CROSS JOIN unnest(%(statuses)s::smallint[]) AS wanted (status)
        CROSS JOIN LATERAL (
            SELECT 1 FROM issues_issue i
            WHERE i.project_id = place.project_id AND i.status = wanted.status
                AND i.last_seen >= place.since AND {{where}}
            LIMIT %(most)s
        ) found
        LIMIT %(most)s
    ) counted
"""

# Those of the issues that a finder finds which are wanted; when these are not enough, also how many
# it found. It is read no further than that takes.
_FIND_ALL = f"""
    WITH found (id) AS MATERIALIZED ({{finder}} LIMIT %(looked_at)s)
    SELECT wanted.ids,
        CASE WHEN cardinality(wanted.ids) < %(most)s THEN (SELECT count(*) FROM found) END
    FROM (
        SELECT ARRAY(
            SELECT i.id FROM (
                SELECT * FROM issues_issue WHERE id = ANY(ARRAY(SELECT id FROM found)) OFFSET 0
            ) i
            JOIN {_PLACES} ON place.project_id = i.project_id
            WHERE i.status = ANY(%(statuses)s::smallint[]) AND i.last_seen >= place.since
                AND {{rest}}
            LIMIT %(most)s
        ) AS ids
        OFFSET 0
    ) wanted
"""
_KNOWN = "SELECT unnest(%(found)s::bigint[])"
_SEARCH_KNOWN = f"""
    SELECT i.id, {{key}} AS sort_key
    FROM ({_KNOWN}) AS found (id)
    CROSS JOIN LATERAL (SELECT * FROM issues_issue WHERE id = found.id OFFSET 0) i
    WHERE {{part}}
    ORDER BY {{key}} {{direction}}, i.id {{direction}}
    LIMIT %(limit)s OFFSET %(offset)s
"""

# Beyond so many, one index is as good as another.
FEW = 2000
# How much of what an index finds is looked at: as a rule the first is enough to tell, and of some
# terms together the second, which is more than FEW. Where few of the last are wanted and there are
# more, it is for another reason that few are: perhaps few have the status, and the list is short.
LOOKED_AT = (1_300, 2_500, 25_000)

Sort = Literal["date", "new", "priority", "freq", "user"]

# All descending, and each but the last the key of an index. Ten times as many events count as much
# as 23 minutes less of age.
SORT_KEYS: dict[Sort, str] = {
    "date": "i.last_seen",
    "new": "i.first_seen",
    "priority": (
        "(floor(600::float8 * ln(greatest(i.times_seen, 1)::float8)"
        " + extract(epoch FROM i.last_seen AT TIME ZONE 'UTC')::float8))::bigint"
    ),
    "freq": "i.times_seen",
    "user": "i.user_count",
}

# Both bounds of received_at are one moment: one partition.
FIND_ISSUE_OF_EVENT = f"""
    SELECT {ISSUE_COLUMNS}, environment.name
    FROM issues_event e
    JOIN issues_issue stored ON stored.id = e.issue_id
    JOIN issues_issue i ON i.id = coalesce(stored.merged_into_id, stored.id)
        AND i.status < {Issue.Status.PENDING_DELETION:d}
    {ISSUE_JOINS}
    LEFT JOIN organizations_environment environment ON environment.id = e.environment_id
    WHERE e.project_id = %(project)s AND e.received_at = %(received_at)s
        AND e.event_id = %(event)s
"""


class Place(NamedTuple):
    """A project to find issues in."""

    project: Project
    since: datetime | None = None
    """Issues that were last seen before are not wanted."""


def find_issues(
    places: Collection[Place],
    statuses: Iterable[int],
    *,
    start: datetime | None = None,
    is_backward: bool = False,
    offset: int = 0,
    limit: int,
) -> list[Issue]:
    """The projects' issues in these statuses, newest first by when they were last seen, then by id.

    From `start` on, without the first `offset`; backward those before `start`, the nearest first.
    One statement.
    """
    with connection.cursor() as cursor:
        statement = ISSUES_BACKWARD if is_backward else ISSUES_FORWARD
        statement.run(
            cursor,
            **_arrays(places),
            statuses=literal(statuses),
            start=start,
            offset=offset,
            limit=limit,
        )
        return _read_issues(cursor.fetchall(), [place.project for place in places])


def narrow(places: Collection[Place], statuses: Iterable[int], where: Where) -> Where:
    """The same conditions, with how many issues there are; with these issues, where that is less
    than MAX_HITS. At most three statements; none when no index helps.

    Of what is less frequent than that, a page is all there is in the wanted order; what is more
    frequent is soon met on a walk down the list.
    """
    parameters: dict[str, Any] = {**where.parameters, **_arrays(places)}
    with connection.cursor() as cursor:
        finder, found = _rarest(cursor, where.finders, parameters)
        if finder is None:
            return where
        sql = _FIND_ALL.format(finder=finder.sql, rest=finder.rest)
        parameters |= {"found": found, "statuses": literal(statuses), "most": MAX_HITS}
        for limit in LOOKED_AT[len(where.finders) > 1 :]:
            cursor.execute(sql, {**parameters, "looked_at": limit})
            ids, looked_at = cursor.fetchone()
            if looked_at is None:
                return where._replace(sql=finder.all, hits=len(ids))
            if looked_at < limit:
                known = {**where.parameters, "found": literal(ids)}
                return where._replace(parameters=known, hits=len(ids), is_known=True)
    return where._replace(sql=finder.all)


def _rarest(
    cursor: Any, finders: Sequence[Finder], parameters: dict[str, Any]
) -> tuple[Finder | None, str | None]:
    """The finder that finds least, with its issues if there are several finders and these are FEW;
    None without finders. At most one statement."""
    if len(finders) < 2:
        return next(iter(finders), None), None
    columns = ", ".join(f"ARRAY({finder.sql} LIMIT %(enough)s)" for finder in finders)
    cursor.execute(f"SELECT {columns}", {**parameters, "enough": FEW + 1})
    found = list(zip(cursor.fetchone(), finders, strict=True))
    ids, finder = min(found, key=lambda each: len(each[0]))
    if len(ids) <= FEW:
        return finder._replace(sql=_KNOWN), literal(sorted(set(ids)))
    # An index begins with old issues: so many of what is rarer reach further.
    _, finder = max(found, key=lambda each: max(each[0]))
    return finder, None


def search_issues(
    places: Collection[Place],
    statuses: Iterable[int],
    where: Where,
    *,
    sort: Sort = "date",
    start: datetime | int | None = None,
    is_backward: bool = False,
    offset: int = 0,
    limit: int,
) -> list[Issue]:
    """`find_issues` with more conditions, in any order. One statement."""
    key = SORT_KEYS[sort]
    words = {
        "key": key,
        "part": "TRUE" if start is None else f"{key} {'>' if is_backward else '<='} %(start)s",
        "direction": "ASC" if is_backward else "DESC",
    }
    if where.is_known:
        page = _SEARCH_KNOWN.format(**words)
    else:
        in_time = IN_TIME
        if sort != "date":
            is_timed = any(place.since is not None for place in places)
            in_time = IN_TIME_IN_PASSING if is_timed else "TRUE"
        page = _SEARCH_ISSUES.format(in_time=in_time, where=where.sql, **words)
    parameters = {
        **where.parameters,
        **_arrays(places),
        "statuses": literal(statuses),
        "start": start,
        "offset": offset,
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SEARCH_PAGE.format(page=page, **words), parameters)
        found = cursor.fetchall()
    issues = _read_issues([row[1:] for row in found], [place.project for place in places])
    for issue, row in zip(issues, found, strict=True):
        issue.sort_key = row[0]
    return issues


def count_issues(
    places: Collection[Place], statuses: Iterable[int], where: Where = EVERYTHING
) -> int:
    """How many issues `search_issues` has to find, and without conditions `find_issues`; counted
    up to MAX_HITS. One statement; none where that is known."""
    if where.hits is not None:
        return where.hits
    place: dict[str, Any] = {
        **_arrays(places),
        "statuses": literal(statuses),
        "most": MAX_HITS,
    }
    with connection.cursor() as cursor:
        if where is EVERYTHING:
            COUNT_ISSUES.run(cursor, **place)
        else:
            cursor.execute(_COUNT_SEARCH.format(where=where.sql), {**where.parameters, **place})
        return cursor.fetchone()[0]


def _arrays(places: Iterable[Place]) -> dict[str, str]:
    """The columns of `place`."""
    projects, since = [], []
    for place in places:
        projects.append(place.project.pk)
        since.append(place.since.isoformat() if place.since else "-infinity")
    return {"projects": literal(projects), "since": literal(since)}


def find_issue_of_event(projects: Collection[Project], event_id: UUID) -> Issue | None:
    """The issue that an event of one of the projects is in, with what led to it. Two statements."""
    row = _find_by_event_id(FIND_ISSUE_OF_EVENT, [project.pk for project in projects], event_id)
    if row is None:
        return None
    *columns, environment = row
    (issue,) = _read_issues([columns], projects)
    issue.matching_event_id = event_id
    issue.matching_environment = environment or None
    return issue


# Who names an issue that was merged away means the one that it was merged into.
FIND_ISSUES_BY_ID = f"""
    SELECT {ISSUE_COLUMNS} FROM issues_issue i {ISSUE_JOINS}
    WHERE i.status < {Issue.Status.PENDING_DELETION:d} AND i.id IN (
        SELECT coalesce(named.merged_into_id, named.id) FROM issues_issue named
        WHERE named.project_id = ANY(%(projects)s::bigint[])
            AND (named.id = ANY(%(ids)s::bigint[]) OR named.number = ANY(%(numbers)s::bigint[])))
    ORDER BY i.id
"""


def find_issue_by_short_id(projects: Iterable[Project], text: str) -> Issue | None:
    """The issue of one of the projects with this name, in any case. At most one statement."""
    slug, number = read_short_id(text) or (None, 0)
    named = [project for project in projects if project.slug.lower() == slug]
    return next(iter(_find_by_id(named, numbers=[number])), None) if named else None


def find_issues_by_id(projects: Collection[Project], ids: Iterable[int]) -> list[Issue]:
    """Those of the issues that the projects have. One statement."""
    return _find_by_id(projects, ids=ids)


def _find_by_id(
    projects: Collection[Project], *, ids: Iterable[int] = (), numbers: Iterable[int] = ()
) -> list[Issue]:
    place: dict[str, Any] = {
        "projects": literal(project.pk for project in projects),
        "ids": literal(ids),
        "numbers": literal(numbers),
    }
    with connection.cursor() as cursor:
        cursor.execute(FIND_ISSUES_BY_ID, place)
        return _read_issues(cursor.fetchall(), projects)


_PROJECT_ID = [field.attname for field in Issue._meta.concrete_fields].index("project_id")


def _read_issues(found: Iterable[Sequence[Any]], projects: Iterable[Project]) -> list[Issue]:
    """Issues of these projects from rows of ISSUE_COLUMNS."""
    by_id = {project.pk: project for project in projects}
    issues = [read_issue(row, by_id[row[_PROJECT_ID]]) for row in found]
    load_resolving_commits(issues)
    return issues


def read_issue(row: Sequence[Any], project: Project) -> Issue:
    """An issue of the project from ISSUE_COLUMNS, with its assignee and what its status says."""
    own, assignee, team, resolution, resolved_in, snooze, actor = [row[part] for part in _PARTS]
    issue = rows.instance(Issue, own, without=_LEFT_OUT)
    issue.project = project
    if issue.assigned_user_id is not None:
        issue.assigned_user = rows.instance(User, assignee)
    if issue.assigned_team_id is not None:
        issue.assigned_team = rows.instance(Team, team)
    person = rows.instance(User, actor) if _is_there(actor) else None
    if _is_there(resolution):
        issue.resolution = rows.instance(IssueResolution, resolution)
        if issue.resolution.release_id is not None:
            issue.resolution.release = rows.instance(Release, resolved_in)
        issue.resolution.actor = person
    if _is_there(snooze):
        issue.snooze = rows.instance(IssueSnooze, snooze)
        issue.snooze.actor = person
    return issue


def load_resolving_commits(issues: Iterable[Issue]) -> None:
    """The commits that issues were resolved in, where those wait for a release to have them. Two
    statements; none where there are no such issues."""
    resolutions = [issue.resolution for issue in issues if issue.resolution is not None]
    wanted = {found.commit_id for found in resolutions if found.commit_id is not None}
    commits = load_commits(wanted)
    for resolution in resolutions:
        resolution.commit = commits.get(resolution.commit_id or 0)


def _is_there(columns: Sequence[Any]) -> bool:
    """Whether a LEFT JOIN found a row. The first of its columns is its key."""
    return columns[0] is not None


# What a page of issues shows beside their rows ----------------------------------------------------

# The caller's own: bookmarked, seen since it became active, and why subscribed. The issue is `i`.
MARK_COLUMNS = """
    bookmark.id IS NOT NULL, coalesce(seen.last_seen > i.active_at, false),
    CASE WHEN subscription.is_active THEN subscription.reason END
"""
MARK_JOINS = """
    LEFT JOIN issues_issuebookmark bookmark
        ON bookmark.issue_id = i.id AND bookmark.user_id = %(user)s
    LEFT JOIN issues_issueseen seen ON seen.issue_id = i.id AND seen.user_id = %(user)s
    LEFT JOIN issues_issuesubscription subscription
        ON subscription.issue_id = i.id AND subscription.user_id = %(user)s
"""

READ_MARKS = Statement(
    "read_marks",
    f"""
    SELECT i.id, {MARK_COLUMNS} FROM issues_issue i {MARK_JOINS} WHERE i.id = ANY(%(issues)s)
    """,
    user="bigint",
    issues="bigint[]",
)


def load_marks(issues: Collection[Issue], user_id: int | None) -> None:
    """Fill in whether somebody bookmarked, saw and subscribed to each issue.

    One statement; none for an API key, which leaves no marks (`user_id` is None).
    """
    marks: dict[int, tuple[bool, bool, str | None]] = {}
    if issues and user_id is not None:
        with connection.cursor() as cursor:
            READ_MARKS.run(cursor, user=user_id, issues=literal(issue.pk for issue in issues))
            marks = {issue_id: mark for issue_id, *mark in cursor.fetchall()}
    for issue in issues:
        issue.is_bookmarked, issue.has_seen, issue.subscription_reason = marks.get(
            issue.pk, (False, False, None)
        )


# The issues of a page, as what is kept by project and issue is joined with.
_WANTED = """
    unnest(%(projects)s::bigint[], %(issues)s::bigint[]) AS wanted (project_id, issue_id)
"""

READ_UNHANDLED = f"""
    SELECT issue_id FROM {_WANTED} JOIN issues_issuetag USING (project_id, issue_id)
    WHERE key = 'handled' AND value = 'no'
"""


def load_handled(issues: Collection[Issue]) -> None:
    """Fill in whether an error that nobody handled ever led to the issues. One statement; none
    without issues."""
    if not issues:
        return
    with connection.cursor() as cursor:
        cursor.execute(READ_UNHANDLED, _pairs(issues))
        unhandled = {issue_id for (issue_id,) in cursor.fetchall()}
    for issue in issues:
        issue.is_unhandled = issue.pk in unhandled


READ_SEEN_IN = f"""
    SELECT issue_id, sum(times_seen)::bigint, min(first_seen), max(last_seen)
    FROM {_WANTED} JOIN issues_issuerelease USING (project_id, issue_id)
    WHERE environment_id = ANY(%(environments)s::bigint[])
    GROUP BY issue_id
"""


def load_seen_in(issues: Collection[Issue], environment_ids: Collection[int]) -> None:
    """Fill in how often and when each issue was seen in these environments. One statement; none
    without issues."""
    if not issues:
        return
    with connection.cursor() as cursor:
        environments = literal(environment_ids)
        cursor.execute(READ_SEEN_IN, {**_pairs(issues), "environments": environments})
        seen = {issue_id: SeenIn(*columns) for issue_id, *columns in cursor.fetchall()}
    for issue in issues:
        issue.seen_in = seen.get(issue.pk, SeenIn(0, None, None))


def load_series(
    issues: Collection[Issue],
    spans: Mapping[str, Span],
    now: datetime,
    *,
    environment_ids: Collection[int] | None = None,
) -> None:
    """Fill in how many events each issue had in each of the named spans of time, in these
    environments or in all. One statement; none without issues or spans.
    """
    for issue in issues:
        issue.series = {}
    if not issues or not spans:
        return
    moment = now.timestamp()
    points = series.issue_series(
        [(issue.project_id, issue.pk) for issue in issues],
        [span.until(moment) for span in spans.values()],
        moment,
        environment_ids=environment_ids,
    )
    for issue in issues:
        issue.series = dict(zip(spans, points[issue.pk], strict=True))


def _pairs(issues: Collection[Issue]) -> dict[str, str]:
    """The columns of `wanted`."""
    return {
        "projects": literal(issue.project_id for issue in issues),
        "issues": literal(issue.pk for issue in issues),
    }


# Events -------------------------------------------------------------------------------------------

# Two projects hardly ever share an event's id: the newest will do.
FIND_ADDRESS = """
    SELECT project_id, received_at FROM issues_eventaddress
    WHERE project_id = ANY(%(projects)s::bigint[]) AND event_id = %(event)s
    ORDER BY received_at DESC LIMIT 1
"""

# Also what is not moved yet to the issue that its own was merged into is in that one.
FIND_EVENT = f"""
    SELECT {rows.columns(Event, "e")}, i.id, i.first_seen
    FROM issues_event e
    LEFT JOIN issues_issue stored ON stored.id = e.issue_id
    LEFT JOIN issues_issue i ON i.id = coalesce(stored.merged_into_id, stored.id)
    WHERE e.project_id = %(project)s AND e.received_at = %(received_at)s
        AND e.event_id = %(event)s
"""

FIND_NEIGHBOURS = """
    SELECT (
        SELECT event_id FROM issues_event
        WHERE project_id = %(project)s AND issue_id = %(issue)s
            AND received_at BETWEEN %(next_from)s AND %(next_to)s
            AND (%(environments)s::bigint[] IS NULL
                OR environment_id = ANY(%(environments)s::bigint[]))
            AND ("timestamp", event_id) > (%(timestamp)s, %(event)s)
        ORDER BY "timestamp", event_id LIMIT 1
    ), (
        SELECT event_id FROM issues_event
        WHERE project_id = %(project)s AND issue_id = %(issue)s
            AND received_at BETWEEN %(previous_from)s AND %(previous_to)s
            AND (%(environments)s::bigint[] IS NULL
                OR environment_id = ANY(%(environments)s::bigint[]))
            AND ("timestamp", event_id) < (%(timestamp)s, %(event)s)
        ORDER BY "timestamp" DESC, event_id DESC LIMIT 1
    ), EXISTS (
        SELECT 1 FROM issues_userreport
        WHERE project_id = %(project)s AND event_id = %(reported)s
    )
"""


def find_event(project_id: int, event_id: UUID) -> Event | None:
    """An event by its id, with its payload unpacked. Two statements, the first of which finds out
    which partition it is in."""
    row = _find_by_event_id(FIND_EVENT, [project_id], event_id)
    if row is None:
        return None
    *columns, issue_id, issue_first_seen = row
    event = rows.instance(Event, columns)
    event.issue_id = issue_id or event.issue_id
    event.data = unpack(event)
    event.issue_first_seen = issue_first_seen
    return event


FIND_ADDRESSES_IN = f"""
    SELECT {organization_queries.PROJECT_COLUMNS}
    FROM organizations_project p {organization_queries.PROJECT_JOINS}
    JOIN issues_eventaddress address
        ON address.project_id = p.id AND address.event_id = %(event)s
    WHERE p.organization_id = %(organization)s AND p.status = 'active'
        AND (%(project)s::bigint IS NULL OR p.id = %(project)s)
    ORDER BY p.id
"""


def find_event_in(
    access: Access, event_id: UUID, *, project_id: int | None = None
) -> tuple[Event, Project] | None:
    """An event of the organization, in this project or in any, if the caller reaches it; with it.

    Only one that is still in an issue. At most four statements.
    """
    place = {
        "organization": access.organization.pk,
        "user": access.caller.user_id,
        "event": event_id,
        "project": project_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(FIND_ADDRESSES_IN, place)
        rows_found = cursor.fetchall()
    for row in rows_found:
        _, project, team_ids = organization_queries.read_project(access.caller, row)
        if not access.reaches_project(team_ids):
            continue
        # Two projects hardly ever share an event's id: the first one will do.
        event = find_event(project.pk, event_id)
        if event and Issue.objects.visible().filter(pk=event.issue_id).exists():
            return event, project
        return None
    return None


def load_neighbours(
    event: Event, now: datetime, *, environment_ids: Iterable[int] | None = None
) -> None:
    """Fill in the ids of the events just after and just before one in its issue, by when they
    happened and then by id (events contract, section 2), in any of these environments if some are
    given; and whether a user has said something about it. One statement.

    It looks only at the partitions that can hold them.
    """
    first = (event.issue_first_seen or event.timestamp) - CLOCKS_DIFFER
    with connection.cursor() as cursor:
        cursor.execute(
            FIND_NEIGHBOURS,
            {
                "project": event.project_id,
                "issue": event.issue_id,
                "timestamp": event.timestamp,
                "event": event.event_id,
                "reported": event.event_id.hex,
                "environments": None if environment_ids is None else literal(environment_ids),
                "next_from": max(first, event.timestamp - CLOCKS_DIFFER),
                "next_to": now + CLOCKS_DIFFER,
                "previous_from": first,
                "previous_to": min(now + CLOCKS_DIFFER, event.timestamp + LONGEST_WAY),
            },
        )
        event.next_event_id, event.previous_event_id, event.has_report = cursor.fetchone()


def load_release(event: Event) -> None:
    """Fill in an event's release. One statement; none for an event without one."""
    found = load_releases([event.release_id] if event.release_id else [])
    event.release = found.get(event.release_id)


def _find_by_event_id(
    statement: str, project_ids: Iterable[int], event_id: UUID
) -> tuple[Any, ...] | None:
    """The row that the statement finds for an event, where its partition still exists."""
    wanted: dict[str, Any] = {"projects": literal(project_ids), "event": event_id}
    with connection.cursor() as cursor:
        cursor.execute(FIND_ADDRESS, wanted)
        address = cursor.fetchone()
        if address is None:
            return None
        project_id, received_at = address
        place = {"project": project_id, "received_at": received_at, "event": event_id}
        cursor.execute(statement, place)
        return cursor.fetchone()


def unpack(event: Event, parts: Collection[str] | None = None) -> dict[str, Any]:
    """The payload, or these parts of it; {} if it cannot be read: what the event's own columns say
    can still be shown."""
    try:
        data = codec.unpack(bytes(event.payload))
    except ValueError as error:
        logger.error("event %s of project %s: %s", event, event.project_id, error)
        return {}
    if not isinstance(data, dict):
        return {}
    return data if parts is None else {name: data[name] for name in parts if name in data}


def hashes_in(data: Mapping[str, Any]) -> list[UUID]:
    """The grouping hashes in a payload, in the order in which they decide; none when it is
    damaged."""
    try:
        return [UUID(text) for text in data["hashes"]]
    except (AttributeError, KeyError, TypeError, ValueError):
        return []
