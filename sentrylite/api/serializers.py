"""How values look in answers, and the base of everything that goes out."""

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers


def timestamp(moment: datetime) -> str:
    """`2018-09-10T20:36:34.590Z`: UTC, cut to milliseconds, without a fraction of zero."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return f"{text[:19] if text[19:23] == '.000' else text[:23]}Z"


def optional_timestamp(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None


class OutputSerializer(serializers.BaseSerializer):
    """An object to the JSON that the API documents.

    `to_representation` returns the answer as a literal and reads what is on the object: it never
    asks the database.
    """

    def to_representation(self, instance: Any) -> Any:
        raise NotImplementedError
