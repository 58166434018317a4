"""The one base view: JSON in, JSON out, and the headers every answer of the API carries."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.parsers import BaseParser, FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .renderers import AlwaysJSON, JSONParser, JSONRenderer

FORMS: Sequence[type[BaseParser]] = (FormParser, MultiPartParser)
"""What uploads may be sent in."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

FIXED_HEADERS = {
    "X-XSS-Protection": "1; mode=block",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "Content-Language": "en",
    "Vary": "Accept-Language, Cookie",
    "Access-Control-Allow-Headers": (
        "X-Sentry-Auth, X-Requested-With, Origin, Accept, Content-Type, Authentication, "
        "Authorization"
    ),
    "Access-Control-Expose-Headers": "X-Sentry-Error, Retry-After",
}


class ApiView(APIView):
    """Below it, a view says who may call it and what each method answers."""

    authentication_classes: Any = []
    permission_classes: Any = []
    throttle_classes: Any = []
    renderer_classes = [JSONRenderer]
    parser_classes: Sequence[type[BaseParser]] = [JSONParser, *FORMS]
    content_negotiation_class = AlwaysJSON

    @property
    def allowed_methods(self) -> list[str]:
        """In the order of the documents (conventions, section 2)."""
        return [name for name in METHODS if hasattr(self, name.lower())]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # A preflight carries no credentials and asks nothing of the database.
        if request.method == "OPTIONS":
            self.headers = {"Access-Control-Max-Age": "3600"}
            self.request = self.initialize_request(request)
            return self.finalize_response(self.request, Response(status=200))
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if any("\0" in part for part in kwargs.values() if isinstance(part, str)):
            raise Http404

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        methods = ", ".join(self.allowed_methods)
        for name, value in FIXED_HEADERS.items():
            response[name] = value
        response["Allow"] = response["Access-Control-Allow-Methods"] = methods
        response["Access-Control-Allow-Origin"] = allowed_origin(request)
        if isinstance(response, Response) and response.data is None:
            # An empty body has no type; REST framework would still name one.
            response.content_type = None
            response["Content-Length"] = "0"
        return response


class UnknownPathView(ApiView):
    """A path that nothing answers, also one that only misses its last slash: 404 to every method,
    with or without credentials, and no redirect (conventions contract, section 1)."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


def allowed_origin(request: Request | HttpRequest) -> str:
    """The origin that may read an answer: the asking one, or any (conventions, section 3)."""
    origin = request.META.get("HTTP_ORIGIN")
    if origin and origin != "null":
        return origin
    if origin != "null" and (referer := request.META.get("HTTP_REFERER")):
        try:
            parts = urlsplit(referer)
        except ValueError:
            return "*"
        if parts.scheme in ("http", "https") and parts.netloc:
            return f"{parts.scheme}://{parts.netloc}"
    return "*"
