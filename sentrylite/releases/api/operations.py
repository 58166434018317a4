"""What the operations say of themselves, for the OpenAPI document."""

from typing import Annotated, Required, TypedDict

from sentrylite.api.operations import (
    MULTIPART,
    Environments,
    File,
    Keywords,
    Nothing,
    Operation,
    Operations,
    Paged,
    Period,
    Projects,
    Search,
)
from sentrylite.releases.api import shapes
from sentrylite.releases.api.bundle_inputs import AssembleInput, BundleAssembleInput
from sentrylite.releases.api.file_inputs import ReleaseFileUpdateInput
from sentrylite.releases.api.health_params import FIELDS, GROUPINGS
from sentrylite.releases.api.inputs import (
    DeployInput,
    ReleaseCreateInput,
    ReleaseUpdateInput,
    RepositoryCreateInput,
    RepositoryInput,
)
from sentrylite.releases.api.views.bundles import (
    ArtifactBundleAssembleView,
    ReleaseAssembleView,
    SourceMapsView,
)
from sentrylite.releases.api.views.commits import (
    ReleaseCommitFilesView,
    ReleaseCommitListView,
    RepositoryCommitListView,
    RepositoryDetailView,
    RepositoryListView,
)
from sentrylite.releases.api.views.deploys import DeployListView
from sentrylite.releases.api.views.files import ReleaseFileListView, ReleaseFileView
from sentrylite.releases.api.views.health import ReleaseStatsView, SessionsView
from sentrylite.releases.api.views.releases import (
    OrganizationReleaseListView,
    PreviousReleaseView,
    ProjectReleaseListView,
    ReleaseDetailView,
    ReleaseMetaView,
)
from sentrylite.releases.health import PERIODS, SORTS
from sentrylite.releases.models import Release

# What query strings may say -----------------------------------------------------------------------


class HealthQuery(Environments, total=False):
    health: Annotated[str, "`1`: how it does, as its sessions tell."]
    summaryStatsPeriod: Annotated[str, Keywords(enum=[*PERIODS]), "What time that is about."]
    healthStatsPeriod: Annotated[str, Keywords(enum=[*PERIODS]), "What to count sessions over."]
    healthStat: Annotated[str, Keywords(enum=["sessions", "users"]), "What to count."]


class ReleaseListQuery(HealthQuery, Period, Paged, Search, total=False):
    status: Annotated[str, Keywords(enum=["", *Release.Status.values]), "Empty is any."]
    sort: Annotated[str, Keywords(enum=["date", *SORTS]), "By health only with `flatten=1`."]
    flatten: Annotated[str, "`1`: a release once for each of its projects."]


class OrganizationReleaseListQuery(ReleaseListQuery, Projects):
    pass


class OrganizationHealthQuery(HealthQuery, Projects):
    pass


class RepositoryListQuery(Paged, total=False):
    status: Annotated[str, "`active` by default; empty is any."]


FileListQuery = TypedDict(
    "FileListQuery",
    {
        "query": Annotated[str, "Part of a name."],
        "checksum": Annotated[list[str], "SHA-1s: only files with one of them."],
        "checksum[]": Annotated[list[str], "The same."],
        "cursor": Annotated[str, "Where the page begins: from the `Link` header of another page."],
        "per_page": Annotated[int, Keywords(minimum=1), "Rows of a page."],
    },
    total=False,
)


class FileQuery(TypedDict, total=False):
    download: Annotated[str, "Anything at all: what is in the file. It takes `project:write`."]


class SourceMapListQuery(Paged, Search):
    pass


class SourceMapChoiceQuery(TypedDict):
    name: Annotated[str, "The version of a release."]


class ReleaseStatsQuery(Environments, Period, total=False):
    type: Annotated[str, Keywords(enum=["sessions", "users"]), "What to count."]
    interval: Annotated[str, "Whole hours, days or weeks, such as `24h`."]


class SessionsQuery(Environments, Period, Projects, Paged, Search, total=False):
    field: Required[Annotated[list[str], Keywords(items={"type": "string", "enum": [*FIELDS]})]]
    groupBy: Annotated[list[str], Keywords(items={"type": "string", "enum": [*GROUPINGS]})]
    interval: Annotated[str, "A number of hours that divides a day, such as `1h`."]
    orderBy: Annotated[str, "One of the fields; with a `-` the largest first."]
    includeTotals: Annotated[str, "`0` leaves the totals out."]
    includeSeries: Annotated[str, "`0` leaves the series out."]


class ReleaseFileUpload(TypedDict, total=False):
    """A file of a release."""

    file: Required[File]
    name: Annotated[str, "Unless it is called so already."]
    dist: str
    header: Annotated[list[str], "`Name: value`"]


# The operations -----------------------------------------------------------------------------------

MADE = {208: shapes.ReleaseDetail}

