"""Keeping what was uploaded: artifact bundles, and what releases have of them."""

from collections.abc import Collection, Iterable
from datetime import datetime

import orjson
from django.db import connection, transaction

from sentrylite.arrays import literal
from sentrylite.files import store
from sentrylite.files.models import Blob
from sentrylite.organizations.models import Organization, Project

from . import bundles, intake
from .bundles import Manifest
from .models import ArtifactBundle, Release

ADD_FILES = """
    INSERT INTO releases_bundledfile (bundle_id, path, kind, url, debug_id, headers)
    SELECT %(bundle)s, path, kind, url, debug_id, headers
    FROM unnest(%(paths)s::text[], %(kinds)s::text[], %(urls)s::text[], %(debug_ids)s::uuid[],
        %(headers)s::jsonb[]) AS described (path, kind, url, debug_id, headers)
"""

COUNT_FILES = """
    SELECT wanted.id,
        (SELECT count(*) FROM releases_releasefile file WHERE file.release_id = wanted.id)
        + (SELECT coalesce(sum(bundle.file_count), 0) FROM releases_artifactbundle bundle
            WHERE bundle.release_id = wanted.id)
    FROM unnest(%s::bigint[]) AS wanted (id)
"""


def find_bundle(
    organization: Organization, checksum: str, release: Release | None, dist: str
) -> ArtifactBundle | None:
    """The bundle with this content that was uploaded for this release, or for none."""
    found = ArtifactBundle.objects.filter(
        organization=organization, release=release, dist=dist, blob__checksum=checksum
    )
    return found.filter(blob__is_stored=True).first()


def add_bundle(
    organization: Organization,
    blob: Blob,
    *,
    release: Release | None,
    dist: str,
    projects: Collection[Project],
    now: datetime,
) -> ArtifactBundle:
    """Keep a bundle for these projects, or, without, for all that send this release; the same one
    again is kept once and becomes the newest. A fixed number of statements. Raises BadBundle."""
    with store.open_blob(blob) as content:
        manifest = bundles.read_manifest(content)
    with transaction.atomic():
        bundle, is_new = ArtifactBundle.objects.get_or_create(
            organization=organization,
            release=release,
            dist=dist,
            blob=blob,
            defaults={
                "debug_id": manifest.debug_id,
                "file_count": len(manifest.entries),
                "created_at": now,
                "uploaded_at": now,
            },
        )
        if is_new:
            _add_files(bundle, manifest)
        use_bundle(bundle, projects, now)
    return bundle


@transaction.atomic
def use_bundle(bundle: ArtifactBundle, projects: Collection[Project], now: datetime) -> None:
    """Let these projects, or without any all, have a bundle too; it becomes the newest."""
    bundle.uploaded_at = now
    bundle.is_for_all_projects |= not projects
    bundle.save(update_fields=["uploaded_at", "is_for_all_projects"])
    bundle.projects.add(*projects)


def ensure_release(
    organization: Organization, version: str, projects: Iterable[Project], now: datetime
) -> Release:
    """The release of this version, made and linked to these projects if need be."""
    ids = sorted(project.pk for project in projects)
    columns = [literal([organization.pk] * len(ids)), literal([version] * len(ids))]
    moments = literal([now.timestamp()] * len(ids))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(intake.ADD_RELEASES, [*columns, moments])
        cursor.execute(intake.LINK_RELEASES, [columns[0], literal(ids), columns[1]])
    return Release.objects.get(organization=organization, version=version)


def count_files(release_ids: Collection[int]) -> dict[int, int]:
    """How many files were uploaded for each of these releases, alone and in bundles. One
    statement."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT_FILES, [literal(release_ids)])
        return {pk: int(count) for pk, count in cursor.fetchall()}


def _add_files(bundle: ArtifactBundle, manifest: Manifest) -> None:
    entries = manifest.entries
    with connection.cursor() as cursor:
        cursor.execute(
            ADD_FILES,
            {
                "bundle": bundle.pk,
                "paths": literal(entry.path for entry in entries),
                "kinds": literal(entry.kind for entry in entries),
                "urls": literal(entry.url for entry in entries),
                "debug_ids": literal(entry.debug_id for entry in entries),
                "headers": literal(orjson.dumps(entry.headers).decode() for entry in entries),
            },
        )
