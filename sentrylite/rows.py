"""Rows of hand-written SQL as model instances, without the cost of a queryset."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import orjson
from django.db import models
from django.db.models.base import ModelState

M = TypeVar("M", bound=models.Model)


def columns(model: type[models.Model], alias: str, *, without: str | None = None) -> str:
    """The columns of a model as a select list, in the order that `instance` reads."""
    return ", ".join(f'{alias}."{field.column}"' for field in _fields(model, without))


def width(model: type[models.Model], *, without: str | None = None) -> int:
    """How many columns of a row a model takes."""
    return len(_fields(model, without))


def instance(model: type[M], row: Sequence[Any], *, without: str | None = None) -> M:
    """A saved instance from the columns of `columns(model, …)`. A column that it is `without` is
    read when it is asked for, as with Django's `defer`.

    As `Model.from_db` makes it, but without signals and without asking every field: a page of a
    hundred issues has half a thousand instances.
    """
    names, json_places = _layout(model, without)
    made = model.__new__(model)
    made._state = ModelState()
    made._state.adding, made._state.db = False, "default"
    made.__dict__.update(zip(names, row, strict=True))
    for place in json_places:
        if row[place] is not None:
            made.__dict__[names[place]] = orjson.loads(row[place])
    return made


def _fields(model: type[models.Model], without: str | None) -> list[Any]:
    return [field for field in model._meta.concrete_fields if field.attname != without]


@cache
def _layout(model: type[models.Model], without: str | None) -> tuple[list[str], list[int]]:
    """The names of a model's columns, and which of them arrive as the text of JSON."""
    fields = _fields(model, without)
    return (
        [field.attname for field in fields],
        [place for place, field in enumerate(fields) if isinstance(field, models.JSONField)],
    )
