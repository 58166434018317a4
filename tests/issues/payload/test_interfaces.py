import pytest

from issues.payload.event import Sender
from issues.payload.normalize import normalize

NOW = 1_700_000_000.0


def stored(raw):
    return normalize(raw, now=NOW, sender=Sender())


def invalid(name, value, reason):
    return {"type": "invalid_data", "name": name, "value": value, "reason": reason}


# Exceptions

STACK = {"frames": [{"filename": "a.py", "abs_path": "/a.py"}]}


@pytest.mark.parametrize(
    "given",
    [
        {"values": [{"type": "E", "value": "x"}]},
        [{"type": "E", "value": "x"}],
        {"type": "E", "value": "x"},
        {"values": [None, {"type": "E", "value": "x"}]},
        {"values": {"type": "E", "value": "x"}},
    ],
)
def test_exceptions_come_as_values_as_a_list_or_alone(given):
    event = stored({"exception": given})
    assert event["exception"] == {"values": [{"type": "E", "value": "x"}]}
    assert "errors" not in event


@pytest.mark.parametrize("name", ["exception", "threads", "breadcrumbs"])
def test_text_instead_of_a_list_is_noted(name):
    event = stored({name: "text"})
    assert name not in event
    assert event["errors"] == [invalid(name, "text", "expected a list or values object")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"value": 5}, {"value": "5"}),
        ({"type": "E", "value": {"a": [1]}}, {"type": "E", "value": '{"a":[1]}'}),
        ({"value": "TypeError: no"}, {"type": "TypeError", "value": "no"}),
        ({"type": "E", "value": "TypeError: no"}, {"type": "E", "value": "TypeError: no"}),
        ({"value": "not a type: no"}, {"value": "not a type: no"}),
        ({"value": "A: b\nc"}, {"value": "A: b\nc"}),
        ({"type": "t" * 129}, {"type": "t" * 125 + "..."}),
        ({"type": "E", "module": "m" * 129}, {"type": "E", "module": "m" * 125 + "..."}),
        ({"value": "v" * 4097}, {"value": "v" * 4093 + "..."}),
        ({"type": "E", "thread_id": 5}, {"type": "E", "thread_id": 5}),
        ({"type": "E", "thread_id": "main"}, {"type": "E", "thread_id": "main"}),
        ({"type": "E", "stacktrace": {"frames": []}}, {"type": "E"}),
        ({"type": "E", "stacktrace": None}, {"type": "E"}),
        ({"type": "E", "other": 1}, {"type": "E"}),
    ],
)
def test_what_is_kept_of_an_exception(given, expected):
    event = stored({"exception": [given]})
    assert event["exception"]["values"] == [expected]
    assert "errors" not in event


def test_an_exception_with_neither_type_nor_value_is_dropped_and_noted():
    event = stored({"exception": [{"module": "m"}, {"type": "E"}]})
    assert event["exception"]["values"] == [{"type": "E"}]
    assert event["errors"] == [{"type": "missing_attribute", "name": "exception.values.0.type"}]


def test_a_bad_field_of_an_exception_is_dropped_alone():
    event = stored({"exception": [{"type": 5, "value": "x"}, "text"]})
    assert event["exception"]["values"] == [{"value": "x"}]
    assert event["errors"] == [
        invalid("exception.values.0.type", 5, "expected a string"),
        invalid("exception.values.1", "text", "expected exception"),
    ]


def test_a_made_up_exception_has_no_type_to_find():
    given = {"value": "Error: text", "mechanism": {"synthetic": True}}
    exception = stored({"exception": [given]})["exception"]["values"][0]
    assert exception["value"] == "Error: text"
    assert "type" not in exception


def test_a_mechanism_is_kept():
    mechanism = {
        "type": "chained",
        "handled": False,
        "synthetic": True,
        "description": "d",
        "help_link": "h",
        "source": "__cause__",
        "exception_id": 1,
        "parent_id": 0,
        "is_exception_group": False,
        "data": {"a": 1},
        "meta": {"signal": {"number": 6}},
    }
    event = stored({"exception": [{"type": "E", "mechanism": mechanism | {"other": 1}}]})
    assert event["exception"]["values"][0]["mechanism"] == mechanism


