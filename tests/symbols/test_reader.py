import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from sentrylite.symbols import engine, messages
from sentrylite.symbols.reader import Crashed, Missing, Reader, TookTooLong, Unreadable
from tests import scripts

# Deeper than any stack; parsers of JavaScript call themselves for each level.
NESTED = b"(" * 500_000


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


def look_up(reader, *blobs, key="shop", seconds=5.0, line=1, column=171):
    answer = reader.ask("script", *blobs, key=key, positions=[(line, column)], seconds=seconds)
    return answer["tokens"][0]


def shop():
    return scripts.script("esbuild"), scripts.source_map("esbuild")


def pid_of(reader):
    return reader._process.pid


def test_the_server_does_not_load_the_library():
    code = "import sys; import sentrylite.symbols.reader; sys.exit('symbolic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_process_is_started_before_somebody_asks(reader):
    assert reader._process is None


def test_a_position_has_its_source(reader):
    token = look_up(reader, *shop())

    assert token["source"] == "../src/cart.ts"
    assert (token["line"], token["column"], token["function"]) == (21, 13, "Cart.priceOf")
    assert token["context_line"] == "      throw new RangeError(`no price for ${item.name}`);\n"


def test_a_script_is_sent_once(reader):
    with pytest.raises(Missing):
        look_up(reader)
    look_up(reader, *shop())

    assert look_up(reader)["line"] == 21


@pytest.mark.parametrize(("line", "column"), [(0, 1), (1, 0), (-1, 5), (2**32, 1), (1, 2**70)])
def test_positions_that_no_script_has_are_nowhere(reader, line, column):
    if column == 2**70:
        with pytest.raises(TypeError):  # more than our own events hold
            look_up(reader, *shop(), column=column)
    else:
        assert look_up(reader, *shop(), line=line, column=column) is None


def test_a_map_with_a_byte_order_mark_is_read(reader):
    minified, source_map = shop()

    assert look_up(reader, minified, b"\xef\xbb\xbf" + source_map)["line"] == 21


@pytest.mark.parametrize("source_map", [b"", b"[]", b"\xff\xfe", b'{"mappings": "!"}'])
def test_a_broken_map_is_unreadable(reader, source_map):
    with pytest.raises(Unreadable):
        look_up(reader, b"", source_map)

    assert look_up(reader, *shop())["line"] == 21


def test_a_script_that_ends_its_parser_ends_nothing_else(reader):
    look_up(reader, *shop())
    before = pid_of(reader)

    with pytest.raises(Crashed):
        look_up(reader, NESTED, scripts.source_map("esbuild"), key="nested")

    assert look_up(reader, *shop())["line"] == 21
    assert pid_of(reader) != before


def test_what_takes_too_long_is_given_up(reader):
    look_up(reader, *shop())
    # A map of a few million tokens.
    long = scripts.source_map("esbuild", mappings="AAAA,CAAC," * 2_000_000)

    with pytest.raises(TookTooLong):
        look_up(reader, b"", long, key="long", seconds=0.05)

    assert look_up(reader, *shop())["line"] == 21


def test_an_engine_that_went_away_is_started_again(reader):
    look_up(reader, *shop())
    os.kill(pid_of(reader), signal.SIGKILL)

    with pytest.raises(Crashed):
        look_up(reader)
    with pytest.raises(Missing):
        look_up(reader)


def test_an_idle_engine_ends_and_nobody_notices(reader, monkeypatch):
    idle = [sys.executable, "-c"]
    idle.append("from sentrylite.symbols import engine; engine.IDLE_SECONDS = 0.2; engine.main()")
    monkeypatch.setattr("sentrylite.symbols.reader.COMMAND", idle)
    look_up(reader, *shop())
    first = reader._process
    first.wait(10)

    assert first.returncode == 0
    assert look_up(reader, *shop())["line"] == 21


def test_an_engine_ends_with_its_server(reader):
    look_up(reader, *shop())
    process = reader._process

    reader.close()

    assert process.returncode == 0


def test_threads_get_their_own_answers(reader):
    found = {}

    def ask(column, line):
        for _ in range(20):
            found.setdefault(line, set()).add(look_up(reader, *shop(), column=column)["line"])

    threads = [threading.Thread(target=ask, args=pair) for pair in ((171, 21), (300, 5), (393, 13))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {21: {21}, 5: {5}, 13: {13}}


def test_the_engine_is_not_told_our_secrets(reader, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "do-not-tell")
    look_up(reader, *shop())

    with open(f"/proc/{pid_of(reader)}/environ") as file:
        assert "do-not-tell" not in file.read()


def test_the_cache_keeps_what_was_used_last():
    cache = engine.Cache(100)
    for name in ("a", "b", "c"):
        cache.put(name, name.upper(), 40)
        if name == "b":
            cache.get("a")

    assert cache.get("a") == "A"
    with pytest.raises(engine.Missing):
        cache.get("b")
    # Larger than all of it: alone.
    cache.put("large", "L", 1000)
    assert cache.get("large") == "L"
    with pytest.raises(engine.Missing):
        cache.get("a")
    cache.put("d", "D", 40)
    with pytest.raises(engine.Missing):
        cache.get("large")


def test_putting_the_same_again_does_not_count_twice():
    cache = engine.Cache(100)
    for _ in range(10):
        cache.put("a", "A", 40)
    cache.put("b", "B", 40)

    assert cache.get("a") == "A"


@pytest.mark.parametrize("blobs", [(), (b"",), (b"abc", b"", b"x" * 300_000)])
def test_messages_arrive_as_they_were_sent(blobs):
    incoming, outgoing = os.pipe()
    thread = threading.Thread(target=messages.write, args=(outgoing, {"a": "ü"}, *blobs))
    thread.start()

    assert messages.read(incoming) == ({"a": "ü"}, list(blobs))
    thread.join()
    os.close(outgoing)
    assert messages.read(incoming) is None
    os.close(incoming)


@pytest.mark.parametrize(
    ("symbol", "function"),
    [
        ("_ZN4shop4Cart5totalEi", "shop::Cart::total(int)"),
        ("__ZN4shop4Cart5totalEi", "shop::Cart::total(int)"),
        ("_ZN4shop4cart5total17h0123456789abcdefE", "shop::cart::total"),
        ("total", "total"),
        ("_Znonsense", "_Znonsense"),
    ],
)
def test_names_are_as_their_authors_wrote_them(symbol, function):
    assert engine.demangled(symbol) == function
