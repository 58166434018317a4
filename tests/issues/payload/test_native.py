from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from issues.payload import native
from issues.payload.event import Sender
from issues.payload.javascript import Unusable
from issues.payload.native import UNKNOWN_ADDRESS, DebugFile, Image, Location
from issues.payload.normalize import normalize

DEBUG_ID = "c22813ac-7d10-1e2f-f13e-f5d6e2a0bdc2"
SHOP = {
    "type": "elf",
    "debug_id": DEBUG_ID,
    "code_file": "/opt/shop/shop",
    "image_addr": "0x400000",
    "image_size": 0x3000,
}
LIBC = {
    "type": "elf",
    "code_id": "abcd",
    "code_file": "/usr/lib/libc.so.6",
    "image_addr": "0x7f0000000000",
    "image_size": "0x1000",
}
TOTAL = Location("_ZN4shop4Cart5totalEi", "shop::Cart::total(int)", "/src/cart.cpp", 9, 0x1000, "")
PRICE = Location("price", "price", "/src/price.h", 3, UNKNOWN_ADDRESS, "cpp")
MAIN = Location("main", "main", "/src/main.cpp", 20, 0x1020, "cpp")


class Shop:
    """Three functions."""

    known: Mapping[int, list[Location]] = {0x1010: [PRICE, TOTAL], 0x1024: [MAIN]}

    def locations(self, addresses: Sequence[int]) -> list[list[Location]]:
        return [self.known.get(address, []) for address in addresses]


class Broken:
    def locations(self, addresses: Sequence[int]) -> list[list[Location]]:
        raise Unusable("native_bad_dsym", reason="it is broken")