def test_a_mechanism_without_type_is_generic():
    event = stored({"exception": [{"type": "E", "mechanism": {"handled": True}}]})
    assert event["exception"]["values"][0]["mechanism"] == {"type": "generic", "handled": True}


def test_a_stack_trace_beside_one_exception_is_moved_into_it():
    event = stored({"exception": [{"type": "E"}], "stacktrace": STACK})
    assert "stacktrace" not in event
    assert event["exception"]["values"][0]["stacktrace"] == STACK


def test_a_stack_trace_beside_two_exceptions_stays():
    event = stored({"exception": [{"type": "E"}, {"type": "F"}], "stacktrace": STACK})
    assert event["stacktrace"] == STACK


# Threads


def test_threads_are_kept():
    thread = {"id": 1, "name": "main", "crashed": True, "current": False, "stacktrace": STACK}
    event = stored({"threads": [thread | {"other": 1}, None, {"id": "x", "crashed": "no"}]})
    assert event["threads"]["values"] == [thread, {"id": "x"}]
    assert event["errors"] == [invalid("threads.values.2.crashed", "no", "expected a boolean")]


# Messages


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"message": "hi"}, {"formatted": "hi"}),
        ({"message": 123}, {"formatted": "123"}),
        ({"logentry": {"message": "hi"}}, {"formatted": "hi"}),
        ({"logentry": "hi"}, {"formatted": "hi"}),
        ({"logentry": True}, {"formatted": "true"}),
        ({"logentry": 5}, {"formatted": "5"}),
        ({"logentry": {"formatted": "hi"}}, {"formatted": "hi"}),
        ({"logentry": {"message": "hi", "formatted": "hi"}}, {"formatted": "hi"}),
        (
            {"logentry": {"message": "hi %s", "formatted": "hi you"}},
            {"message": "hi %s", "formatted": "hi you"},
        ),
        ({"logentry": {"message": "a"}, "message": "b"}, {"formatted": "a"}),
        ({"logentry": {}, "message": "b"}, {"formatted": "b"}),
        ({"message": "m" * 8193}, {"formatted": "m" * 8189 + "..."}),
        ({"message": {"message": "m %s", "params": ["x"]}}, None),
    ],
)
def test_a_message_becomes_a_log_entry(raw, expected):
    expected = expected or {"message": "m %s", "params": ["x"], "formatted": "m x"}
    event = stored(raw)
    assert event["logentry"] == expected
    assert "message" not in event
    assert "errors" not in event


@pytest.mark.parametrize("raw", [{"message": ""}, {"logentry": {"message": ""}}, {"logentry": {}}])
def test_an_empty_message_is_none(raw):
    assert "logentry" not in stored(raw)


def test_a_message_that_is_a_list_is_noted():
    event = stored({"logentry": {"message": ["a"]}})
    assert event["errors"] == [invalid("logentry.message", ["a"], "expected a string")]


@pytest.mark.parametrize(
    ("template", "params", "formatted"),
    [
        ("%s of %d", ["a", 5], "a of 5"),
        ("%s", [None], "None"),
        ("%r", ["a"], "'a'"),
        ("%5.2f%%", [1.234], " 1.23%"),
        ("%05d %x", [42, 255], "00042 ff"),
        ("%d", ["text"], "text"),
        ("%s", [{"a": 1}], '{"a":1}'),
        ("%(who)s is %(age)d", {"who": "Bo", "age": 3}, "Bo is 3"),
        ("{} and {}", ["a", "b"], "a and b"),
        ("{1} and {0}", ["a", "b"], "b and a"),
        ("{who}", {"who": "Bo"}, "Bo"),
        ("%s %s", ["only one"], "%s %s"),
        ("%(missing)s", {"a": 1}, "%(missing)s"),
        ("nothing to fill", ["a"], "nothing to fill"),
        ("%c%c", [0, 0xD800], "\ufffd"),
        ("{0.__class__} {0[0]}", ["a"], "{0.__class__} {0[0]}"),
        ("%999999999d", [1], "%999999999d"),
    ],
)
def test_parameters_are_filled_into_the_template(template, params, formatted):
    entry = stored({"logentry": {"message": template, "params": params}})["logentry"]
    expected = {"params": params, "formatted": formatted}
    if template != formatted:
        expected["message"] = template
    assert entry == expected


