"""What answers say of issues, their events and what people made of them."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from sentrylite.accounts.api.shapes import User
from sentrylite.api.operations import Hex, Id, Keywords, Timestamp
from sentrylite.releases.api.shapes import Commit, Release
from stats.api.shapes import Points

Json = dict[str, Any]
Series = Annotated[dict[str, Points], "Events over time, by period: `24h`, `14d`, …"]

# Who an issue is assigned to ----------------------------------------------------------------------


class AssignedUser(TypedDict):
    type: Literal["user"]
    id: Id
    name: str
    email: str


class AssignedTeam(TypedDict):
    type: Literal["team"]
    id: Id
    name: str


# Issues -------------------------------------------------------------------------------------------


class BareIssueProject(TypedDict):
    id: Id
    name: str
    slug: str


class IssueProject(BareIssueProject):
    platform: str | None


class StatusDetails(TypedDict, total=False):
    """Until when the status is so. `ignore…` keys say what is left to happen; times are minutes."""

    autoResolved: bool
    inNextRelease: bool
    inRelease: str
    inCommit: Commit
    ignoreCount: int | None
    ignoreUntil: Timestamp | None
    ignoreUserCount: int | None
    ignoreUserWindow: int | None
    ignoreWindow: int | None
    actor: User | None


class SubscriptionDetails(TypedDict):
    reason: str


class _Issue(TypedDict):
    annotations: list[Any]
    assignedTo: AssignedUser | AssignedTeam | None
    count: Annotated[str, "Events"]
    culprit: str
    firstSeen: Timestamp | None
    hasSeen: bool
    id: Id
    isBookmarked: bool
    isPublic: bool
    isSubscribed: bool
    lastSeen: Timestamp | None
    level: Annotated[str, Keywords(examples=["error"])]
    logger: str | None
    metadata: Json
    numComments: int
    permalink: str | None
    shareId: Hex | None
    shortId: Annotated[str, Keywords(examples=["PUMP-STATION-1"])]
    status: Annotated[str, Keywords(enum=["unresolved", "resolved", "ignored"])]
    statusDetails: StatusDetails
    subscriptionDetails: SubscriptionDetails | None
    title: str
    type: str
    userCount: int


class BareIssue(_Issue):
    project: BareIssueProject


class Issue(_Issue):
    platform: str | None
    project: IssueProject


class FullIssue(Issue):
    """An issue with the keys of later years."""

    issueCategory: str
    issueType: str
    isUnhandled: bool
    priority: str
    substatus: str | None


class Matching(TypedDict, total=False):
    """Why a search found it."""

    matchingEventId: Hex
    matchingEventEnvironment: str


class ListedIssue(Issue, Matching):
    """An issue in a list of a project's."""

    stats: NotRequired[Series]


class Lifetime(TypedDict):
    """Its numbers in all environments, whichever are chosen."""

    count: str
    firstSeen: Timestamp
    lastSeen: Timestamp
    stats: None
    userCount: int


class ListedFullIssue(FullIssue, Matching):
    """An issue in a list of an organization's. `collapse` leaves some of it out."""

    stats: NotRequired[Series]
    lifetime: NotRequired[Lifetime]
    filtered: NotRequired[None]


class Activity(TypedDict):
    """What somebody did with an issue, or said about it. Of `first_seen` the id is 0."""

    data: Json
    dateCreated: Timestamp
    id: Id
    type: Annotated[str, Keywords(examples=["note"])]
    user: User | None


class Activities(TypedDict):
    activity: list[Activity]


class Viewer(User):
    lastSeen: Timestamp


class TagSummary(TypedDict):
    key: str
    name: str
    totalValues: int
    uniqueValues: int


class CurrentRelease(TypedDict):
    """Of the chosen environments."""

    release: Release | None
    environment: str
    firstSeen: Timestamp
    lastSeen: Timestamp
    stats: Series


class Details(TypedDict):
    activity: list[Activity]
    firstRelease: Release | None
    lastRelease: Release | None
    participants: list[User]
    pluginActions: list[Any]
    pluginContexts: list[Any]
    pluginIssues: list[Any]
    seenBy: list[Viewer]
    stats: Series
    tags: list[TagSummary]
    userReportCount: int
    currentRelease: NotRequired[Annotated[CurrentRelease | None, "With `environment`."]]


class IssueDetail(BareIssue, Details):
    """An issue with all that its page shows."""


class FullIssueDetail(FullIssue, Details):
    """An issue with all that its page shows, and the keys of later years."""


class MergedIssues(TypedDict):
    parent: Id
    children: list[Id]


class IssueChanges(TypedDict, total=False):
    """What many issues were changed to: what was sent, and what follows from it."""

    hasSeen: bool
    isBookmarked: bool
    isPublic: bool
    isSubscribed: bool
    status: str
    statusDetails: StatusDetails
    assignedTo: AssignedUser | AssignedTeam | None
    subscriptionDetails: SubscriptionDetails
    shareId: Hex | None
    merge: bool | MergedIssues


class Tombstone(TypedDict):
    """A discarded issue, and who discarded it."""

    actor: User | None
    culprit: str
    id: Id
    level: str
    message: str
    metadata: Json
    type: str


# Events -------------------------------------------------------------------------------------------


class Entry(TypedDict):
    """A part of an event's story. Its data are as its type says: the values of an `exception`, the
    steps of `breadcrumbs`, an HTTP `request`."""

    type: Annotated[str, Keywords(examples=["exception"])]
    data: Json | list[Json]


