"""Bodies that assemble a bundle of artifacts (clients contract, section 6)."""

from typing import Any

from rest_framework import serializers

from sentrylite.api.inputs import Input, ListOf
from sentrylite.files.chunks import CHECKSUM
from sentrylite.releases import versions
from sentrylite.releases.models.artifact import MAX_DIST

from .inputs import ProjectsField

# Clients send pieces of 8 MiB; ten thousand of these are more than anything may have.
MAX_CHUNKS = 10_000


class ChecksumField(serializers.CharField):
    """A SHA-1 in hex, in lower case."""

    def to_internal_value(self, data: Any) -> str:
        checksum = super().to_internal_value(data).lower()
        if not CHECKSUM.fullmatch(checksum):
            raise serializers.ValidationError("A checksum is a SHA-1 in 40 hexadecimal digits.")
        return checksum


class AssembleInput(Input):
    is_partial = False

    checksum = ChecksumField()
    chunks = ListOf(ChecksumField(), max_length=MAX_CHUNKS)


class BundleAssembleInput(AssembleInput):
    """Needs the Access in the context."""

    projects = ProjectsField(min_length=1)
    version = serializers.CharField(
        max_length=200, trim_whitespace=False, required=False, allow_null=True, allow_blank=True
    )
    dist = serializers.CharField(
        max_length=MAX_DIST, required=False, allow_null=True, allow_blank=True
    )

    def validate_version(self, value: str | None) -> str | None:
        if value and not versions.is_valid(value):
            raise serializers.ValidationError(f"Release with name {value} is not allowed")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("dist") and not attrs.get("version"):
            raise serializers.ValidationError({"dist": ["A dist is one of a version."]})
        return attrs
