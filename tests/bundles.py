"""Bundles of artifacts as build tools upload them."""

import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from uuid import UUID

DEBUG_ID = UUID("0123abcd-0123-4567-89ab-0123456789ab")
FILES: dict[str, tuple[dict[str, Any], bytes]] = {
    "files/_/_/main.min.js": (
        {
            "url": "~/main.min.js",
            "type": "minified_source",
            "headers": {"debug-id": str(DEBUG_ID), "Sourcemap": "main.min.js.map"},
        },
        b"console.log(1)",
    ),
    "files/_/_/main.min.js.map": (
        {
            "url": "~/main.min.js.map",
            "type": "source_map",
            "headers": {"debug-id": str(DEBUG_ID)},
        },
        b'{"version":3}',
    ),
}


def a_zip(contents: Mapping[str, bytes | str]) -> BytesIO:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in contents.items():
            made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # of no date
    file.seek(0)
    return file


def a_bundle(files: Mapping[str, tuple[Any, bytes]] = FILES, **manifest: Any) -> BytesIO:
    described = {path: description for path, (description, _) in files.items()}
    contents = {path: content for path, (_, content) in files.items()}
    return a_zip({"manifest.json": json.dumps({"files": described, **manifest}), **contents})
