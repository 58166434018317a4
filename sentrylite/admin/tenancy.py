"""Whose rows are whose: what the back office asks before it shows or changes any.

Every admin and every inline says it of its model. What an admin says holds wherever the rows of its
model appear: in lists, filters, searches, autocompletes, the choices of other models' forms.
"""

from typing import Any, Protocol

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest


class Tenancy(Protocol):
    """`right` is one of Django's: `view`, `add`, `change`, `delete`; `user` is on the staff."""

    def rows(self, user: Any, rows: QuerySet[Any], right: str = "view") -> QuerySet[Any]:
        """Those of the rows to which the user has the right."""

    def allows(self, user: Any, right: str, row: Any = None) -> bool:
        """Whether the user has the right to this row, or without one, to any there might be."""


class SuperusersOnly:
    """Of what belongs to the server and to no organization."""

    def rows(self, user: Any, rows: QuerySet[Any], right: str = "view") -> QuerySet[Any]:
        return rows if user.is_superuser else rows.none()

    def allows(self, user: Any, right: str, row: Any = None) -> bool:
        return bool(user.is_active and user.is_superuser)


def tenancy_of(model: type[Model]) -> Tenancy:
    """What the admin of a model says; of a model without one nobody else knows."""
    found = getattr(admin.site._registry.get(model), "tenancy", None)
    return found or SuperusersOnly()


def visible(request: HttpRequest, model: type[Model]) -> QuerySet[Any]:
    """The rows of a model that who asks may see."""
    return only_visible(request, model._default_manager.all())


def only_visible(request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Those of the rows that who asks may see."""
    return tenancy_of(rows.model).rows(request.user, rows)


def may(request: HttpRequest, right: str, model: type[Model], row: Model | None = None) -> bool:
    """Whether who asks has a right to a row, or to any of its model."""
    return tenancy_of(model).allows(request.user, right, row)
