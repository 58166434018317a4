"""Uploads in pieces (clients contract, section 6)."""

from typing import Any
from urllib.parse import quote

from django.utils import timezone
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api.errors import BadParameter
from sentrylite.api.links import absolute_url
from sentrylite.files import receiving
from sentrylite.files.chunks import CHUNK_SIZE, MAX_FILE_SIZE
from sentrylite.files.receiving import MAX_PIECES, Part
from sentrylite.organizations.access import RELEASE_SCOPES
from sentrylite.organizations.api.base import OrganizationScopedView

# Of the pieces in a request; its body may be somewhat larger.
MAX_REQUEST_SIZE = 32 * 1024 * 1024
# Requests of one client at a time: half the threads that answer.
CONCURRENCY = 4
# What can be assembled from pieces.
ACCEPT = [
    "debug_files",
    "release_files",
    "artifact_bundles",
    "artifact_bundles_v2",
    "pdbs",
    "portablepdbs",
    "proguard",
    "sources",
]


class PieceTooLarge(APIException):
    status_code = 413


class ChunkUploadView(OrganizationScopedView):
    """How to upload, and uploading."""

    scopes = RELEASE_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(
            {
                "url": absolute_url(request, quote(request.path)),
                "chunkSize": CHUNK_SIZE,
                "chunksPerRequest": MAX_PIECES,
                "maxFileSize": MAX_FILE_SIZE,
                "maxRequestSize": MAX_REQUEST_SIZE,
                "concurrency": CONCURRENCY,
                "hashAlgorithm": "sha1",
                "compression": ["gzip"],
                "accept": ACCEPT,
            }
        )

    def post(self, request: Request, **kwargs: Any) -> Response:
        parts = [
            Part(file.name or "", file, is_compressed=field == "file_gzip")
            for field in ("file", "file_gzip")
            for file in request.FILES.getlist(field)
        ]
        try:
            receiving.receive(self.organization, parts, timezone.now())
        except receiving.PieceTooLarge as error:
            raise PieceTooLarge(str(error)) from error
        except receiving.Refused as error:
            raise BadParameter(str(error)) from error
        return Response(status=200)
