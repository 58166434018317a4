"""Asking the `engine`: a process that is started when it is needed, and again after its end."""

import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from subprocess import DEVNULL, PIPE, Popen

from . import messages
from .messages import Message

logger = logging.getLogger(__name__)

COMMAND = [sys.executable, "-m", "sentrylite.symbols.engine"]
# What it is told of our environment; the address of the database and our secrets are not in it.
ENVIRONMENT = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR")


class Unreadable(Exception):
    """The library cannot read the file."""


class TookTooLong(Unreadable):
    """The file was not read in the time that it had."""


class Crashed(Unreadable):
    """Reading the file ended the process that read it."""


class Missing(Exception):
    """The engine does not have the file any more: ask again and send it."""


class Reader:
    """One engine for one process of the server. Threads wait for each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: Popen[bytes] | None = None

    def ask(self, operation: str, *blobs: bytes, seconds: float, **arguments: object) -> Message:
        """The answer of an operation of the engine.

        Raises Missing, or Unreadable: also after `seconds` and when the engine does not survive.
        """
        message = {"operation": operation, "seconds": seconds, **arguments}
        with self._lock:
            answer = self._send(message, blobs)
        if answer.get("missing"):
            raise Missing
        if "error" in answer:
            raise Unreadable(answer["error"])
        return answer

    def close(self) -> None:
        """End the process, when nobody is asking any more."""
        with self._lock:
            if self._process is not None:
                self._end(self._process)

    def _send(self, message: Message, blobs: tuple[bytes, ...]) -> Message:
        while True:
            is_new = self._process is None
            process = self._process = self._process or _start()
            try:
                return _exchange(process, message, blobs)
            except (OSError, EOFError, ValueError):
                status = self._end(process)
            if status == 0 and not is_new:
                continue  # it had just gone away, for nobody had asked for a while
            if status == -signal.SIGALRM:
                raise TookTooLong(f"not read in {message['seconds']:g} seconds")
            logger.warning("the engine of symbols has ended with %s", status)
            raise Crashed("its parser did not survive it")

    def _end(self, process: Popen[bytes]) -> int:
        """Its exit status, negative for a signal."""
        self._process = None
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        try:
            return process.wait(1)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def _start() -> Popen[bytes]:
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    # As we were found: a server may run from a source tree.
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    return Popen(COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, bufsize=0, env=environment)  # noqa: S603


def _exchange(process: Popen[bytes], message: Message, blobs: tuple[bytes, ...]) -> Message:
    assert process.stdin and process.stdout  # noqa: S101  for the type checker
    messages.write(process.stdin.fileno(), message, *blobs)
    received = messages.read(process.stdout.fileno())
    if received is None:
        raise EOFError
    return received[0]
