"""Applications that do next to nothing, served like ours: what the server and Django cost alone."""

import os
from typing import Any

from sentrylite.bodies import Receive
from sentrylite.wsgi_bridge import Scope, Send, WsgiBridge

ANSWER = b'{"id":"0123456789abcdef0123456789abcdef"}'
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(ANSWER)).encode()),
]


def body_reader() -> Any:
    """Reads what is sent and answers 200 as the doors for SDKs do."""
    return _read_body


async def _read_body(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": ANSWER})


def django_bridge() -> WsgiBridge:
    """REST framework behind our own bridge, with our settings and base view, without a database."""
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler

    os.environ.setdefault("SECRET_KEY", "signs nothing")
    from sentrylite import settings as ours

    same = {name: getattr(ours, name) for name in dir(ours) if name.isupper()}
    settings.configure(**same | {"ROOT_URLCONF": "benchmarks.noop_urls"})
    django.setup(set_prefix=False)
    return WsgiBridge(WSGIHandler())
