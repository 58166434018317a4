from hashlib import md5

import pytest

from issues.payload.event import Sender
from issues.payload.grouping import hashes
from issues.payload.normalize import normalize
from issues.payload.stacktrace import settle_in_app

EMPTY = "d41d8cd98f00b204e9800998ecf8427e"


def hashes_of(raw):
    event = normalize(raw, now=1_700_000_000.0, sender=Sender())
    settle_in_app(event)
    return hashes(event)


def digest(*parts):
    return md5("".join(parts).encode()).hexdigest()


def stack(*frames):
    return {"frames": list(frames)}


def exception(*frames, kind="E", value="v"):
    return {"type": kind, "value": value, "stacktrace": stack(*frames)}


APP = {"module": "app", "function": "f", "in_app": True}
LIB = {"module": "lib", "function": "g", "in_app": False}


# Fingerprint and checksum


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"fingerprint": ["foo", "bar", "foô"]}, "6d81588029ed4190110b2779ba952a00"),
        ({"message": "foo bar"}, "327b6f07435811239bc47e1544353273"),
        ({}, EMPTY),
        ({"checksum": "327b6f07435811239bc47e1544353273"}, "327b6f07435811239bc47e1544353273"),
        ({"checksum": "327B6F07435811239BC47E1544353273"}, "327b6f07435811239bc47e1544353273"),
        ({"checksum": "mine"}, digest("mine")),
    ],
)
def test_known_hashes(raw, expected):
    assert hashes_of(raw) == [expected]


def test_a_fingerprint_wins_over_everything():
    raw = {"fingerprint": ["a", 1], "checksum": "c" * 32, "exception": [exception(APP, LIB)]}
    assert hashes_of(raw) == [digest("a", "1")]


def test_a_checksum_wins_over_the_default():
    assert hashes_of({"checksum": "c" * 32, "message": "m"}) == ["c" * 32]


@pytest.mark.parametrize("default", ["{{ default }}", "{{default}}"])
def test_the_default_in_a_fingerprint_stands_for_the_default_parts(default):
    raw = {"fingerprint": [default, "mine"], "exception": [exception(LIB, APP)]}
    assert hashes_of(raw) == [
        digest("lib", "g", "app", "f", "E", "mine"),
        digest("app", "f", "E", "mine"),
    ]


def test_the_default_alone_is_the_default():
    raw = {"exception": [exception(LIB, APP)]}
    assert hashes_of(raw | {"fingerprint": ["{{ default }}"]}) == hashes_of(raw)


# Which interface decides


def test_a_stack_trace_decides_by_all_frames_and_by_those_of_the_application():
    assert hashes_of({"stacktrace": stack(LIB, APP)}) == [
        digest("lib", "g", "app", "f"),
        digest("app", "f"),
    ]


def test_an_exception_adds_its_type_but_not_its_value():
    assert hashes_of({"exception": [exception(LIB, APP)]}) == [
        digest("lib", "g", "app", "f", "E"),
        digest("app", "f", "E"),
    ]


def test_all_exceptions_with_stack_traces_count():
    raw = {"exception": [exception(APP, kind="A"), {"type": "B"}, exception(LIB, kind="C")]}
    assert hashes_of(raw) == [digest("app", "f", "A", "lib", "g", "C")]


def test_without_any_stack_trace_types_and_values_decide():
    raw = {"exception": [{"type": "A", "value": "a"}, {"type": "B"}, {"value": "c"}]}
    assert hashes_of(raw) == [digest("A", "a", "B", "c")]


def test_frames_of_one_kind_give_one_hash():
    assert hashes_of({"stacktrace": stack(LIB, LIB | {"lineno": 2})}) == [
        digest("lib", "g", "lib", "g")
    ]
    everything = stack(APP, APP | {"lineno": 2})
    assert hashes_of({"stacktrace": everything}) == [digest("app", "f", "app", "f")]


@pytest.mark.parametrize(("system", "count"), [(9, 2), (10, 1)])
def test_an_application_of_less_than_a_tenth_does_not_count(system, count):
    frames = [LIB | {"lineno": n} for n in range(system)]
    assert len(hashes_of({"stacktrace": stack(*frames, APP)})) == count
    assert len(hashes_of({"exception": [exception(*frames, APP)]})) == count


def test_the_only_thread_with_a_stack_trace_decides():
    threads = [{"id": 1, "stacktrace": stack(LIB, APP)}, {"id": 2}]
    assert hashes_of({"threads": threads, "message": "m"}) == [digest("lib", "g", "app", "f")]


