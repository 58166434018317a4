"""The inbound filters of a project that are switched on and off (ingest contract, section 12)."""

from typing import TYPE_CHECKING

from issues.payload import filters
from sentrylite.organizations.models import Project

if TYPE_CHECKING:
    from issues.api.shapes import Filter


def filter_list(project: Project) -> "list[Filter]":
    """`active` is true or false; of the filter for legacy browsers the parts that are on, when
    these are some and not all."""
    return [
        {
            "id": filters.BROWSER_EXTENSIONS,
            "active": project.filter_browser_extensions,
            "description": "Extensions run in the pages of a site, and their errors look like its "
            "own.",
            "name": "Errors that browser extensions cause",
        },
        {
            "id": filters.LEGACY_BROWSERS,
            "active": _active_parts(project.filter_legacy_browsers),
            "description": "Browsers that are no longer maintained cannot do what pages of today "
            "expect of them.",
            "name": "Errors of legacy browsers",
        },
        {
            "id": filters.LOCALHOST,
            "active": project.filter_localhost,
            "description": "Events whose user or URL is on the machine itself: 127.0.0.1, ::1 and "
            "localhost.",
            "name": "Events of localhost",
        },
        {
            "id": filters.WEB_CRAWLERS,
            "active": project.filter_web_crawlers,
            "description": "Crawlers run scripts in ways in which nobody else does.",
            "name": "Errors of known web crawlers",
        },
    ]


def _active_parts(parts: list[str]) -> bool | list[str]:
    active = [part for part in filters.LEGACY_VERSIONS if part in parts]
    if not active:
        return False
    return True if len(active) == len(filters.LEGACY_VERSIONS) else active
