"""Finding what a path names, together with what the caller may do there."""

import hmac
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Lower

from sentrylite import rows
from sentrylite.accounts.models import User
from sentrylite.arrays import literal
from sentrylite.statements import Statement

from .access import Access, Caller
from .dsn import Dsn
from .models import (
    Environment,
    EnvironmentProject,
    Organization,
    Project,
    ProjectKey,
    Role,
    Team,
)
from .models.organization import Status
from .models.project import ProjectTeam

_MEMBERSHIP = """
    LEFT JOIN organizations_organizationmember m
        ON m.organization_id = o.id AND m.user_id = %(user)s
"""
_MEMBER = """
    m.role, ARRAY(SELECT team_id FROM organizations_teammembership WHERE member_id = m.id)
"""
_PROJECT_TEAMS = "ARRAY(SELECT team_id FROM organizations_projectteam WHERE project_id = p.id)"

# A path part may be a slug or an id. A slug wins over the same digits as another row's id.

FIND_ORGANIZATION = Statement(
    "find_organization",
    f"""
    SELECT {rows.columns(Organization, "o")}, {_MEMBER}
    FROM organizations_organization o {_MEMBERSHIP}
    WHERE o.slug = %(slug)s OR o.id = %(id)s
    ORDER BY o.slug = %(slug)s DESC LIMIT 1
    """,
    user="bigint",
    slug="text",
    id="bigint",
)

FIND_PROJECT = Statement(
    "find_project",
    f"""
    SELECT {rows.columns(Project, "p")}, {_PROJECT_TEAMS}
    FROM organizations_project p
    WHERE p.organization_id = %(organization)s AND p.status = 'active'
        AND (p.slug = %(slug)s OR p.id = %(id)s)
    ORDER BY p.slug = %(slug)s DESC LIMIT 1
    """,
    organization="bigint",
    slug="text",
    id="bigint",
)

FIND_MOVED_PROJECT = Statement(
    "find_moved_project",
    f"""
    SELECT {rows.columns(Project, "p")}, {_PROJECT_TEAMS}
    FROM organizations_projectredirect redirect
    JOIN organizations_project p ON p.id = redirect.project_id AND p.status = 'active'
    WHERE redirect.organization_id = %(organization)s AND redirect.slug = %(slug)s
    """,
    organization="bigint",
    slug="text",
)

FIND_PROJECTS = Statement(
    "find_projects",
    f"""
    SELECT {rows.columns(Project, "p")}, {_PROJECT_TEAMS}
    FROM organizations_project p
    WHERE p.organization_id = %(organization)s AND p.status = 'active'
        AND (%(ids)s IS NULL OR p.id = ANY(%(ids)s))
    ORDER BY p.id
    """,
    organization="bigint",
    ids="bigint[]",
)

FIND_TEAM = Statement(
    "find_team",
    f"""
    SELECT {rows.columns(Team, "t")}
    FROM organizations_team t
    WHERE t.organization_id = %(organization)s AND t.status = 'active'
        AND (t.slug = %(slug)s OR t.id = %(id)s)
    ORDER BY t.slug = %(slug)s DESC LIMIT 1
    """,
    organization="bigint",
    slug="text",
    id="bigint",
)

# For statements about something in a project `p` that also want to know who is asking: what
# `read_project` reads, and where from. They take the caller as `user`.
PROJECT_COLUMNS = f"""
    {rows.columns(Organization, "o")}, {_MEMBER}, {rows.columns(Project, "p")}, {_PROJECT_TEAMS}
"""
PROJECT_JOINS = f"JOIN organizations_organization o ON o.id = p.organization_id {_MEMBERSHIP}"


def find_organization(caller: Caller, address: str) -> Access | None:
    """The caller's access to the organization with this slug or id; None when there is none.

    One statement. The access may well allow nothing.
    """
    row = _one(FIND_ORGANIZATION, user=caller.user_id, **_address(address))
    return _access(caller, row) if row else None


def find_project(organization: Organization, address: str) -> tuple[Project, frozenset[int]] | None:
    """An active project by slug or id, with the ids of its teams. One statement."""
    row = _one(FIND_PROJECT, organization=organization.pk, **_address(address))
    return _project(row, organization) if row else None


def find_moved_project(
    organization: Organization, slug: str
) -> tuple[Project, frozenset[int]] | None:
    """The active project that had this slug before, with the ids of its teams. One statement."""
    row = _one(FIND_MOVED_PROJECT, organization=organization.pk, slug=slug)
    return _project(row, organization) if row else None


def find_projects(access: Access, ids: Collection[int] | None = None) -> list[Project]:
    """Those of the organization's active projects that the caller reaches, or of these. One
    statement."""
    wanted = None if ids is None else literal(ids)
    with connection.cursor() as cursor:
        FIND_PROJECTS.run(cursor, organization=access.organization.pk, ids=wanted)
        found = [_project(row, access.organization) for row in cursor.fetchall()]
    return [project for project, team_ids in found if access.reaches_project(team_ids)]


def find_team(organization: Organization, address: str) -> Team | None:
    """An active team by slug or id. One statement."""
    row = _one(FIND_TEAM, organization=organization.pk, **_address(address))
    if not row:
        return None
    team = rows.instance(Team, row)
    team.organization = organization
    return team


