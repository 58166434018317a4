"""Form fields for what the back office edits. They know no model."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models
from django.http import HttpRequest
from django.utils.text import capfirst

is_without_nul = ProhibitNullCharactersValidator()


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 60})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return value
        is_without_nul(value or "")
        lines = (line.strip() for line in (value or "").splitlines())
        return list(dict.fromkeys(filter(None, lines)))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


class CheckboxesField(forms.MultipleChoiceField):
    """A choice of texts by ticking, in the order in which they are offered."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, *, choices: Iterable[str], **kwargs: Any) -> None:
        super().__init__(choices=[(choice, choice) for choice in choices], **kwargs)


class ListsAsLines:
    """For admins: JSON fields that hold lists of texts are edited as lines."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, models.JSONField):
            return LinesField(
                label=capfirst(db_field.verbose_name),
                help_text=db_field.help_text or "One a line.",
                required=not db_field.blank,
            )
        return super().formfield_for_dbfield(  # type: ignore[misc]
            db_field, request, **kwargs
        )
