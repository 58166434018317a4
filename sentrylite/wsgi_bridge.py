"""Django's WSGI handler behind an ASGI server, in a fixed pool of threads.

Django's own ASGI handler starts threads for every request, each with a database connection; here
the number of both is fixed.
"""

import asyncio
import concurrent.futures
import io
import sys
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

THREADS = 8
MAX_BODY = 64 * 1024 * 1024
TOO_LARGE = (
    413,
    [(b"content-type", b"application/json"), (b"connection", b"close")],
    b'{"detail":"The request body is larger than 64 MiB."}',
)


class WsgiBridge:
    """An ASGI application that answers with a WSGI one."""

    def __init__(self, application: Callable[..., Iterable[bytes]], threads: int = THREADS) -> None:
        self._application = application
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, "django")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return  # the client has gone
        loop = asyncio.get_running_loop()
        if len(body) > MAX_BODY:
            status, headers, content = TOO_LARGE
        else:
            status, headers, content = await loop.run_in_executor(
                self._pool, self._answer, scope, body
            )
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def close(self) -> None:
        self._pool.shutdown()

    def _answer(self, scope: Scope, body: bytes) -> tuple[int, Headers, bytes]:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> None:
            started.append((status, headers))

        response = self._application(environ(scope, body), start_response)
        try:
            content = b"".join(response)
        finally:
            if hasattr(response, "close"):
                response.close()
        status, headers = started[-1]
        encoded = [(name.lower().encode("latin-1"), _latin1(value)) for name, value in headers]
        if scope["method"] == "HEAD":
            if not any(name == b"content-length" for name, _ in encoded):
                encoded.append((b"content-length", str(len(content)).encode()))
            content = b""
        return int(status[:3]), encoded, content


def environ(scope: Scope, body: bytes) -> dict[str, Any]:
    """The WSGI environment of an ASGI request whose body has been read."""
    host, port = scope.get("server") or ("localhost", 80)
    result = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": str(host),
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope.get("client"):
        result["REMOTE_ADDR"] = str(scope["client"][0])
    for raw_name, raw_value in scope["headers"]:
        # A name with an underscore could pose as another header.
        if b"_" in raw_name:
            continue
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
            if name in result:
                value = f"{result[name]}{'; ' if name == 'HTTP_COOKIE' else ','}{value}"
        result[name] = value
    # Of the body as it was read: a chunked request has none, and Django would see no body.
    result["CONTENT_LENGTH"] = str(len(body))
    return result


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or the part that shows that it is too large; None when the client left."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if not message.get("more_body") or size > MAX_BODY:
            return b"".join(chunks)


def _latin1(value: str) -> bytes:
    return value.encode("latin-1", "replace")
