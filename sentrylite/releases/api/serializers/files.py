"""Files of releases as JSON (releases contract, section 1)."""

from typing import TYPE_CHECKING

from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.releases.models import ReleaseFile

if TYPE_CHECKING:
    from sentrylite.releases.api import shapes


class ReleaseFileSerializer(OutputSerializer):
    """With its blob loaded."""

    def to_representation(self, file: ReleaseFile) -> "shapes.ReleaseFile":
        return {
            "id": str(file.pk),
            "name": file.name,
            "dist": file.dist or None,
            "headers": file.headers,
            "size": file.blob.size,
            "sha1": file.blob.checksum,
            "dateCreated": timestamp(file.created_at),
        }
