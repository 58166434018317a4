"""What answers say of debug files."""

from typing import Annotated, NotRequired, TypedDict

from sentrylite.api.operations import Id, Keywords, Timestamp
from sentrylite.releases.api.shapes import Assembly, Sha1

DebugFileHeaders = TypedDict("DebugFileHeaders", {"Content-Type": str})


class DebugFileData(TypedDict):
    type: NotRequired[str]
    features: list[str]


class DebugFile(TypedDict):
    id: Id
    uuid: str
    debugId: str
    codeId: str | None
    cpuName: str
    objectName: str
    symbolType: str
    headers: DebugFileHeaders
    size: int
    sha1: Sha1
    dateCreated: Timestamp
    data: DebugFileData


class DebugFileAssembly(Assembly):
    dif: DebugFile | None


class MissingDebugFiles(TypedDict):
    missing: list[str]


class AssociatedDebugFiles(TypedDict):
    associatedDsymFiles: Annotated[list[str], Keywords(maxItems=0)]
