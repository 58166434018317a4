"""Finding issues: by their short id, status and level."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from issues.models import Issue, IssueText
from issues.models.issue import Level, read_short_id

Status = Issue.Status
MAX_WORDS = 10


def by_short_id(text: str) -> Q | None:
    """What `PUMP-STATION-1` names; None for anything else."""
    named = read_short_id(text.strip())
    if named is None:
        return None
    slug, number = named
    return Q(project__slug__iexact=slug, number=number)


def with_words(issues: QuerySet[Issue], text: str) -> QuerySet[Issue]:
    """Those with all of the words in their title, culprit or message, in any letter case.

    They are looked up by the index of issues' texts.
    """
    for word in text.split()[:MAX_WORDS]:
        found = IssueText.objects.filter(text__contains=word.lower())
        issues = issues.filter(pk__in=found.values("issue_id"))
    return issues


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


class AssigneeFilter(admin.SimpleListFilter):
    title = "assignee"
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        return [("me", "me"), ("somebody", "somebody"), ("nobody", "nobody")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        nobody = Q(assigned_user=None, assigned_team=None)
        match self.value():
            case "me":
                return queryset.filter(assigned_user=request.user.pk)
            case "somebody":
                return queryset.exclude(nobody)
            case "nobody":
                return queryset.filter(nobody)
        return queryset
