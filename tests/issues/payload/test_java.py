from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from issues.payload import java
from issues.payload.event import Sender
from issues.payload.java import Call, Names, Original, ProguardMapping
from issues.payload.javascript import Unusable
from issues.payload.normalize import normalize

UUID = "06691ff4-1c72-5d82-acfe-5abc41b7d292"
NAMES = {
    Call("a.a.b", "a", 2): [
        Original("com.shop.Prices", "discounted", 5, None),
        Original("com.shop.Cart", "priceOf", 23, "Cart.kt"),
    ],
    Call("a.a.b", "b", 0): [Original("com.shop.Cart", "total", 0, "Cart.kt")],
}


class Mapped:
    def __init__(self, *, has_lines: bool = True) -> None:
        self.has_lines = has_lines

    def names(self, calls: Sequence[Call], classes: Sequence[str]) -> Names:
        known = {"a.a.c": "com.shop.PriceError"}
        return Names(
            [NAMES.get(call, []) for call in calls],
            {name: known.get(name) for name in classes},
            self.has_lines,
        )


class Broken:
    def names(self, calls: Sequence[Call], classes: Sequence[str]) -> Names:
        raise Unusable("native_bad_dsym", reason="it is broken")


class Uploads:
    def __init__(self, mapping: ProguardMapping | None = None) -> None:
        self.mapping = mapping

    def find(self, uuids: Sequence[str]) -> Mapping[str, ProguardMapping]:
        return dict.fromkeys(uuids, self.mapping) if self.mapping else {}


def crash(images: Any = ({"type": "proguard", "uuid": UUID},)) -> dict[str, Any]:
    frames = [
        {"module": "java.lang.Thread", "function": "run", "lineno": 1, "in_app": False},
        {"module": "a.a.b", "function": "b", "in_app": True},
        {"module": "a.a.b", "function": "a", "lineno": 2, "filename": "SourceFile"},
    ]
    exception = {"type": "c", "module": "a.a", "value": "x", "stacktrace": {"frames": frames}}
    raw = {
        "platform": "java",
        "exception": {"values": [exception]},
        "debug_meta": {"images": images if images is None else list(images)},
    }
    return normalize(raw, now=1_700_000_000.0, sender=Sender())


def test_frames_and_exceptions_get_their_names_back():
    event = crash()

    java.restore(event, Uploads(Mapped()))

    (exception,) = event["exception"]["values"]
    assert (exception["module"], exception["type"]) == ("com.shop", "PriceError")
    assert [
        (frame["module"], frame["function"], frame.get("lineno"), frame.get("filename"))
        for frame in exception["stacktrace"]["frames"]
    ] == [
        ("java.lang.Thread", "run", 1, None),
        ("com.shop.Cart", "total", None, "Cart.kt"),
        ("com.shop.Cart", "priceOf", 23, "Cart.kt"),
        ("com.shop.Prices", "discounted", 5, "SourceFile"),
    ]
    assert exception["stacktrace"]["frames"][1]["in_app"] is True
    assert len(exception["raw_stacktrace"]["frames"]) == 3
    assert "errors" not in event


def test_a_missing_mapping_is_noted():
    event = crash()

    java.restore(event, Uploads())

    assert event["errors"] == [{"type": "proguard_missing_mapping", "mapping_uuid": UUID}]
    assert event["exception"]["values"][0]["type"] == "c"


def test_a_broken_mapping_is_noted():
    event = crash()

    java.restore(event, Uploads(Broken()))

    assert event["errors"] == [
        {"type": "native_bad_dsym", "mapping_uuid": UUID, "reason": "it is broken"}
    ]


def test_a_mapping_without_lines_is_used_and_noted():
    event = crash()

    java.restore(event, Uploads(Mapped(has_lines=False)))

    assert event["errors"] == [{"type": "proguard_missing_lineno", "mapping_uuid": UUID}]
    assert event["exception"]["values"][0]["type"] == "PriceError"


@pytest.mark.parametrize(
    "images",
    [
        None,
        (),
        (None, 7, "x"),
        ({"type": "proguard"},),
        ({"type": "proguard", "uuid": 7},),
        ({"type": "proguard", "uuid": "nonsense"},),
        ({"type": "elf", "debug_id": UUID},),
    ],
)
def test_an_event_that_names_no_mapping_is_left_alone(images):
    assert java.mapping_ids(crash(images)) == []


def test_an_event_of_another_platform_is_left_alone():
    assert java.mapping_ids(crash() | {"platform": "python"}) == []
