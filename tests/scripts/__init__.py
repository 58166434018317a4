"""A small shop in TypeScript, minified by two programs that call everything differently.

esbuild src/checkout.ts --bundle --minify --sourcemap --outfile=esbuild/shop.min.js

esbuild src/checkout.ts --bundle --sourcemap --outfile=plain.js
terser plain.js --compress inline=0,reduce_funcs=false,reduce_vars=false --toplevel --mangle
    --mangle-props 'regex=/^(priceOf|items)$/' -o terser/shop.min.js
    --source-map "content='plain.js.map',url='shop.min.js.map',includeSources"
"""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

ORIGIN = "https://shop.example/assets/shop.min.js"

# What `checkout(["teapot", "kettle"])` throws in each: names and columns of line 1.
TRACES = {
    "esbuild": [("a", 393), ("o", 300), ("i.total", 81), ("Array.reduce", 0), ("?", 102),
                ("i.priceOf", 171)],
    "terser": [("r", 389), ("n", 292), ("t.total", 81), ("Array.reduce", 0), ("?", 102),
               ("t.t", 161)],
}  # fmt: skip


def script(build: str) -> bytes:
    return (HERE / build / "shop.min.js").read_bytes()


def source_map(build: str, **changes: Any) -> bytes:
    """Its map, with some attributes replaced."""
    content = (HERE / build / "shop.min.js.map").read_bytes()
    return json.dumps(json.loads(content) | changes).encode() if changes else content


def source(name: str) -> bytes:
    return (HERE / "src" / name).read_bytes()


def error(build: str, url: str = ORIGIN, **event: Any) -> dict[str, Any]:
    """The error as the SDK of a browser sends it."""
    frames = [
        {"function": name, "filename": url, "lineno": 1, "colno": column} | {"in_app": True}
        if column
        else {"function": name, "filename": "<anonymous>", "in_app": True}
        for name, column in TRACES[build]
    ]
    exception = {"type": "RangeError", "value": "no price for kettle"}
    return {
        "platform": "javascript",
        "exception": {"values": [{**exception, "stacktrace": {"frames": frames}}]},
        **event,
    }
