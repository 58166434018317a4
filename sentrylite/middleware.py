"""What holds for every page that people see in a browser. Answers of the API stay as they are."""

import math
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from sentrylite.accounts.throttling import TooManyAttempts

GetResponse = Callable[[HttpRequest], HttpResponse]

# Pages are made of files of this server and of nothing else: no inline script or style, no eval.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": PERMISSIONS_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PageHeadersMiddleware:
    """Adds HEADERS to pages that do not say otherwise themselves."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
        return response


class TooManyAttemptsMiddleware:
    """Answers 429 to who guesses passwords, wherever they are asked for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, TooManyAttempts):
            return None
        seconds = max(math.ceil(error.wait.total_seconds()), 1)
        return TemplateResponse(
            request,
            "too-many-attempts.html",
            {"minutes": math.ceil(seconds / 60), "back": request.get_full_path()},
            status=429,
            headers={"Retry-After": str(seconds), "Cache-Control": "no-store"},
        ).render()
