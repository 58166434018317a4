"""The body of a request as it comes in: where it waits, and how long it may take."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import IO, Any

from django.conf import settings

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

BYTES_A_SECOND = 1000


class Disconnected(Exception):
    """The client went away while it was sending: there is nobody to answer."""


class TooSlow(Exception):
    """The client holds one of the worker's connections and hardly uses it: 408."""

    def __init__(self) -> None:
        super().__init__("The request body came too slowly")


class NoSpace(Exception):
    """The disk on which bodies wait is full, or cannot be written: 503."""

    def __init__(self) -> None:
        super().__init__("There is no space for the request body")


class Incoming:
    """Takes the body of one request from the server, chunk by chunk.

    There may be `CLIENT_TIMEOUT` seconds without a byte, and as many altogether beyond what the
    bytes that came take at 1 kB/s: neither silence nor a byte now and then holds a connection.
    """

    __slots__ = ("_receive", "_slowest", "finished")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._slowest: float | None = None
        """When all that came so far and the next chunk have to be there."""
        self.finished = False
        """Nothing more will come."""

    async def chunk(self) -> bytes:
        """The next chunk, which may be empty. Raises `Disconnected` and `TooSlow`."""
        pause_ends = asyncio.get_running_loop().time() + settings.CLIENT_TIMEOUT
        self._slowest = self._slowest or pause_ends
        try:
            async with asyncio.timeout_at(min(pause_ends, self._slowest)):
                message = await self._receive()
        except TimeoutError:
            self.finished = True
            raise TooSlow from None
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk: bytes = message.get("body", b"")
        self._slowest += len(chunk) / BYTES_A_SECOND
        self.finished = not message.get("more_body", False)
        return chunk

    async def save(self, file: IO[bytes], *, limit: int) -> int:
        """Append the rest of the body to a file, or as much as shows that it is larger than `limit`
        bytes, and go to the file's start; returns how many bytes. Raises `Disconnected`, `TooSlow`
        and `NoSpace`."""
        size = 0
        try:
            while not self.finished and size <= limit:
                size += file.write(await self.chunk())
            file.seek(0)
        except OSError as error:
            logger.error("a request's body cannot be kept: %s", error)
            raise NoSpace from error
        return size