OPERATIONS: Operations = {
    OrganizationReleaseListView: {
        "GET": Operation(
            "List an Organization's Releases",
            list[shapes.ReleaseDetail],
            query=OrganizationReleaseListQuery,
        ),
        "POST": Operation(
            "Create a New Release for an Organization",
            shapes.ReleaseDetail,
            status=201,
            query=OrganizationHealthQuery,
            body=ReleaseCreateInput,
            also=MADE,
        ),
    },
    ProjectReleaseListView: {
        "GET": Operation(
            "List a Project's Releases", list[shapes.ReleaseDetail], query=ReleaseListQuery
        ),
        "POST": Operation(
            "Create a New Release for a Project",
            shapes.ReleaseDetail,
            status=201,
            query=HealthQuery,
            body=ReleaseCreateInput,
            also=MADE,
        ),
    },
    ReleaseDetailView: {
        "GET": Operation(
            "Retrieve an Organization's Release",
            shapes.ReleaseDetail,
            query=OrganizationHealthQuery,
            in_project="Retrieve a Project's Release",
        ),
        "PUT": Operation(
            "Update an Organization's Release",
            shapes.ReleaseDetail,
            query=HealthQuery,
            body=ReleaseUpdateInput,
            in_project="Update a Project's Release",
        ),
        "DELETE": Operation(
            "Delete an Organization's Release",
            fails=(400,),
            in_project="Delete a Project's Release",
        ),
    },
    PreviousReleaseView: {
        "GET": Operation(
            "Retrieve the Release before, with Commits",
            shapes.ReleaseDetail | Nothing,
            query=HealthQuery,
        ),
    },
    ReleaseMetaView: {
        "GET": Operation(
            "Retrieve an Organization's Release's Associated Meta Data", shapes.ReleaseMeta
        ),
    },
    ReleaseStatsView: {
        "GET": Operation(
            "Get a Project Release's Stats", shapes.ReleaseStats, query=ReleaseStatsQuery
        ),
    },
    SessionsView: {
        "GET": Operation("Count Sessions over Time", shapes.Sessions, query=SessionsQuery),
    },
    ReleaseCommitListView: {
        "GET": Operation(
            "List an Organization Release's Commits",
            list[shapes.Commit],
            query=Paged,
            in_project="List a Project Release's Commits",
        ),
    },
    ReleaseCommitFilesView: {
        "GET": Operation("Retrieve Files Changed in a Release's Commits", list[shapes.FileChange]),
    },
    DeployListView: {
        "GET": Operation("List a Release's Deploys", list[shapes.Deploy], query=Paged),
        "POST": Operation("Create a Deploy", shapes.Deploy, status=201, body=DeployInput),
    },
    ReleaseFileListView: {
        "GET": Operation(
            "List an Organization Release's Files",
            list[shapes.ReleaseFile],
            query=FileListQuery,
            in_project="List a Project Release's Files",
        ),
        "POST": Operation(
            "Upload a New Organization Release File",
            shapes.ReleaseFile,
            status=201,
            body=ReleaseFileUpload,
            body_types=MULTIPART,
            fails=(409,),
            in_project="Upload a New Project Release File",
        ),
    },
    ReleaseFileView: {
        "GET": Operation(
            "Retrieve an Organization Release's File",
            shapes.ReleaseFile,
            query=FileQuery,
            downloads=True,
            in_project="Retrieve a Project Release's File",
        ),
        "PUT": Operation(
            "Update an Organization Release's File",
            shapes.ReleaseFile,
            body=ReleaseFileUpdateInput,
            fails=(409,),
            in_project="Update a File",
        ),
        "DELETE": Operation("Delete an Organization Release's File", in_project="Delete a File"),
    },
    ArtifactBundleAssembleView: {
        "POST": Operation(
            "Assemble a Bundle of Artifacts", shapes.Assembly, body=BundleAssembleInput
        ),
    },
    ReleaseAssembleView: {
        "POST": Operation(
            "Assemble a Bundle of a Release's Artifacts", shapes.Assembly, body=AssembleInput
        ),
    },
    SourceMapsView: {
        "GET": Operation(
            "List the Releases with Artifacts", list[shapes.Artifacts], query=SourceMapListQuery
        ),
        "DELETE": Operation("Remove a Release's Artifacts", query=SourceMapChoiceQuery),
    },
    RepositoryListView: {
        "GET": Operation(
            "List an Organization's Repositories",
            list[shapes.Repository],
            query=RepositoryListQuery,
        ),
        "POST": Operation(
            "Add repository", shapes.Repository, status=201, body=RepositoryCreateInput
        ),
    },
    RepositoryDetailView: {
        "PUT": Operation("Update repository", shapes.Repository, body=RepositoryInput),
        "DELETE": Operation("Remove repository", shapes.Repository, status=202),
    },
    RepositoryCommitListView: {
        "GET": Operation("List a Repository's Commits", list[shapes.Commit], query=Paged),
    },
}
