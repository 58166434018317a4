"""Removing what an organization left behind, a day after it was deleted.

It stands at the right end of the street, where every table is known.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import QuerySet

from sentrylite.organizations.models import Organization, Project
from sentrylite.organizations.models.organization import Status
from sentrylite.releases.models import Release
from stats.models import Kind

from .models import Issue

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 5_000
OBJECTS_AT_ONCE = 500
# Until then an owner may think better of it (organizations contract, section 6).
PURGE_AFTER = timedelta(hours=24)

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


def purge_deleted_organizations(now: datetime) -> int:
    """Delete the rows of organizations that were deleted a day ago, in bounded batches; returns
    how many organizations.

    Interrupted, it goes on where it stopped. Once it has begun there is no way back.
    """
    due = Organization.objects.filter(deleted_at__lt=now - PURGE_AFTER).exclude(
        status=Status.ACTIVE
    )
    due.update(status=Status.DELETION_IN_PROGRESS)
    purged = 0
    for organization in Organization.objects.filter(status=Status.DELETION_IN_PROGRESS):
        _purge(organization)
        purged += 1
    return purged


def _purge(organization: Organization) -> None:
    for project in organization.projects.order_by("pk"):
        _purge_project(project)
    _delete_objects(Release.objects.filter(organization=organization))
    _delete_rows(
        DELETE_SERIES_OF_ORGANIZATION,
        {"organization": organization.pk, "kinds": [int(kind) for kind in ORGANIZATION_KINDS]},
    )
    _delete_objects(organization.audit_log.all())
    organization.delete()
    logger.info("removed the organization %s and all that was its own", organization.slug)


def _purge_project(project: Project) -> None:
    for table in tables_without_references():
        _delete_rows(DELETE_ROWS_OF_PROJECT.format(table=table), {"project": project.pk})
    _delete_objects(Issue.objects.filter(project=project))
    project.delete()


def tables_without_references() -> list[str]:
    """The tables that grow with events: they name their project by number only, so that removing
    it does not carry their rows along."""
    return sorted(
        model._meta.db_table
        for model in apps.get_models()
        if any(field.name == "project_id" for field in model._meta.concrete_fields)
    )


def _delete_rows(statement: str, parameters: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**parameters, "limit": ROWS_AT_ONCE})
        while cursor.rowcount >= ROWS_AT_ONCE:
            cursor.execute(statement, {**parameters, "limit": ROWS_AT_ONCE})


def _delete_objects(rows: QuerySet) -> None:
    """With what refers to them."""
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:OBJECTS_AT_ONCE]):
        rows.model._default_manager.filter(pk__in=batch).delete()
