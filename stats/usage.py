"""What organizations, their projects and their teams send: series of several projects at once.

`now` is epoch seconds, as in `stats.series`.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import connection

from sentrylite.arrays import literal

from . import series
from .models import Kind
from .periods import MAX_POINTS, Period, Points

FILTERS = {
    "ip-address": 1,
    "release-version": 2,
    "error-message": 3,
    "browser-extensions": 4,
    "legacy-browsers": 5,
    "localhost": 6,
    "web-crawlers": 7,
    "invalid-csp": 8,
    "cors": 9,
    "discarded-hash": 10,
}
"""Inbound filters to the object_id of their counts (Kind.FILTERED). Stored: never renumber."""

ITEM_CATEGORIES = {
    "transaction": 1,
    "session": 2,
    "attachment": 3,
    "user_report": 4,
    "feedback": 5,
    "client_report": 6,
    "check_in": 7,
    "span": 8,
    "log": 9,
    "trace_metric": 10,
    "profile": 11,
    "replay": 12,
    "other": 99,
}
"""Envelope items to the object_id of their counts (Kind.ITEMS). Stored: never renumber."""

FIND_ENVIRONMENT = """
    SELECT id FROM organizations_environment WHERE organization_id = %s AND name = %s
"""

# The outer join keeps projects without counts.
PROJECTS_SERIES = """
    SELECT p.id, s.bucket, s.quantity
    FROM organizations_project p
    LEFT JOIN stats_seriescount s
        ON s.project_id = p.id AND s.kind = %(kind)s
        AND s.object_id = COALESCE(%(environment)s, p.id)
        AND s.width = %(width)s AND s.bucket BETWEEN %(first)s AND %(last)s
    WHERE p.organization_id = %(organization)s AND p.status = 'active'
        AND (%(projects)s IS NULL OR p.id = ANY(%(projects)s::bigint[]))
        AND EXISTS (
            SELECT 1 FROM organizations_projectteam pt
            JOIN organizations_team t ON t.id = pt.team_id
            WHERE pt.project_id = p.id AND t.status = 'active'
                AND (%(teams)s IS NULL OR t.id = ANY(%(teams)s::bigint[]))
        )
    ORDER BY p.id
"""

KEY_KINDS = (Kind.KEY_RECEIVED, Kind.KEY_REJECTED, Kind.KEY_BLACKLISTED)

KEY_USAGE = """
    SELECT kind, bucket, quantity FROM stats_seriescount
    WHERE project_id = %(project)s AND object_id = %(key)s AND kind = ANY(%(kinds)s::smallint[])
        AND width = %(width)s AND bucket BETWEEN %(first)s AND %(last)s
"""

# A team with projects has at least a row of nulls; a team without has none.
TEAM_SERIES = """
    SELECT s.bucket, SUM(s.quantity)::bigint
    FROM organizations_projectteam pt
    JOIN organizations_project p ON p.id = pt.project_id AND p.status = 'active'
    LEFT JOIN stats_seriescount s
        ON s.project_id = p.id AND s.kind = %(kind)s
        AND s.object_id = COALESCE(%(environment)s, p.id)
        AND s.width = %(width)s AND s.bucket BETWEEN %(first)s AND %(last)s
    WHERE pt.team_id = %(team)s
    GROUP BY s.bucket
"""


class KeyUsage(NamedTuple):
    """What a client key sent in one bucket, which began at `start` (epoch seconds)."""

    start: int
    received: int
    rejected: int
    filtered: int

    @property
    def accepted(self) -> int:
        return max(self.received - self.rejected - self.filtered, 0)


def find_environment(organization_id: int, name: str) -> int | None:
    """The id of an organization's environment; `""` names the one of events without. One
    statement."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_ENVIRONMENT, [organization_id, name])
        row = cursor.fetchone()
    return row[0] if row else None


def organization_series(kind: Kind, organization_id: int, period: Period, now: float) -> Points:
    """One of the ORGANIZATION kinds. One statement.

    Organizations are counted by themselves: this is not the sum of their projects.
    """
    key = (0, organization_id)
    return series.read_series(kind, [key], period, now)[key]


def project_series(
    kind: Kind,
    project_id: int,
    period: Period,
    now: float,
    *,
    filter_id: int | None = None,
    environment_id: int | None = None,
) -> Points:
    """One of the PROJECT kinds, or FILTERED with the filter's number. One statement.

    With an environment's id it is the project's stored events there, whatever the kind.
    """
    key = (project_id, environment_id or filter_id or project_id)
    return series.read_series(_counted(kind, environment_id), [key], period, now)[key]


def key_usage(project_id: int, key_id: int, period: Period, now: float) -> list[KeyUsage]:
    """What a client key sent in each bucket of a period, oldest first. One statement."""
    live = period.live_buckets(now)
    names: dict[str, Any] = {
        "project": project_id,
        "key": key_id,
        "kinds": literal(int(kind) for kind in KEY_KINDS),
        "width": period.width,
        "first": live.start,
        "last": live.stop - 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(KEY_USAGE, names)
        counts = {(kind, bucket): quantity for kind, bucket, quantity in cursor.fetchall()}
    return [
        KeyUsage(bucket * period.width, *(counts.get((kind, bucket), 0) for kind in KEY_KINDS))
        for bucket in period.buckets
    ]


def projects_series(
    kind: Kind,
    organization_id: int,
    period: Period,
    now: float,
    *,
    team_ids: Collection[int] | None,
    project_ids: Collection[int] | None = None,
    environment_id: int | None = None,
) -> dict[int, Points]:
    """As `project_series`, for every active project of these teams, by the project's id.

    None is every team, or every project. One statement. Raises ValidationError when the answer
    would have more than `stats.periods.MAX_POINTS`.
    """
    counts: dict[int, dict[int, int]] = defaultdict(dict)
    names = {
        "organization": organization_id,
        "teams": None if team_ids is None else literal(team_ids),
        "projects": None if project_ids is None else literal(project_ids),
    }
    rows = _rows(PROJECTS_SERIES, kind, environment_id, period, now, names)
    for project_id, bucket, quantity in rows:
        counts[project_id][bucket] = quantity
    if len(counts) * len(period.buckets) > MAX_POINTS:
        raise ValidationError(
            f"{len(counts)} projects with {len(period.buckets)} points each are more than "
            f"{MAX_POINTS} points. Choose a shorter range, a coarser resolution or fewer projects "
            "(projectID)."
        )
    return period.fill_all(counts, now)


def team_series(
    kind: Kind, team_id: int, period: Period, now: float, *, environment_id: int | None = None
) -> Points:
    """The sum of `project_series` over a team's active projects; `[]` for a team without any.

    One statement.
    """
    rows = _rows(TEAM_SERIES, kind, environment_id, period, now, {"team": team_id})
    return period.fill(dict(rows), now) if rows else []


def _counted(kind: Kind, environment_id: int | None) -> Kind:
    """Environments have counts of their own, and only of what was stored."""
    return kind if environment_id is None else Kind.ENVIRONMENT_GENERATED


def _rows(
    statement: str,
    kind: Kind,
    environment_id: int | None,
    period: Period,
    now: float,
    names: dict[str, Any],
) -> list[Any]:
    live = period.live_buckets(now)
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "kind": int(_counted(kind, environment_id)),
                "environment": environment_id,
                "width": period.width,
                "first": live.start,
                "last": live.stop - 1,
                **names,
            },
        )
        return cursor.fetchall()
