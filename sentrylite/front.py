"""`/`: what somebody sees who typed the server's address. It tells nothing about anybody's data."""

from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import is_valid_path

from sentrylite.bodies import Receive
from sentrylite.health import Health
from sentrylite.middleware import HEADERS
from sentrylite.version import version
from sentrylite.wsgi_bridge import Scope, Send

PATH = "/"
ALL_HEADERS = {
    **HEADERS,
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class FrontPage:
    """Answers as `/_health/` does, 200 or 503, with a page for people."""

    def __init__(self, health: Health) -> None:
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, {"Allow": "GET, HEAD"}, b"")
            return
        problem = await self._health.problem()
        page = render(problem)
        headers = {**ALL_HEADERS, "Content-Length": str(len(page))}
        body = b"" if scope["method"] == "HEAD" else page
        await _answer(send, 503 if problem else 200, headers, body)


@lru_cache(8)  # as many problems as there are
def render(problem: str | None) -> bytes:
    context = {
        "problem": problem,
        "version": version(),
        "has_docs": is_valid_path("/docs/"),
    }
    return render_to_string("front.html", context).encode()


async def _answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
