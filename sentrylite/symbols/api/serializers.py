"""Debug files as JSON (projects contract, section 11)."""

from typing import TYPE_CHECKING, Any

from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.symbols.formats import CONTENT_TYPES
from sentrylite.symbols.models import DebugFile, Format

if TYPE_CHECKING:
    from sentrylite.symbols.api import shapes

Json = dict[str, Any]


class DebugFileSerializer(OutputSerializer):
    """Wants `blob` loaded."""

    def to_representation(self, file: DebugFile) -> "shapes.DebugFile":
        data: shapes.DebugFileData = {"features": file.features}
        if file.kind:
            data = {"type": file.kind, **data}
        return {
            "id": str(file.pk),
            "uuid": file.debug_id[:36],
            "debugId": file.debug_id,
            "codeId": file.code_id or None,
            "cpuName": file.cpu_name,
            "objectName": file.object_name,
            "symbolType": file.format,
            "headers": {"Content-Type": CONTENT_TYPES[Format(file.format)]},
            "size": file.blob.size,
            "sha1": file.blob.checksum,
            "dateCreated": timestamp(file.created_at),
            "data": data,
        }
