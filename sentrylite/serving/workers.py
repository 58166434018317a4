"""The processes that answer requests: what runs in each, and how the main one watches them."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

STARTING, READY = b"starting", b"ready"

# Attempts that each worker has, before any of them succeeds, until we give up.
ATTEMPTS = 2


# In a worker --------------------------------------------------------------------------------------


def load(reports: Connection, parent: int) -> Application:
    """Called first in a new worker: tell the main process, then load the application."""
    # The main process's handlers came along; until the server sets its own, SIGTERM ends us.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A Ctrl-C or a closed terminal reaches every process; the main one stops the others in turn.
    for signum in (signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    _report(reports, STARTING)
    threading.Thread(target=_follow, args=(parent,), name="parent", daemon=True).start()

    from sentrylite.asgi import application

    return Reporting(application, reports)


class Reporting:
    """The application, which says when it is ready."""

    def __init__(self, application: Application, reports: Connection) -> None:
        self._application = application
        self._reports = reports

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "lifespan":
            return self._application(scope, receive, send)
        # The server has given Ctrl-C a meaning again since `load`.
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

        async def send_and_report(message: MutableMapping[str, Any]) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                _report(self._reports, READY)

        return self._application(scope, receive, send_and_report)


def _report(reports: Connection, message: bytes) -> None:
    with suppress(OSError):  # nobody listens any more
        reports.send_bytes(message)


def _follow(parent: int) -> None:
    """Stop when the main process was killed: nobody else would."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


# In the main process ------------------------------------------------------------------------------


class Watch:
    """Reads what the workers report: calls `on_ready` once all are there, and `on_failure` when
    they die again and again before they are."""

    def __init__(
        self, workers: int, *, on_ready: Callable[[], None], on_failure: Callable[[], None]
    ) -> None:
        self._workers = workers
        self._on_ready = on_ready
        self._on_failure = on_failure

    def start(self, reports: Connection) -> None:
        threading.Thread(target=self.run, args=(reports,), name="watch", daemon=True).start()

    def run(self, reports: Connection) -> None:
        """Until the connection is closed."""
        ready = starting = 0
        while True:
            try:
                message = reports.recv_bytes()
            except (EOFError, OSError):
                return
            if message == READY:
                starting = 0
                ready += 1
                if ready == self._workers:
                    self._on_ready()
                continue
            starting += 1
            if starting > self._workers * ATTEMPTS:
                self._on_failure()
                return
