"""What the operations say of themselves, for the OpenAPI document."""

from typing import Annotated, TypedDict

from sentrylite.api.operations import MULTIPART, File, Operation, Operations
from sentrylite.files.api import shapes
from sentrylite.files.api.views import ChunkUploadView


class Chunks(TypedDict, total=False):
    """Pieces of files, each named by its SHA-1."""

    file: list[File]
    file_gzip: Annotated[list[File], "Compressed; the names are of what is in them."]


OPERATIONS: Operations = {
    ChunkUploadView: {
        "GET": Operation("Retrieve How to Upload in Pieces", shapes.ChunkUpload),
        "POST": Operation(
            "Upload Pieces of Files",
            status=200,
            body=Chunks,
            body_types=MULTIPART,
            fails=(413,),
        ),
    },
}
