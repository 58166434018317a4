"""What happens to issues, noted for the service hooks that want to know it.

Written in the transaction in which it happens, so a hook is told what is so and nothing else; sent
in the background (`issues.deliveries`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from django.db import connection
from django.db.models import Exists, OuterRef

from sentrylite.accounts.models import User
from sentrylite.arrays import literal
from sentrylite.background import queue
from sentrylite.organizations.models import ServiceHook
from stats import counters
from stats.models import Kind

from . import tasks
from .intake import Placed
from .models import Issue

Event = ServiceHook.Event

MAX_WAITING = 1_000
"""Deliveries of one hook. What else it was to be told is dropped, and counted."""

# The state of an issue as it is now. Deletion takes its row away before a delivery may be tried
# again, and whoever is told later is to hear of this state, not of a later one.
_ISSUE = """
    jsonb_build_object(
        'id', issue.id, 'number', issue.number, 'status', issue.status, 'level', issue.level,
        'type', issue.type, 'title', left(issue.title, 1000), 'culprit', left(issue.culprit, 1000),
        'logger', issue.logger, 'platform', issue.platform, 'metadata', issue.metadata,
        'first_seen', extract(epoch FROM issue.first_seen),
        'last_seen', extract(epoch FROM issue.last_seen),
        'assigned_to', CASE
            WHEN assignee.id IS NOT NULL THEN jsonb_build_object('type', 'user', 'id',
                assignee.id, 'name', coalesce(nullif(assignee.name, ''),
                    nullif(assignee.email, ''), assignee.username), 'email', assignee.email)
            WHEN team.id IS NOT NULL
                THEN jsonb_build_object('type', 'team', 'id', team.id, 'name', team.slug) END)
"""

# The lock lets other batches announce too, and makes who deletes a hook wait: a delivery to a hook
# that is gone by then would fail the whole transaction. A hook that is deleted is not found.
ANNOUNCE = f"""
    WITH news AS MATERIALIZED (
        SELECT news.*, issue.project_id
        FROM unnest(%(names)s::text[], %(issues)s::bigint[], %(data)s::jsonb[])
            WITH ORDINALITY AS news (name, issue_id, data, number)
        JOIN issues_issue issue ON issue.id = news.issue_id
    ), hook AS MATERIALIZED (
        SELECT id, project_id, events, resumes_at, (
            SELECT count(*) FROM (
                SELECT 1 FROM organizations_hookdelivery waiting
                WHERE waiting.hook_id = hook.id AND waiting.status = 'waiting' LIMIT {MAX_WAITING}
            ) queue
        ) AS waiting
        FROM organizations_servicehook hook
        WHERE hook.status = 'active' AND hook.project_id IN (SELECT project_id FROM news)
        ORDER BY id FOR KEY SHARE
    ), told AS MATERIALIZED (
        SELECT hook.id AS hook_id, hook.project_id, hook.resumes_at, news.name, news.issue_id,
            news.data, news.number, hook.waiting + row_number() OVER (
                PARTITION BY hook.id ORDER BY news.number) AS place
        FROM hook JOIN news ON news.project_id = hook.project_id AND news.name = ANY(hook.events)
    ), added AS (
        INSERT INTO organizations_hookdelivery
            (guid, hook_id, event, data, status, attempts, created_at, due_at, answer)
        SELECT gen_random_uuid(), told.hook_id, told.name,
            told.data || jsonb_build_object('issue', {_ISSUE}), 'waiting', 0,
            %(now)s, %(now)s, ''
        FROM told JOIN issues_issue issue ON issue.id = told.issue_id
        LEFT JOIN accounts_user assignee ON assignee.id = issue.assigned_user_id
        LEFT JOIN organizations_team team ON team.id = issue.assigned_team_id
        WHERE told.place <= {MAX_WAITING}
        ORDER BY told.number, told.hook_id
    )
    SELECT hook_id, project_id, coalesce(min(resumes_at) > %(now)s, false),
        count(*) FILTER (WHERE place <= {MAX_WAITING}),
        count(*) FILTER (WHERE place > {MAX_WAITING})
    FROM told GROUP BY hook_id, project_id ORDER BY hook_id
