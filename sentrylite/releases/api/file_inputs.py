"""Bodies that upload or rename a release's file (releases contract, section 9)."""

import re
from dataclasses import dataclass
from typing import IO, Any, cast

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.request import Request

from sentrylite.api.errors import BadParameter
from sentrylite.api.inputs import Input
from sentrylite.releases.models.artifact import MAX_DIST, MAX_NAME

SPECIAL = re.compile(r"[\n\t\r\f\v\\]")
MAX_HEADERS = 8_000


@dataclass(frozen=True, slots=True)
class ReleaseFileUpload:
    """A multipart body with a file."""

    content: IO[bytes]
    name: str
    dist: str
    headers: dict[str, str]

    @classmethod
    def read(cls, request: Request) -> "ReleaseFileUpload":
        """Raises BadParameter."""
        fields, file = cast(QueryDict, request.data), request.FILES.get("file")
        if file is None:
            raise BadParameter("Missing uploaded file")
        name = _text(fields, "name", MAX_NAME) or file.name or ""
        if mistake := _mistake(name):
            raise BadParameter(mistake)
        headers = {"Content-Type": file.content_type or "application/octet-stream"}
        headers |= dict(map(_header, fields.getlist("header")))
        if sum(len(key) + len(value) for key, value in headers.items()) > MAX_HEADERS:
            raise BadParameter(f"The headers are longer than {MAX_HEADERS} characters.")
        return cls(file, name, _text(fields, "dist", MAX_DIST), headers)


class ReleaseFileUpdateInput(Input):
    is_partial = False

    name = serializers.CharField(max_length=200, trim_whitespace=False)

    def validate_name(self, name: str) -> str:
        if mistake := _mistake(name):
            raise serializers.ValidationError(mistake)
        return name


def _mistake(name: str) -> str | None:
    """What is wrong with the name of a file."""
    if name.strip() in ("", "file"):
        return "File name must be specified"
    if SPECIAL.search(name.rpartition("/")[2]):
        return "File name must not contain special whitespace characters"
    return None


def _text(fields: QueryDict, name: str, longest: int) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise BadParameter(f"{name} is no text of at most {longest} characters.")
    return value


def _header(line: Any) -> tuple[str, str]:
    name, colon, value = line.partition(":") if isinstance(line, str) else ("", "", "")
    if not (colon and name.strip()):
        raise BadParameter("header value was not formatted correctly")
    if SPECIAL.search(line) or "\0" in line:
        raise BadParameter("header value must not contain special whitespace characters")
    return name.strip(), value.strip()
