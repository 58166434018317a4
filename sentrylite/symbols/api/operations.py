"""What the operations say of themselves, for the OpenAPI document."""

from typing import Annotated, NotRequired, TypedDict

from sentrylite.api.operations import MULTIPART, File, Keywords, Operation, Operations, Paged
from sentrylite.releases.api.shapes import Sha1
from sentrylite.symbols.api import shapes
from sentrylite.symbols.api.inputs import MappingReleaseInput
from sentrylite.symbols.api.views import (
    AssociateDebugFilesView,
    DebugFileListView,
    DebugFilesAssembleView,
    MappingReleasesView,
    ReprocessingView,
    UnknownDebugFilesView,
)
from sentrylite.symbols.formats import Format

# What query strings and bodies may say ------------------------------------------------------------


class DebugFileListQuery(Paged, total=False):
    id: Annotated[str, "The id of a file: what is in it. It takes `project:write`."]
    query: Annotated[str, "What to search for."]
    debug_id: Annotated[str, "Only files of this debug id."]
    code_id: Annotated[str, "Only files of this code id."]
    file_formats: Annotated[list[str], Keywords(items={"type": "string", "enum": [*Format.values]})]


class DebugFileChoiceQuery(TypedDict):
    id: Annotated[str, "The id of a file."]


class UnknownDebugFilesQuery(TypedDict, total=False):
    checksums: Annotated[list[str], "SHA-1s of files."]


class DebugFileUpload(TypedDict):
    """A debug file, or an archive of some."""

    file: File


class WantedDebugFile(TypedDict):
    """A file that is to be there, with the checksums of its pieces in order."""

    name: str
    debug_id: NotRequired[str | None]
    chunks: list[Sha1]


# The operations -----------------------------------------------------------------------------------

OPERATIONS: Operations = {
    DebugFileListView: {
        "GET": Operation(
            "List a Project's Debug Information Files",
            list[shapes.DebugFile],
            query=DebugFileListQuery,
            downloads=True,
        ),
        "POST": Operation(
            "Upload a New File",
            list[shapes.DebugFile],
            status=201,
            body=DebugFileUpload,
            body_types=MULTIPART,
        ),
        "DELETE": Operation(
            "Delete a specific Project's Debug Information File", query=DebugFileChoiceQuery
        ),
    },
    UnknownDebugFilesView: {
        "GET": Operation(
            "Unknown debug files", shapes.MissingDebugFiles, query=UnknownDebugFilesQuery
        ),
    },
    AssociateDebugFilesView: {
        "POST": Operation("Associate debug files (legacy)", shapes.AssociatedDebugFiles),
    },
    MappingReleasesView: {
        "POST": Operation(
            "Associate a mapping with a release", status=201, body=MappingReleaseInput
        ),
    },
    DebugFilesAssembleView: {
        "POST": Operation(
            "Assemble debug files from chunks",
            Annotated[dict[str, shapes.DebugFileAssembly], "By the checksums of the files."],
            body=Annotated[dict[str, WantedDebugFile], "By the checksums of the files."],
        ),
    },
    ReprocessingView: {
        "POST": Operation("Release held-back events (none are)", status=200),
    },
}
