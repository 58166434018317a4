"""One POST to a checked address, at an end after a fixed time whatever the other side does.

By the standard library: its connections can be made to an address that was checked, while the
certificate and the `Host` header are those of the name, and nothing of it waits longer than it is
told to. Redirects are not followed, proxies not asked; of the answer only the status and the
headers are read.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from .addresses import Target, resolve

# Seconds: to find and to reach the other side, and for all of it.
CONNECT_TIMEOUT = 5.0
TOTAL_TIMEOUT = 10.0

USER_AGENT = "sentrylite-hooks/1.0"


class Failed(Exception):
    """No answer: not found, not reached, not in time, or nothing that is HTTP."""


class Answer(NamedTuple):
    status: int
    retry_after: str | None
    """The header of that name."""


def post(
    target: Target, body: bytes, headers: Mapping[str, str], *, allow_private: bool = False
) -> Answer:
    """Send `body` and return what the other side says to it. Raises Failed and Refused."""
    begun = time.monotonic()
    try:
        addresses = resolve(target, allow_private=allow_private, timeout=CONNECT_TIMEOUT)
        wire = _connect(target, addresses, begun)
    except OSError as error:
        raise Failed(_reason(error)) from error
    try:
        return _exchange(target, wire, body, headers)
    except (OSError, http.client.HTTPException) as error:
        raise Failed(_reason(error)) from error
    finally:
        wire.close()


class _Wire:
    """A socket as `http.client` uses one; all that is done with it is to be done by a deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._deadline = deadline

    def encrypt(self, context: ssl.SSLContext, name: str) -> None:
        self._hurry()
        self._socket = context.wrap_socket(self._socket, server_hostname=name)

    def sendall(self, data: bytes) -> None:
        self._hurry()
        self._socket.sendall(data)

    def recv_into(self, buffer: Any) -> int:
        self._hurry()
        return self._socket.recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        self._socket.close()

    def _hurry(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)


class _Incoming(io.RawIOBase):
    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.recv_into(buffer)


def _connect(target: Target, addresses: list[str], begun: float) -> _Wire:
    """To the first of these addresses that answers; none has more than its share of the time."""
    error: OSError = OSError("no address")
    for number, address in enumerate(addresses):
        left = begun + CONNECT_TIMEOUT - time.monotonic()
        share = max(left / (len(addresses) - number), 0.05)
        try:
            sock = socket.create_connection((address, target.port), timeout=share)
        except OSError as refusal:
            error = refusal
            continue
        wire = _Wire(sock, begun + TOTAL_TIMEOUT)
        if target.scheme == "https":
            try:
                wire.encrypt(_trust(), target.host)
            except OSError:
                sock.close()
                raise
        return wire
    raise error


def _exchange(target: Target, wire: _Wire, body: bytes, headers: Mapping[str, str]) -> Answer:
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.auto_open = 0
    connection.sock = wire
    connection.request(
        "POST",
        target.path,
        body,
        {
            "Host": target.authority,
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "Connection": "close",
            **headers,
        },
    )
    # Closed with its headers read: how long its body is does not matter.
    with connection.getresponse() as response:
        return Answer(response.status, response.headers.get("Retry-After"))


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that the system trusts; reading them takes a moment."""
    return ssl.create_default_context()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    return " ".join(str(error).split())[:200] or type(error).__name__
