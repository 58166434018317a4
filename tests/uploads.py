"""Artifacts of releases, as clients upload them."""

import io
import json
import zipfile
from datetime import datetime
from typing import Any

from sentrylite.files import store
from sentrylite.organizations.models import Project
from sentrylite.releases import uploads
from sentrylite.releases.models import ArtifactBundle, Release, ReleaseFile
from tests import factories


def release(project: Project, version: str = "shop@1.0") -> Release:
    found = Release.objects.filter(organization=project.organization, version=version).first()
    return found or factories.ReleaseFactory(organization=project.organization, version=version)


def release_file(
    project: Project, name: str, content: bytes, now: datetime, *, dist: str = "", **headers: str
) -> ReleaseFile:
    """A file of `shop@1.0`, uploaded by itself."""
    return ReleaseFile.objects.create(
        release=release(project),
        dist=dist,
        name=name,
        headers=headers,
        blob=store.store(io.BytesIO(content), now),
    )


def bundle(
    project: Project,
    files: dict[str, tuple[str, bytes, dict[str, str]]],
    now: datetime,
    *,
    version: str | None = None,
) -> ArtifactBundle:
    """A bundle of files: URL to kind, content and headers."""
    described: dict[str, Any] = {}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        for number, (url, (kind, data, headers)) in enumerate(files.items()):
            described[f"files/{number}"] = {"url": url, "type": kind, "headers": headers}
            made.writestr(f"files/{number}", data)
        made.writestr("manifest.json", json.dumps({"files": described}))
    return uploads.add_bundle(
        project.organization,
        store.store(content, now),
        version=version,
        dist=None,
        projects=[project],
        now=now,
    )
