"""Request bodies to checked values."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request


class Input(serializers.Serializer):
    """A request body. Only the keys that were sent are checked and returned; others are ignored."""

    is_partial: ClassVar[bool] = True
    """Else every field has to be sent."""

    @classmethod
    def read(cls, request: Request, **context: Any) -> dict[str, Any]:
        """The checked body. Raises ValidationError (400, a list of messages per field)."""
        body = cls(data=request.data, partial=cls.is_partial, context=context)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)
