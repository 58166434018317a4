"""Finding debug files: for lists of them, and for the frames of events."""

from collections.abc import Collection
from typing import NamedTuple

from django.db.models import Q, QuerySet

from sentrylite.organizations.models import Project

from . import formats
from .models import DebugFile, Format


def search_files(
    project: Project,
    *,
    query: str = "",
    debug_id: str = "",
    code_id: str = "",
    file_formats: Collection[str] = (),
) -> QuerySet[DebugFile]:
    """The project's debug files (projects contract, section 11). A query that is a whole debug id
    is meant exactly."""
    found = DebugFile.objects.filter(project=project).select_related("blob")
    if debug_id:
        found = found.filter(debug_id=formats.read_debug_id(debug_id) or "")
    if code_id:
        found = found.filter(code_id=formats.read_code_id(code_id) or "-")
    if file_formats:
        found = found.filter(format__in=file_formats)
    if query and (whole := formats.read_debug_id(query)):
        return found.filter(debug_id=whole)
    if query:
        named = [
            name for name in Format if query.lower() in (name.value, formats.CONTENT_TYPES[name])
        ]
        found = found.filter(
            Q(object_name__icontains=query)
            | Q(debug_id__icontains=query)
            | Q(code_id__icontains=query)
            | Q(cpu_name__icontains=query)
            | Q(format__in=named)
        )
    return found


def unknown_checksums(project: Project, checksums: Collection[str]) -> list[str]:
    """Those of these checksums that no debug file of the project has, in their order. One
    statement."""
    known = set(
        DebugFile.objects.filter(project=project, blob__checksum__in=checksums).values_list(
            "blob__checksum", flat=True
        )
    )
    return [checksum for checksum in dict.fromkeys(checksums) if checksum.lower() not in known]


class Identity(NamedTuple):
    """How an event names a debug file: by either id, as they are stored; "" is none."""

    debug_id: str
    code_id: str


class Found(NamedTuple):
    """What was uploaded for an image or a mapping."""

    file: DebugFile
    """In which addresses or names can be looked up."""
    sources: DebugFile | None
    """The sources that it was compiled from."""


def find_for_event(project_id: int, identities: Collection[Identity]) -> dict[Identity, Found]:
    """The debug file of each identity that says most: one with lines before one that only names
    functions, as a program without its debug information does; of these the newest. One statement,
    none without identities."""
    debug_ids = {each.debug_id for each in identities} - {""}
    code_ids = {each.code_id for each in identities} - {""}
    if not debug_ids and not code_ids:
        return {}
    of_project = DebugFile.objects.filter(project=project_id)
    of_code_ids = of_project.filter(code_id__in=code_ids).values("debug_id")
    rows = of_project.filter(
        Q(debug_id__in=debug_ids) | Q(debug_id__in=of_code_ids)
    ).select_related("blob", "symcache")
    files: dict[str, DebugFile] = {}
    sources: dict[str, DebugFile] = {}
    by_code_id: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: ("debug" in row.features, row.pk)):
        if row.format == Format.SOURCE_BUNDLE:
            sources[row.debug_id] = row
        elif row.symcache is not None or row.format == Format.PROGUARD:
            files[row.debug_id] = row
        if row.code_id:  # which only the program may have, not what tells of its lines
            by_code_id[row.code_id] = row.debug_id
    found = {}
    for identity in identities:
        for debug_id in (identity.debug_id, by_code_id.get(identity.code_id, "")):
            if debug_id in files:
                found[identity] = Found(files[debug_id], sources.get(debug_id))
                break
    return found
