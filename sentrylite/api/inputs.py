"""Request bodies to checked values."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request


class Input(serializers.Serializer):
    """A request body. Only the keys that were sent are checked and returned; others are ignored."""

    is_partial: ClassVar[bool] = True
    """Else every field has to be sent."""
    must_have: ClassVar[tuple[str, ...]] = ()
    """The fields that have to be sent all the same."""

    @classmethod
    def read(cls, request: Request, **context: Any) -> dict[str, Any]:
        """The checked body. Raises ValidationError (400, a list of messages per field)."""
        body = cls(data=request.data, partial=cls.is_partial, context=context)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        sent: dict[str, Any] = super().to_internal_value(data)
        missing = {name: ["This field is required."] for name in self.must_have if name not in data}
        if missing:
            raise serializers.ValidationError(missing)
        return sent


class ListOf(serializers.ListField):
    """Values of which the first bad one is complained of, without its place in the list
    (conventions contract, section 8)."""

    def __init__(self, child: serializers.Field, **kwargs: Any) -> None:
        super().__init__(child=child, **kwargs)

    def run_child_validation(self, data: Any) -> list[Any]:
        try:
            return super().run_child_validation(data)
        except serializers.ValidationError as error:
            details = error.detail
            messages = details.values() if isinstance(details, dict) else [details]
            raise serializers.ValidationError(next(iter(messages))) from error
