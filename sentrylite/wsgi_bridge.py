"""Django's WSGI handler behind an ASGI server, in a fixed pool of threads.

Django's own ASGI handler starts threads for every request, each with a database connection; here
the number of both is fixed.
"""

import asyncio
import concurrent.futures
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass
from typing import IO, Any

from sentrylite.bodies import Disconnected, Incoming, NoSpace, Receive, TooSlow
from sentrylite.spooling import spooled_file

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

THREADS = 8
PIECE = 256 * 1024
MAX_BODY = 64 * 1024 * 1024


@dataclass(slots=True)
class Answer:
    status: int
    headers: Headers
    content: bytes
    pieces: Iterator[bytes] | None = None
    """The content instead, where it is not to be in memory as a whole."""
    close: Callable[[], None] | None = None
    """To be called after its last piece."""


REFUSED: Headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
TOO_LARGE = Answer(413, REFUSED, b'{"detail":"The request body is larger than 64 MiB."}')
NO_SPACE = Answer(503, REFUSED, b'{"detail":"There is no space for the request body."}')
TOO_SLOW = Answer(408, REFUSED, b'{"detail":"The request body came too slowly."}')


class WsgiBridge:
    """An ASGI application that answers with a WSGI one.

    Bodies wait in the temporary directory, so that neither large ones take memory nor slow ones a
    thread; answers that are streams are sent piece by piece, a thread only making the next piece.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], threads: int = THREADS) -> None:
        self._application = application
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, "django")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with spooled_file() as body:
            try:
                size = await Incoming(receive).save(body, limit=MAX_BODY)
            except Disconnected:
                return
            except NoSpace:
                answer = NO_SPACE
            except TooSlow:
                answer = TOO_SLOW
            else:
                if size > MAX_BODY:
                    answer = TOO_LARGE
                else:
                    answer = await self._in_thread(self._answer, scope, body, size)
        try:
            await self._send(answer, send)
        finally:
            if answer.close:
                await self._in_thread(answer.close)

    def close(self) -> None:
        self._pool.shutdown()

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    async def _send(self, answer: Answer, send: Send) -> None:
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        if answer.pieces is not None:
            while piece := await self._in_thread(_next_piece, answer.pieces):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": answer.content})

    def _answer(self, scope: Scope, body: IO[bytes], size: int) -> Answer:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> None:
            started.append((status, headers))

        response: Any = self._application(environ(scope, body, size), start_response)
        close = getattr(response, "close", None)
        is_head = scope["method"] == "HEAD"
        is_large = getattr(response, "streaming", False) and _is_large(response)
        is_stream = is_large and not is_head
        try:
            content = b"" if is_large else b"".join(response)
        finally:
            if close and not is_stream:
                close()
        status, headers = started[-1]
        encoded = [(name.lower().encode("latin-1"), _latin1(value)) for name, value in headers]
        if is_head:
            if not any(name == b"content-length" for name, _ in encoded):
                encoded.append((b"content-length", str(len(content)).encode()))
            content = b""
        if is_stream:
            return Answer(int(status[:3]), encoded, b"", iter(response), close)
        return Answer(int(status[:3]), encoded, content)


def environ(scope: Scope, body: IO[bytes], size: int) -> dict[str, Any]:
    """The WSGI environment of an ASGI request whose body, of that many bytes, has been read."""
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
        "wsgi.input": body,
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
    result["CONTENT_LENGTH"] = str(size)
    return result


def _is_large(response: Any) -> bool:
    """Whether a stream may have more than a piece, which is not to be fetched by itself."""
    return int(response.headers.get("Content-Length") or PIECE + 1) > PIECE


def _next_piece(pieces: Iterator[bytes]) -> bytes:
    """At least 256 KiB of what is left, or all of it; nothing at the end."""
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= PIECE:
            break
    return b"".join(gathered)


def _latin1(value: str) -> bytes:
    return value.encode("latin-1", "replace")
