"""From the bytes of a request to the bytes of an envelope, and from those to JSON values.

Output is bounded while it is made: a small body that would inflate to gigabytes never does.
"""

import binascii
import json
import re
from collections.abc import Callable
from typing import Any, cast

import brotli
import orjson
import zstandard
from isal import isal_zlib

from .limits import TooLarge

# Its stubs declare the class as if it were an instance.
IsalError = cast(type[Exception], isal_zlib.IsalError)

GZIP, ZLIB, RAW_DEFLATE = 31, 15, -15  # zlib's `wbits`

# What a decoder of zstd has to support (RFC 8878); a frame may ask for gigabytes.
ZSTD_WINDOW = 8 * 1024 * 1024
# Four bytes of zstd can stand for 128 KiB, and its decompressor takes no limit: pieces of this
# size go over the limit by 2 MiB at the most.
ZSTD_PIECE = 64

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class UnknownEncoding(Exception):
    """A Content-Encoding that nobody reads here: 415."""

    def __init__(self, encoding: str) -> None:
        super().__init__(f"Unsupported content encoding {encoding!a}")


class BrokenBody(Exception):
    """Compressed data that is damaged, cut short or not what the header says: 400."""


class BrokenText(BrokenBody):
    """A store body that is neither JSON nor base64: 400."""


class BrokenJSON(Exception):
    """Not JSON, or nested too deeply: 400. Its text is the parser's, with line and column."""


def decode(body: bytes, encoding: str, *, limit: int) -> bytes:
    """`body` without its Content-Encoding (clients contract, section 9.3).

    An empty encoding is none: the Ruby SDK sends the header without a value. Raises
    `UnknownEncoding`, `BrokenBody`, and `TooLarge` for more than `limit` bytes.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        if len(body) > limit:
            raise TooLarge(limit)
        return body
    decoder = DECODERS.get(name)
    if decoder is None:
        raise UnknownEncoding(encoding)
    try:
        return decoder(body, limit)
    except (IsalError, brotli.error, zstandard.ZstdError) as error:
        raise BrokenBody(f"The body is damaged, or not {name}") from error


def decode_store(body: bytes, encoding: str, *, limit: int) -> bytes:
    """The JSON text in a store body: plain, base64, or base64 of zlib (ingest contract, section 4).

    Raises what `decode` raises, and `BrokenText`.
    """
    # base64 of as much as is allowed is a third larger, and a little more with line breaks.
    text = decode(body, encoding, limit=limit * 2).removeprefix(BYTE_ORDER_MARK).lstrip()
    # A list is no event, but it is JSON, and is refused as such.
    if text and not text.startswith((b"{", b"[")):
        text = _unbase64(text, limit)
    if len(text) > limit:
        raise TooLarge(limit)
    return text


def parse_json(data: bytes | memoryview) -> Any:
    """The value of a JSON text. Raises `BrokenJSON`.

    orjson is strict. What it refuses is tried again the way the SDKs of old wrote it: NaN and
    Infinity stay numbers; halves of surrogate pairs and bytes that are no UTF-8 are replaced.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _parse_tolerantly(bytes(data).decode("utf-8", "replace"))


def _parse_tolerantly(text: str) -> Any:
    try:
        value = json.loads(text)
        if LONE_SURROGATE.search(text):
            whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            value = json.loads(whole.decode())
    except RecursionError:
        raise BrokenJSON("Nested too deeply") from None
    except ValueError as error:  # includes json's own, and integers of thousands of digits
        raise BrokenJSON(str(error)) from None
    return value


def _unbase64(text: bytes, limit: int) -> bytes:
    try:
        data = binascii.a2b_base64(text)
    except binascii.Error:
        # The old server's words for it, which were Python 2's (observed, section 9).
        raise BrokenText("TypeError, Incorrect padding") from None
    if not _is_zlib(data):
        return data
    try:
        return _inflate(data, ZLIB, limit)
    except IsalError:
        return data


def _gunzip(body: bytes, limit: int) -> bytes:
    return _inflate(body, GZIP, limit)


def _undeflate(body: bytes, limit: int) -> bytes:
    return _inflate(body, ZLIB if _is_zlib(body) else RAW_DEFLATE, limit)


def _inflate(body: bytes, wbits: int, limit: int) -> bytes:
    inflater = isal_zlib.decompressobj(wbits=wbits)
    data = inflater.decompress(body, limit + 1)
    if len(data) > limit:
        raise TooLarge(limit)
    _must_be_whole(inflater.eof, inflater.unused_data)
    return data


def _must_be_whole(ended: bool, rest: bytes = b"") -> None:
    """What follows the end is refused like a missing end: to skip it would lose it silently."""
    if not ended:
        raise BrokenBody("The compressed data ends too early")
    if rest:
        raise BrokenBody("The compressed data is followed by other data")


def _is_zlib(data: bytes) -> bool:
    """Whether `data` starts with a zlib header: method 8, and a multiple of 31 (RFC 1950)."""
    return len(data) > 2 and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0


def _unbrotli(body: bytes, limit: int) -> bytes:
    decompressor = brotli.Decompressor()
    data = decompressor.process(body, output_buffer_limit=limit + 1)
    if len(data) > limit:
        raise TooLarge(limit)
    _must_be_whole(decompressor.is_finished())  # what follows the end, brotli refuses itself
    return data


def _unzstd(body: bytes, limit: int) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
    data = bytearray()
    for start in range(0, len(body), ZSTD_PIECE):
        end = start + ZSTD_PIECE
        data += decompressor.decompress(body[start:end])
        if len(data) > limit:
            raise TooLarge(limit)
        if decompressor.eof:
            _must_be_whole(True, decompressor.unused_data + body[end:])
            break
    _must_be_whole(decompressor.eof)
    return bytes(data)


DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _undeflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
