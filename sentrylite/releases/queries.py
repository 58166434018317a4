"""Reading releases, with what their projects' events have said."""

from collections.abc import Collection

from django.db import connection
from django.db.models.functions import Coalesce

from sentrylite import rows
from sentrylite.accounts.models import User
from sentrylite.arrays import literal
from sentrylite.organizations.models import Organization, Project
from sentrylite.statements import Statement

from .models import Release, Shipped

# Whether a project's events count: all do, unless some are chosen.
_COUNTED = "%(projects)s IS NULL OR link.project_id = ANY(%(projects)s)"

FIND_RELEASES = Statement(
    "find_releases",
    f"""
    SELECT {rows.columns(Release, "r")}, shipped.ids, shipped.slugs, shipped.names,
        shipped.platforms, shipped.new_issues, shipped.first_event_at, shipped.last_event_at,
        {rows.columns(User, "u")}
    FROM releases_release r
    LEFT JOIN accounts_user u ON u.id = r.owner_id
    CROSS JOIN LATERAL (
        SELECT array_agg(p.id ORDER BY p.slug) AS ids, array_agg(p.slug ORDER BY p.slug) AS slugs,
            array_agg(p.name ORDER BY p.slug) AS names,
            array_agg(p.platform ORDER BY p.slug) AS platforms,
            sum(link.new_issues) FILTER (WHERE {_COUNTED}) AS new_issues,
            min(link.first_event_at) FILTER (WHERE {_COUNTED}) AS first_event_at,
            max(link.last_event_at) FILTER (WHERE {_COUNTED}) AS last_event_at
        FROM releases_releaseproject link
        JOIN organizations_project p ON p.id = link.project_id AND p.status = 'active'
        WHERE link.release_id = r.id
    ) shipped
    WHERE r.id = ANY(%(ids)s)
    """,
    ids="bigint[]",
    projects="bigint[]",
)

# By version, with the projects that ship it.
FIND_RELEASE = Statement(
    "find_release",
    f"""
    SELECT {rows.columns(Release, "r")},
        ARRAY(SELECT project_id FROM releases_releaseproject WHERE release_id = r.id)
    FROM releases_release r WHERE r.organization_id = %(organization)s AND r.version = %(version)s
    """,
    organization="bigint",
    version="text",
)


def find_release(organization: Organization, version: str) -> tuple[Release, list[int]] | None:
    """An organization's release and the ids of its projects; None when there is none of this
    version. One statement."""
    with connection.cursor() as cursor:
        FIND_RELEASE.run(cursor, organization=organization.pk, version=version)
        row = cursor.fetchone()
    if row is None:
        return None
    *columns, project_ids = row
    release = rows.instance(Release, columns)
    release.organization = organization
    return release, project_ids


def load_releases(
    ids: Collection[int], project_ids: Collection[int] | None = None
) -> dict[int, Release]:
    """The releases with these ids, by id, as their serializers need them: with their owner and the
    sums over their projects, or over these of them. Those that do not exist are missing. One
    statement; none for no ids.
    """
    if not ids:
        return {}
    projects = None if project_ids is None else literal(project_ids)
    with connection.cursor() as cursor:
        found = FIND_RELEASES.run(cursor, ids=literal(ids), projects=projects).fetchall()
    return {release.pk: release for release in map(_release, found)}


def _release(row: tuple) -> Release:
    split = rows.width(Release)
    shipped, facts, owner = row[split : split + 4], row[split + 4 : split + 7], row[split + 7 :]
    new_issues, first_event_at, last_event_at = facts
    release = rows.instance(Release, row[:split])
    release.owner = rows.instance(User, owner) if release.owner_id else None
    release.shipped_in = [
        Shipped(*each) for each in zip(*(part or () for part in shipped), strict=True)
    ]
    release.new_issues = int(new_issues or 0)
    release.first_event_at, release.last_event_at = first_event_at, last_event_at
    return release


FIND_LATEST_VERSIONS = """
    SELECT DISTINCT ON (link.project_id) link.project_id, r.version
    FROM releases_releaseproject link JOIN releases_release r ON r.id = link.release_id
    WHERE link.project_id = ANY(%(projects)s::bigint[])
    ORDER BY link.project_id, COALESCE(r.released_at, r.created_at) DESC, r.id DESC
"""


def load_latest_versions(projects: Collection[Project]) -> None:
    """`latest_version`: the release of each project that came out last. One statement."""
    with connection.cursor() as cursor:
        ids = literal(project.pk for project in projects)
        cursor.execute(FIND_LATEST_VERSIONS, {"projects": ids})
        versions = dict(cursor.fetchall())
    for project in projects:
        project.latest_version = versions.get(project.pk)


def newest_release_of(project: Project) -> Release | None:
    """The release of the project that came out last (issues contract, section 5)."""
    came_out = Coalesce("released_at", "created_at")
    return Release.objects.filter(projects=project).order_by(came_out.desc(), "-id").first()


def release_of(project: Project, version: str) -> Release | None:
    """The project's release of this version."""
    return Release.objects.filter(projects=project, version=version).first()
