"""Changes to projects: made, set up, renamed, given to teams, deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from sentrylite.accounts.models import User

from . import audit, slugs
from .actions import change_row, insert_with_slug, mark_deleted
from .audit import Author
from .models import (
    Organization,
    Project,
    ProjectKey,
    ProjectPreference,
    ProjectRedirect,
    ProjectSettings,
    ProjectTeam,
    Team,
)
from .models.project import InboundFilters

COPIED = (
    "platform",
    "resolve_age",
    "allowed_domains",
    "data_scrubber",
    "data_scrubber_defaults",
    "sensitive_fields",
    "safe_fields",
    "scrub_ip_addresses",
    *(field.name for field in InboundFilters._meta.fields),
)
"""Columns of a project that another one may take over. Its settings go as a whole, but for the
security token."""

HIDE_THE_SAME_ENVIRONMENTS = """
    INSERT INTO organizations_environmentproject (environment_id, project_id, is_hidden)
    SELECT environment_id, %(project)s, is_hidden FROM organizations_environmentproject
    WHERE project_id = %(source)s ORDER BY environment_id
    ON CONFLICT (project_id, environment_id) DO UPDATE SET is_hidden = excluded.is_hidden
"""


@transaction.atomic
def create_project(
    team: Team,
    *,
    name: str,
    slug: str | None = None,
    platform: str = "",
    by: Author,
    now: datetime,
) -> Project:
    """A new project of a team, with a key named `Default`. Raises SlugTaken for a slug that
    another project has; without a slug there will be one of the name."""
    organization = team.organization
    project = insert_with_slug(
        lambda slug: Project.objects.create(
            organization=organization, name=name, slug=slug, platform=platform, created_at=now
        ),
        slug=slug,
        name=name,
        reserved=slugs.RESERVED_FOR_PROJECTS,
    )
    ProjectRedirect.objects.filter(organization=organization, slug=project.slug).delete()
    ProjectTeam.objects.create(project=project, team=team)
    ProjectKey.objects.create(project=project, created_at=now)
    _record(audit.Event.PROJECT_ADD, project, by=by, now=now, name=name, platform=platform)
    return project


@transaction.atomic
def change_project(
    project: Project,
    columns: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    by: Author,
    now: datetime,
) -> None:
    """Set these columns of a project and of its settings. Raises SlugTaken.

    The addresses of a slug that it had before lead to it.
    """
    before = project.slug
    if "slug" in columns:
        # Of two that rename it at once, the second sees what the first made of it.
        before = Project.objects.select_for_update(no_key=True).only("slug").get(pk=project.pk).slug
    changes = change_row(project, columns)
    if "slug" in columns and columns["slug"] != before:
        _redirect(project, before)
    if settings:
        ProjectSettings.objects.update_or_create(project=project, defaults=dict(settings))
    if changes or settings:
        # Secrets and long texts are not for the log: it says which settings, not what they are.
        data = {**changes, "settings": sorted(settings)} if settings else changes
        _record(audit.Event.PROJECT_EDIT, project, by=by, now=now, **data)


def _redirect(project: Project, slug: str) -> None:
    """From this slug, and no more from the one that the project has now. Two statements."""
    redirects = ProjectRedirect.objects.filter(organization=project.organization_id)
    redirects.filter(slug=project.slug).delete()
    ProjectRedirect.objects.bulk_create(
        [ProjectRedirect(organization=project.organization, slug=slug, project=project)],
        update_conflicts=True,
        unique_fields=["organization", "slug"],
        update_fields=["project"],
    )


@transaction.atomic
def copy_settings(project: Project, source: Project, *, by: Author, now: datetime) -> None:
    """Set a project up as another one of its organization is: its settings, its teams, and which
    environments it hides."""
    change_row(project, {column: getattr(source, column) for column in COPIED})
    settings, _ = ProjectSettings.objects.get_or_create(project=source)
    ProjectSettings.objects.update_or_create(
        project=project,
        defaults={
            field.name: getattr(settings, field.name)
            for field in ProjectSettings._meta.concrete_fields
            if field.name not in ("project", "security_token")
        },
    )
    project.teams.set(source.teams.order_by("pk"))
    with connection.cursor() as cursor:
        cursor.execute(HIDE_THE_SAME_ENVIRONMENTS, {"project": project.pk, "source": source.pk})
    _record(audit.Event.PROJECT_EDIT, project, by=by, now=now, copied_from=source.slug)


@transaction.atomic
def delete_project(project: Project, *, by: Author, now: datetime) -> None:
    """Hide a project, refuse its events and free its slug at once, and have it removed later."""
    if mark_deleted(Project.objects.filter(pk=project.pk), now=now):
        _record(audit.Event.PROJECT_REMOVE, project, by=by, now=now, name=project.name)


@transaction.atomic
def add_team(project: Project, team: Team, *, by: Author, now: datetime) -> bool:
    """Give a team access; False when it had that."""
    _, is_new = ProjectTeam.objects.get_or_create(project=project, team=team)
    if is_new:
        _record(audit.Event.PROJECT_EDIT, project, by=by, now=now, added_team=team.slug)
    return is_new


@transaction.atomic
def remove_team(project: Project, team: Team, *, by: Author, now: datetime) -> bool:
    """Take a team's access away; False when it had none."""
    removed, _ = ProjectTeam.objects.filter(project=project, team=team).delete()
    if removed:
        _record(audit.Event.PROJECT_EDIT, project, by=by, now=now, removed_team=team.slug)
    return bool(removed)


def set_preferences(project: Project, user: User, **preferences: bool) -> None:
    """What somebody wants of a project, as far as it is given: `is_bookmarked`, `is_subscribed`.
    One statement."""
    ProjectPreference.objects.bulk_create(
        [ProjectPreference(project=project, user=user, **preferences)],
        update_conflicts=True,
        unique_fields=["project", "user"],
        update_fields=list(preferences),
    )


def settings_of(project: Project) -> ProjectSettings:
    """A project's settings, which are made when they are first asked for: among them is a token.
    One statement when they are there."""
    settings, _ = ProjectSettings.objects.get_or_create(project=project)
    return settings


def name_of(organization: Organization, slug: str) -> str | None:
    """The name of the project that has a slug."""
    found = Project.objects.active().filter(organization=organization, slug=slug)
    return found.values_list("name", flat=True).first()


def _record(
    event: audit.Event, project: Project, *, by: Author, now: datetime, **data: object
) -> None:
    audit.record(
        project.organization,
        event,
        by=by,
        now=now,
        target_id=project.pk,
        data={"slug": project.slug, **data},
    )