def test_of_two_threads_with_stack_traces_none_decides():
    threads = [{"id": n, "stacktrace": stack(APP)} for n in (1, 2)]
    assert hashes_of({"threads": threads, "message": "m"}) == [digest("m")]


def test_a_template_decides_by_file_and_line():
    template = {"filename": "a.html", "context_line": "{% x %}", "lineno": 5}
    assert hashes_of({"template": template, "message": "m"}) == [digest("a.html", "{% x %}")]


def test_a_message_decides_by_its_template():
    first, second = (
        hashes_of({"logentry": {"message": "hi %s", "params": [name]}}) for name in ("a", "b")
    )
    assert first == second == [digest("hi %s")]


def test_request_breadcrumbs_contexts_and_user_never_decide():
    raw = {
        "request": {"url": "http://x.com/"},
        "breadcrumbs": [{"message": "m"}],
        "contexts": {"a": {"b": 1}},
        "user": {"id": 1},
    }
    assert hashes_of(raw) == [EMPTY]


@pytest.mark.parametrize(
    ("name", "report", "parts"),
    [
        (
            "csp",
            {"effective-directive": "img-src", "blocked-uri": "http://evil.example/a.png"},
            ("img-src", "evil.example"),
        ),
        (
            "csp",
            {"effective-directive": "img-src", "blocked-uri": "self"},
            ("img-src", "'self'"),
        ),
        (
            "csp",
            {
                "effective-directive": "script-src",
                "violated-directive": "script-src 'unsafe-inline'",
                "blocked-uri": "self",
            },
            ("script-src", "'unsafe-inline'"),
        ),
        (
            "csp",
            {"violated-directive": "script-src 'unsafe-eval'", "blocked-uri": ""},
            ("script-src", "'unsafe-eval'"),
        ),
        (
            "csp",
            {
                "effective-directive": "img-src",
                "blocked-uri": "http://x.com/a",
                "document-uri": "http://x.com/",
            },
            ("img-src", "'self'"),
        ),
        ("hpkp", {"hostname": "x.com"}, ("hpkp", "x.com")),
        ("expectct", {"hostname": "x.com"}, ("expect-ct", "x.com")),
        ("expectstaple", {"hostname": "x.com"}, ("expect-staple", "x.com")),
    ],
)
def test_a_security_report_decides_by_what_was_blocked(name, report, parts):
    assert hashes_of({name: report}) == [digest(*parts)]


# Frames


def test_recursion_counts_once():
    other = APP | {"lineno": 2}
    assert hashes_of({"stacktrace": stack(APP, APP, APP, other, APP)}) == [
        digest("app", "f", "app", "f", "app", "f")
    ]


def test_a_single_frame_in_a_web_page_decides_nothing():
    frame = {"abs_path": "http://x.com/page", "lineno": 5}
    assert hashes_of({"stacktrace": stack(frame), "message": "m"}) == [digest("m")]
    named = frame | {"function": "f", "context_line": "x()"}
    assert hashes_of({"stacktrace": stack(named), "message": "m"}) == [digest("x()")]