class Uploads:
    def __init__(self, **files: DebugFile) -> None:
        self.files = files
        self.lines: dict[str, list[str]] = {}

    def sources(self, image: Image, paths: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return {path: self.lines[path] for path in paths if path in self.lines}

    def find(self, images: Sequence[Image]) -> Mapping[Image, DebugFile]:
        self.asked = [image.path for image in images]
        named = ((image, image.path.rpartition("/")[2]) for image in images)
        return {image: self.files[name] for image, name in named if name in self.files}


def crash(*addresses: str, images: Any = (SHOP, LIBC), **frame: Any) -> dict[str, Any]:
    frames = [{"instruction_addr": address, **frame} for address in addresses]
    raw = {
        "platform": "native",
        "debug_meta": {"images": list(images)},
        "exception": {"values": [{"type": "SIGABRT", "stacktrace": {"frames": frames}}]},
    }
    return normalize(raw, now=1_700_000_000.0, sender=Sender())


def frames_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    return event["exception"]["values"][0]["stacktrace"]["frames"]


def test_addresses_become_functions_and_lines():
    event = crash("0x401025", "0x401010")

    native.restore(event, Uploads(shop=Shop()))

    symbolicated = {
        "package": "/opt/shop/shop",
        "in_app": True,
        "data": {"symbolicator_status": "symbolicated"},
    }
    assert frames_of(event) == [
        {
            **symbolicated,
            "instruction_addr": "0x401025",
            "function": "main",
            "symbol": "main",
            "symbol_addr": "0x401020",
            "abs_path": "/src/main.cpp",
            "filename": "main.cpp",
            "lineno": 20,
        },
        {
            **symbolicated,
            "instruction_addr": "0x401010",
            "function": "shop::Cart::total(int)",
            "raw_function": "_ZN4shop4Cart5totalEi",
            "symbol": "_ZN4shop4Cart5totalEi",
            "symbol_addr": "0x401000",
            "abs_path": "/src/cart.cpp",
            "filename": "cart.cpp",
            "lineno": 9,
        },
        {
            **symbolicated,
            "instruction_addr": "0x401010",
            "function": "price",
            "symbol": "price",
            "abs_path": "/src/price.h",
            "filename": "price.h",
            "lineno": 3,
        },
    ]
    raw = event["exception"]["values"][0]["raw_stacktrace"]["frames"]
    assert raw == [{"instruction_addr": "0x401025"}, {"instruction_addr": "0x401010"}]
    assert event["debug_meta"]["images"][0]["debug_status"] == "found"
    assert "errors" not in event


def test_frames_show_their_source_where_it_was_uploaded():
    event, uploads = crash("0x401025", "0x401010"), Uploads(shop=Shop())
    uploads.lines["/src/cart.cpp"] = [f"line {number}" for number in range(1, 12)]

    native.restore(event, uploads)

    contexts = [frame.get("context_line") for frame in frames_of(event)]
    assert contexts == [None, "line 9", None]
    assert frames_of(event)[1]["pre_context"] == [f"line {number}" for number in range(4, 9)]
    assert frames_of(event)[1]["post_context"] == ["line 10", "line 11"]


def test_what_is_missing_is_noted_once_but_not_of_the_system():
    event = crash("0x401025", "0x401010", "0x7f0000000010")

    native.restore(event, Uploads())

    assert event["errors"] == [
        {
            "type": "native_missing_dsym",
            "image_name": "shop",
            "image_path": "/opt/shop/shop",
            "image_uuid": DEBUG_ID,
        }
    ]
    images = event["debug_meta"]["images"]
    assert [image["debug_status"] for image in images] == ["missing", "missing"]
    assert frames_of(event)[0] == {"instruction_addr": "0x401025"}
    assert "raw_stacktrace" not in event["exception"]["values"][0]


def test_a_broken_debug_file_is_noted():
    event = crash("0x401010")

    native.restore(event, Uploads(shop=Broken()))

    (error,) = event["errors"]
    assert (error["type"], error["reason"]) == ("native_bad_dsym", "it is broken")
    assert event["debug_meta"]["images"][0]["debug_status"] == "malformed"


def test_an_address_that_the_file_does_not_know_is_noted():
    event = crash("0x401500", "0x401010")

    native.restore(event, Uploads(shop=Shop()))

    assert [error["type"] for error in event["errors"]] == ["native_missing_symbol"]
    assert [frame.get("function") for frame in frames_of(event)] == [
        None,
        "shop::Cart::total(int)",
        "price",
    ]


@pytest.mark.parametrize("address", ["0x10", "0x403000", "0x7effffffffff", "0x7f0000001000"])
def test_an_address_outside_of_all_images_is_not_looked_up(address):
    uploads = Uploads(shop=Shop())

    native.restore(event := crash(address), uploads)

    assert uploads.asked == []
    assert frames_of(event) == [{"instruction_addr": address}]


def test_an_image_without_a_size_reaches_to_the_next():
    event = crash("0x401010", images=[{**SHOP, "image_size": None}, LIBC])

    native.restore(event, Uploads(shop=Shop()))

    assert frames_of(event)[-1]["function"] == "price"


def test_addresses_may_be_relative_to_an_image():
    event = crash("0x1010", addr_mode="rel:0", images=[SHOP])

    native.restore(event, Uploads(shop=Shop()))

    assert frames_of(event)[-1]["function"] == "price"


def test_an_image_without_an_address_is_only_named():
    wasm = {"type": "wasm", "debug_id": SHOP["debug_id"], "code_file": "https://example.com/shop"}

    native.restore(
        event := crash("0x1010", addr_mode="rel:1", images=[LIBC, wasm]), Uploads(shop=Shop())
    )
    assert frames_of(event)[-1]["function"] == "price"

    assert not native.has_addresses(crash("0x1010", images=[LIBC, wasm]))


def test_a_frame_keeps_what_its_sdk_said_of_it():
    event = crash("0x401010", in_app=False, package="/other", vars={"n": "4"})

    native.restore(event, Uploads(shop=Shop()))

    frame = frames_of(event)[-1]
    assert (frame["in_app"], frame["package"], frame["vars"]) == (False, "/other", {"n": "4"})


def test_frames_that_know_their_line_are_left_alone():
    event = crash("0x401010", function="f", lineno=7)

    assert not native.has_addresses(event)


@pytest.mark.parametrize(
    "images",
    [
        None,
        "x",
        {},
        [None],
        [7],
        [{"type": "elf"}],
        [{**SHOP, "image_addr": "nonsense"}],
        [{**SHOP, "image_addr": -1}],
        [{**SHOP, "image_addr": 2**64}],
        [{**SHOP, "image_addr": True}],
        [{**SHOP, "debug_id": 7}],
        [{**SHOP, "type": "sourcemap"}],
    ],
)
def test_images_that_say_nothing_are_passed_over(images):
    raw = {
        "platform": "native",
        "debug_meta": {"images": images},
        "stacktrace": {"frames": [{"instruction_addr": "0x401010"}]},
    }
    event = normalize(raw, now=1_700_000_000.0, sender=Sender())

    assert not native.has_addresses(event)
    native.restore(event, Uploads(shop=Shop()))
    assert event["stacktrace"]["frames"][0]["instruction_addr"] == "0x401010"


def test_names_are_made_storable():
    class Odd:
        def locations(self, addresses: Sequence[int]) -> list[list[Location]]:
            return [[Location("a\0b", "\udc80" * 300, "c:\\src\\x\0.cpp", 1, 0, "")]] * len(
                addresses
            )

    event = crash("0x401010")
    native.restore(event, Uploads(shop=Odd()))

    frame = frames_of(event)[0]
    assert (frame["symbol"], frame["filename"]) == ("ab", "x.cpp")
    assert len(frame["function"]) == 256
    assert "\udc80" not in frame["function"]
