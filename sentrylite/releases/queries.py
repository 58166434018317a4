"""Reading releases, with what their projects' events have said."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, LessThan

from sentrylite import rows
from sentrylite.accounts.models import User
from sentrylite.arrays import literal
from sentrylite.organizations.models import Environment, Organization, Project
from sentrylite.statements import Statement

from . import commits
from .models import CommitFileChange, Deploy, DeployProject, Release, ReleaseProject, Shipped

# When a release came out, as far as anybody said; else when it was first heard of.
CAME_OUT_AT = Coalesce("released_at", "created_at")

# Whether a project's events count: all do, unless some are chosen.
_COUNTED = "%(projects)s IS NULL OR link.project_id = ANY(%(projects)s)"

FIND_RELEASES = Statement(
    "find_releases",
    f"""
    SELECT {rows.columns(Release, "r")}, shipped.ids, shipped.slugs, shipped.names,
        shipped.platforms, shipped.new_issues, shipped.first_event_at, shipped.last_event_at,
        {rows.columns(User, "u")}, deployed.deploys, {rows.columns(Deploy, "d")}, e.name
    FROM releases_release r
    LEFT JOIN accounts_user u ON u.id = r.owner_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS deploys, max(id) AS newest FROM releases_deploy WHERE release_id = r.id
    ) deployed
    LEFT JOIN releases_deploy d ON d.id = deployed.newest
    LEFT JOIN organizations_environment e ON e.id = d.environment_id
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
    """The releases with these ids, by id, as their serializers need them: with their owner, their
    last deploy and the sums over their projects, or over these of them. Those that do not exist are
    missing. One statement, and three more if one has commits; none for no ids.
    """
    if not ids:
        return {}
    projects = None if project_ids is None else literal(project_ids)
    with connection.cursor() as cursor:
        found = FIND_RELEASES.run(cursor, ids=literal(ids), projects=projects).fetchall()
    releases = {release.pk: release for release in map(_release, found)}
    _load_lists(releases.values())
    return releases


def releases_of(projects: Collection[Project], **columns: Any) -> QuerySet[Release]:
    """The releases that one of these projects ships, the newest first."""
    links = ReleaseProject.objects.filter(release=OuterRef("pk"), project__in=list(projects))
    found = Release.objects.filter(
        Exists(links), organization__in={project.organization_id for project in projects}, **columns
    )
    return found.order_by(CAME_OUT_AT.desc(), "-id")


def places_of(releases: QuerySet[Release, int], projects: Collection[Project]) -> QuerySet:
    """Those of the projects that ship the releases with these ids, with the release: (project_id,
    release_id), the newest release first."""
    came_out_at = Coalesce("release__released_at", "release__created_at")
    found = ReleaseProject.objects.filter(
        release__in=releases.order_by(), project__in=list(projects)
    )
    ordered = found.order_by(came_out_at.desc(), "-release_id", "project_id")
    return ordered.values_list("project_id", "release_id")


def deployed_to(environment_ids: Collection[int], projects: Collection[Project]) -> Exists:
    """Whether a release was deployed to one of these environments for one of these projects."""
    places = DeployProject.objects.filter(
        deploy__release=OuterRef("pk"),
        project__in=list(projects),
        environment__in=list(environment_ids),
    )
    return Exists(places)


def previous_with_commits(release: Release, projects: Collection[Project]) -> int | None:
    """The id of the newest release of these projects that came out before this one and lists
    commits. One statement."""
    came_out_at = release.released_at or release.created_at
    before = Q(LessThan(CAME_OUT_AT, came_out_at))
    before |= Q(Exact(CAME_OUT_AT, came_out_at), pk__lt=release.pk)
    found = releases_of(projects, commit_count__gt=0).filter(before)
    return found.values_list("pk", flat=True).first()


def count_changed_files(release: Release) -> int:
    """How many files the commits of a release changed. One statement."""
    changes = CommitFileChange.objects.filter(commit__release_commits__release=release)
    return changes.aggregate(count=Count("filename", distinct=True))["count"]


def new_issues_by_project(release: Release) -> dict[int, int]:
    """The issues that are new in a release, by the ids of its projects. One statement."""
    links = ReleaseProject.objects.filter(release=release)
    return dict(links.values_list("project_id", "new_issues"))


def _release(row: tuple) -> Release:
    columns = iter(row)
    release = rows.instance(Release, [*islice(columns, rows.width(Release))])
    shipped = [*islice(columns, len(Shipped._fields))]
    new_issues, first_event_at, last_event_at = islice(columns, 3)
    owner = [*islice(columns, rows.width(User))]
    release.owner = rows.instance(User, owner) if release.owner_id else None
    release.deploy_count, *deploy, environment = columns
    release.last_deploy = None
    if release.deploy_count:
        release.last_deploy = rows.instance(Deploy, deploy)
        release.last_deploy.environment = Environment(name=environment)
    release.shipped_in = [
        Shipped(*each) for each in zip(*(part or () for part in shipped), strict=True)
    ]
    release.new_issues = int(new_issues or 0)
    release.first_event_at, release.last_event_at = first_event_at, last_event_at
    return release


def _load_lists(releases: Iterable[Release]) -> None:
    """Their newest commits, and the authors of all of them. Three statements; none for releases
    without commits."""
    newest = {release.last_commit_id for release in releases if release.last_commit_id is not None}
    last_commits = commits.load_commits(newest)
    authors = commits.load_authors({pk for release in releases for pk in release.author_ids})
    for release in releases:
        release.last_commit = last_commits.get(release.last_commit_id or 0)
        release.authors = [authors[pk] for pk in release.author_ids if pk in authors]


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


FIND_LATEST_DEPLOYS = """
    SELECT link.project_id, e.name, newest.version, newest.finished_at
    FROM organizations_environmentproject link
    JOIN organizations_environment e ON e.id = link.environment_id
    CROSS JOIN LATERAL (
        SELECT r.version, place.finished_at
        FROM releases_deployproject place
        JOIN releases_deploy d ON d.id = place.deploy_id
        JOIN releases_release r ON r.id = d.release_id
        WHERE place.project_id = link.project_id AND place.environment_id = link.environment_id
        ORDER BY place.finished_at DESC, place.deploy_id DESC LIMIT 1
    ) newest
    WHERE link.project_id = ANY(%(projects)s::bigint[])
    ORDER BY link.project_id, e.name
"""


def load_latest_deploys(projects: Collection[Project]) -> None:
    """`latest_deploys`: what was deployed last in each environment of each project, and when. One
    statement."""
    found: dict[int, dict[str, tuple[str, datetime]]] = defaultdict(dict)
    with connection.cursor() as cursor:
        ids = literal(project.pk for project in projects)
        cursor.execute(FIND_LATEST_DEPLOYS, {"projects": ids})
        for project_id, environment, version, finished_at in cursor.fetchall():
            found[project_id][environment] = (version, finished_at)
    for project in projects:
        project.latest_deploys = found[project.pk]


def newest_release_of(project: Project) -> Release | None:
    """The release of the project that came out last (issues contract, section 5)."""
    return Release.objects.filter(projects=project).order_by(CAME_OUT_AT.desc(), "-id").first()


def release_of(project: Project, version: str) -> Release | None:
    """The project's release of this version."""
    return Release.objects.filter(projects=project, version=version).first()
