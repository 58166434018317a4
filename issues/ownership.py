"""Ownership rules of projects: kept, and followed when events come."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

from sentrylite.arrays import literal
from sentrylite.organizations.models import Project

from .intake import Placed
from .models import Activity, IssueSubscription, ProjectOwnership
from .payload import codec
from .payload.owners import owners_of, parse

Owner = tuple[int | None, int | None, str | None]
"""The id of a person or of a team, and the person's e-mail address."""

# People own through their teams: who is in none that has the project does not look after it.
FIND_OWNERS = """
    SELECT wanted.project_id, wanted.owner, NULL, team.id, NULL
    FROM unnest(%s::bigint[], %s::text[]) AS wanted(project_id, owner)
    JOIN organizations_projectteam link USING (project_id)
    JOIN organizations_team team ON team.id = link.team_id AND team.status = 'active'
    WHERE wanted.owner = '#' || team.slug
    UNION ALL
    SELECT DISTINCT wanted.project_id, wanted.owner, person.id, NULL::bigint, person.email
    FROM unnest(%s::bigint[], %s::text[]) AS wanted(project_id, owner)
    JOIN accounts_user person ON lower(person.email) = wanted.owner AND person.is_active
    JOIN organizations_organizationmember member ON member.user_id = person.id
    JOIN organizations_teammembership membership ON membership.member_id = member.id
    JOIN organizations_team team ON team.id = membership.team_id AND team.status = 'active'
    JOIN organizations_projectteam link
        ON link.team_id = team.id AND link.project_id = wanted.project_id
"""

FIND_NOBODYS = """
    SELECT issue.id, ownership.raw FROM issues_issue issue
    JOIN issues_projectownership ownership USING (project_id)
    WHERE issue.id = ANY(%s::bigint[])
        AND issue.assigned_user_id IS NULL AND issue.assigned_team_id IS NULL
"""

# What somebody else is changing has another event another time: here nobody waits.
ASSIGN = f"""
    WITH free AS MATERIALIZED (
        SELECT issue.id, chosen.user_id, chosen.team_id, chosen.data
        FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::jsonb[])
            AS chosen(issue_id, user_id, team_id, data)
        JOIN issues_issue issue ON issue.id = chosen.issue_id
        WHERE issue.assigned_user_id IS NULL AND issue.assigned_team_id IS NULL
        ORDER BY issue.id FOR NO KEY UPDATE OF issue SKIP LOCKED
    ), assigned AS (
        UPDATE issues_issue issue
        SET assigned_user_id = free.user_id, assigned_team_id = free.team_id
        FROM free WHERE issue.id = free.id
        RETURNING issue.id, free.user_id, free.team_id, free.data
    ), told AS (
        INSERT INTO issues_activity (issue_id, type, data, created_at)
        SELECT id, '{Activity.Type.ASSIGNED}', data, now() FROM assigned ORDER BY id
    )
    INSERT INTO issues_issuesubscription (issue_id, user_id, is_active, reason, created_at)
    SELECT id, user_id, true, '{IssueSubscription.Reason.ASSIGNED}', now() FROM (
        SELECT id, user_id FROM assigned WHERE user_id IS NOT NULL
        UNION
        SELECT assigned.id, person.id FROM assigned
        JOIN organizations_teammembership membership USING (team_id)
        JOIN organizations_organizationmember member ON member.id = membership.member_id
        JOIN accounts_user person ON person.id = member.user_id AND person.is_active
    ) subscriber
    ORDER BY id, user_id
    ON CONFLICT DO NOTHING
"""


def ownership_of(project: Project) -> ProjectOwnership:
    """The rules of a project; unsaved ones, without any, when it has none yet."""
    found = ProjectOwnership.objects.filter(project=project).first()
    return found or ProjectOwnership(project=project)


def change_ownership(project: Project, columns: Mapping[str, Any], *, now: datetime) -> None:
    """Set these columns of a project's rules. `raw` is to be readable."""
    ProjectOwnership.objects.update_or_create(
        project=project,
        defaults={**columns, "updated_at": now},
        create_defaults={**columns, "created_at": now, "updated_at": now},
    )


def copy_ownership(project: Project, source: Project, *, now: datetime) -> None:
    """Give a project the rules of another one."""
    found = ownership_of(source)
    names = ("raw", "fallthrough", "auto_assignment", "is_active")
    change_ownership(project, {name: getattr(found, name) for name in names}, now=now)


def unknown_owners(project: Project, raw: str) -> list[str]:
    """The owners in rules who do not look after the project, sorted. One statement."""
    named = {owner for rule in parse(raw) for owner in rule.owners}
    with connection.cursor() as cursor:
        known = _find_owners(cursor, {(project.pk, owner) for owner in named})
    return sorted(named - {owner for _, owner in known})


def assign_owners(cursor: Any, placed: Sequence[Placed], project_ids: Collection[int]) -> None:
    """Assign those issues of a batch that are nobody's, in projects that want it so, to the first
    owner that the rules name for one of their events and who looks after the project.

    No statement when `project_ids` is empty; at most three.
    """
    events = {
        place.issue_id: place.event for place in placed if place.event.project_id in project_ids
    }
    if not events:
        return
    cursor.execute(FIND_NOBODYS, [literal(sorted(events))])
    named = {
        issue_id: owners
        for issue_id, raw in cursor.fetchall()
        if (owners := owners_of(codec.unpack(events[issue_id].payload), parse(raw)))
    }
    wanted = {
        issue_id: [(events[issue_id].project_id, owner) for owner in owners]
        for issue_id, owners in sorted(named.items())
    }
    known = _find_owners(cursor, {key for keys in wanted.values() for key in keys})
    rows = []
    for issue_id, keys in wanted.items():
        found = next((known[key] for key in keys if key in known), None)
        if found is not None:
            rows.append((issue_id, *_chosen(found)))
    if rows:
        cursor.execute(ASSIGN, [literal(column) for column in zip(*rows, strict=True)])


def _chosen(owner: Owner) -> tuple[int | None, int | None, str]:
    user_id, team_id, email = owner
    data = {
        "assignee": str(user_id or team_id),
        "assigneeEmail": email,
        "assigneeType": "user" if user_id else "team",
    }
    return user_id, team_id, orjson.dumps(data).decode()


def _find_owners(cursor: Any, wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], Owner]:
    rows = sorted(wanted)
    if not rows:
        return {}
    columns = [literal(column) for column in zip(*rows, strict=True)]
    cursor.execute(FIND_OWNERS, [*columns, *columns])
    found: dict[tuple[int, str], Owner] = {}
    for project_id, owner, *ids in sorted(cursor.fetchall(), key=lambda row: row[2] or 0):
        found.setdefault((project_id, owner), tuple(ids))
    return found