class EventUser(TypedDict):
    """Who an event happened to, as it was sent."""

    id: Any
    email: Any
    username: Any
    ip_address: Any
    name: Any
    data: Any


class Sdk(TypedDict):
    name: str | None
    version: str | None


class Searchable(TypedDict, total=False):
    query: Annotated[str, "How to search for it."]


class EventTag(Searchable):
    key: str
    value: str


class EventError(TypedDict):
    """What was wrong with an event, as far as a reader can do something about it."""

    type: str
    message: str
    data: Json


class GroupingConfig(TypedDict):
    id: str


class EventMeta(TypedDict):
    entries: Json
    message: Any
    user: Any
    contexts: Any
    sdk: Any
    context: Any
    packages: Any
    tags: Json


class Event(TypedDict):
    id: Hex
    eventID: Hex
    groupID: Id | None
    projectID: Id
    size: int
    entries: list[Entry]
    dist: str | None
    message: str
    title: str
    location: str | None
    culprit: str | None
    user: EventUser | None
    contexts: Json
    sdk: Sdk | None
    context: Json
    packages: Json
    type: str
    metadata: Json
    tags: list[EventTag]
    platform: str
    dateCreated: Timestamp
    dateReceived: Timestamp
    errors: list[EventError]
    fingerprints: list[str]
    groupingConfig: GroupingConfig
    crashFile: None
    _meta: EventMeta


class ReleaseVersion(TypedDict):
    """A release that was deleted since."""

    version: str


_EventSummary = TypedDict("_EventSummary", {"event.type": str})


class EventSummary(_EventSummary):
    """An event in a list, unless `full` asks for more."""

    id: Hex
    groupID: Id | None
    eventID: Hex
    projectID: Id
    message: str
    title: str
    location: str | None
    culprit: str | None
    user: EventUser | None
    tags: list[EventTag]
    platform: str
    dateCreated: Timestamp
    crashFile: None


class Hash(TypedDict):
    id: Hex
    latestEvent: Annotated[Event | None, "Null when it is not among the newest events."]


class ResolvedEventId(TypedDict):
    organizationSlug: str
    projectSlug: str
    groupId: Id
    eventId: Hex
    event: Event


class ResolvedShortId(TypedDict):
    organizationSlug: str
    projectSlug: str
    groupId: Id
    group: FullIssue
    shortId: str


# The people events happened to, and what they say -------------------------------------------------


class Person(TypedDict):
    """Somebody events happened to."""

    id: Id
    hash: Hex
    tagValue: str
    identifier: str | None
    username: str | None
    email: str | None
    name: str | None
    ipAddress: str | None
    dateCreated: Timestamp
    avatarUrl: str


class ReportedEvent(TypedDict):
    id: str | None
    eventID: str


class IssueReport(TypedDict):
    """What a user said about an event."""

    id: Id
    eventID: str
    name: str
    email: str | None
    comments: str
    dateCreated: Timestamp
    user: Person | None
    event: ReportedEvent


class UserReport(IssueReport):
    issue: Issue | None


class EventDetail(Event):
    """An event with what surrounds it."""

    nextEventID: Hex | None
    previousEventID: Hex | None
    release: Release | ReleaseVersion | None
    userReport: IssueReport | None
    sdkUpdates: list[Any]
    occurrence: None


class SharedOrganization(TypedDict):
    name: str
    slug: str


class SharedProject(IssueProject):
    features: list[str]
    organization: SharedOrganization


class SharedIssue(_Issue):
    """An issue as strangers see it whom somebody gave its public address."""

    platform: str | None
    project: SharedProject
    latestEvent: Event | None


# Tags ---------------------------------------------------------------------------------------------


class ProjectTag(TypedDict):
    key: str
    name: str
    uniqueValues: int


class ListedProjectTag(ProjectTag):
    canDelete: bool


class TagValue(Searchable):
    """How often an issue or a project had a value."""

    key: str
    name: str
    value: str
    count: int
    lastSeen: Timestamp
    firstSeen: Timestamp


class TagKey(TypedDict):
    key: str
    name: str
    uniqueValues: int
    totalValues: int
    topValues: list[TagValue]


class MaybePerson(TypedDict):
    """Somebody events happened to, of whom nothing may be known."""

    id: Id | None
    hash: NotRequired[Hex]
    tagValue: NotRequired[str]
    identifier: NotRequired[str | None]
    username: NotRequired[str | None]
    email: NotRequired[str | None]
    name: NotRequired[str | None]
    ipAddress: NotRequired[str | None]
    dateCreated: NotRequired[Timestamp]
    avatarUrl: NotRequired[str]


class UserValue(MaybePerson, Searchable):
    """A value of the tag `user`: who that is, if that is known, and how often."""

    value: str
    count: int
    lastSeen: Timestamp
    firstSeen: Timestamp


# A project's settings -----------------------------------------------------------------------------


class Filter(TypedDict):
    id: str
    active: Annotated[bool | list[str], "Or the parts that are on."]
    description: str
    name: str


class Ownership(TypedDict):
    autoAssignment: str
    dateCreated: Timestamp | None
    fallthrough: bool
    isActive: bool
    lastUpdated: Timestamp | None
    raw: str


class ScrubbingSuggestion(TypedDict):
    type: str
    value: str
    examples: list[Any]


class ScrubbingSuggestions(TypedDict):
    suggestions: list[ScrubbingSuggestion]
