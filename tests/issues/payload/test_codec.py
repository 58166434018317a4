import threading

import orjson
import pytest
import zstandard

from issues.payload import codec

EVENT = {"event_id": "a" * 32, "text": "héllo \u2713", "numbers": [1, 2.5, None, True], "o": {}}


def test_an_event_comes_back_as_it_was_packed():
    payload, size = codec.pack(EVENT)
    assert codec.unpack(payload) == EVENT
    assert size == len(orjson.dumps(EVENT))


def test_a_large_event_is_packed_small():
    payload, size = codec.pack({"text": "again and " * 10_000})
    assert size > 100_000
    assert len(payload) < 1000


def test_a_number_that_json_cannot_say_is_null():
    payload, _ = codec.pack({"n": float("nan")})
    assert codec.unpack(payload) == {"n": None}


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"no zstd",
        codec.pack(EVENT)[0][:-3],
        zstandard.ZstdCompressor().compress(b"no json"),
        zstandard.ZstdCompressor(write_content_size=False).compress(b"{}"),
    ],
)
def test_a_damaged_payload_is_refused(payload):
    with pytest.raises(ValueError):
        codec.unpack(payload)


def test_a_payload_that_would_not_fit_in_memory_is_refused(monkeypatch):
    payload, size = codec.pack(EVENT)
    monkeypatch.setattr(codec, "MAX_SIZE", size - 1)
    with pytest.raises(ValueError, match="size"):
        codec.unpack(payload)


def test_threads_pack_side_by_side():
    failures = []

    def work(number):
        event = {"number": number, "text": str(number) * 5000}
        for _ in range(100):
            if codec.unpack(codec.pack(event)[0]) != event:
                failures.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
