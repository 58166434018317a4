"""Files of releases, of an organization and of a project (releases contract, section 9)."""

from typing import Any

from django.http import FileResponse, Http404
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api import params
from sentrylite.api.errors import BadParameter, Conflict
from sentrylite.api.pagination import Cursor
from sentrylite.api.views import FORMS
from sentrylite.files import store
from sentrylite.files.chunks import CHECKSUM
from sentrylite.organizations.access import PROJECT_SCOPES
from sentrylite.organizations.api.params import answer_page, page_of
from sentrylite.releases import release_files
from sentrylite.releases.api.base import ReleaseScopedView
from sentrylite.releases.api.file_inputs import ReleaseFileUpdateInput, ReleaseFileUpload
from sentrylite.releases.api.serializers.files import ReleaseFileSerializer
from sentrylite.releases.models import ReleaseFile

TAKEN = "A file matching this name already exists for the given release"
MAX_OFFSET = 20_000


class ReleaseFileListView(ReleaseScopedView):
    """List a release's files by name; upload one."""

    parser_classes = FORMS

    def get(self, request: Request, **kwargs: Any) -> Response:
        query = request.query_params
        found = release_files.of_release(self.release)
        if text := params.text(query, "query"):
            found = found.filter(name__icontains=text)
        if checksums := [*query.getlist("checksum"), *query.getlist("checksum[]")]:
            wanted = [sum_.lower() for sum_ in checksums if CHECKSUM.fullmatch(sum_.lower())]
            found = found.filter(blob__checksum__in=wanted)
        cursor = Cursor.read(query)
        if cursor.offset * cursor.value > MAX_OFFSET:
            raise BadParameter("Pagination offset too large")
        page = page_of(request, found)
        return answer_page(request, page, lambda rows: ReleaseFileSerializer(rows, many=True).data)

    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = ReleaseFileUpload.read(request)
        try:
            file = release_files.add(
                self.release,
                sent.content,
                name=sent.name,
                dist=sent.dist,
                headers=sent.headers,
                now=timezone.now(),
            )
        except release_files.NameTaken as error:
            raise Conflict(TAKEN) from error
        return Response(ReleaseFileSerializer(file).data, status=201)


class ReleaseFileView(ReleaseScopedView):
    """One file: what it is, or what is in it."""

    file: ReleaseFile

    def find_scope(self, **path: str) -> None:
        super().find_scope(**path)
        file_id = path["file_id"]
        file = release_files.find(self.release, int(file_id)) if params.is_id(file_id) else None
        if file is None:
            raise Http404
        self.file = file

    def get(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        if "download" not in request.query_params:
            return Response(ReleaseFileSerializer(self.file).data)
        # What was built may hold more than whoever reads a project is to see.
        if not self.access.allows(PROJECT_SCOPES["POST"]):
            return Response(status=403)
        name = " ".join(self.file.name.rpartition("/")[2].split())
        return FileResponse(
            store.open_blob(self.file.blob),
            as_attachment=True,
            filename=name or "file",
            content_type="application/octet-stream",
        )

    def put(self, request: Request, **kwargs: Any) -> Response:
        name = ReleaseFileUpdateInput.read(request)["name"]
        try:
            release_files.rename(self.file, name)
        except release_files.NameTaken as error:
            raise Conflict(TAKEN) from error
        return Response(ReleaseFileSerializer(self.file).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        self.file.delete()
        return Response(status=204)
