"""How large the things an SDK sends may be, and reading a body without keeping more than that."""

from contextlib import suppress
from dataclasses import dataclass

from sentrylite.bodies import Incoming, Receive, TooSlow
from sentrylite.spooling import spooled_file

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


class Body:
    """The body of one request.

    With or without a Content-Length: chunked bodies are what the Node SDK always sends.
    """

    __slots__ = ("_declared", "_incoming")

    def __init__(self, receive: Receive, declared: bytes | None) -> None:
        self._incoming = Incoming(receive)
        self._declared = int(declared) if declared is not None and declared.isdigit() else 0

    async def read(self, *, limit: int) -> bytes:
        """The whole body. Raises `TooLarge` as soon as it is known to be, `Disconnected`,
        `TooSlow` and `NoSpace`."""
        if self._declared > limit:
            raise TooLarge(limit)
        first = await self._incoming.chunk()
        if len(first) > limit:
            raise TooLarge(limit)
        if self._incoming.finished:
            return first
        # Not in memory: thousands may be under way, and take as long as they like.
        with spooled_file() as body:
            body.write(first)
            rest = await self._incoming.save(body, limit=limit - len(first))
            if len(first) + rest > limit:
                raise TooLarge(limit)
            return body.read()

    async def discard(self, *, limit: int) -> None:
        """Take what was not read and keep none of it; gives up quietly after `limit` bytes, and
        when it comes too slowly. Raises `Disconnected`.

        Many clients only look for an answer when they have sent everything: one that comes
        earlier, with the connection closed behind it, reaches them as a broken pipe.
        """
        dropped = 0
        with suppress(TooSlow):
            while not self._incoming.finished and dropped <= limit:
                dropped += len(await self._incoming.chunk())
