"""Changes to releases that somebody asked for (releases contract, sections 3 to 5 and 8)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from sentrylite.arrays import literal
from sentrylite.organizations import intake
from sentrylite.organizations.intake import Mention
from sentrylite.organizations.models import Environment, Organization, Project

from .models import Deploy, DeployProject, Release


class Made(NamedTuple):
    """What became of a release that somebody announced."""

    release: Release
    is_news: bool
    """It is new, or new to one of the projects."""


ADD_RELEASE = """
    INSERT INTO releases_release (organization_id, version, ref, url, created_at)
    VALUES (%(organization)s, %(version)s, '', '', %(now)s)
    ON CONFLICT DO NOTHING RETURNING id
"""

LINK_PROJECTS = """
    INSERT INTO releases_releaseproject (release_id, project_id, new_issues)
    SELECT %(release)s, project_id, 0 FROM unnest(%(projects)s::bigint[]) AS wanted(project_id)
    ORDER BY project_id
    ON CONFLICT DO NOTHING RETURNING id
"""


@transaction.atomic
def make_release(
    organization: Organization,
    version: str,
    projects: Collection[Project],
    columns: Mapping[str, Any],
    *,
    now: datetime,
) -> Made:
    """Make a release of these projects, or add them to one that there is, and set these columns of
    it. Of several at the same moment one makes it. At most four statements.
    """
    wanted: dict[str, Any] = {"organization": organization.pk, "version": version, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(ADD_RELEASE, wanted)
        is_new = cursor.fetchone() is not None
        release = Release.objects.get(organization=organization, version=version)
        is_linked = link_projects(release, projects)
    change_release(release, columns)
    return Made(release, is_new or is_linked)


def link_projects(release: Release, projects: Collection[Project]) -> bool:
    """Say that these projects ship a release; returns whether that is news of one of them. One
    statement; none for none."""
    if not projects:
        return False
    ids = literal(project.pk for project in projects)
    with connection.cursor() as cursor:
        cursor.execute(LINK_PROJECTS, {"release": release.pk, "projects": ids})
        return bool(cursor.fetchall())


def change_release(release: Release, columns: Mapping[str, Any]) -> None:
    """Set these columns of a release. One statement; none for none."""
    if not columns:
        return
    for name, value in columns.items():
        setattr(release, name, value)
    release.save(update_fields=list(columns))


@transaction.atomic
def deploy(
    release: Release,
    projects: Sequence[Project],
    environment: str,
    columns: Mapping[str, Any],
    *,
    now: datetime,
) -> Deploy:
    """Note that a release went to an environment, one that is new is made, for these of its
    projects. At most six statements."""
    organization_id = release.organization_id
    mentions = {Mention(organization_id, project.pk, 0, environment) for project in projects}
    with connection.cursor() as cursor:
        ids = intake.ensure_environments(cursor, mentions)
    environment_id = ids[organization_id, environment]
    place = Environment(pk=environment_id, name=environment)
    facts = {"finished_at": now, **columns}
    made = Deploy.objects.create(release=release, environment=place, **facts)
    DeployProject.objects.bulk_create(
        DeployProject(
            deploy=made,
            project=project,
            environment_id=environment_id,
            finished_at=made.finished_at,
        )
        for project in sorted(projects, key=lambda project: project.pk)
    )
    return made
