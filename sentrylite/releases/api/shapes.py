"""What answers say of releases, what they were built from and where they were deployed to."""

from typing import Annotated, Any, NotRequired, TypedDict

from sentrylite.accounts.api.shapes import User
from sentrylite.api.operations import Id, Keywords, Nothing, Timestamp
from stats.api.shapes import Intervals, Point

Sha1 = Annotated[str, Keywords(pattern="^[0-9a-f]{40}$")]
Percent = float | None


class CommitAuthor(TypedDict):
    """Somebody who is no member."""

    email: str
    name: str


Author = User | CommitAuthor | Nothing


class Provider(TypedDict):
    id: str
    name: str


class Repository(TypedDict):
    dateCreated: Timestamp
    externalSlug: None
    id: Id
    integrationId: None
    name: str
    provider: Provider
    status: str
    url: str | None


class CommitRelease(TypedDict):
    dateCreated: Timestamp
    dateReleased: Timestamp | None
    ref: str | None
    shortVersion: str
    url: str | None
    version: str


class Commit(TypedDict):
    author: Author
    dateCreated: Timestamp
    id: str
    message: str | None
    releases: list[CommitRelease]
    repository: Repository


class FileChange(TypedDict):
    author: Author
    commitMessage: str | None
    filename: str
    id: Id
    orgId: int
    repoName: str
    type: str


class Deploy(TypedDict):
    dateFinished: Timestamp
    dateStarted: Timestamp | None
    environment: str
    id: Id
    name: str | None
    url: str | None


class ReleaseFile(TypedDict):
    id: Id
    name: str
    dist: str | None
    headers: dict[str, str]
    size: int
    sha1: Sha1
    dateCreated: Timestamp


class _Release(TypedDict):
    authors: list[Author]
    commitCount: int
    data: dict[str, Any]
    dateCreated: Timestamp
    dateReleased: Timestamp | None
    deployCount: int
    firstEvent: Timestamp | None
    lastCommit: Commit | None
    lastDeploy: Deploy | None
    lastEvent: Timestamp | None
    newGroups: int
    owner: User | None
    ref: str | None
    shortVersion: str
    url: str | None
    version: str


class ReleaseProject(TypedDict):
    name: str
    slug: str


class Release(_Release):
    """A release as issues, events and projects carry it."""

    projects: list[ReleaseProject]


class VersionNumbers(TypedDict, total=False):
    major: int
    minor: int
    patch: int
    pre: str | None
    buildCode: str | None
    components: int


class VersionParts(VersionNumbers):
    raw: str


class VersionInfo(TypedDict):
    package: str | None
    version: VersionParts
    description: str
    buildHash: str | None


class ReleaseDetails(TypedDict):
    id: int
    status: str
    versionInfo: VersionInfo | None


class HealthData(TypedDict):
    """How a release does in a project, as its sessions tell."""

    adoption: Percent
    crashFreeSessions: Percent
    crashFreeUsers: Percent
    durationP50: float | None
    durationP90: float | None
    hasHealthData: bool
    sessionsAdoption: Percent
    sessionsCrashed: int
    sessionsErrored: int
    stats: dict[str, list[Point]]
    totalProjectSessions24h: int
    totalProjectUsers24h: int
    totalSessions: int
    totalSessions24h: int
    totalUsers: int
    totalUsers24h: int


class ShippedProject(TypedDict):
    id: int
    name: str
    platform: str | None
    platforms: list[str]
    slug: str
    hasHealthData: NotRequired[bool]
    healthData: NotRequired[Annotated[HealthData | None, "With `health=1`."]]


class ReleaseDetail(_Release, ReleaseDetails):
    """A release by itself and in lists."""

    projects: list[ShippedProject]


class ReleaseMetaProject(TypedDict):
    id: int
    slug: str
    name: str
    newGroups: int
    platform: str | None
    platforms: list[str]


class ReleaseMeta(TypedDict):
    """What a release comes to, in numbers."""

    version: str
    versionInfo: VersionInfo | None
    projects: list[ReleaseMetaProject]
    newGroups: int
    deployCount: int
    commitCount: int
    commitFilesChanged: int
    releaseFileCount: int


class Assembly(TypedDict):
    """How far something is that is put together from pieces."""

    state: Annotated[str, Keywords(examples=["ok"])]
    missingChunks: list[Sha1]
    detail: str | None


class Artifacts(TypedDict):
    """A release for which something was uploaded."""

    type: str
    id: int
    name: str
    date: Timestamp
    fileCount: int


class SessionsBreakdown(TypedDict):
    crashFreeSessions: Percent
    crashFreeUsers: Percent
    totalSessions: int
    totalUsers: int


class SessionNumbers(TypedDict, total=False):
    """Of sessions or of users, by what was asked for."""

    duration_p50: float | None
    duration_p90: float | None
    sessions: int
    sessions_abnormal: int
    sessions_crashed: int
    sessions_errored: int
    users: int
    users_abnormal: int
    users_crashed: int
    users_errored: int


class ReleaseStats(TypedDict):
    stats: Annotated[list[list[float | SessionNumbers]], "Pairs: a time, and its numbers."]
    usersBreakdown: Annotated[dict[str, SessionsBreakdown], "By how long ago: `1d`, `1w`, …"]


class SessionGroup(TypedDict):
    by: dict[str, str | int | None]
    totals: NotRequired[dict[str, float | None]]
    series: NotRequired[dict[str, list[float | None]]]


class Sessions(Intervals):
    groups: list[SessionGroup]
    query: str