@pytest.mark.parametrize(
    ("platform", "frame", "parts"),
    [
        # the place: module, else file
        ("python", {"module": "m", "filename": "a.py", "function": "f"}, ("m", "f")),
        ("python", {"filename": "a.py", "function": "f"}, ("a.py", "f")),
        ("python", {"filename": "[native code]", "function": "f"}, ()),
        ("python", {"filename": "a.py", "abs_path": "http://x.com/a.py", "function": "f"}, ()),
        ("python", {"filename": "a", "abs_path": "applewebdata:x", "function": "f"}, ()),
        ("python", {"filename": "a", "abs_path": "blob:http://x", "function": "f"}, ()),
        ("python", {"filename": "Caused by: X", "function": "f"}, ()),
        # the line, else symbol, function, line number
        (
            "python",
            {"module": "m", "function": "f", "context_line": "  raise"},
            ("m", "  raise"),
        ),
        ("python", {"function": "f", "context_line": "  raise"}, ("  raise",)),
        ("python", {"module": "m", "function": "f", "context_line": "x" * 120}, ("m", "x" * 120)),
        ("python", {"module": "m", "function": "f", "context_line": "x" * 121}, ("m", "f")),
        (
            "python",
            {"module": "m", "abs_path": "http://x", "lineno": 3, "context_line": "<html>"},
            ("m", "3"),
        ),
        ("python", {"function": "f", "lineno": 3}, ()),
        ("python", {"module": "m", "symbol": "s", "function": "f", "lineno": 3}, ("m", "s")),
        ("python", {"module": "m", "lineno": 3}, ("m", "3")),
        ("python", {"module": "m"}, ("m",)),
        # functions
        ("java", {"module": "m", "function": "lambda$apply$3"}, ("m", "<function>")),
        ("javascript", {"module": "m", "function": "[Anonymous x]"}, ("m", "<function>")),
        ("ruby", {"module": "m", "function": "block in each"}, ("m", "block")),
        (
            "ruby",
            {"module": "m", "function": "_app_erb__123_456"},
            ("m", "_app_erb__<anon>_<anon>"),
        ),
        ("ruby", {"module": "m", "function": "step_1"}, ("m", "step_1")),
        # javascript modules that are paths
        (
            "javascript",
            {"module": "a/b", "abs_path": "http://x.com/a/b", "function": "f"},
            ("<module>", "f"),
        ),
        ("javascript", {"module": "a/b", "function": "f"}, ("a/b", "f")),
        ("python", {"module": "a/b", "abs_path": "/x/a/b", "function": "f"}, ("a/b", "f")),
        # java modules that were generated
        ("java", {"module": "x$$Lambda$12", "function": "f"}, ("<module>", "f")),
        (
            "java",
            {"module": "sun.reflect.GeneratedMethodAccessor12345", "function": "f"},
            ("sun.reflect.GeneratedMethodAccessor", "f"),
        ),
        (
            "java",
            {"module": "jdk.internal.reflect.GeneratedMethodAccessor12345", "function": "f"},
            ("jdk.internal.reflect.GeneratedMethodAccessor", "f"),
        ),
        (
            "java",
            {"module": "sun.reflect.GeneratedSerializationConstructorAccessor1", "function": "f"},
            ("sun.reflect.GeneratedSerializationConstructorAccessor<auto>", "f"),
        ),
        (
            "java",
            {"module": "sun.reflect.GeneratedConstructorAccessor1", "function": "f"},
            ("sun.reflect.GeneratedConstructorAccessor<auto>", "f"),
        ),
        (
            "java",
            {"module": "a.B$$EnhancerBySpringCGLIB$$fb1a2c3d", "function": "f"},
            ("a.B$$EnhancerBySpringCGLIB$$<auto>", "f"),
        ),
        (
            "java",
            {"module": "a.B$$_javassist_seam_3", "function": "f"},
            ("a.B$$_javassist<auto>", "f"),
        ),
        ("java", {"module": "a.core$fn__1234", "function": "f"}, ("a.core$fn__<auto>", "f")),
        ("python", {"module": "a.core$fn__1234", "function": "f"}, ("a.core$fn__1234", "f")),
        # file names
        ("cocoa", {"filename": "/Users/x/App/main.m", "function": "f"}, ("main.m", "f")),
        (
            "java",
            {"filename": "a_$$_javassist_3.java", "function": "f"},
            ("a_$$_javassist<auto>.java", "f"),
        ),
        (
            "ruby",
            {"filename": "/app/releases/20140114151955/x.rb", "function": "f"},
            ("/app/releases/<version>/x.rb", "f"),
        ),
        ("php", {"filename": "/a/v1.2.3/x.php", "function": "f"}, ("/a/<version>/x.php", "f")),
        ("php", {"filename": "/a/ABCDEF0/x.php", "function": "f"}, ("/a/<version>/x.php", "f")),
        ("php", {"filename": f"/a/{'c' * 32}/x.php", "function": "f"}, ("/a/<version>/x.php", "f")),
        ("php", {"filename": f"/a/{'c' * 40}/x.php", "function": "f"}, ("/a/<version>/x.php", "f")),
        ("php", {"filename": "/a/b/x.php", "function": "f"}, ("/a/b/x.php", "f")),
        # the frame's own platform
        ("other", {"filename": "/a/m.m", "function": "f", "platform": "cocoa"}, ("m.m", "f")),
    ],
)
def test_the_parts_of_a_frame(platform, frame, parts):
    anchor = {"module": "anchor", "function": "a"}
    raw = {"platform": platform, "stacktrace": stack(frame, anchor)}
    assert hashes_of(raw) == [digest(*parts, "anchor", "a")]
