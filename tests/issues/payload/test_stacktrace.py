from copy import deepcopy

import pytest

from issues.payload.event import Sender
from issues.payload.normalize import normalize
from issues.payload.stacktrace import settle_in_app, unsettle_in_app


def stored(frames):
    raw = {"stacktrace": {"frames": frames}}
    return normalize(raw, now=1_700_000_000.0, sender=Sender())


def frames_of(*frames):
    event = stored(list(frames))
    assert "errors" not in event
    return event["stacktrace"]["frames"]


def invalid(name, value, reason):
    return {
        "type": "invalid_data",
        "name": f"stacktrace.frames.0.{name}",
        "value": value,
        "reason": reason,
    }


def test_a_frame_is_kept():
    frame = {
        "filename": "a.py",
        "abs_path": "/srv/a.py",
        "module": "a",
        "package": "p",
        "platform": "native",
        "function": "f",
        "raw_function": "f()",
        "symbol": "_f",
        "lineno": 7,
        "colno": 3,
        "in_app": True,
        "context_line": "    raise",
        "pre_context": ["a", ""],
        "post_context": ["b"],
        "vars": {"x": "1", "y": {"z": [None]}},
        "data": {"sourcemap": "u"},
        "instruction_addr": "0x1",
        "symbol_addr": "0x2",
        "image_addr": "0x3",
        "trust": "cfi",
    }
    assert frames_of(frame | {"unknown": 1, "errors": None}) == [frame]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"filename": "a.py"}, {"filename": "a.py", "abs_path": "a.py"}),
        (
            {"filename": "http://x.com/" + "f" * 300},
            {"filename": "/" + "f" * 252 + "...", "abs_path": "http://x.com/" + "f" * 300},
        ),
        ({"abs_path": "/a.py"}, {"filename": "/a.py", "abs_path": "/a.py"}),
        (
            {"filename": "http://x.com/js/a.js?v=1"},
            {"filename": "/js/a.js", "abs_path": "http://x.com/js/a.js?v=1"},
        ),
        (
            {"abs_path": "http://x.com"},
            {"filename": "http://x.com", "abs_path": "http://x.com"},
        ),
        (
            {"filename": "a.js", "abs_path": "http://x.com/js/a.js"},
            {"filename": "a.js", "abs_path": "http://x.com/js/a.js"},
        ),
        ({"function": "f"}, {"function": "f"}),
        ({"module": "m", "function": "?"}, {"module": "m"}),
        ({"module": "m", "symbol": "?"}, {"module": "m"}),
        ({"package": "p"}, {"package": "p"}),
        ({"instruction_addr": 4096}, {"instruction_addr": "0x1000"}),
        ({"function": "f", "lineno": "12"}, {"function": "f", "lineno": 12}),
        ({"function": "f", "lineno": 12.0}, {"function": "f", "lineno": 12}),
        ({"function": "f", "lineno": 0}, {"function": "f", "lineno": 0}),
        ({"function": "f" * 257}, {"function": "f" * 253 + "..."}),
        ({"module": "m" * 257}, {"module": "m" * 253 + "..."}),
        (
            {"filename": "f" * 257, "abs_path": "a" * 2049},
            {"filename": "f" * 253 + "...", "abs_path": "a" * 2045 + "..."},
        ),
        (
            {"function": "f", "context_line": "c" * 257},
            {"function": "f", "context_line": "c" * 253 + "..."},
        ),
        (
            {"function": "f", "context_line": "", "pre_context": ["p" * 257, None, 5]},
            {"function": "f", "context_line": "", "pre_context": ["p" * 253 + "...", "", "5"]},
        ),
        ({"function": "f", "pre_context": ["a"], "post_context": ["b"]}, {"function": "f"}),
        ({"function": "f", "vars": ["a", 1]}, {"function": "f", "vars": {"0": "a", "1": 1}}),
        ({"function": "f", "vars": {}}, {"function": "f"}),
        (
            {"function": "f", "vars": {"x": float("inf")}},
            {"function": "f", "vars": {"x": 0}},
        ),
    ],
)
def test_what_is_kept_of_a_frame(given, expected):
    assert frames_of(given) == [expected]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("function", 5, "expected a string"),
        ("context_line", ["a"], "expected a string"),
        ("lineno", -1, "expected an unsigned integer"),
        ("lineno", "x", "expected an unsigned integer"),
        ("in_app", "yes", "expected a boolean"),
        ("vars", "text", "expected an object"),
    ],
)
def test_a_bad_field_of_a_frame_is_dropped_alone(name, value, reason):
    event = stored([{"module": "m", name: value}])
    assert event["stacktrace"]["frames"] == [{"module": "m"}]
    assert event["errors"] == [invalid(name, value, reason)]


