import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.http import StreamingHttpResponse

from sentrylite import wsgi_bridge
from sentrylite.wsgi_bridge import WsgiBridge

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def call(
    application: Wsgi,
    *,
    method: str = "GET",
    path: str = "/",
    headers: Iterable[tuple[bytes, bytes]] = (),
    chunks: Iterable[bytes] = (b"",),
    disconnect: bool = False,
    sends: int = 100,
) -> list[dict[str, Any]]:
    """What the bridge sends for one request whose body comes in these chunks, to a client that
    takes so many messages."""
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    messages.append(
        {"type": "http.disconnect"} if disconnect else {"type": "http.request", "body": b""}
    )
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"a=1",
        "headers": list(headers),
        "server": ("127.0.0.1", 8000),
        "client": ("10.0.0.1", 5000),
        "scheme": "http",
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        if len(sent) == sends:
            raise ConnectionError
        sent.append(message)

    bridge = WsgiBridge(application, threads=1)
    asyncio.run(bridge(scope, receive, send))
    bridge.close()
    return sent


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    body = environ["wsgi.input"].read()
    start_response(
        "201 Created", [("Content-Type", "text/plain"), ("X-Path", environ["PATH_INFO"])]
    )
    return [environ["REQUEST_METHOD"].encode(), b" ", body]


def test_a_chunked_body_without_a_length_arrives_whole() -> None:
    start, body = call(
        echo,
        method="POST",
        headers=[(b"transfer-encoding", b"chunked")],
        chunks=[b"one ", b"two ", b"three"],
    )
    assert start["status"] == 201
    assert (b"content-type", b"text/plain") in start["headers"]
    assert body["body"] == b"POST one two three"


def test_head_has_the_length_and_not_the_body() -> None:
    start, body = call(echo, method="HEAD")
    assert (b"content-length", b"5") in start["headers"]
    assert body["body"] == b""


def test_the_environment_is_that_of_wsgi() -> None:
    seen: dict[str, Any] = {}

    def look(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        start_response("204 No Content", [])
        return []

    call(
        look,
        path="/é/",
        headers=[
            (b"content-type", b"application/json"),
            (b"x-forwarded-for", b"1.1.1.1"),
            (b"x-forwarded-for", b"2.2.2.2"),
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
            (b"x_forwarded_proto", b"https"),
            (b"content-length", b"999"),
        ],
        chunks=[b"12345"],
    )
    assert seen["PATH_INFO"].encode("latin-1").decode() == "/é/"
    assert (seen["CONTENT_TYPE"], seen["CONTENT_LENGTH"]) == ("application/json", "5")
    assert seen["HTTP_X_FORWARDED_FOR"] == "1.1.1.1,2.2.2.2"
    assert seen["HTTP_COOKIE"] == "a=1; b=2"
    assert (seen["REMOTE_ADDR"], seen["QUERY_STRING"]) == ("10.0.0.1", "a=1")
    # such a name could pose as the proxy's own header
    assert "HTTP_X_FORWARDED_PROTO" not in seen


def test_a_body_that_is_too_large_is_refused_before_django(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wsgi_bridge, "MAX_BODY", 10)
    start, body = call(lambda *_: pytest.fail("called"), chunks=[b"123456"] * 3)
    assert start["status"] == 413
    assert b"larger" in body["body"]


@pytest.mark.parametrize("last", [b"x", b"x" * 300_000])
def test_a_body_for_which_the_disk_is_too_full_is_refused(last: bytes, full_disk: None) -> None:
    start, body = call(lambda *_: pytest.fail("called"), chunks=[b"x" * 131_000, b"x" * 99, last])
    assert start["status"] == 503
    assert body["body"] == b'{"detail":"There is no space for the request body."}'


def test_a_client_that_left_gets_nothing() -> None:
    assert call(lambda *_: pytest.fail("called"), chunks=[b"1"], disconnect=True) == []


def test_the_response_is_closed() -> None:
    class Response(list):
        closed = False

        def close(self) -> None:
            self.closed = True

    response = Response([b"x"])

    def application(environ: dict[str, Any], start_response: Any) -> Response:
        start_response("200 OK", [])
        return response

    call(application)
    assert response.closed


def test_a_stream_is_sent_in_pieces_and_closed_after_the_last() -> None:
    made: list[bytes] = []

    def pieces() -> Iterator[bytes]:
        for number in range(1000):
            made.append(b"%d" % (number % 10) * 1000)
            yield made[-1]

    response = StreamingHttpResponse(pieces())
    closed: list[int] = []
    response._resource_closers.append(lambda: closed.append(len(made)))  # type: ignore[attr-defined]

    def application(environ: dict[str, Any], start_response: Any) -> StreamingHttpResponse:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return response

    start, *bodies = call(application)
    assert start["status"] == 200
    assert [message.get("more_body", False) for message in bodies] == [True] * 4 + [False]
    assert b"".join(message["body"] for message in bodies) == b"".join(made)
    assert max(len(message["body"]) for message in bodies) < 2 * wsgi_bridge.PIECE
    assert closed == [1000]


def test_a_short_stream_is_sent_at_once() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> StreamingHttpResponse:
        start_response("200 OK", [])
        return StreamingHttpResponse([b"a", b"b"], headers={"Content-Length": "2"})

    _, *bodies = call(application)
    assert bodies == [{"type": "http.response.body", "body": b"ab"}]


def test_a_stream_is_closed_when_the_client_leaves() -> None:
    closed: list[bool] = []

    def application(environ: dict[str, Any], start_response: Any) -> StreamingHttpResponse:
        start_response("200 OK", [])
        response = StreamingHttpResponse(iter([b"x" * 300_000] * 9))
        response._resource_closers.append(lambda: closed.append(True))  # type: ignore[attr-defined]
        return response

    with pytest.raises(ConnectionError):
        call(application, sends=2)
    assert closed == [True]