def read_project(caller: Caller, columns: Sequence[Any]) -> tuple[Access, Project, frozenset[int]]:
    """From PROJECT_COLUMNS: the caller's access to the project's organization, the project and
    the ids of its teams. The access may well allow nothing."""
    split = rows.width(Organization) + 2
    access = _access(caller, columns[:split])
    return access, *_project(columns[split:], access.organization)


def _one(statement: Statement, **parameters: Any) -> tuple | None:
    with connection.cursor() as cursor:
        return statement.run(cursor, **parameters).fetchone()


def _address(address: str) -> dict[str, Any]:
    """The two things a path part may be; no row has the id 0."""
    is_id = address.isascii() and address.isdigit() and len(address) < 19
    return {"slug": address, "id": int(address) if is_id else 0}


def _access(caller: Caller, row: Sequence[Any]) -> Access:
    *organization, role, team_ids = row
    return Access(
        caller,
        rows.instance(Organization, organization),
        Role(role) if role else None,
        frozenset(team_ids),
    )


def _project(row: Sequence[Any], organization: Organization) -> tuple[Project, frozenset[int]]:
    *columns, team_ids = row
    project = rows.instance(Project, columns)
    project.organization = organization
    return project, frozenset(team_ids)


def find_environments(organization_id: int, names: Collection[str]) -> list[int] | None:
    """The ids of an organization's environments by name; None when one of them is not known.

    `""` is that of events that name none: known, though there may be none of it. One statement.
    """
    found = Environment.objects.filter(organization_id=organization_id, name__in=set(names))
    ids = {name: pk for pk, name in found.values_list("pk", "name")}
    return sorted(ids.values()) if ids.keys() >= set(names) - {""} else None


def environments_of(
    projects: Iterable[Project], *, is_hidden: bool | None = None
) -> list[Environment]:
    """The environments that any of the projects has, by name; those it hides, or those it does not.

    Without that of events that name none. One statement.
    """
    links = EnvironmentProject.objects.filter(project__in=list(projects))
    if is_hidden is not None:
        links = links.filter(is_hidden=is_hidden)
    named = Environment.objects.exclude(name="")
    return list(named.filter(pk__in=links.values("environment")).order_by("name"))


def find_actor(organization: Organization, text: str) -> User | Team | None:
    """Somebody to be responsible: `user:1`, `team:2`, a user's id, name or e-mail address.

    Active people are found wherever they are members, teams in this organization. At most three
    statements. (Conventions contract, section 11.)
    """
    kind, _, number = text.rpartition(":")
    if is_number := number.isascii() and number.isdigit() and len(number) < 19:
        if kind == "team":
            return Team.objects.filter(
                organization=organization, pk=int(number), status=Status.ACTIVE
            ).first()
        if kind in ("user", ""):
            user = User.objects.filter(pk=int(number), is_active=True).first()
            if user or kind:
                return user
    if kind in ("user", "team") and not is_number:
        return None
    people = User.objects.filter(is_active=True).order_by("pk")
    return (
        people.filter(username__iexact=text).first()
        or people.annotate(lower_email=Lower("email")).filter(lower_email=text.lower()).first()
    )


def find_member(organization: Organization, text: str) -> User | None:
    """An active member by a user's id, name or e-mail address. One statement."""
    people = User.objects.filter(is_active=True, memberships__organization=organization)
    is_them = Q(username__iexact=text) | Q(lower_email=text.lower())
    if text.isascii() and text.isdigit() and len(text) < 19:
        is_them |= Q(pk=int(text))
    return people.annotate(lower_email=Lower("email")).filter(is_them).order_by("pk").first()


def find_actors_of(
    project: Project, user_ids: Collection[int], team_ids: Collection[int]
) -> tuple[list[User], list[Team]]:
    """Those of these people who are in a team of the project, and those of these teams that have
    it. At most two statements."""
    people: list[User] = []
    teams: list[Team] = []
    if user_ids:
        inside = ProjectTeam.objects.filter(
            project=project,
            team__status=Status.ACTIVE,
            team__memberships__member__user_id__isnull=False,
        ).values("team__memberships__member__user_id")
        people = list(User.objects.filter(pk__in=user_ids, is_active=True).filter(pk__in=inside))
    if team_ids:
        of_project = {"project_teams__project": project, "status": Status.ACTIVE}
        teams = list(Team.objects.filter(pk__in=team_ids, **of_project))
    return people, teams


def projects_of_actor(projects: Iterable[Project], actor: User | Team) -> set[int]:
    """The ids of those of the projects that a team has, or a person's teams have. One statement."""
    links = ProjectTeam.objects.filter(project__in=list(projects))
    if isinstance(actor, Team):
        links = links.filter(team=actor)
    else:
        links = links.filter(team__status=Status.ACTIVE, team__memberships__member__user=actor)
    return set(links.values_list("project_id", flat=True))


def find_key(text: str) -> ProjectKey | None:
    """The active key that a DSN names, with its project, which is active too; None for any other
    text. One statement."""
    try:
        dsn = Dsn.parse(text)
    except ValueError:
        return None
    key = (
        ProjectKey.objects.filter(public_key=dsn.public_key, is_active=True)
        .filter(project=dsn.project_id, project__status=Status.ACTIVE)
        .filter(project__organization__status=Status.ACTIVE)
        .select_related("project__organization")
        .first()
    )
    if key is None or not hmac.compare_digest(dsn.secret_key or key.secret_key, key.secret_key):
        return None
    return key
