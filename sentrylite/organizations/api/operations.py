"""What the operations say of themselves, for the OpenAPI document."""

from typing import Annotated, Any, TypedDict

from sentrylite.accounts.api.shapes import User
from sentrylite.api.operations import (
    Keywords,
    Operation,
    Operations,
    Paged,
    Projects,
    Search,
)
from sentrylite.api.reference import DocumentView
from sentrylite.organizations import listings
from sentrylite.organizations.api import shapes
from sentrylite.organizations.api.dashboard_inputs import (
    DashboardCreateInput,
    DashboardUpdateInput,
    WidgetCreateInput,
    WidgetInput,
)
from sentrylite.organizations.api.hook_inputs import HookCreateInput, HookInput
from sentrylite.organizations.api.inputs import (
    ApiKeyInput,
    MemberInviteInput,
    MemberUpdateInput,
    OrganizationCreateInput,
    OrganizationUpdateInput,
    TeamCreateInput,
    TeamUpdateInput,
    TokenCreateInput,
    TokenDeleteInput,
)
from sentrylite.organizations.api.project_inputs import (
    EnvironmentInput,
    KeyCreateInput,
    KeyInput,
    ProjectCreateInput,
    ProjectInput,
)
from sentrylite.organizations.api.views.absent import AbsentListView
from sentrylite.organizations.api.views.audit import AuditLogView
from sentrylite.organizations.api.views.callers import ApiTokenListView, UserView
from sentrylite.organizations.api.views.dashboards import (
    DashboardDetailView,
    DashboardListView,
    WidgetDetailView,
    WidgetListView,
)
from sentrylite.organizations.api.views.environments import (
    OrganizationEnvironmentListView,
    ProjectEnvironmentListView,
    ProjectEnvironmentView,
)
from sentrylite.organizations.api.views.hooks import HookDetailView, HookListView
from sentrylite.organizations.api.views.index import ApiIndexView
from sentrylite.organizations.api.views.keys import ApiKeyDetailView, ApiKeyListView
from sentrylite.organizations.api.views.members import (
    MemberDetailView,
    MemberListView,
    MemberTeamView,
    OrganizationUserListView,
    ProjectMemberListView,
    TeamMemberListView,
)
from sentrylite.organizations.api.views.organizations import (
    OrganizationDetailView,
    OrganizationListView,
    OrganizationProjectListView,
    SentFirstEventView,
)
from sentrylite.organizations.api.views.project_keys import ProjectKeyDetailView, ProjectKeyListView
from sentrylite.organizations.api.views.projects import (
    ProjectDetailView,
    ProjectListView,
    ProjectTeamListView,
    ProjectTeamView,
)
from sentrylite.organizations.api.views.teams import (
    OrganizationTeamListView,
    TeamDetailView,
    TeamProjectListView,
    UserTeamListView,
)

# What query strings may say -----------------------------------------------------------------------


class Searched(Paged, Search):
    """A list in pages that can be searched."""


class OrganizationListQuery(Searched, total=False):
    owner: Annotated[
        str, Keywords(enum=["1", "true"]), "Only those of which the caller is an owner."
    ]
    show: Annotated[str, Keywords(enum=["all"]), "`all` is every organization, for superusers."]
    sortBy: Annotated[str, Keywords(enum=list(listings.ORGANIZATION_SORTS))]


class OrganizationQuery(TypedDict, total=False):
    detailed: Annotated[str, "`0` is without teams and projects."]


class Counted(TypedDict, total=False):
    """How to count the events of projects."""

    statsPeriod: Annotated[
        str, Keywords(enum=["", "24h", "14d", "30d"]), "What to count events over."
    ]
    environment: Annotated[str, "The environment to count events of."]


class TeamProjectListQuery(Paged, Counted):
    pass


class OrganizationProjectListQuery(Searched, Counted, total=False):
    all_projects: Annotated[str, Keywords(enum=["1", "true"]), "All of them on one page."]


class SentFirstEventQuery(Projects, total=False):
    is_member: Annotated[str, "Only projects of the caller's teams."]


class TeamListQuery(Searched, total=False):
    detailed: Annotated[str, "`0` is without projects."]


class ProjectListQuery(Searched, total=False):
    show: Annotated[str, Keywords(enum=["all"]), "`all` is every project, for superusers."]
    status: Annotated[str, "`active`, unless it says otherwise."]


class ProjectQuery(TypedDict, total=False):
    include: Annotated[list[str], "`stats`: how many issues are unresolved."]


class KeyListQuery(Paged, total=False):
    status: Annotated[str, "`active` or `inactive`."]


class HookListQuery(Paged, total=False):
    status: Annotated[str, "`active` or `disabled`."]


