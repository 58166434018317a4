from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from issues.payload import javascript
from issues.payload.event import ScrubRules, Sender
from issues.payload.javascript import Place, Script, Token, Unusable
from issues.payload.normalize import normalize
from issues.payload.prepare import finish
from sentrylite.symbols.reader import Reader, Unreadable
from tests import scripts

NOW = 1_700_000_000.0
MAP_URL = f"{scripts.ORIGIN}.map"


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


@dataclass
class OneScript:
    """A script and its map, read by the real engine."""

    reader: Reader
    minified: bytes
    source_map: bytes | None
    map_url: str | None = MAP_URL

    def tokens(self, positions: Sequence[tuple[int, int]]) -> list[Token | None]:
        try:
            answer = self.reader.ask(
                "script",
                self.minified,
                self.source_map or b"",
                key="x",
                positions=positions,
                seconds=5,
            )
        except Unreadable:
            raise Unusable("js_invalid_sourcemap", url=self.map_url or "") from None
        return [token and Token(**token) for token in answer["tokens"]]

    def lines(self) -> list[str]:
        return self.minified.decode().splitlines()


@dataclass
class Uploads:
    """What was uploaded: scripts by address, and sources."""

    scripts: dict[str, OneScript]
    lines: dict[str, list[str]] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)

    def find(self, places: Sequence[Place]) -> Mapping[Place, Script]:
        self.places += places
        return {place: self.scripts[place.url] for place in places if place.url in self.scripts}

    def sources(self, urls: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return {url: self.lines[url] for url in urls if url in self.lines}


@pytest.fixture
def shop(reader: Reader) -> Any:
    """`shop("esbuild", sourceRoot=…)`: an upload of the shop with its map, or a changed one."""

    def upload(build: str, url: str = scripts.ORIGIN, **changes: Any) -> Uploads:
        source_map = scripts.source_map(build, **changes)
        return Uploads({url: OneScript(reader, scripts.script(build), source_map, f"{url}.map")})

    return upload


def restored(uploads: Uploads, raw: dict[str, Any]) -> dict[str, Any]:
    event = normalize(raw, now=NOW, sender=Sender())
    javascript.restore(event, uploads)
    return event


def frames_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    return event["exception"]["values"][0]["stacktrace"]["frames"]


def test_frames_are_where_their_authors_wrote_them(shop):
    event = restored(shop("esbuild"), scripts.error("esbuild"))

    assert [
        (frame.get("filename"), frame.get("function"), frame.get("lineno"), frame.get("colno"))
        for frame in frames_of(event)
    ] == [
        ("../src/checkout.ts", "checkout", 13, 10),
        ("../src/checkout.ts", "applyDiscounts", 5, 15),
        ("../src/cart.ts", "Cart.total", 15, 23),
        ("<anonymous>", "Array.reduce", None, None),
        ("../src/cart.ts", "<anonymous>", 15, 56),
        ("../src/cart.ts", "Cart.priceOf", 21, 13),
    ]
    assert "errors" not in event


def test_a_restored_frame_has_its_source_and_what_was_sent(shop):
    event = restored(shop("esbuild"), scripts.error("esbuild"))

    assert frames_of(event)[-1] == {
        "function": "Cart.priceOf",
        "abs_path": "https://shop.example/src/cart.ts",
        "filename": "../src/cart.ts",
        "module": "src/cart",
        "lineno": 21,
        "colno": 13,
        "in_app": True,
        "pre_context": [
            "  }",
            "",
            "  private priceOf(item: Item, discounts: Map<string, number>): number {",
            "    const discount = discounts.get(item.name);",
            "    if (discount === undefined) {",
        ],
        "context_line": "      throw new RangeError(`no price for ${item.name}`);",
        "post_context": [
            "    }",
            "    return item.price * item.quantity * (1 - discount);",
            "  }",
            "}",
            "",
        ],
        "data": {
            "sourcemap": MAP_URL,
            "symbolicated": True,
            "orig_function": "i.priceOf",
            "orig_abs_path": scripts.ORIGIN,
            "orig_filename": "/assets/shop.min.js",
            "orig_lineno": 1,
            "orig_colno": 171,
        },
    }
    raw = event["exception"]["values"][0]["raw_stacktrace"]["frames"]
    assert raw[-1] == {
        "function": "i.priceOf",
        "abs_path": scripts.ORIGIN,
        "filename": "/assets/shop.min.js",
        "lineno": 1,
        "colno": 171,
        "in_app": True,
    }


def test_two_builds_of_the_same_source_are_the_same_issue(shop):
    # On a server, where addresses are paths and count for grouping.
    url = "/srv/shop/assets/shop.min.js"

    def finished(build, uploads):
        return finish(
            restored(uploads, scripts.error(build, url, platform="node")), rules=ScrubRules()
        )

    one, two = (finished(build, shop(build, url)) for build in scripts.TRACES)
    as_sent_one, as_sent_two = (finished(build, Uploads({})) for build in scripts.TRACES)

    assert as_sent_one.hashes != as_sent_two.hashes
    assert one.hashes == two.hashes
    assert one.hashes != as_sent_one.hashes
    assert (one.title, one.culprit, one.location) == (
        "RangeError: no price for kettle",
        "Cart.priceOf(src/cart)",
        "../src/cart.ts",
    )


def test_without_scopes_a_function_is_called_what_its_caller_calls_it(reader):
    # The script itself is missing, so that nothing is known of its scopes.
    uploads = Uploads({scripts.ORIGIN: OneScript(reader, b"", scripts.source_map("terser"))})

    event = restored(uploads, scripts.error("terser"))

    assert [frame.get("function") for frame in frames_of(event)] == [
        "r",
        "applyDiscounts",
        "total",
        "Array.reduce",
        None,
        "priceOf",
    ]


def test_code_of_others_is_not_in_app(shop):
    sources = ["webpack://shop/./node_modules/cart/cart.js", "webpack:///./src/checkout.ts"]

    event = restored(shop("esbuild", sources=sources), scripts.error("esbuild"))

    assert [
        (frame["abs_path"], frame["filename"], frame["module"], frame["in_app"])
        for frame in (frames_of(event)[0], frames_of(event)[-1])
    ] == [
        ("webpack:///./src/checkout.ts", "./src/checkout.ts", "src/checkout", True),
        (
            "webpack://shop/./node_modules/cart/cart.js",
            "./node_modules/cart/cart.js",
            "cart/cart",
            False,
        ),
    ]


@pytest.mark.parametrize(
    ("url", "source", "abs_path", "filename"),
    [
        ("app:///dist/x.js.map", "../src/a.ts", "app:///src/a.ts", "../src/a.ts"),
        ("/srv/dist/x.js.map", "../src/a.ts", "/srv/src/a.ts", "../src/a.ts"),
        ("https://a.example/x.map", "https://b.example/a.ts", "https://b.example/a.ts", "a.ts"),
        ("https://a.example/x.map", "webpack:///~/lib.js", "webpack:///~/lib.js", "~/lib.js"),
        ("https://a.example/x.map", "http://[/a.ts", "http://[/a.ts", "http://[/a.ts"),
    ],
)
def test_sources_lie_beside_their_map(shop, url, source, abs_path, filename):
    uploads = shop("esbuild", sources=[source, source])
    uploads.scripts[scripts.ORIGIN].map_url = url

    frame = frames_of(restored(uploads, scripts.error("esbuild")))[-1]

    assert (frame["abs_path"], frame["filename"]) == (abs_path, filename)


@pytest.mark.parametrize(
    ("filename", "module"),
    [
        ("./src/cart.ts", "src/cart"),
        ("../../src/cart.min.js", "src/cart"),
        ("/static/js/v1.2/0123456789abcdef0123456789abcdef/app/cart.jsx", "app/cart"),
        ("app/cart-0123abcd.js?v=2", "app/cart"),
        ("~/left-pad/index.js", "left-pad/index"),
        ("", None),
    ],
)
def test_a_module_is_named_after_its_file(filename, module):
    assert javascript.module_of(filename, filename) == module


def test_sources_that_are_not_in_the_map_are_taken_from_the_upload(shop):
    uploads = shop("esbuild", sourcesContent=None)
    lines = scripts.source("cart.ts").decode().splitlines()
    uploads.lines["https://shop.example/src/cart.ts"] = lines

    event = restored(uploads, scripts.error("esbuild"))

    frame = frames_of(event)[-1]
    assert frame["context_line"] == "      throw new RangeError(`no price for ${item.name}`);"
    assert len(frame["pre_context"]) == 5
    assert "context_line" not in frames_of(event)[0]
    assert event["errors"] == [
        {
            "type": "js_missing_sources_content",
            "source": "https://shop.example/src/checkout.ts",
            "sourcemap": MAP_URL,
        }
    ]


def test_a_script_without_a_map_shows_its_own_lines(shop):
    uploads = shop("esbuild")
    uploads.scripts[scripts.ORIGIN].map_url = None

    event = restored(uploads, scripts.error("esbuild"))

    frame = frames_of(event)[-1]
    assert frame["context_line"].startswith("(()=>{var i=class")
    assert len(frame["context_line"]) == 256
    assert frame["function"] == "i.priceOf"
    assert "raw_stacktrace" not in event["exception"]["values"][0]


def test_a_missing_script_is_noted_once(shop):
    event = restored(Uploads({}), scripts.error("esbuild"))

    assert event["errors"] == [{"type": "js_missing_source", "url": scripts.ORIGIN}]
    assert frames_of(event)[-1]["function"] == "i.priceOf"
    assert "raw_stacktrace" not in event["exception"]["values"][0]


@pytest.mark.parametrize("source_map", [b"", b"null", b'{"mappings":"!!"}', b"<html>", b"\xff"])
def test_a_broken_map_leaves_the_frames(reader, source_map):
    uploads = Uploads({scripts.ORIGIN: OneScript(reader, scripts.script("esbuild"), source_map)})

    event = restored(uploads, scripts.error("esbuild"))

    assert event["errors"] == [{"type": "js_invalid_sourcemap", "url": MAP_URL}]
    assert frames_of(event)[-1]["function"] == "i.priceOf"


def test_a_position_that_the_map_does_not_know_is_noted(shop):
    raw = scripts.error("esbuild")
    raw["exception"]["values"][0]["stacktrace"]["frames"][0]["lineno"] = 99

    event = restored(shop("esbuild"), raw)

    assert event["errors"] == [
        {
            "type": "js_invalid_sourcemap_location",
            "url": scripts.ORIGIN,
            "row": 99,
            "column": 393,
            "sourcemap": MAP_URL,
        }
    ]
    assert frames_of(event)[0]["function"] == "a"
    assert frames_of(event)[1]["function"] == "applyDiscounts"


def test_without_a_column_nothing_can_be_looked_up(shop):
    raw = scripts.error("esbuild")
    for frame in raw["exception"]["values"][0]["stacktrace"]["frames"]:
        frame.pop("colno", None)

    event = restored(shop("esbuild"), raw)

    assert event["errors"] == [{"type": "js_no_column", "url": scripts.ORIGIN}]


def test_texts_of_a_map_are_made_storable(shop):
    content = ["x\0y\n" * 30, "z" * 300 + "\n" + "\ud800\n" * 30]
    event = restored(
        shop("esbuild", sourcesContent=[content[0], content[1].replace("\ud800", "\ufffd")]),
        scripts.error("esbuild"),
    )

    assert frames_of(event)[-1]["context_line"] == "xy"
    named = restored(shop("esbuild", sources=["a\0b", "c"]), scripts.error("esbuild"))
    assert frames_of(named)[-1]["filename"] == "ab"


def test_what_the_sdk_has_restored_itself_is_left_alone(shop):
    raw = scripts.error("esbuild")
    exception = raw["exception"]["values"][0]
    exception["raw_stacktrace"] = exception["stacktrace"]

    event = restored(shop("esbuild"), raw)

    assert frames_of(event)[-1]["function"] == "i.priceOf"


@pytest.mark.parametrize(
    "path",
    [
        "<anonymous>",
        "[native code]",
        "node:internal/main",
        "chrome-extension://x/a.js",
        "webpack-internal:///./a.js",
        "data:text/javascript,1",
        "https://x.example/cut...",
    ],
)
def test_what_nobody_can_upload_is_not_asked_for(path):
    uploads = Uploads({})
    event = restored(uploads, scripts.error("esbuild", url=path))

    assert uploads.places == []
    assert "errors" not in event


def test_frames_of_other_platforms_are_not_asked_for():
    event = normalize(scripts.error("esbuild", platform="python"), now=NOW, sender=Sender())

    assert javascript.places_of(event) == []


def test_debug_ids_go_with_their_scripts():
    debug_id = "B3C1C0F4-2B1E-4B64-9D5E-0D4F9E0B1A77"
    images = [
        {"type": "sourcemap", "code_file": scripts.ORIGIN, "debug_id": debug_id},
        {"type": "sourcemap", "code_file": 7, "debug_id": "x"},
        {"type": "macho", "debug_id": debug_id},
        None,
    ]
    raw = scripts.error("esbuild", debug_meta={"images": images})

    event = normalize(raw, now=NOW, sender=Sender())

    assert javascript.places_of(event) == [Place(scripts.ORIGIN, debug_id.lower())]


def test_stack_traces_of_threads_are_restored_too(shop):
    raw = scripts.error("esbuild")
    stack = raw.pop("exception")["values"][0]["stacktrace"]
    raw["threads"] = {"values": [{"id": 1, "stacktrace": stack}]}

    thread = restored(shop("esbuild"), raw)["threads"]["values"][0]

    assert thread["stacktrace"]["frames"][-1]["function"] == "Cart.priceOf"
    assert thread["raw_stacktrace"]["frames"][-1]["function"] == "i.priceOf"
