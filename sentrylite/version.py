"""Which version this is."""

from importlib import metadata


def version() -> str:
    try:
        return metadata.version("sentrylite")
    except metadata.PackageNotFoundError:
        return "(not installed)"
