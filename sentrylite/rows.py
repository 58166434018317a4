"""Rows of hand-written SQL as model instances, without the cost of a queryset."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import orjson
from django.db import models

M = TypeVar("M", bound=models.Model)


def columns(model: type[models.Model], alias: str) -> str:
    """The columns of a model as a select list, in the order that `instance` reads."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)


def width(model: type[models.Model]) -> int:
    """How many columns of a row a model takes."""
    return len(model._meta.concrete_fields)


def instance(model: type[M], row: Sequence[Any]) -> M:
    """A saved instance from the columns of `columns(model, …)`."""
    names, json_places = _layout(model)
    values = list(row)
    for place in json_places:
        if values[place] is not None:
            values[place] = orjson.loads(values[place])
    return model.from_db("default", names, values)


@cache
def _layout(model: type[models.Model]) -> tuple[list[str], list[int]]:
    """The names of a model's columns, and which of them arrive as the text of JSON."""
    fields = model._meta.concrete_fields
    return (
        [field.attname for field in fields],
        [place for place, field in enumerate(fields) if isinstance(field, models.JSONField)],
    )
