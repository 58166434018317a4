"""Finding what was uploaded for a project's events: minified sources, source maps, sources.

found = find_artifacts(project.pk, debug_ids=[…], version="shop@1.0", dist="", urls=[…])
source = found.by_debug_id.get((debug_id, "minified_source")) or found.by_url.get(url)
content = read_artifact(source, limit=50_000_000)
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from django.db import connection

from sentrylite.arrays import literal
from sentrylite.files import store
from sentrylite.files.models import Blob
from sentrylite.statements import Statement

from . import bundles

BLOB = "blob.id, blob.name, blob.checksum, blob.size"

FIND_ARTIFACTS = Statement(
    "find_artifacts",
    f"""
    SELECT found.kind, found.debug_id, found.url, found.path, found.headers, {BLOB}
    FROM (
        SELECT file.kind, file.debug_id, NULL AS url, file.path, file.headers::text AS headers,
            bundle.blob_id, bundle.uploaded_at AS uploaded_at, file.id
        FROM releases_bundledfile file
        JOIN releases_artifactbundle bundle ON bundle.id = file.bundle_id
        JOIN releases_artifactbundle_projects link
            ON link.artifactbundle_id = bundle.id AND link.project_id = %(project)s
        WHERE file.debug_id = ANY(%(debug_ids)s)
        UNION ALL
        SELECT file.kind, NULL, file.url, file.path, file.headers::text,
            bundle.blob_id, bundle.uploaded_at, file.id
        FROM organizations_project project
        JOIN releases_release release
            ON release.organization_id = project.organization_id AND release.version = %(version)s
        JOIN releases_artifactbundle bundle
            ON bundle.release_id = release.id AND bundle.dist = %(dist)s
        JOIN releases_bundledfile file
            ON file.bundle_id = bundle.id AND md5(file.url) = ANY(%(hashes)s)
        WHERE project.id = %(project)s AND (
            bundle.is_for_all_projects
            OR EXISTS (
                SELECT 1 FROM releases_artifactbundle_projects link
                WHERE link.artifactbundle_id = bundle.id AND link.project_id = project.id))
        UNION ALL
        SELECT '', NULL, file.name, NULL, file.headers::text,
            file.blob_id, file.created_at, file.id
        FROM organizations_project project
        JOIN releases_release release
            ON release.organization_id = project.organization_id AND release.version = %(version)s
        JOIN releases_releasefile file
            ON file.release_id = release.id AND file.dist = %(dist)s
            AND md5(file.name) = ANY(%(hashes)s)
        WHERE project.id = %(project)s
    ) found
    JOIN files_blob blob ON blob.id = found.blob_id
    ORDER BY found.uploaded_at DESC, found.id DESC
    """,
    project="bigint",
    debug_ids="uuid[]",
    version="text",
    dist="text",
    hashes="text[]",
)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that can be read with `read_artifact`."""

    kind: str
    """`minified_source`, `source_map`, `source`, …; "" of a file that was uploaded by itself."""
    headers: Mapping[str, str]
    """By their names in lower case: `sourcemap`, `content-type`, …"""
    blob: Blob
    """The file, or the bundle that it is in."""
    path: str | None
    """In the bundle."""

    @property
    def key(self) -> tuple[str, str | None]:
        """The same for the same content, to cache it by."""
        return self.blob.checksum, self.path


@dataclass(frozen=True, slots=True)
class Artifacts:
    by_debug_id: Mapping[tuple[UUID, str], Artifact] = field(default_factory=dict)
    """By debug id and kind."""
    by_url: Mapping[str, Artifact] = field(default_factory=dict)
    """By the URL that was asked for."""


class Unreadable(Exception):
    """The content of an artifact is not there, too large, or broken. The message says which."""


def find_artifacts(
    project_id: int,
    *,
    debug_ids: Collection[UUID] = (),
    version: str = "",
    dist: str = "",
    urls: Collection[str] = (),
) -> Artifacts:
    """What was uploaded for these debug ids, or under these URLs for this release and dist; what
    there is not is missing. Of several the newest. One statement, none when nothing is asked.

    URLs are as events and source maps have them, complete or beginning with `~/` or `/`; what was
    uploaded under a form of them that says less is found too: see `forms_of`.
    """
    urls = [url for url in urls if "\0" not in url] if version else []
    if not debug_ids and not urls:
        return Artifacts()
    forms = {url: forms_of(url) for url in urls}
    rows = _find(project_id, debug_ids, version, dist, {f for fs in forms.values() for f in fs})
    by_debug_id: dict[tuple[UUID, str], Artifact] = {}
    by_form: dict[str, Artifact] = {}
    for kind, debug_id, url, path, headers, *blob in rows:
        artifact = Artifact(kind, _lower(orjson.loads(headers)), _blob(*blob), path)
        if debug_id is None:
            by_form.setdefault(url, artifact)
        else:
            by_debug_id.setdefault((debug_id, kind), artifact)
    by_url = {
        url: by_form[form] for url in urls for form in reversed(forms[url]) if form in by_form
    }
    return Artifacts(by_debug_id, by_url)


def forms_of(url: str) -> list[str]:
    """The names under which the file of a URL may have been uploaded, the most exact one first:
    the URL, without its query, and both with `~` for scheme and host."""
    url = url.partition("#")[0]
    bare = url.partition("?")[0]
    forms = [url, bare]
    for name in (url, bare):
        try:
            parts = urlsplit(name)
        except ValueError:
            continue  # a host that is none
        if parts.scheme or name.startswith("/"):
            path = parts.path if parts.path.startswith("/") else f"/{parts.path}"
            forms.append(f"~{path}?{parts.query}" if parts.query else f"~{path}")
    return list(dict.fromkeys(forms))


def read_artifact(artifact: Artifact, limit: int) -> bytes:
    """The content, decompressed. Raises Unreadable, also when it has more than `limit` bytes."""
    try:
        with store.open_blob(artifact.blob) as content:
            if artifact.path is None:
                data = content.read(limit + 1)
            else:
                with bundles.open_zip(content) as bundle, bundle.open(artifact.path) as file:
                    data = file.read(limit + 1)
    except Exception as error:  # storages raise what they like, broken zips anything
        raise Unreadable(f"cannot be read: {error}") from error
    if len(data) > limit:
        raise Unreadable(f"larger than {limit} bytes")
    return data


def _find(
    project_id: int, debug_ids: Collection[UUID], version: str, dist: str, urls: Collection[str]
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        return FIND_ARTIFACTS.run(
            cursor,
            project=project_id,
            debug_ids=literal(debug_ids),
            version=version,
            dist=dist,
            hashes=literal([bundles.url_hash(url) for url in urls]),
        ).fetchall()


def _blob(pk: int, name: str, checksum: str, size: int) -> Blob:
    return Blob(pk=pk, name=name, checksum=checksum, size=size, is_stored=True)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
