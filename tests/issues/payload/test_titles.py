import pytest

from issues.payload.event import Sender
from issues.payload.normalize import normalize
from issues.payload.titles import describe, search_text


def described(raw):
    return describe(normalize(raw, now=1_700_000_000.0, sender=Sender()))


def exception(*frames, **attributes):
    given = {"type": "E", "value": "v"} | attributes
    return {"exception": [given | {"stacktrace": {"frames": list(frames)}}]}


# Messages


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ({"message": "hello"}, "hello"),
        ({"message": "first\nsecond"}, "first"),
        ({"message": "\n\n first \r\nsecond"}, "first"),
        ({"message": "x" * 100}, "x" * 100),
        ({"message": "x" * 101}, "x" * 97 + "..."),
        ({"logentry": {"message": "raw %s", "params": ["a"]}}, "raw a"),
        ({}, "<unlabeled event>"),
        ({"message": " \n "}, "<unlabeled event>"),
    ],
)
def test_an_event_without_exception_is_called_by_its_message(raw, title):
    description = described(raw)
    assert description.type == "default"
    assert description.title == title
    assert description.metadata == {"title": title}
    assert description.location is None


# Exceptions


@pytest.mark.parametrize(
    ("given", "title", "metadata"),
    [
        ({"type": "E", "value": "v"}, "E: v", {"type": "E", "value": "v"}),
        ({"type": "E"}, "E", {"type": "E", "value": ""}),
        ({"value": "v"}, "Error: v", {"type": "Error", "value": "v"}),
        ({"type": "E", "value": "a\nb"}, "E: a", {"type": "E", "value": "a\nb"}),
        (
            {"type": "E", "value": "x" * 2000},
            "E: " + "x" * 97 + "...",
            {"type": "E", "value": "x" * 1021 + "..."},
        ),
    ],
)
def test_an_error_is_called_by_type_and_first_line(given, title, metadata):
    description = described({"exception": [given], "message": "other"})
    assert description.type == "error"
    assert description.title == title
    assert description.metadata == metadata
    assert description.location is None


def test_the_last_exception_counts():
    description = described({"exception": [{"type": "Cause"}, {"type": "Outer", "value": "v"}]})
    assert description.title == "Outer: v"


OLD = {"filename": "old.py", "function": "old", "in_app": True}
OWN = {"filename": "own.py", "function": "own", "in_app": True}
LIB = {"filename": "lib.py", "function": "lib", "in_app": False}


@pytest.mark.parametrize(
    ("frames", "filename", "function"),
    [
        ([OLD, OWN, LIB], "own.py", "own"),
        ([LIB], "lib.py", "lib"),
        ([OLD, OWN], "own.py", "own"),
    ],
)
def test_an_error_is_located_at_its_crash_frame(frames, filename, function):
    description = described(exception(*frames))
    assert description.location == filename
    assert description.metadata == {
        "type": "E",
        "value": "v",
        "filename": filename,
        "function": function,
    }


def test_an_error_without_a_stack_trace_is_located_in_its_thread():
    raw = {
        "exception": [{"type": "E"}],
        "threads": [
            {"id": 1, "stacktrace": {"frames": [LIB]}},
            {"id": 2, "crashed": True, "stacktrace": {"frames": [OWN]}},
        ],
    }
    assert described(raw).location == "own.py"


@pytest.mark.parametrize(
    ("raw", "title", "metadata"),
    [
        # a Node SDK's captureMessage
        (
            {"message": "hello\nyou"} | exception(OWN, type=None, value="hello\nyou"),
            "hello",
            {"value": "hello\nyou", "title": "hello"},
        ),
        (exception(OWN, type=None, value="hello"), "hello", {"value": "hello", "title": "hello"}),
        (exception(OWN, type="SIGABRT", value="abort"), "own", {"value": "abort"}),
        (
            {"message": "text"} | exception(OWN, type="SIGABRT", value="abort"),
            "text",
            {"value": "abort", "title": "text"},
        ),
    ],
)
def test_a_made_up_exception_is_called_by_text_or_function(raw, title, metadata):
    raw["exception"][0]["mechanism"] = {"type": "generic", "synthetic": True}
    description = described(raw)
    assert description.type == "error"
    assert description.title == title
    assert description.metadata == metadata | {"filename": "own.py", "function": "own"}
    assert description.culprit == ""


def test_a_made_up_exception_of_which_nothing_is_known():
    description = described({"exception": [{"type": "E", "mechanism": {"synthetic": True}}]})
    assert description.title == "<unknown>"


# Other types


