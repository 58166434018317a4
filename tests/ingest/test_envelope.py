import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentrylite.ingest.envelope import BrokenEnvelope, parse
from sentrylite.ingest.limits import TooLarge


def read(body: bytes) -> tuple[dict[str, Any], list[tuple[str, bytes]]]:
    envelope = parse(body)
    return envelope.headers, [(item.type, bytes(item.payload)) for item in envelope.items]


@pytest.mark.parametrize(
    ("body", "headers", "items"),
    [
        (b"{}", {}, []),
        (b"{}\n", {}, []),
        (b"{}\n\n\n", {}, []),
        (b'{"event_id":"x","unknown":1}\n', {"event_id": "x", "unknown": 1}, []),
        # with a length, with and without the last newline
        (b'{}\n{"type":"event","length":2}\n{}', {}, [("event", b"{}")]),
        (b'{}\n{"type":"event","length":2}\n{}\n', {}, [("event", b"{}")]),
        # without
        (b'{}\n{"type":"event"}\n{"a":1}', {}, [("event", b'{"a":1}')]),
        (b'{}\n{"type":"event"}\n{"a":1}\n', {}, [("event", b'{"a":1}')]),
        (b'{}\n{"type":"event","length":null}\n{}\n', {}, [("event", b"{}")]),
        # a length spans newlines and ends before one
        (
            b'{}\n{"type":"attachment","length":5}\n\n\n\xff\n\n\n',
            {},
            [("attachment", b"\n\n\xff\n\n")],
        ),
        # several items, empty ones and unknown ones, blank lines between
        (
            b'{}\n{"type":"a","length":0}\n\n\n{"type":"b"}\n\n\n{"type":"c"}\nx\n \n{"type":"d"}',
            {},
            [("a", b""), ("b", b""), ("c", b"x"), ("d", b"")],
        ),
        # the lines of Windows
        (b'{}\r\n{"type":"a"}\r\n1\r\n\r\n{"type":"b"}\r\n2', {}, [("a", b"1\r"), ("b", b"2")]),
    ],
)
def test_envelopes_are_read(
    body: bytes, headers: dict[str, Any], items: list[tuple[str, bytes]]
) -> None:
    assert read(body) == (headers, items)


def test_any_number_of_blank_lines_is_skipped() -> None:
    assert read(b"{}\n" + b"\n \r" * 100_000 + b'{"type":"a"}\nx') == ({}, [("a", b"x")])


def test_headers_are_not_endless() -> None:
    line = b'{"type":"a","x":"%s"}'
    assert len(parse(b"{}\n" + line % (b"x" * 60_000)).items) == 1
    with pytest.raises(BrokenEnvelope, match="invalid item header"):
        parse(b"{}\n" + line % (b"x" * 70_000))


def test_the_headers_of_an_item_are_kept() -> None:
    (item,) = parse(b'{}\n{"type":"attachment","length":1,"filename":"a.txt"}\nx').items
    assert item.headers == {"type": "attachment", "length": 1, "filename": "a.txt"}


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"\n{}", b"x", b"[]\n", b'"{}"', b"{}{}\n", b"\xff\xfe"]
)
def test_without_headers_nothing_can_be_read(body: bytes) -> None:
    with pytest.raises(BrokenEnvelope, match="invalid envelope header") as caught:
        parse(body)
    assert caught.value.envelope is None


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (b"nope\n{}", "invalid item header"),
        (b"[]\n{}", "invalid item header"),
        (b'{"length":2}\n{}', "missing item type"),
        (b'{"type":""}\n{}', "missing item type"),
        (b'{"type":["event"]}\n{}', "missing item type"),
        (b'{"type":"event","length":3}\n{}', "invalid item length"),
        (b'{"type":"event","length":1}\n{}', "invalid item length"),
        (b'{"type":"event","length":-1}\n{}', "invalid item length"),
        (b'{"type":"event","length":"2"}\n{}', "invalid item length"),
        (b'{"type":"event","length":true}\n{}', "invalid item length"),
        (b'{"type":"event","length":2.0}\n{}', "invalid item length"),
        (b'{"type":"event","length":2}', "invalid item length"),
    ],
)
def test_a_broken_item_does_not_take_those_before_it_along(rest: bytes, reason: str) -> None:
    with pytest.raises(BrokenEnvelope, match=reason) as caught:
        parse(b'{"event_id":"x"}\n{"type":"session"}\n{"ok":1}\n' + rest)
    whole = caught.value.envelope
    assert whole is not None
    assert whole.headers == {"event_id": "x"}
    assert [(item.type, bytes(item.payload)) for item in whole.items] == [("session", b'{"ok":1}')]


def test_more_items_than_anybody_sends_are_refused() -> None:
    body = b"{}\n" + b'{"type":"a"}\n\n' * 4
    assert len(parse(body, max_items=4).items) == 4
    with pytest.raises(TooLarge, match="3 items"):
        parse(body, max_items=3)


items = st.lists(st.tuples(st.text(min_size=1, max_size=10), st.binary(max_size=50)), max_size=5)


@settings(deadline=None)
@given(items, st.booleans())
def test_what_is_written_with_lengths_is_read(
    written: list[tuple[str, bytes]], last_newline: bool
) -> None:
    lines = [b"{}"]
    for item_type, payload in written:
        lines += [json.dumps({"type": item_type, "length": len(payload)}).encode(), payload]
    body = b"\n".join(lines) + (b"\n" if last_newline else b"")
    # json.dumps escapes halves of surrogate pairs, which are replaced when they are read
    expected = [(t.encode("utf-8", "replace").decode(), payload) for t, payload in written]
    assert read(body) == ({}, expected)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"{}\n", b'{}\n{"type":"event"}\n']))
def test_any_bytes_are_an_envelope_or_broken(body: bytes, start: bytes) -> None:
    with suppress(BrokenEnvelope):
        parse(start + body)