def test_a_frame_that_names_no_place_is_dropped_and_noted():
    event = stored([{"lineno": 5}, {"function": "f"}, None])
    assert event["stacktrace"]["frames"] == [{"function": "f"}]
    name = "stacktrace.frames.0.filename"
    assert event["errors"] == [{"type": "missing_attribute", "name": name}]


def test_variables_are_cut_to_size():
    (frame,) = frames_of({"function": "f", "vars": {"a": "x" * 9000, "b": 1}})
    assert frame["vars"]["a"].endswith("x...")
    assert len(frame["vars"]["a"]) <= 4096
    assert "b" not in frame["vars"]


def test_registers_and_omitted_frames_are_kept():
    raw = {"frames": [{"function": "f"}], "registers": {"rip": "0x1"}, "frames_omitted": [1, 9]}
    event = normalize({"stacktrace": raw}, now=1_700_000_000.0, sender=Sender())
    assert event["stacktrace"] == raw


def test_a_bare_list_is_a_list_of_frames():
    event = normalize({"stacktrace": [{"function": "f"}]}, now=1_700_000_000.0, sender=Sender())
    assert event["stacktrace"] == {"frames": [{"function": "f"}]}


# Long stack traces


def long_stack(count, own):
    """Frames with variables and context, of which those that `own` picks are in-app."""
    rich = {"context_line": "c", "pre_context": ["p"], "post_context": ["q"], "vars": {"v": 1}}
    return [{"function": f"f{n}", "in_app": own(n), **rich} for n in range(count)]


def lit(frames):
    return [n for n, frame in enumerate(frames) if "vars" in frame]


def test_fifty_frames_keep_everything():
    assert lit(frames_of(*long_stack(50, own=lambda n: False))) == list(range(50))


def test_system_frames_in_the_middle_lose_their_context_first():
    frames = frames_of(*long_stack(100, own=lambda n: n % 10 == 0))
    assert len(frames) == 100
    own = [n for n in range(100) if n % 10 == 0]
    system = [n for n in range(100) if n % 10 != 0]
    assert lit(frames) == sorted(own + system[:20] + system[-20:])


def test_then_application_frames_in_the_middle():
    frames = frames_of(*long_stack(80, own=lambda n: n >= 10))
    assert lit(frames) == [*range(10, 35), *range(55, 80)]
    dark = frames[40]
    assert dark == {"function": "f40", "in_app": True, "context_line": "c"}


# In-app


@pytest.mark.parametrize(
    ("sent", "settled"),
    [
        ([True, True], [False, False]),
        ([False, False], [False, False]),
        ([None, None], [False, False]),
        ([True, False], [True, False]),
        ([True, None], [True, False]),
        ([None, False], [False, False]),
        ([True], [False]),
    ],
)
def test_a_stack_trace_that_is_in_app_throughout_is_not(sent, settled):
    event = stored([{"function": "f", "in_app": mark} for mark in sent])
    settle_in_app(event)
    assert [frame["in_app"] for frame in event["stacktrace"]["frames"]] == settled
    assert ("in_app_sent" in event["stacktrace"]) == (sent != settled)


@pytest.mark.parametrize("sent", [[True, True], [None, None], [True, None, False], [False], [None]])
def test_what_was_sent_of_in_app_is_not_lost(sent):
    event = stored([{"function": "f", "in_app": mark} for mark in sent])
    before = deepcopy(event)
    settle_in_app(event)
    unsettle_in_app(event)
    assert event == before


def test_in_app_is_settled_for_each_stack_trace_by_itself():
    own, system = {"function": "f", "in_app": True}, {"function": "g", "in_app": False}
    raw = {
        "exception": [
            {"type": "A", "stacktrace": {"frames": [own]}},
            {"type": "B", "stacktrace": {"frames": [own, system]}},
        ],
        "threads": [{"id": 1, "raw_stacktrace": {"frames": [own]}}],
    }
    event = normalize(raw, now=1_700_000_000.0, sender=Sender())
    settle_in_app(event)
    first, second = (value["stacktrace"]["frames"] for value in event["exception"]["values"])
    assert [frame["in_app"] for frame in first] == [False]
    assert [frame["in_app"] for frame in second] == [True, False]
    assert event["threads"]["values"][0]["raw_stacktrace"]["frames"][0]["in_app"] is False
