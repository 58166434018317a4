"""Forms of the back office. They know no model."""

from django import forms
from django.core.exceptions import ValidationError


class WholeForm(forms.ModelForm):
    """A row is held to its constraints with all of its columns: Django passes over a constraint
    with a column that the form does not offer, as that of a row's organization."""

    def validate_unique(self) -> None:
        super().validate_unique()
        if self.errors:
            return
        try:
            self.instance.validate_constraints()
        except ValidationError as error:
            self.add_error(None, error)
