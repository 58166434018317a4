"""Reading releases, with what their projects' events have said."""

from collections.abc import Collection

from django.db import connection
from django.db.models.functions import Coalesce

from sentrylite import rows
from sentrylite.accounts.models import User
from sentrylite.arrays import literal
from sentrylite.organizations.models import Project
from sentrylite.statements import Statement

from .models import Release

FIND_RELEASES = Statement(
    "find_releases",
    f"""
    SELECT {rows.columns(Release, "r")}, shipped.slugs, shipped.names, shipped.new_issues,
        shipped.first_event_at, shipped.last_event_at, {rows.columns(User, "u")}
    FROM releases_release r
    LEFT JOIN accounts_user u ON u.id = r.owner_id
    CROSS JOIN LATERAL (
        SELECT array_agg(p.slug ORDER BY p.slug) AS slugs,
            array_agg(p.name ORDER BY p.slug) AS names, sum(link.new_issues) AS new_issues,
            min(link.first_event_at) AS first_event_at, max(link.last_event_at) AS last_event_at
        FROM releases_releaseproject link
        JOIN organizations_project p ON p.id = link.project_id AND p.status = 'active'
        WHERE link.release_id = r.id
    ) shipped
    WHERE r.id = ANY(%(ids)s)
    """,
    ids="bigint[]",
)


def load_releases(ids: Collection[int]) -> dict[int, Release]:
    """The releases with these ids, by id, as their serializer needs them: with their owner and the
    sums over their projects. Those that do not exist are missing. One statement; none for no ids.
    """
    if not ids:
        return {}
    with connection.cursor() as cursor:
        found = FIND_RELEASES.run(cursor, ids=literal(ids)).fetchall()
    return {release.pk: release for release in map(_release, found)}


def _release(row: tuple) -> Release:
    split = rows.width(Release)
    slugs, names, new_issues, first_event_at, last_event_at, *owner = row[split:]
    release = rows.instance(Release, row[:split])
    release.owner = rows.instance(User, owner) if release.owner_id else None
    release.shipped_in = list(zip(slugs or (), names or (), strict=True))
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