@pytest.mark.parametrize(
    ("report", "message", "uri"),
    [
        (
            {"effective-directive": "script-src", "blocked-uri": "http://example.com/a.js"},
            "Blocked 'script' from 'example.com'",
            "example.com",
        ),
        (
            {"effective-directive": "script-src", "blocked-uri": "self"},
            "Blocked unsafe (eval() or inline) 'script'",
            "'self'",
        ),
        (
            {"effective-directive": "style-src", "blocked-uri": ""},
            "Blocked inline 'style'",
            "'self'",
        ),
        (
            {"effective-directive": "img-src", "blocked-uri": "data:image/png"},
            "Blocked 'image' from 'data'",
            "data",
        ),
        (
            {"effective-directive": "x-src", "blocked-uri": "http://[broken"},
            "Blocked 'x-src' from 'http://[broken'",
            "http://[broken",
        ),
    ],
)
def test_a_csp_report_is_called_by_what_was_blocked(report, message, uri):
    description = described({"csp": report | {"violated-directive": "the policy"}})
    assert description == (
        "csp",
        {"directive": report["effective-directive"], "uri": uri, "message": message},
        message,
        uri,
        "the policy",
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hpkp", "Public key pinning validation failed for 'x.com'"),
        ("expectct", "Expect-CT failed for 'x.com'"),
        ("expectstaple", "Expect-Staple failed for 'x.com'"),
    ],
)
def test_other_reports_are_called_by_their_host(name, message):
    description = described({name: {"hostname": "x.com"}})
    assert description == (
        name,
        {"origin": "x.com", "message": message},
        message,
        "x.com",
        "x.com",
    )


def test_a_transaction_is_called_by_its_name():
    description = described({"type": "transaction", "transaction": "/a/"})
    metadata = {"title": "/a/", "location": "/a/"}
    assert description == ("transaction", metadata, "/a/", "/a/", "/a/")


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({"csp": {"a": 1}, "exception": [{"type": "E"}]}, "csp"),
        ({"exception": [{"type": "E"}], "type": "transaction"}, "error"),
        ({"type": "error"}, "default"),
    ],
)
def test_the_type_follows_from_what_is_there(raw, kind):
    assert described(raw).type == kind


# Culprit


def culprit(raw):
    return described(raw).culprit


def test_a_culprit_is_what_the_sender_says():
    raw = exception(OWN) | {"request": {"url": "http://x.com/"}}
    assert culprit(raw | {"culprit": "c", "transaction": "t"}) == "c"
    assert culprit(raw | {"transaction": "t"}) == "t"


@pytest.mark.parametrize(
    ("platform", "frame", "expected"),
    [
        ("python", {"module": "raven.scripts.runner", "function": "main"}, None),
        ("python", {"filename": "bar.py"}, "bar.py in ?"),
        ("python", {"function": "f"}, ""),
        ("javascript", {"filename": "app.js", "function": "foo"}, "foo(app.js)"),
        ("node", {"module": "m", "filename": "app.js"}, "?(m)"),
        ("cocoa", {"filename": "a.m", "function": "main"}, "main"),
        ("objc", {"package": "p"}, "?"),
        ("native", {"function": "main"}, "main"),
        ("python", {"filename": "a", "function": "f", "platform": "node"}, "f(a)"),
    ],
)
def test_the_text_of_the_frame_to_blame(platform, frame, expected):
    expected = "raven.scripts.runner in main" if expected is None else expected
    assert culprit({"platform": platform} | exception(frame)) == expected


NAMELESS = {"function": "nameless"}


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([OLD, OWN, LIB], "own.py in own"),
        ([OLD, NAMELESS | {"in_app": True}, LIB], "old.py in old"),
        ([LIB, NAMELESS], ""),
        # in_app as sent, not as settled: all of these are in-app
        ([OWN, NAMELESS | {"in_app": True}], "own.py in own"),
        ([LIB, NAMELESS | {"in_app": True}], "lib.py in lib"),
    ],
)
def test_the_newest_frame_of_the_application_is_to_blame(frames, expected):
    assert culprit(exception(*frames)) == expected


def test_the_last_exception_with_a_stack_trace_is_to_blame():
    raw = {
        "exception": [
            {"type": "A", "stacktrace": {"frames": [OLD]}},
            {"type": "B", "stacktrace": {"frames": [OWN]}},
            {"type": "C"},
        ]
    }
    assert culprit(raw) == "own.py in own"


def test_a_stack_trace_of_its_own_counts_only_without_exceptions():
    stack = {"stacktrace": {"frames": [OWN]}}
    assert culprit(stack) == "own.py in own"
    assert culprit(stack | {"exception": [{"type": "A"}, {"type": "B"}]}) == ""


def test_without_a_stack_trace_the_url_is_to_blame():
    assert culprit({"request": {"url": "http://x.com/a"}}) == "http://x.com/a"
    assert culprit({"message": "m"}) == ""


def test_a_long_culprit_is_cut():
    assert len(culprit({"request": {"url": "http://x.com/" + "a" * 500}})) == 200


# Search text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"message": "hello"}, "hello"),
        ({"message": "first\nsecond", "culprit": "where"}, "first\nsecond where"),
        ({"exception": [{"type": "E", "value": "v"}], "culprit": "cul"}, "E v cul"),
        ({"exception": [{"type": "E", "value": "v"}], "message": "so E"}, "so E v"),
        ({}, "<unlabeled event>"),
    ],
)
def test_search_sees_message_metadata_and_culprit(raw, text):
    event = normalize(raw, now=1_700_000_000.0, sender=Sender())
    assert search_text(event, describe(event)) == text


def test_search_sees_at_most_8192_characters():
    event = normalize({"message": "m" * 9000}, now=1_700_000_000.0, sender=Sender())
    assert len(search_text(event, describe(event))) == 8192
