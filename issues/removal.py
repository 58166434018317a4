"""Removing what an organization left behind, a day after it was deleted, or a project, an hour
after.

It stands at the right end of the street, where every table is known.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.apps import apps
from django.db import transaction
from django.db.models import Q, QuerySet

from sentrylite.organizations.models import Organization, Project
from sentrylite.organizations.models.organization import Status
from sentrylite.organizations.notices import KEPT_FOR
from sentrylite.releases.models import Commit, Release
from stats.models import Kind

from .deletion import delete_rows
from .models import Issue

logger = logging.getLogger(__name__)

OBJECTS_AT_ONCE = 500
# Until then a project may be restored (projects contract, section 5).
PROJECT_KEPT_FOR = timedelta(hours=1)

# Rows of other partitions that happen to have the same address are the project's own as well.
DELETE_ROWS_OF_PROJECT = """
    DELETE FROM {table} WHERE project_id = %(project)s AND ctid = ANY(ARRAY(
        SELECT ctid FROM {table} WHERE project_id = %(project)s LIMIT %(limit)s))
"""

DELETE_SERIES_OF_ORGANIZATION = """
    DELETE FROM stats_seriescount WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM stats_seriescount
        WHERE project_id = 0 AND object_id = %(organization)s AND kind = ANY(%(kinds)s)
        LIMIT %(limit)s))
"""
ORGANIZATION_KINDS = [
    Kind.ORGANIZATION_RECEIVED,
    Kind.ORGANIZATION_REJECTED,
    Kind.ORGANIZATION_BLACKLISTED,
]


def due(now: datetime) -> QuerySet[Organization]:
    """The organizations that were deleted a day ago, or are half gone."""
    is_old = Q(status=Status.PENDING_DELETION, deleted_at__lt=now - KEPT_FOR)
    return Organization.objects.filter(is_old | Q(status=Status.DELETION_IN_PROGRESS))


def remove_organization(
    organization_id: int, now: datetime, after_batch: Callable[[], None]
) -> bool:
    """Delete an organization and all that is its own; False when it is not due, or gone.

    Every batch is a transaction of its own, after which `after_batch` is called; what that raises
    ends the work, which goes on where it stopped when it is asked for again. Once it has begun
    there is no way back.
    """
    chosen = due(now).filter(pk=organization_id)
    if not chosen.update(status=Status.DELETION_IN_PROGRESS):
        return False
    organization = Organization.objects.get(pk=organization_id)
    for project in organization.projects.order_by("pk"):
        _remove_project(project, after_batch)
    _delete_objects(Release.objects.filter(organization=organization), after_batch)
    _delete_objects(Commit.objects.filter(repository__organization=organization), after_batch)
    delete_rows(
        DELETE_SERIES_OF_ORGANIZATION,
        {"organization": organization.pk, "kinds": [int(kind) for kind in ORGANIZATION_KINDS]},
        after_batch,
    )
    _delete_objects(organization.audit_log.all(), after_batch)
    organization.delete()
    logger.info("removed the organization %s and all that was its own", organization.slug)
    return True


def due_projects(now: datetime) -> QuerySet[Project]:
    """The projects of active organizations that were deleted an hour ago, or are half gone."""
    is_old = Q(status=Status.PENDING_DELETION, deleted_at__lt=now - PROJECT_KEPT_FOR)
    found = Project.objects.filter(organization__status=Status.ACTIVE)
    return found.filter(is_old | Q(status=Status.DELETION_IN_PROGRESS))


def remove_project(project_id: int, now: datetime, after_batch: Callable[[], None]) -> bool:
    """Delete a project and all that is its own, as `remove_organization` does."""
    with transaction.atomic():
        chosen = due_projects(now).filter(pk=project_id).select_for_update(of=("self",))
        project = chosen.select_related("organization").first()
        if project is None:
            return False
        project.status = Status.DELETION_IN_PROGRESS
        project.save(update_fields=["status"])
    _remove_project(project, after_batch)
    logger.info("removed the project %s of %s", project.slug, project.organization.slug)
    return True


def _remove_project(project: Project, after_batch: Callable[[], None]) -> None:
    for table in tables_without_references():
        statement = DELETE_ROWS_OF_PROJECT.format(table=table)
        delete_rows(statement, {"project": project.pk}, after_batch)
    _delete_objects(Issue.objects.filter(project=project), after_batch)
    project.delete()
    after_batch()


def tables_without_references() -> list[str]:
    """The tables that grow with events: they name their project by number only, so that removing
    it does not carry their rows along."""
    return sorted(
        model._meta.db_table
        for model in apps.get_models()
        if any(field.name == "project_id" for field in model._meta.concrete_fields)
    )


def _delete_objects(rows: QuerySet, after_batch: Callable[[], None]) -> None:
    """With what refers to them."""
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:OBJECTS_AT_ONCE]):
        rows.model._default_manager.filter(pk__in=batch).delete()
        after_batch()
