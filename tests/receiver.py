"""A real HTTP server for what this one sends: `with receiver() as it:`, then `it.url`, `it.got`."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Got(NamedTuple):
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


Reaction = int | tuple[int, dict[str, str]] | Callable[[BaseHTTPRequestHandler], None]
"""A status, a status with headers, or whatever is done with the handler."""


@dataclass
class Receiver:
    port: int
    got: list[Got] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    """To the next requests; when there are none left, to all others: 200."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def receiver(*reactions: Reaction) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            it.got.append(Got(self.path, dict(self.headers), body))
            reaction = it.reactions.pop(0) if it.reactions else 200
            if callable(reaction):
                reaction(self)
                return
            status, headers = reaction if isinstance(reaction, tuple) else (reaction, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *arguments: Any) -> None:
            pass  # who asked has hung up

    server = Server(("127.0.0.1", 0), Handler)
    it = Receiver(server.server_port, reactions=list(reactions))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield it
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
