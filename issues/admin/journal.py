"""The journal of ingestion in the back office: rows here wait to be added up, for a moment."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest

from issues.models import JournalEntry
from sentrylite.admin.base import BaseAdmin, ReadOnly
from sentrylite.admin.menu import Menu
from sentrylite.admin.tenancy import SuperusersOnly


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnly, BaseAdmin):
    menu = Menu("Operation", 3, "Journal")
    tenancy = SuperusersOnly()
    list_display = ["id", "owner", "size"]
    ordering = ["id"]
    fields = ["id", "owner", "size"]
    readonly_fields = ["size"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[JournalEntry]:
        return super().get_queryset(request).defer("data").annotate(data_size=Length("data"))

    @admin.display(description="bytes", ordering="data_size")
    def size(self, entry: Any) -> int:
        return entry.data_size
