"""What answers say of organizations, teams, members, projects and credentials."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from sentrylite.accounts.api.shapes import Avatar, User
from sentrylite.api.operations import Hex, Id, Keywords, Timestamp
from sentrylite.releases.api.shapes import Release
from stats.api.shapes import Points

Scope = Annotated[str, Keywords(examples=["event:read"])]


class Named(TypedDict):
    id: str
    name: str


class Authorization(TypedDict):
    scopes: list[Scope]


class ApiIndex(TypedDict):
    """Who the caller is; nobody without credentials."""

    version: str
    auth: Authorization | None
    user: User | None


# Organizations ------------------------------------------------------------------------------------


class OrganizationLinks(TypedDict):
    organizationUrl: str
    regionUrl: str


class Organization(TypedDict):
    avatar: Avatar
    dateCreated: Timestamp
    disableNewVisibilityFeatures: bool
    features: list[str]
    id: Id
    isEarlyAdopter: bool
    links: OrganizationLinks
    name: str
    require2FA: bool
    requireEmailVerification: bool
    slug: str
    status: Named


class OwnedOrganization(TypedDict):
    organization: Organization
    singleOwner: bool


class OrganizationRole(TypedDict):
    id: str
    isAllowed: bool
    isGlobal: bool
    isRetired: bool
    minimumTeamRole: str
    name: str
    scopes: list[Scope]


class Quota(TypedDict):
    maxRate: int
    maxRateInterval: int
    accountLimit: int
    projectLimit: int


class OrganizationSettings(Organization):
    """An organization with what can be chosen of it."""

    access: list[Scope]
    allowJoinRequests: bool
    allowSharedIssues: bool
    attachmentsRole: str
    availableRoles: list[Named]
    dataScrubber: bool
    dataScrubberDefaults: bool
    defaultRole: str
    enhancedPrivacy: bool
    experiments: dict[str, Any]
    isDefault: bool
    onboardingTasks: list[Any]
    openMembership: bool
    orgRoleList: list[OrganizationRole]
    pendingAccessRequests: int
    quota: Quota
    relayPiiConfig: str | None
    safeFields: list[str]
    scrapeJavaScript: bool
    scrubIPAddresses: bool
    sensitiveFields: list[str]
    storeCrashReports: int
    teamRoleList: list[Named]
    trustedRelays: list[Any]
    role: NotRequired[Annotated[str, "The caller's; missing for those who are no members."]]


class SentFirstEvent(TypedDict):
    sentFirstEvent: bool


# Projects -----------------------------------------------------------------------------------------


class TeamReference(TypedDict):
    id: Id
    name: str
    slug: str


class _Project(TypedDict):
    avatar: Avatar
    color: str
    dateCreated: Timestamp
    features: list[str]
    firstEvent: Timestamp | None
    hasAccess: bool
    id: Id
    isBookmarked: bool
    isInternal: bool
    isMember: bool
    isPublic: bool
    name: str
    platform: str | None
    slug: str
    status: str


class Project(_Project):
    stats: NotRequired[Points]


class ProjectWithOrganization(Project):
    organization: Organization


class ProjectWithTeams(Project):
    team: NotRequired[TeamReference]
    teams: list[TeamReference]


ProjectOptions = TypedDict(
    "ProjectOptions",
    {
        "feedback:branding": bool,
        "filters:blacklisted_ips": str,
        "filters:error_messages": str,
        "filters:releases": str,
        "sentry:csp_ignored_sources": str,
        "sentry:csp_ignored_sources_defaults": bool,
        "sentry:reprocessing_active": bool,
    },
)


class UnresolvedCount(TypedDict):
    unresolved: int


class ProjectSettings(TypedDict):
    allowedDomains: list[str]
    builtinSymbolSources: list[str]
    dataScrubber: bool
    dataScrubberDefaults: bool
    defaultEnvironment: str | None
    digestsMaxDelay: int
    digestsMinDelay: int
    fingerprintingRules: str
    groupingConfig: str
    groupingEnhancements: str
    groupingEnhancementsBase: str
    latestRelease: Release | None
    options: ProjectOptions
    organization: Organization
    platforms: list[str]
    plugins: list[Any]
    processingIssues: int
    relayPiiConfig: str | None
    resolveAge: int
    safeFields: list[str]
    scrapeJavaScript: bool
    scrubIPAddresses: bool
    securityToken: str
    securityTokenHeader: str | None
    sensitiveFields: list[str]
    storeCrashReports: int
    subjectPrefix: str
    subjectTemplate: str
    symbolSources: str | None
    verifySSL: bool


class ProjectDetail(_Project, ProjectSettings):
    """A project with its settings."""

    team: NotRequired[TeamReference]
    teams: list[TeamReference]
    stats: NotRequired[Annotated[UnresolvedCount, "With `include=stats`."]]


class LatestRelease(TypedDict):
    version: str


class LatestDeploy(TypedDict):
    dateFinished: Timestamp
    version: str


class ProjectSummary(TypedDict):
    """A project in a list."""

    dateCreated: Timestamp
    environments: list[str]
    features: list[str]
    firstEvent: Timestamp | None
    hasAccess: bool
    hasUserReports: bool
    id: Id
    isBookmarked: bool
    isMember: bool
    latestDeploys: Annotated[dict[str, LatestDeploy] | None, "By environment."]
    latestRelease: LatestRelease | None
    name: str
    platform: str | None
    platforms: list[str]
    slug: str
    team: TeamReference | None
    teams: list[TeamReference]
    stats: NotRequired[Annotated[Points, "With `statsPeriod`."]]


class RateLimit(TypedDict):
    count: int
    window: Annotated[int, "Seconds"]


class BrowserSdk(TypedDict):
    choices: list[list[str]]


class Dsn(TypedDict):
    cdn: str
    crons: str
    csp: str
    minidump: str
    nel: str
    public: str
    secret: str
    security: str
    unreal: str


class SdkLoaderOptions(TypedDict):
    hasDebug: bool
    hasPerformance: bool
    hasReplay: bool


class ProjectKey(TypedDict):
    """A client key."""

    browserSdk: BrowserSdk
    browserSdkVersion: str
    dateCreated: Timestamp
    dsn: Dsn
    dynamicSdkLoaderOptions: SdkLoaderOptions
    id: Hex
    isActive: bool
    label: str
    name: str
    projectId: int
    public: Hex
    rateLimit: RateLimit | None
    secret: Hex


class ServiceHook(TypedDict):
    dateCreated: Timestamp
    events: list[str]
    id: Hex
    secret: str
    status: str
    url: str


class Environment(TypedDict):
    id: Id
    name: str


class ProjectEnvironment(TypedDict):
    id: Id
    isHidden: bool
    name: str


# Teams and members --------------------------------------------------------------------------------


class Team(TypedDict):
    avatar: Avatar
    dateCreated: Timestamp
    hasAccess: bool
    id: Id
    isMember: bool
    isPending: bool
    memberCount: int
    name: str
    slug: str


class TeamWithProjects(Team):
    projects: list[Project]


class TeamWithOrganization(Team):
    organization: Organization


class OrganizationDetail(OrganizationSettings):
    """An organization with its settings, teams and projects."""

    teams: NotRequired[Annotated[list[Team], "Unless `detailed` is 0."]]
    projects: NotRequired[Annotated[list[ProjectSummary], "Unless `detailed` is 0."]]


MemberFlags = TypedDict("MemberFlags", {"sso:invalid": bool, "sso:linked": bool})


class TeamRole(TypedDict):
    role: str
    teamSlug: str


class Member(TypedDict):
    """A member, or somebody who is invited: then without a `user`."""

    dateCreated: Timestamp
    email: str
    expired: bool
    flags: MemberFlags
    id: Id
    inviteStatus: str
    inviterName: str | None
    name: str
    orgRole: str
    pending: bool
    role: str
    roleName: str
    teamRoles: list[TeamRole]
    teams: list[str]
    user: User | None


class AllowedRole(TypedDict):
    allowed: bool
    id: str
    name: str


class MemberDetail(Member):
    isOnlyOwner: bool
    roles: list[AllowedRole]


class MemberWithProjects(Member):
    projects: list[str]


# Dashboards ---------------------------------------------------------------------------------------


class WidgetDataSource(TypedDict):
    id: Id
    type: int
    name: str
    data: dict[str, Any]
    order: str
    widgetId: Id


class Widget(TypedDict):
    id: Id
    order: str
    title: str
    displayType: str
    displayOptions: dict[str, Any]
    dateAdded: Timestamp
    dateCreated: Timestamp
    dashboardId: Id
    dataSources: list[WidgetDataSource]


class Dashboard(TypedDict):
    id: Id
    title: str
    organization: Id
    dateAdded: Timestamp
    dateCreated: Timestamp
    createdBy: Id | None
    widgets: list[Widget]


# Credentials and what was done with them ----------------------------------------------------------


class ApiToken(TypedDict):
    application: None
    dateCreated: Timestamp
    expiresAt: Timestamp | None
    id: Id
    name: str
    refreshToken: None
    scopes: list[Scope]
    state: None
    tokenLastCharacters: str
    token: NotRequired[Annotated[str, "Only in the answer that made it."]]


class ApiKey(TypedDict):
    allowed_origins: str
    dateCreated: Timestamp
    id: Id
    keyLastCharacters: str
    label: str
    scope_list: list[Scope]
    status: Literal[0, 1]
    key: NotRequired[Annotated[str, "Only in the answer that made it."]]


class ActorName(TypedDict):
    name: str


class AuditLogEntry(TypedDict):
    actor: User | ActorName
    data: dict[str, Any]
    dateCreated: Timestamp
    event: str
    id: Id
    ipAddress: str | None
    targetObject: int | None
    targetUser: User | None


class EmptyData(TypedDict):
    data: Annotated[list[Any], Keywords(maxItems=0)]
