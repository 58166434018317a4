"""The reference of the API: its OpenAPI document, and a page to read it and to try it out."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import condition
from django.views.generic import TemplateView
from rest_framework.request import Request

from .views import ApiView

DOCUMENT = Path(__file__).with_name("openapi.json")
"""Written by `manage.py openapi`, from what each app says of its operations."""

# Whoever can write to the page could act with the token that somebody tries things out with: there
# is nothing on it but our own files. Pictures are in the style sheet.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


@cache
def etag() -> str:
    return f'"{sha256(DOCUMENT.read_bytes()).hexdigest()[:32]}"'


@method_decorator(gzip_page, name="dispatch")
@method_decorator(condition(etag_func=lambda *args, **kwargs: etag()), name="dispatch")
class DocumentView(ApiView):
    """The OpenAPI document, for anybody."""

    def get(self, request: Request, **kwargs: Any) -> HttpResponse:
        response = HttpResponse(DOCUMENT.read_bytes(), content_type="application/json")
        patch_cache_control(response, no_cache=True)
        return response


class ReferencePage(TemplateView):
    """`/docs/`"""

    template_name = "reference.html"
    http_method_names = ["get", "head"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response["Content-Security-Policy"] = POLICY
        response["Referrer-Policy"] = "same-origin"
        return response
