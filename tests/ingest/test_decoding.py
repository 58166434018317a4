import base64
import gzip
import json
import math
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sentrylite.ingest.decoding import (
    BrokenBody,
    BrokenJSON,
    BrokenText,
    UnknownEncoding,
    decode,
    decode_store,
    parse_json,
)
from sentrylite.ingest.limits import MIB, TooLarge

TEXT = b'{"message": "hello", "extra": "' + b"0123456789abcdef" * 500 + b'"}'


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def zstd_stream(data: bytes) -> bytes:
    """As a streaming encoder writes it: the size is not in the header."""
    compressor = zstandard.ZstdCompressor().compressobj()
    return compressor.compress(data) + compressor.flush()


ENCODERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotli.compress),
    ("zstd", zstandard.compress),
    ("zstd", zstd_stream),
]
every_encoder = pytest.mark.parametrize(("encoding", "encode"), ENCODERS)


@every_encoder
@pytest.mark.parametrize("data", [TEXT, b"", b"{}", bytes(range(256)) * 300])
def test_what_was_encoded_is_decoded(
    encoding: str, encode: Callable[[bytes], bytes], data: bytes
) -> None:
    assert decode(encode(data), encoding, limit=MIB) == data


@pytest.mark.parametrize("encoding", ["", "identity", " IDENTITY "])
def test_no_encoding_hands_the_body_on(encoding: str) -> None:
    assert decode(TEXT, encoding, limit=len(TEXT)) == TEXT
    with pytest.raises(TooLarge):
        decode(TEXT, encoding, limit=len(TEXT) - 1)


@pytest.mark.parametrize("encoding", ["GZIP", " gzip ", "x-gzip"])
def test_the_name_of_an_encoding_may_be_written_otherwise(encoding: str) -> None:
    assert decode(gzip.compress(TEXT), encoding, limit=MIB) == TEXT


@pytest.mark.parametrize("encoding", ["compress", "gzip, gzip", "é", "b64"])
def test_an_unknown_encoding_is_named(encoding: str) -> None:
    with pytest.raises(UnknownEncoding, match="Unsupported content encoding"):
        decode(TEXT, encoding, limit=MIB)


@every_encoder
def test_exactly_the_limit_is_not_too_large(
    encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    assert decode(encode(TEXT), encoding, limit=len(TEXT)) == TEXT
    with pytest.raises(TooLarge):
        decode(encode(TEXT), encoding, limit=len(TEXT) - 1)


@every_encoder
def test_data_that_is_cut_short_is_broken(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    whole = encode(TEXT)
    for end in (0, 1, len(whole) // 2, len(whole) - 1):
        with pytest.raises(BrokenBody):
            decode(whole[:end], encoding, limit=MIB)


@every_encoder
def test_data_after_the_end_is_broken(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BrokenBody):
        decode(encode(TEXT) + b"more", encoding, limit=MIB)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_plain_text_is_no_compressed_data(encoding: str) -> None:
    with pytest.raises(BrokenBody):
        decode(TEXT, encoding, limit=MIB)


@every_encoder
def test_a_bomb_is_never_inflated(encoding: str, encode: Callable[[bytes], bytes]) -> None:
    bomb = encode(bytes(64 * MIB))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            decode(bomb, encoding, limit=MIB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MIB


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "br", "zstd", ""]))
def test_any_bytes_decode_or_are_broken(body: bytes, encoding: str) -> None:
    with suppress(BrokenBody, TooLarge):
        assert isinstance(decode(body, encoding, limit=1000), bytes)


@settings(deadline=None)
@given(st.binary(max_size=5000), st.sampled_from(ENCODERS))
def test_any_bytes_survive(data: bytes, encoder: tuple[str, Callable[[bytes], bytes]]) -> None:
    encoding, encode = encoder
    assert decode(encode(data), encoding, limit=5000) == data


# Store bodies


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (TEXT, ""),
        (b" \r\n" + TEXT, ""),
        (b"\xef\xbb\xbf" + TEXT, ""),
        (base64.b64encode(TEXT), ""),
        (base64.encodebytes(TEXT), ""),
        (base64.b64encode(zlib.compress(TEXT)), ""),
        (gzip.compress(TEXT), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (gzip.compress(base64.b64encode(zlib.compress(TEXT))), "gzip"),
    ],
)
def test_a_store_body_is_json_or_base64_of_it(body: bytes, encoding: str) -> None:
    assert decode_store(body, encoding, limit=MIB) == TEXT


def test_base64_of_something_else_is_handed_on() -> None:
    assert decode_store(base64.b64encode(b"x\x9cnope"), "", limit=MIB) == b"x\x9cnope"


def test_a_list_is_not_taken_for_base64() -> None:
    assert decode_store(b"[1]", "", limit=MIB) == b"[1]"


def test_text_that_is_no_base64_is_refused() -> None:
    with pytest.raises(BrokenText, match="TypeError, Incorrect padding"):
        decode_store(b"hello, world", "", limit=MIB)


@pytest.mark.parametrize(
    "body", [TEXT, base64.b64encode(TEXT), base64.b64encode(zlib.compress(TEXT))]
)
def test_the_limit_of_a_store_body_is_for_its_text(body: bytes) -> None:
    assert decode_store(body, "", limit=len(TEXT)) == TEXT
    with pytest.raises(TooLarge):
        decode_store(body, "", limit=len(TEXT) - 1)


# JSON


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (b'{"a": Infinity}', {"a": math.inf}),
        (b'{"a": -Infinity}', {"a": -math.inf}),
        (rb'{"a": "x\ud83dy"}', {"a": "x?y"}),
        (
            rb'{"a": NaN, "b": "\ud83d\ude00"}'.replace(b"NaN", b"Infinity"),
            {"a": math.inf, "b": "😀"},
        ),
        (b'{"a": "\xff\xfe"}', {"a": "\ufffd\ufffd"}),
        (b"123456789012345678901234567890", 123456789012345678901234567890.0),
    ],
)
def test_json_is_read_as_old_sdks_wrote_it(data: bytes, value: Any) -> None:
    assert parse_json(data) == parse_json(memoryview(data)) == value


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(parse_json(b'{"a": NaN}')["a"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"Expecting value: line 1 column 1 \(char 0\)"),
        (b'{"message": ', r"Expecting value: line 1 column 13 \(char 12\)"),
        (b"{'a': 1}", "Expecting property name"),
        (b"[" * 100_000, "Nested too deeply"),
        (b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, "Nested too deeply"),
        (b"1" * 5_000, "integer string conversion"),
    ],
)
def test_broken_json_says_where(data: bytes, reason: str) -> None:
    with pytest.raises(BrokenJSON, match=reason):
        parse_json(data)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@settings(deadline=None)
@given(json_values)
def test_every_json_value_is_read(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


@settings(deadline=None)
@given(
    st.binary(max_size=200) | st.text(alphabet='{}[]",:\\ud8e0123nulNaInfity-. ').map(str.encode)
)
def test_any_bytes_are_json_or_broken(data: bytes) -> None:
    try:
        value = parse_json(data)
    except BrokenJSON:
        return
    json.dumps(value, ensure_ascii=False).encode()  # without halves of surrogate pairs
