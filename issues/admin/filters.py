"""Finding issues: by their short id, status and level."""

import re
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from issues.models import Issue
from issues.models.issue import BASE32, Level

Status = Issue.Status

SHORT_ID = re.compile(rf"([a-z0-9_-]+)-([{BASE32}]{{1,7}})", re.IGNORECASE)


def by_short_id(text: str) -> Q | None:
    """What `PUMP-STATION-1` names; None for anything else."""
    match = SHORT_ID.fullmatch(text.strip())
    if match is None:
        return None
    number = 0
    for digit in match[2].upper():
        number = number * len(BASE32) + BASE32.index(digit)
    return Q(project__slug__iexact=match[1], number=number)


class ChoiceFilter(admin.SimpleListFilter):
    """Some of a field's choices, each a look into an index."""

    choices_of_field: Iterable[tuple[Any, str]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        return self.choices_of_field

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None or not value.isdecimal():
            return queryset
        return queryset.filter(**{str(self.parameter_name): value})


class StatusFilter(ChoiceFilter):
    title = "status"
    parameter_name = "status"
    choices_of_field = [
        (status.value, status.label) for status in Status if status < Status.PENDING_DELETION
    ]


class LevelFilter(ChoiceFilter):
    title = "level"
    parameter_name = "level"
    choices_of_field = Level.choices
