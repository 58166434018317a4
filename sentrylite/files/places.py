"""Where the contents of files are kept: the setting SENTRYLITE_FILES as Django's storage."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

S3_OPTIONS = {"endpoint_url", "region_name", "addressing_style"}


def storage(place: str) -> dict[str, Any]:
    """A directory, or `s3://bucket/prefix?endpoint_url=…&region_name=…`, as an entry of Django's
    STORAGES. Raises ValueError.

    The credentials of S3 are found as its own library does: in AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY, in a profile, or in the machine's role.
    """
    if directory := _directory(place):
        return {"BACKEND": "sentrylite.files.disk.Disk", "OPTIONS": {"location": str(directory)}}
    parts = urlsplit(place)
    options = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.netloc or not options.keys() <= S3_OPTIONS:
        raise ValueError(
            "SENTRYLITE_FILES is a directory or s3://bucket/prefix, followed by"
            f" ?{'=…&'.join(sorted(S3_OPTIONS))}=… if need be"
        )
    if find_spec("storages") is None:
        raise ValueError("SENTRYLITE_FILES names a bucket: pip install 'sentrylite[s3]'")
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": parts.netloc,
            "location": parts.path.strip("/"),
            "default_acl": None,
            **options,
        },
    }


def temporary_dir(place: str) -> str | None:
    """Where uploads wait until they are whole: in the same directory; None for the system's."""
    directory = _directory(place)
    return str(directory / "tmp") if directory else None


def _directory(place: str) -> Path | None:
    return None if "://" in place else Path(place).expanduser().resolve()
