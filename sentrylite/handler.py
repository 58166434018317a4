"""Django's request handler, for requests as they come."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """Queries and forms are UTF-8, whatever charset the Content-Type names.

    Django would read them in any codec that Python knows by that name, which need not be one of
    text (`hex`) nor one that can replace what it cannot read (`idna`).
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            parsed = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (ValueError, LookupError):
            # A parameter in an encoding that there is not: no type that anybody could use.
            meta["CONTENT_TYPE"], parsed = "", ("", {})
        self.content_type, self.content_params = parsed


class Handler(WSGIHandler):
    request_class = Utf8Request
