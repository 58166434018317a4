"""Debug information files of a project (projects contract, section 11; clients contract,
section 6)."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api import params
from sentrylite.api.errors import BadParameter
from sentrylite.api.pagination import Cursor, queryset_page
from sentrylite.api.renderers import JSONParser
from sentrylite.api.views import FORMS
from sentrylite.files import assembling, chunks, store
from sentrylite.files.assembling import Assembly, State, Unacceptable
from sentrylite.files.models import Blob
from sentrylite.organizations.access import PROJECT_SCOPES, RELEASE_SCOPES
from sentrylite.organizations.api.base import ProjectScopedView
from sentrylite.organizations.api.params import answer_page
from sentrylite.symbols import queries, uploads
from sentrylite.symbols.api.inputs import MappingReleaseInput, Wanted, read_wanted
from sentrylite.symbols.api.serializers import DebugFileSerializer
from sentrylite.symbols.models import DebugFile, Format

PAGE = 20
MAX_CHECKSUMS = 5_000

SUFFIXES = {
    Format.PE: ".exe",
    Format.PDB: ".pdb",
    Format.PORTABLE_PDB: ".pdb",
    Format.WASM: ".wasm",
    Format.PROGUARD: ".txt",
    Format.SOURCE_BUNDLE: ".src.zip",
}
SUFFIXES_OF_SEPARATE = SUFFIXES | {
    Format.BREAKPAD: ".sym",
    Format.ELF: ".debug",
    Format.MACHO: ".dSYM",
}
"""Of files that hold nothing but debug information."""


class DebugFileListView(ProjectScopedView):
    """List a project's debug files, the newest first, or download one; upload; delete one."""

    scopes = RELEASE_SCOPES
    parser_classes = FORMS

    def get(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        query = request.query_params
        if "id" in query:
            return self._download(query["id"])
        found = queries.search_files(
            self.project,
            query=params.text(query, "query", default="") or "",
            debug_id=params.text(query, "debug_id", default="") or "",
            code_id=params.text(query, "code_id", default="") or "",
            file_formats=read_formats(query),
        )
        size = params.page_size(query, "per_page", "Invalid per_page parameter.", PAGE)
        page = queryset_page(found, "-id", Cursor.read(query), size)
        return answer_page(request, page, lambda rows: DebugFileSerializer(rows, many=True).data)

    def post(self, request: Request, **kwargs: Any) -> Response:
        file = request.FILES.get("file")
        if file is None or file.file is None:
            raise BadParameter("Missing uploaded file")
        try:
            kept = uploads.add_upload(self.project, file.file, file.name or "", timezone.now())
        except uploads.BadUpload as error:
            raise BadParameter(str(error)) from error
        return Response(DebugFileSerializer(kept, many=True).data, status=201)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        found = self._find(request.query_params.get("id", ""))
        return Response(status=204 if self._may_write and found.delete()[0] else 404)

    def _download(self, file_id: str) -> HttpResponseBase:
        if not self._may_write:
            return Response(status=403)
        file = self._find(file_id).select_related("blob").first()
        if file is None:
            raise Http404
        suffix = SUFFIXES_OF_SEPARATE if file.kind == "dbg" else SUFFIXES
        return FileResponse(
            store.open_blob(file.blob),
            as_attachment=True,
            filename=f"{file.debug_id}{suffix.get(Format(file.format), '')}",
            content_type="application/octet-stream",
        )

    @property
    def _may_write(self) -> bool:
        """Debug files hold more than whoever reads a project is to see, or to throw away."""
        return self.access.allows(PROJECT_SCOPES["PUT"])

    def _find(self, file_id: str) -> QuerySet[DebugFile]:
        if not params.is_id(file_id):
            return DebugFile.objects.none()
        return DebugFile.objects.filter(project=self.project, pk=int(file_id))


class UnknownDebugFilesView(ProjectScopedView):
    """Which checksums no debug file of the project has."""

    scopes = RELEASE_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        checksums = request.query_params.getlist("checksums")
        if len(checksums) > MAX_CHECKSUMS:
            raise BadParameter(f"There are more than {MAX_CHECKSUMS} checksums.")
        if any("\0" in checksum for checksum in checksums):
            raise BadParameter("Invalid checksums: one holds a NUL character.")
        return Response({"missing": queries.unknown_checksums(self.project, checksums)})


class AssociateDebugFilesView(ProjectScopedView):
    """Old clients say here which build of an app debug files are of. Events name theirs by id, so
    that there is nothing to be remembered."""

    scopes = RELEASE_SCOPES

    def post(self, request: Request, **kwargs: Any) -> Response:
        return Response({"associatedDsymFiles": []})


class MappingReleasesView(ProjectScopedView):
    """Clients say here which release a mapping is of. Events name theirs by id, so that there is
    nothing to be remembered."""

    scopes = RELEASE_SCOPES

    def post(self, request: Request, **kwargs: Any) -> Response:
        debug_id = str(MappingReleaseInput.read(request)["proguard_uuid"])
        mappings = queries.search_files(
            self.project, debug_id=debug_id, file_formats=[Format.PROGUARD]
        )
        if not mappings.exists():
            raise BadParameter(f"The project has no mapping with the id {debug_id}.")
        return Response(status=201)


class ReprocessingView(ProjectScopedView):
    """Clients ask here, after an upload, for the events that were held back until it. None are:
    an event is stored when it comes."""

    scopes = RELEASE_SCOPES

    def post(self, request: Request, **kwargs: Any) -> Response:
        return Response(status=200)


class DebugFilesAssembleView(ProjectScopedView):
    """Make debug files of pieces; asked again, say how far they are."""

    scopes = RELEASE_SCOPES
    parser_classes = [JSONParser]

    def post(self, request: Request, **kwargs: Any) -> Response:
        wanted = read_wanted(request)
        now = timezone.now()
        known = uploads.find_whole(self.project, wanted)
        pieces = {
            piece
            for checksum, each in wanted.items()
            if checksum not in known
            for piece in each.pieces
        }
        found = chunks.find(self.organization, pieces, now) if pieces else {}
        answers = {}
        for checksum, each in wanted.items():
            missing = [piece for piece in dict.fromkeys(each.pieces) if piece not in found]
            if checksum in known:
                answers[checksum] = answer(Assembly(State.OK), known[checksum])
            elif missing or not each.pieces:
                answers[checksum] = answer(Assembly(State.NOT_FOUND, missing))
            else:
                answers[checksum] = self._assemble(checksum, each)
        return Response(answers)

    def _assemble(self, checksum: str, wanted: Wanted) -> dict[str, Any]:
        now = timezone.now()
        made: list[DebugFile] = []

        def is_there() -> bool:
            made[:] = uploads.find_whole(self.project, [checksum]).values()
            return bool(made)

        def accept(blob: Blob) -> None:
            try:
                made[:] = uploads.add_blob(self.project, blob, wanted.name, now)
            except uploads.BadUpload as error:
                raise Unacceptable(str(error)) from error

        assembly = assembling.assemble(
            self.organization,
            checksum,
            wanted.pieces,
            now,
            is_there=is_there,
            accept=accept,
        )
        return answer(assembly, made[0] if made and assembly.state is State.OK else None)


def read_formats(query: QueryDict) -> list[str]:
    """The repeatable parameter `file_formats`. Raises BadParameter."""
    names = [name for name in query.getlist("file_formats") if name]
    if any(name not in Format.values for name in names):
        raise BadParameter(f"Invalid file_formats. Valid choices are {', '.join(Format.values)}.")
    return names


def answer(assembly: Assembly, file: DebugFile | None = None) -> dict[str, Any]:
    return {
        "state": assembly.state,
        "missingChunks": list(assembly.missing),
        "detail": assembly.detail,
        "dif": DebugFileSerializer(file).data if file else None,
    }