class AuditLogQuery(Paged, total=False):
    event: Annotated[str, "One kind of change."]
    user: Annotated[list[str], "Ids of the people who made it."]


class EnvironmentListQuery(TypedDict, total=False):
    visibility: Annotated[str, Keywords(enum=["visible", "hidden", "all"])]


class OrganizationEnvironmentListQuery(EnvironmentListQuery, Projects):
    pass


# The operations -----------------------------------------------------------------------------------

OPERATIONS: Operations = {
    DocumentView: {"GET": Operation("Retrieve this Document", dict[str, Any], also={304: None})},
    AbsentListView: {
        "GET": Operation(
            "List What This Server Has None Of",
            list[Any] | shapes.EmptyData,
            query=Paged,
            text="Clients ask for it; there is none here.",
        )
    },
    AuditLogView: {
        "GET": Operation(
            "List an Organization's Audit Log",
            list[shapes.AuditLogEntry],
            query=AuditLogQuery,
        ),
    },
    UserView: {
        "GET": Operation("Retrieve Yourself", User),
    },
    ApiTokenListView: {
        "GET": Operation("List your API Tokens", list[shapes.ApiToken]),
        "POST": Operation(
            "Create an API Token", shapes.ApiToken, status=201, body=TokenCreateInput
        ),
        "DELETE": Operation("Revoke an API Token", body=TokenDeleteInput, fails=(404,)),
    },
    DashboardListView: {
        "GET": Operation(
            "Retrieve an Organizations Dashboards", list[shapes.Dashboard], query=Searched
        ),
        "POST": Operation(
            "Create a New Dashboard for an Organization",
            shapes.Dashboard,
            status=201,
            body=DashboardCreateInput,
            fails=(409,),
        ),
    },
    DashboardDetailView: {
        "GET": Operation("Retrieve an Organization's Dashboard", shapes.Dashboard),
        "PUT": Operation(
            "Edit an Organization's Dashboard",
            shapes.Dashboard,
            body=DashboardUpdateInput,
            fails=(409,),
        ),
        "DELETE": Operation("Delete an Organization's Dashboard"),
    },
    WidgetListView: {
        "POST": Operation(
            "Create a New Widget for an Organization's Dashboard",
            shapes.Widget,
            status=201,
            body=WidgetCreateInput,
            fails=(409,),
        ),
    },
    WidgetDetailView: {
        "PUT": Operation(
            "Edit a Widget on an Organization's Dashboard",
            shapes.Widget,
            body=WidgetInput,
            fails=(409,),
        ),
        "DELETE": Operation("Delete a Widget on an Organization's Dashboard"),
    },
    OrganizationEnvironmentListView: {
        "GET": Operation(
            "List an Organization's Environments",
            list[shapes.Environment],
            query=OrganizationEnvironmentListQuery,
        ),
    },
    ProjectEnvironmentListView: {
        "GET": Operation(
            "List a Project's Environments",
            list[shapes.ProjectEnvironment],
            query=EnvironmentListQuery,
        ),
    },
    ProjectEnvironmentView: {
        "GET": Operation("Retrieve a Project's Environment", shapes.ProjectEnvironment),
        "PUT": Operation(
            "Hide or show an Environment", shapes.ProjectEnvironment, body=EnvironmentInput
        ),
    },
    HookListView: {
        "GET": Operation(
            "List a Project's Service Hooks", list[shapes.ServiceHook], query=HookListQuery
        ),
        "POST": Operation(
            "Register a new Service Hook", shapes.ServiceHook, status=201, body=HookCreateInput
        ),
    },
    HookDetailView: {
        "GET": Operation("Retrieve a Service Hook", shapes.ServiceHook),
        "PUT": Operation("Update a Service Hook", shapes.ServiceHook, body=HookInput),
        "DELETE": Operation("Remove a Service Hook"),
    },
    ApiIndexView: {
        "GET": Operation("API index", shapes.ApiIndex),
    },
    ApiKeyListView: {
        "GET": Operation("List an Organization's API Keys", list[shapes.ApiKey], query=Paged),
        "POST": Operation("Create an API Key", shapes.ApiKey, status=201, body=ApiKeyInput),
    },
    ApiKeyDetailView: {
        "GET": Operation("Retrieve an API Key", shapes.ApiKey),
        "PUT": Operation("Update an API Key", shapes.ApiKey, body=ApiKeyInput),
        "DELETE": Operation("Delete an API Key"),
    },
    MemberListView: {
        "GET": Operation("List members", list[shapes.Member], query=Searched),
        "POST": Operation(
            "Invite a Member", shapes.MemberDetail, status=201, body=MemberInviteInput, fails=(409,)
        ),
    },
    MemberDetailView: {
        "GET": Operation("Retrieve a Member", shapes.MemberDetail),
        "PUT": Operation(
            "Update a Member", shapes.MemberDetail, body=MemberUpdateInput, fails=(409,)
        ),
        "DELETE": Operation("Remove a Member"),
    },
    MemberTeamView: {
        "POST": Operation(
            "Let a Member Join a Team", shapes.TeamWithProjects, status=201, also={204: None}
        ),
        "DELETE": Operation("Let a Member Leave a Team", shapes.TeamWithProjects),
    },
    TeamMemberListView: {
        "GET": Operation("List a Team's Members", list[shapes.Member], query=Paged),
    },
    ProjectMemberListView: {
        "GET": Operation("Members of a project's teams", list[shapes.Member], query=Paged),
    },
    OrganizationUserListView: {
        "GET": Operation(
            "List an Organization's Users", list[shapes.MemberWithProjects], query=Projects
        ),
    },
    OrganizationListView: {
        "GET": Operation(
            "List your Organizations",
            list[shapes.Organization] | list[shapes.OwnedOrganization],
            query=OrganizationListQuery,
        ),
        "POST": Operation(
            "Create a New Organization",
            shapes.Organization,
            status=201,
            body=OrganizationCreateInput,
            fails=(409, 429),
        ),
    },
    OrganizationDetailView: {
        "GET": Operation(
            "Retrieve an Organization", shapes.OrganizationDetail, query=OrganizationQuery
        ),
        "PUT": Operation(
            "Update an Organization", shapes.OrganizationDetail, body=OrganizationUpdateInput
        ),
        "DELETE": Operation("Delete an Organization", shapes.OrganizationDetail, status=202),
    },
    OrganizationProjectListView: {
        "GET": Operation(
            "List an Organization's Projects",
            list[shapes.ProjectSummary],
            query=OrganizationProjectListQuery,
        ),
    },
    SentFirstEventView: {
        "GET": Operation(
            "Verify If Any Project Within An Organization Has Received a First Event",
            shapes.SentFirstEvent,
            query=SentFirstEventQuery,
        ),
    },
    ProjectKeyListView: {
        "GET": Operation(
            "List a Project's Client Keys", list[shapes.ProjectKey], query=KeyListQuery
        ),
        "POST": Operation(
            "Create a new Client Key", shapes.ProjectKey, status=201, body=KeyCreateInput
        ),
    },
    ProjectKeyDetailView: {
        "GET": Operation("Retrieve a client key", shapes.ProjectKey),
        "PUT": Operation("Update a Client Key", shapes.ProjectKey, body=KeyInput),
        "DELETE": Operation("Delete a Client Key"),
    },
    ProjectListView: {
        "GET": Operation(
            "List your Projects",
            list[shapes.ProjectWithOrganization],
            query=ProjectListQuery,
        ),
    },
    ProjectDetailView: {
        "GET": Operation("Retrieve a Project", shapes.ProjectDetail, query=ProjectQuery),
        "PUT": Operation("Update a Project", shapes.ProjectDetail, body=ProjectInput),
        "DELETE": Operation("Delete a Project"),
    },
    ProjectTeamListView: {
        "GET": Operation("Teams of a project", list[shapes.Team], query=Paged),
    },
    ProjectTeamView: {
        "POST": Operation("Give a team access", shapes.ProjectWithTeams, status=201),
        "DELETE": Operation("Revoke a team", shapes.ProjectWithTeams),
    },
    OrganizationTeamListView: {
        "GET": Operation(
            "List an Organization's Teams",
            list[shapes.TeamWithProjects] | list[shapes.Team],
            query=TeamListQuery,
        ),
        "POST": Operation(
            "Create a new Team", shapes.Team, status=201, body=TeamCreateInput, fails=(409,)
        ),
    },
    UserTeamListView: {
        "GET": Operation(
            "List your Teams In the Current Organization", list[shapes.TeamWithProjects]
        ),
    },
    TeamDetailView: {
        "GET": Operation("Retrieve a Team", shapes.TeamWithOrganization),
        "PUT": Operation("Update a Team", shapes.Team, body=TeamUpdateInput),
        "DELETE": Operation("Delete a Team"),
    },
    TeamProjectListView: {
        "GET": Operation(
            "List a Team's Projects", list[shapes.ProjectSummary], query=TeamProjectListQuery
        ),
        "POST": Operation(
            "Create a New Project",
            shapes.Project,
            status=201,
            body=ProjectCreateInput,
            fails=(409,),
        ),
    },
}
