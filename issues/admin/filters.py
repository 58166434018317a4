"""Finding issues: by their short id, status and level."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import BooleanField, F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.http import HttpRequest

from issues.models import Issue, IssueText
from issues.models.issue import Level, read_short_id
from sentrylite.arrays import literal

Status = Issue.Status
MAX_WORDS = 10
# A word that more issues have is looked for in the newest issues only: all of them take too long.
FEW = 20_000
NEWEST = 10_000


def by_short_id(text: str) -> Q | None:
    """What `PUMP-STATION-1` names; None for anything else."""
    named = read_short_id(text.strip())
    if named is None:
        return None
    slug, number = named
    return Q(project__slug__iexact=slug, number=number)


def with_words(issues: QuerySet[Issue], text: str) -> tuple[QuerySet[Issue], Sequence[str]]:
    """Those with all of the words in their title, culprit or message, in any letter case; and
    which of the words are too frequent to be looked for in more than the newest issues.

    A statement for each word, which the index of issues' texts answers, and at most two more.
    """
    frequent = []
    for word in text.split()[:MAX_WORDS]:
        having = IssueText.objects.filter(text__contains=word.lower())
        found = list(having.values_list("issue_id", flat=True)[: FEW + 1])
        if len(found) <= FEW:
            issues = issues.filter(_is_any_of(found))
        else:
            frequent.append(word)
    if not frequent:
        return issues, []
    newest = list(issues.order_by("-last_seen").values_list("pk", flat=True)[: NEWEST + 1])
    issues = issues.filter(_is_any_of(_having(newest[:NEWEST], frequent)))
    return issues, frequent if len(newest) > NEWEST else []


def _having(ids: Iterable[int], words: Iterable[str]) -> Iterable[int]:
    """Those of the issues with all of the words. One statement."""
    own = IssueText.objects.filter(project_id=OuterRef("project_id"), issue_id=OuterRef("pk"))
    for word in words:
        own = own.filter(text__contains=word.lower())
    issues = Issue.objects.filter(_is_any_of(ids)).alias(text=Subquery(own.values("text")))
    return issues.filter(text__isnull=False).values_list("pk", flat=True)


def _is_any_of(ids: Iterable[int]) -> Func:
    """Whether an issue is one of thousands, which are one parameter."""
    return Func(
        F("pk"),
        Value(literal(ids)),
        arg_joiner=" = ANY(",
        template="%(expressions)s::bigint[])",
        output_field=BooleanField(),
    )


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
