"""Rows of hand-written SQL as model instances, without the cost of a queryset."""

from collections.abc import Sequence
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
    fields = model._meta.concrete_fields
    values = [
        orjson.loads(value) if value is not None and isinstance(field, models.JSONField) else value
        for field, value in zip(fields, row, strict=True)
    ]
    return model.from_db("default", [field.attname for field in fields], values)