"""

# For querysets of issues: whether anybody is told at all. One look more into a small index.
HAS_HOOKS = Exists(
    ServiceHook.objects.filter(project=OuterRef("project"), status=ServiceHook.Status.ACTIVE)
)


class News(NamedTuple):
    """Something that has happened to an issue, and what there is to say about it beside the
    issue: JSON, as text."""

    name: str
    issue_id: int
    data: str = "{}"


Dropped = Mapping[tuple[int, int], int]
"""`(project_id, hook_id)` to how much it was not told, because too much waits."""


def announce(cursor: Any, news: Sequence[News], now: datetime) -> Dropped:
    """Let the hooks of the issues' projects know; returns what did not fit.

    `cursor` is Django's or the driver's own. No statement without news, one when no hook wants it,
    else two.
    """
    if not news:
        return {}
    names, issue_ids, data = zip(*news, strict=True)
    cursor.execute(
        ANNOUNCE,
        {
            "names": literal(names),
            "issues": literal(issue_ids),
            "data": literal(data),
            "now": now,
        },
    )
    told = cursor.fetchall()
    # A hook that pauses has a task for when it goes on.
    due = [hook_id for hook_id, _, is_paused, added, _ in told if added and not is_paused]
    queue.enqueue_each(cursor, tasks.deliver_to_hook, due)
    return {(project, hook): dropped for hook, project, _, _, dropped in told if dropped}


# What people do -----------------------------------------------------------------------------------

OF_STATUS = {
    Issue.Status.UNRESOLVED: Event.ISSUE_UNRESOLVED,
    Issue.Status.RESOLVED: Event.ISSUE_RESOLVED,
    Issue.Status.IGNORED: Event.ISSUE_IGNORED,
}


def announce_change(
    event: ServiceHook.Event, issue_ids: Iterable[int], *, by: User | None, now: datetime
) -> None:
    """Say that somebody has done something to issues, in the transaction in which it is done.

    No statement for no issues, one when no hook wants to know, else at most three.
    """
    actor = {"type": "user", "id": by.pk, "name": by.display_name} if by else None
    data = orjson.dumps({"actor": actor}).decode()
    news = [News(event, issue_id, data) for issue_id in sorted(issue_ids)]
    with connection.cursor() as cursor:
        dropped = announce(cursor, news, now)
        counts: counters.Counts = {}
        _count_dropped(counts, dropped, now.timestamp())
        counters.add_series_counts(cursor, counts)


# What events do -----------------------------------------------------------------------------------


def announce_events(
    cursor: Any, placed: Sequence[Placed], came_back: Collection[int], counts: counters.Counts
) -> None:
    """Say that these events were stored, of which some open an issue or bring it back
    (`came_back`); what was dropped is added to `counts`.

    Statements as `announce`; none when no project among them has a hook for any of it.
    """
    if news := _news_of(placed, set(came_back)):
        now = max(place.event.received_at for place in placed)
        dropped = announce(cursor, news, datetime.fromtimestamp(now, UTC))
        _count_dropped(counts, dropped, now)


def _news_of(placed: Iterable[Placed], came_back: set[int]) -> list[News]:
    news = []
    for place in placed:
        wanted = place.event.hook_events
        if not wanted:
            continue
        names = [Event.EVENT_CREATED]
        if place.is_new_issue:
            names += [Event.ISSUE_CREATED, Event.EVENT_ALERT]
        elif place.issue_id in came_back:
            came_back.remove(place.issue_id)  # by the first of its events
            names += [Event.ISSUE_UNRESOLVED, Event.EVENT_ALERT]
        if names := [name for name in names if name in wanted]:
            data = _describe(place)
            news += [News(name, place.issue_id, data) for name in names]
    return news


def _describe(place: Placed) -> str:
    event = place.event
    described = {
        "event": {
            "id": event.event_id.hex,
            "title": event.title[:1000],
            "culprit": event.culprit[:1000],
            "level": event.level,
            "type": event.type,
            "platform": event.platform,
            "environment": event.environment,
            "release": event.release,
            "timestamp": event.timestamp,
            "received_at": event.received_at,
            "tags": event.tags,
        }
    }
    return orjson.dumps(described).decode()


def _count_dropped(counts: counters.Counts, dropped: Dropped, now: float) -> None:
    """Add what hooks were not told to `counts`."""
    for (project_id, hook_id), quantity in dropped.items():
        counters.count(counts, project_id, Kind.HOOK_DROPPED, hook_id, now, quantity, now=now)
