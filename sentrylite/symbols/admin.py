"""Debug files in the back office. Build tools upload them; here they are found and removed."""

from collections.abc import Sequence

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString

from sentrylite.admin import display
from sentrylite.admin.base import BaseAdmin, Link, ReadOnly
from sentrylite.admin.menu import Menu
from sentrylite.organizations.access import PROJECT_SCOPES, RELEASE_SCOPES
from sentrylite.organizations.admin.filters import ProjectFilter
from sentrylite.organizations.tenancy import OfProject
from sentrylite.symbols.models import DebugFile

# As the API has it: they hold more than whoever reads a project is to throw away.
SCOPES = {"GET": RELEASE_SCOPES["GET"], "DELETE": PROJECT_SCOPES["PUT"]}


@admin.register(DebugFile)
class DebugFileAdmin(ReadOnly, BaseAdmin):
    menu = Menu("Organization", 9)
    tenancy = OfProject(SCOPES)
    list_display = [
        *("object_name", "debug_id_code", "format", "kind", "cpu_name", "size"),
        *("project_link", "created_at"),
    ]
    list_filter = ["format", ("project", ProjectFilter)]
    list_select_related = ["project", "blob"]
    search_fields = ["object_name", "debug_id", "code_id"]
    search_help_text = "A part of a name, of a debug id or of a code id."
    ordering = ["-id"]
    fields = [
        *("object_name", "debug_id_code", "code_id", "format", "kind", "cpu_name"),
        *("has", "size", "checksum", "project_link", "created_at"),
    ]
    readonly_fields = ["debug_id_code", "has", "size", "checksum", "project_link", "created_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.tenancy.allows(request.user, "delete", obj)

    def links(self, request: HttpRequest, obj: DebugFile) -> Sequence[Link]:
        return [
            ("Project", display.url_of(obj.project)),
            ("Its debug files", display.list_url(DebugFile, project__id__exact=obj.project_id)),
        ]

    @admin.display(description="debug id", ordering="debug_id")
    def debug_id_code(self, file: DebugFile) -> SafeString:
        return display.code(file.debug_id)

    @admin.display(description="what it has")
    def has(self, file: DebugFile) -> str:
        return ", ".join(file.features)

    @admin.display(description="size", ordering="blob__size")
    def size(self, file: DebugFile) -> str:
        return display.size(file.blob.size)

    @admin.display(description="SHA-1")
    def checksum(self, file: DebugFile) -> SafeString:
        return display.code(file.blob.checksum)

    @admin.display(description="project", ordering="project__slug")
    def project_link(self, file: DebugFile) -> str:
        return display.link_to(file.project)
