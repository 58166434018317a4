"""Source bundles: zips, behind eight bytes of their own, with the sources that an object was
compiled from and a `manifest.json` that says which is which."""

from collections.abc import Collection, Mapping
from typing import IO

import orjson

from sentrylite.releases import bundles

MANIFEST = "manifest.json"
MAX_MANIFEST = 16 * 1024 * 1024
MAX_SOURCE = 4 * 1024 * 1024


def read_places(content: IO[bytes]) -> dict[str, str]:
    """Where in the bundle each source is, by the path that it was compiled from. Raises what
    broken zips and storages raise."""
    with bundles.open_zip(content) as archive, archive.open(MANIFEST) as file:
        manifest = orjson.loads(file.read(MAX_MANIFEST))
    described = manifest.get("files") if isinstance(manifest, dict) else None
    return {
        each["path"].replace("\\", "/"): place
        for place, each in (described.items() if isinstance(described, dict) else ())
        if isinstance(each, dict) and isinstance(each.get("path"), str)
    }


def read_sources(
    content: IO[bytes], places: Mapping[str, str], paths: Collection[str]
) -> dict[str, list[str]]:
    """The lines of those sources that the bundle has, by their paths as they are asked for. Raises
    the same."""
    sources = {}
    with bundles.open_zip(content) as archive:
        for path in paths:
            if place := places.get(path.replace("\\", "/")):
                with archive.open(place) as file:
                    text = file.read(MAX_SOURCE)
                sources[path] = text.decode("utf-8", "replace").splitlines()
    return sources
