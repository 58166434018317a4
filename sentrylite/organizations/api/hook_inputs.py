"""Bodies of changes to service hooks (projects contract, section 7)."""

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers

from sentrylite.api.inputs import Input
from sentrylite.organizations.models import ServiceHook
from sentrylite.organizations.models.hook import is_reachable


class UrlField(serializers.CharField):
    """The address of something that this server may ask."""

    def to_internal_value(self, data: Any) -> str:
        url = super().to_internal_value(data)
        try:
            is_reachable(url)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from error
        return url


class EventsField(serializers.ListField):
    """Names of events, in any order; each once, sorted."""

    def run_child_validation(self, data: list[Any]) -> list[str]:
        for name in data:
            if not isinstance(name, str) or name not in ServiceHook.Event.values:
                raise serializers.ValidationError(f"Invalid event name: {str(name)[:200]}")
        return sorted(set(data))


class HookInput(Input):
    url = UrlField()
    events = EventsField()
    version = serializers.ChoiceField([0])
    isActive = serializers.BooleanField(source="is_active")


class HookCreateInput(HookInput):
    must_have = ("url",)
