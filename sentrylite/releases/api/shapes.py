"""What answers say of releases."""

from typing import Any, TypedDict

from sentrylite.accounts.api.shapes import User
from sentrylite.api.operations import Timestamp


class ReleaseProject(TypedDict):
    name: str
    slug: str


class Release(TypedDict):
    """A release as issues, events and projects carry it."""

    authors: list[Any]
    commitCount: int
    data: dict[str, Any]
    dateCreated: Timestamp
    dateReleased: Timestamp | None
    deployCount: int
    firstEvent: Timestamp | None
    lastCommit: None
    lastDeploy: None
    lastEvent: Timestamp | None
    newGroups: int
    owner: User | None
    projects: list[ReleaseProject]
    ref: str | None
    shortVersion: str
    url: str | None
    version: str
