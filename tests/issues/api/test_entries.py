"""Stored attributes to the entries of an event. No database."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from issues.api.serializers.entries import entries_of

HAPPENED_AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

NO_FRAME = {
    "filename": None,
    "absPath": None,
    "module": None,
    "package": None,
    "platform": None,
    "instructionAddr": None,
    "symbolAddr": None,
    "function": None,
    "rawFunction": None,
    "symbol": None,
    "context": [],
    "lineNo": None,
    "colNo": None,
    "inApp": False,
    "trust": None,
    "errors": None,
    "vars": None,
}
NO_EXCEPTION = {
    "type": None,
    "value": None,
    "mechanism": None,
    "threadId": None,
    "module": None,
    "stacktrace": None,
    "rawStacktrace": None,
}
NO_CRUMB = {
    "type": "default",
    "timestamp": "2026-03-04T05:06:07Z",
    "level": "info",
    "message": None,
    "category": None,
    "data": None,
    "event_id": None,
}
NO_REQUEST = {
    "method": None,
    "url": None,
    "query": [],
    "fragment": "",
    "data": None,
    "headers": [],
    "cookies": [],
    "env": None,
    "inferredContentType": None,
}
NO_THREAD = {
    "id": None,
    "current": None,
    "crashed": None,
    "name": None,
    "stacktrace": None,
    "rawStacktrace": None,
}


def stack(*frames: Any, in_app: bool = False, **more: Any) -> dict[str, Any]:
    """The answer with these frames."""
    return {
        "frames": [{**NO_FRAME, **frame} for frame in frames],
        "framesOmitted": None,
        "registers": None,
        "hasSystemFrames": in_app,
        **more,
    }


def entry(attribute: str, stored: Any) -> Any:
    """The type and data of the only entry; None without one."""
    entries = entries_of({attribute: stored}, HAPPENED_AT)
    assert len(entries) <= 1
    return (entries[0]["type"], entries[0]["data"]) if entries else None


CASES: list[tuple[str, Any, str, Any]] = [
    # message
    ("logentry", {"formatted": "hi"}, "message", {"formatted": "hi"}),
    (
        "logentry",
        {"message": "hi %s", "params": ["you"], "formatted": "hi you"},
        "message",
        {"message": "hi %s", "params": ["you"], "formatted": "hi you"},
    ),
    ("logentry", {"formatted": "hi", "message": None}, "message", {"formatted": "hi"}),
    # exception
    (
        "exception",
        {"values": [{"type": "KeyError"}, {"value": "x", "module": "app", "thread_id": 5}]},
        "exception",
        {
            "values": [
                {**NO_EXCEPTION, "type": "KeyError"},
                {**NO_EXCEPTION, "value": "x", "module": "app", "threadId": 5},
            ],
            "hasSystemFrames": False,
            "excOmitted": None,
        },
    ),
    (
        "exception",
        {
            "values": [
                {
                    "type": "KeyError",
                    "mechanism": {"type": "generic", "handled": False, "help_link": None},
                    "stacktrace": {"frames": [{"filename": "a.py", "in_app": True}]},
                    "raw_stacktrace": {"frames": [{"filename": "b.py"}]},
                }
            ],
            "exc_omitted": [1, 2],
        },
        "exception",
        {
            "values": [
                {
                    **NO_EXCEPTION,
                    "type": "KeyError",
                    "mechanism": {"type": "generic", "handled": False},
                    "stacktrace": stack({"filename": "a.py", "inApp": True}, in_app=True),
                    "rawStacktrace": stack({"filename": "b.py"}),
                }
            ],
            "hasSystemFrames": True,
            "excOmitted": [1, 2],
        },
    ),
    # stack trace
    (
        "stacktrace",
        {
            "frames": [{"function": "f", "in_app": False}],
            "frames_omitted": [1, 3],
            "registers": {"rip": "0x1"},
        },
        "stacktrace",
        stack({"function": "f"}, framesOmitted=[1, 3], registers={"rip": "0x1"}),
    ),
    (
        "stacktrace",
        {
            "frames": [
                {
                    "filename": "a.c",
                    "abs_path": "/src/a.c",
                    "module": "m",
                    "package": "lib.so",
                    "platform": "native",
                    "function": "f",
                    "raw_function": "f()",
                    "symbol": "_f",
                    "lineno": 3,
                    "colno": 4,
                    "trust": "scan",
                    "vars": {"x": 1},
                    "in_app": True,
                    "instruction_addr": "0xAB",
                    "symbol_addr": "0x1234",
                },
                {"instruction_addr": "0x7", "symbol_addr": "somewhere"},
            ]
        },
        "stacktrace",
        stack(
            {
                "filename": "a.c",
                "absPath": "/src/a.c",
                "module": "m",
                "package": "lib.so",
                "platform": "native",
                "function": "f",
                "rawFunction": "f()",
                "symbol": "_f",
                "lineNo": 3,
                "colNo": 4,
                "trust": "scan",
                "vars": {"x": 1},
                "inApp": True,
                "instructionAddr": "0x00AB",
                "symbolAddr": "0x1234",
            },
            {"instructionAddr": "0x0007", "symbolAddr": "somewhere"},
            in_app=True,
        ),
    ),
    (
        "stacktrace",
        {
            "frames": [
                {
                    "filename": "app.ts",
                    "data": {
                        "sourcemap": "https://example.com/js/app.js.map",
                        "orig_function": "a",
                        "orig_lineno": 1,
                    },
                }
            ]
        },
        "stacktrace",
        stack(
            {
                "filename": "app.ts",
                "map": "app.js.map",
                "mapUrl": "https://example.com/js/app.js.map",
                "origFunction": "a",
                "origAbsPath": None,
                "origFilename": None,
                "origLineNo": 1,
                "origColNo": None,
            }
        ),
    ),
    # threads
    (
        "threads",
        {"values": [{"id": 1, "name": "main", "crashed": True, "current": False}, {"id": "x"}]},
        "threads",
        {
            "values": [
                {**NO_THREAD, "id": 1, "name": "main", "crashed": True, "current": False},
                {**NO_THREAD, "id": "x"},
            ]
        },
    ),
    # reports
    *(
        (kind, {"hostname": "example.com", "port": None}, kind, {"hostname": "example.com"})
        for kind in ("csp", "hpkp", "expectct", "expectstaple")
    ),
    # template
    (
        "template",
        {"filename": "base.html", "lineno": 14, "context_line": "{% endif %}\n"},
        "template",
        {"lineNo": 14, "filename": "base.html", "context": [[14, "{% endif %}\n"]]},
    ),
    # breadcrumbs
    ("breadcrumbs", {"values": [{"x": 1}]}, "breadcrumbs", {"values": [NO_CRUMB]}),
    (
        "breadcrumbs",
        {
            "values": [
                {
                    "type": "http",
                    "timestamp": 1772600766.25,
                    "level": "error",
                    "message": "m",
                    "category": "c",
                    "data": {"k": "v"},
                    "event_id": "e",
                },
                {"timestamp": 1e300, "data": {}},
            ]
        },
        "breadcrumbs",
        {
            "values": [
                {
                    "type": "http",
                    "timestamp": "2026-03-04T05:06:06.250Z",
                    "level": "error",
                    "message": "m",
                    "category": "c",
                    "data": {"k": "v"},
                    "event_id": "e",
                },
                NO_CRUMB,
            ]
        },
    ),
    # request
    ("request", {"url": "http://x/"}, "request", {**NO_REQUEST, "url": "http://x/"}),
    (
        "request",
        {
            "method": "GET",
            "url": "http://x/",
            "query_string": [["a", "b"]],
            "fragment": "top",
            "data": "raw",
            "headers": [["Host", "x"]],
            "cookies": [["k", "v"]],
            "env": {"E": "1"},
            "inferred_content_type": "text/plain",
        },
        "request",
        {
            "method": "GET",
            "url": "http://x/",
            "query": [["a", "b"]],
            "fragment": "top",
            "data": "raw",
            "headers": [["Host", "x"]],
            "cookies": [["k", "v"]],
            "env": {"E": "1"},
            "inferredContentType": "text/plain",
        },
    ),
    # the rest
    ("debug_meta", {"images": [{"type": "elf"}]}, "debugmeta", {"images": [{"type": "elf"}]}),
    ("spans", [{"op": "db"}], "spans", [{"op": "db"}]),
]


@pytest.mark.parametrize(("attribute", "stored", "kind", "data"), CASES)
def test_what_is_stored_is_shown(attribute: str, stored: Any, kind: str, data: Any) -> None:
    assert entry(attribute, stored) == (kind, data)


@pytest.mark.parametrize(
    ("frame", "context"),
    [
        ({}, []),
        ({"lineno": 5}, []),
        ({"context_line": "x"}, []),
        ({"lineno": "5", "context_line": "x"}, []),
        ({"lineno": 5, "context_line": "x"}, [[5, "x"]]),
        ({"lineno": 5, "context_line": ""}, [[5, ""]]),
        (
            {"lineno": 5, "pre_context": ["a", "b"], "context_line": "x", "post_context": ["c"]},
            [[3, "a"], [4, "b"], [5, "x"], [6, "c"]],
        ),
        (
            {"lineno": 1, "pre_context": ["a", "b", "c"], "context_line": "x"},
            [[0, "a"], [1, "b"], [2, "c"], [3, "x"]],
        ),
        ({"lineno": 5, "pre_context": ["a"]}, [[4, "a"], [5, None]]),
        ({"lineno": 5, "context_line": "x", "pre_context": "a"}, [[5, "x"]]),
    ],
)
def test_lines_are_numbered_around_the_frame_s(frame: dict[str, Any], context: Any) -> None:
    _, data = entry("stacktrace", {"frames": [{"function": "f", **frame}]})
    assert data["frames"][0]["context"] == context


ATTRIBUTES = [
    "logentry", "exception", "stacktrace", "threads", "csp", "hpkp", "expectct", "expectstaple",
    "template", "breadcrumbs", "request", "debug_meta", "spans",
]  # fmt: skip


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@pytest.mark.parametrize(
    "stored", [None, {}, [], "text", 1, True, {"values": []}, {"values": [None, 1, "x"]},
               {"frames": []}, {"frames": ["x"]}, {"images": []}]
)  # fmt: skip
def test_nothing_is_made_of_nothing(attribute: str, stored: Any) -> None:
    # These are objects themselves: one with something in it is something.
    objects = ("request", "template", "csp", "hpkp", "expectct", "expectstaple")
    is_something = attribute in objects and isinstance(stored, dict) and bool(stored)
    assert (entry(attribute, stored) is not None) == is_something


def test_the_order_is_that_of_the_display_scores() -> None:
    data = {attribute: stored for attribute, stored, _, _ in reversed(CASES)}
    assert [entry["type"] for entry in entries_of(data, HAPPENED_AT)] == [
        "message",
        "exception",
        "stacktrace",
        "threads",
        "csp",
        "hpkp",
        "expectct",
        "expectstaple",
        "template",
        "breadcrumbs",
        "request",
        "debugmeta",
        "spans",
    ]


names = st.sampled_from(
    ["values", "frames", "stacktrace", "raw_stacktrace", "mechanism", "lineno", "pre_context",
     "post_context", "context_line", "instruction_addr", "symbol_addr", "vars", "data", "sourcemap",
     "timestamp", "headers", "query_string", "images", "in_app", "message", "params"]
)  # fmt: skip
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["0x1f", "0x", "https://x/y.map"]),
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(ATTRIBUTES), trees))
def test_any_stored_event_can_be_shown(data: dict[str, Any]) -> None:
    orjson.dumps(entries_of(data, HAPPENED_AT))
