"""How large the things an SDK sends may be, and reading a body without keeping more than that."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """In bytes, but for `items` (ingest contract, section 5; clients contract, section 9.6)."""

    body: int = 20 * MIB
    """A request's body as it arrives: compressed, if the SDK compresses."""
    envelope: int = 100 * MIB
    """A whole envelope, decompressed."""
    event: int = 1 * MIB
    """The JSON of one event or security report."""
    items: int = 5_000
    """Items of one envelope. SDKs send a handful; a hundred megabytes hold millions."""


DEFAULT_LIMITS = Limits()


class TooLarge(Exception):
    """What was sent, or what it decompresses to, is over a limit: 413."""

    def __init__(self, limit: int, unit: str = "bytes") -> None:
        super().__init__(f"Larger than the {limit} {unit} that are accepted")


class Disconnected(Exception):
    """The client went away while it was sending: there is nobody to answer."""


class Body:
    """The body of one request, taken from the server chunk by chunk.

    With or without a Content-Length: chunked bodies are what the Node SDK always sends.
    """

    __slots__ = ("_declared", "_finished", "_receive")

    def __init__(self, receive: Receive, declared: bytes | None) -> None:
        self._receive = receive
        self._declared = int(declared) if declared is not None and declared.isdigit() else 0
        self._finished = False

    async def read(self, *, limit: int) -> bytes:
        """The whole body. Raises `TooLarge` as soon as it is known to be, and `Disconnected`."""
        if self._declared > limit:
            raise TooLarge(limit)
        first = await self._chunk()
        if len(first) > limit:
            raise TooLarge(limit)
        if self._finished:
            return first
        # One growing buffer: a list of a million tiny chunks would weigh more than the limit.
        body = bytearray(first)
        while not self._finished:
            body += await self._chunk()
            if len(body) > limit:
                raise TooLarge(limit)
        return bytes(body)

    async def discard(self, *, limit: int) -> None:
        """Take what was not read and keep none of it; gives up quietly after `limit` bytes.

        Many clients only look for an answer when they have sent everything: one that comes
        earlier, with the connection closed behind it, reaches them as a broken pipe.
        """
        dropped = 0
        while not self._finished and dropped <= limit:
            dropped += len(await self._chunk())

    async def _chunk(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        self._finished = not message.get("more_body", False)
        return message.get("body", b"")
