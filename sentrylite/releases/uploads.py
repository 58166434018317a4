"""Keeping bundles of artifacts that were uploaded (clients contract, section 6)."""

from collections.abc import Collection, Sequence
from datetime import datetime

import orjson
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from sentrylite.arrays import literal
from sentrylite.files import assembling, store
from sentrylite.files.assembling import Assembly
from sentrylite.files.models import Blob
from sentrylite.organizations.models import Organization, Project

from . import actions, bundles, versions
from .bundles import BadBundle, Manifest
from .models import ArtifactBundle, Release, ReleaseFile

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


def assemble_bundle(
    organization: Organization,
    checksum: str,
    pieces: Sequence[str],
    *,
    version: str | None,
    dist: str | None,
    projects: Collection[Project],
    now: datetime,
) -> Assembly:
    """Make a bundle of pieces, named by their checksums; the arguments are those of `add_bundle`.
    To be called outside transactions."""

    def is_there() -> bool:
        bundle = find_bundle(organization, checksum, version=version, dist=dist)
        if bundle is not None:
            use_bundle(bundle, projects, now)
        return bundle is not None

    def accept(blob: Blob) -> None:
        add_bundle(organization, blob, version=version, dist=dist, projects=projects, now=now)

    return assembling.assemble(
        organization, checksum, pieces, now, is_there=is_there, accept=accept
    )


def find_bundle(
    organization: Organization, checksum: str, *, version: str | None, dist: str | None
) -> ArtifactBundle | None:
    """The bundle with this content that was uploaded for this version and dist; None is any."""
    wanted = Q(organization=organization, blob__checksum=checksum, blob__is_stored=True)
    if version is not None:
        wanted &= Q(release__version=version)
    if dist is not None:
        wanted &= Q(dist=dist)
    return ArtifactBundle.objects.filter(wanted).order_by("-uploaded_at", "-pk").first()


def add_bundle(
    organization: Organization,
    blob: Blob,
    *,
    version: str | None,
    dist: str | None,
    projects: Collection[Project],
    now: datetime,
) -> ArtifactBundle:
    """Keep a bundle for these projects, or, without, for all that send its release. Version and
    dist are what the bundle says where they are None; the release is made if need be. The same
    again is kept once and becomes the newest. A fixed number of statements. Raises BadBundle."""
    with store.open_blob(blob) as content:
        manifest = bundles.read_manifest(content)
    version = manifest.release if version is None else version
    if version and not versions.is_valid(version):
        raise BadBundle(f"Release with name {version} is not allowed")
    with transaction.atomic():
        release: Release | None = None
        if version:
            release = actions.make_release(organization, version, projects, {}, now=now).release
        bundle, is_new = ArtifactBundle.objects.get_or_create(
            organization=organization,
            release=release,
            dist=manifest.dist if dist is None else dist,
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


@transaction.atomic
def remove_artifacts(project: Project, release: Release) -> None:
    """Remove what was uploaded for a release: its files, and the bundles that no other project
    has. A fixed number of statements."""
    release.files.all().delete()
    ArtifactBundle.projects.through.objects.filter(
        project=project, artifactbundle__release=release
    ).delete()
    release.bundles.filter(projects=None).delete()


def remove_abandoned_bundles() -> None:
    """Remove bundles of projects that are all gone, for no release that others might send."""
    ArtifactBundle.objects.filter(projects=None, is_for_all_projects=False).delete()


def releases_with_artifacts(project: Project) -> QuerySet[Release]:
    """The project's releases for which something was uploaded, the newest first."""
    links = ArtifactBundle.projects.through.objects.filter(artifactbundle__release=OuterRef("pk"))
    of_all = ArtifactBundle.objects.filter(release=OuterRef("pk"), is_for_all_projects=True)
    files = ReleaseFile.objects.filter(release=OuterRef("pk"))
    has_some = Exists(files) | Exists(of_all) | Exists(links.filter(project=project))
    return Release.objects.filter(has_some, projects=project).order_by("-created_at", "-pk")


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