def test_the_senders_own_formatting_wins():
    given = {"message": "a %s", "params": ["b"], "formatted": "a c"}
    assert stored({"logentry": given})["logentry"] == given


# Breadcrumbs


def test_breadcrumbs_are_kept_with_defaults():
    full = {
        "type": "http",
        "level": "warning",
        "timestamp": "2023-11-14T22:13:15.5Z",
        "category": "c",
        "message": "m",
        "data": {"status_code": 200, "url": "u"},
        "event_id": "e",
    }
    event = stored({"breadcrumbs": [full, {"message": "m", "timestamp": NOW, "data": {}}]})
    assert event["breadcrumbs"]["values"] == [
        full | {"timestamp": NOW - 4.5},
        {"type": "default", "level": "info", "message": "m", "timestamp": NOW},
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"category": "c" * 257}, {"category": "c" * 253 + "..."}),
        ({"message": "m" * 4097}, {"message": "m" * 4093 + "..."}),
        ({"message": {"a": 1}}, {"message": '{"a":1}'}),
        ({"level": "log", "message": "m"}, {"message": "m"}),
        ({"data": {"a": "x" * 5000}}, {"data": {"a": "x" * 4090 + "..."}}),
    ],
)
def test_a_breadcrumb_is_cut_to_size(given, expected):
    crumb = stored({"breadcrumbs": [given]})["breadcrumbs"]["values"][0]
    assert crumb == {"type": "default", "level": "info"} | expected


def test_a_bad_field_of_a_breadcrumb_is_dropped_alone():
    event = stored({"breadcrumbs": [{"message": "m", "data": "text", "timestamp": "never"}]})
    assert event["breadcrumbs"]["values"] == [{"type": "default", "level": "info", "message": "m"}]
    assert event["errors"] == [
        invalid("breadcrumbs.values.0.timestamp", "never", "expected a timestamp"),
        invalid("breadcrumbs.values.0.data", "text", "expected an object"),
    ]


# Contexts


def test_a_context_gets_its_type_from_its_name():
    event = stored({"contexts": {"os": {"name": "Linux"}, "mine": {"type": "os", "name": "X"}}})
    assert event["contexts"] == {
        "os": {"name": "Linux", "type": "os"},
        "mine": {"type": "os", "name": "X"},
    }


def test_empty_values_leave_a_context():
    contexts = {"a": {"x": None, "y": "", "z": 0, "no": False}, "b": {}, "c": {"x": None}}
    assert stored({"contexts": contexts})["contexts"] == {"a": {"z": 0, "no": False, "type": "a"}}


def test_a_context_that_is_no_object_is_noted():
    event = stored({"contexts": {"os": "Linux", "a": {"x": 1}}})
    assert event["contexts"] == {"a": {"x": 1, "type": "a"}}
    assert event["errors"] == [invalid("contexts.os", "Linux", "expected an object")]


# Templates


def test_a_template_is_kept():
    template = {
        "filename": "base.html",
        "abs_path": "/t/base.html",
        "lineno": 14,
        "context_line": "{% endif %}",
        "pre_context": ["a"],
        "post_context": ["b"],
    }
    assert stored({"template": template | {"other": 1}})["template"] == template


# Security reports


def test_a_csp_report_names_itself():
    event = stored(
        {
            "csp": {
                "blocked-uri": "http://evil.example/x.js",
                "violated-directive": "script-src 'self'",
                "document-uri": "http://example.com/",
            }
        }
    )
    assert event["csp"] == {
        "blocked_uri": "http://evil.example/x.js",
        "violated_directive": "script-src 'self'",
        "document_uri": "http://example.com/",
        "effective_directive": "script-src",
    }
    assert event["logger"] == "csp"
    assert event["logentry"] == {"formatted": "Blocked 'script' from 'evil.example'"}
