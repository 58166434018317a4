"""JSON in and out, by orjson."""

import json
from collections.abc import Iterable, Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class JSONRenderer(BaseRenderer):
    """Compact UTF-8 JSON; keys keep their order."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, default=_plain)


def _plain(value: Any) -> Any:
    """The str and dict subclasses of REST framework as what they are."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


class JSONParser(BaseParser):
    """A JSON body; an empty one counts as `{}` (conventions contract, section 8)."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read()
        if not body.strip():
            return {}
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            # Its message quotes the reason and the place, never the body.
            raise ParseError(f"JSON parse error - {json_error(body, error)}") from error


def json_error(body: bytes, error: orjson.JSONDecodeError) -> str:
    """The reason in the standard library's words, which clients of the API know."""
    try:
        json.loads(body)
    except UnicodeDecodeError:
        return "the body is not UTF-8 text"
    except json.JSONDecodeError as known:
        return str(known)
    except (RecursionError, ValueError):
        pass  # deeper, or with more digits in a number, than the standard library reads
    return str(error)


class UnsupportedEncoding(APIException):
    """A compressed body. Only the doors of the SDKs take these."""

    status_code = 415


class AlwaysJSON(BaseContentNegotiation):
    """There is one renderer, so whatever the client says it accepts, it gets JSON."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip()
        if encoding.lower() not in ("", "identity"):
            raise UnsupportedEncoding(f'Unsupported content encoding "{encoding}" in request.')
        base = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == base), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type
