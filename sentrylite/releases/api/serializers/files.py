"""Files of releases as JSON (releases contract, section 1)."""

from typing import Any

from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.releases.models import ReleaseFile


class ReleaseFileSerializer(OutputSerializer):
    """With its blob loaded."""

    def to_representation(self, file: ReleaseFile) -> dict[str, Any]:
        return {
            "id": str(file.pk),
            "name": file.name,
            "dist": file.dist or None,
            "headers": file.headers,
            "size": file.blob.size,
            "sha1": file.blob.checksum,
            "dateCreated": timestamp(file.created_at),
        }
