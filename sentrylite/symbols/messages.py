"""Messages between a server and its `engine`, over pipes: JSON and, behind it, raw bytes."""

import os
import struct
from typing import Any, TypeAlias

import orjson

Message: TypeAlias = dict[str, Any]

_LENGTH = struct.Struct("!I")


def write(descriptor: int, message: Message, *blobs: bytes) -> None:
    """Raises OSError when nobody reads."""
    head = orjson.dumps(message | {"blobs": [len(blob) for blob in blobs]})
    for piece in (_LENGTH.pack(len(head)) + head, *blobs):
        left = memoryview(piece)
        while left:
            left = left[os.write(descriptor, left) :]


def read(descriptor: int) -> tuple[Message, list[bytes]] | None:
    """The next message, or None when the other side has gone. A text that is no Unicode, which
    only a damaged process could write, is a ValueError."""
    length = _read(descriptor, _LENGTH.size)
    head = length and _read(descriptor, *_LENGTH.unpack(length))
    if not head:
        return None
    message = orjson.loads(head)
    blobs = []
    for size in message.pop("blobs"):
        blob = _read(descriptor, size)
        if blob is None:
            return None
        blobs.append(blob)
    return message, blobs


def _read(descriptor: int, size: int) -> bytes | None:
    """Exactly `size` bytes, None at the end of the stream."""
    pieces = []
    while size:
        piece = os.read(descriptor, min(size, 1024 * 1024))
        if not piece:
            return None
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
