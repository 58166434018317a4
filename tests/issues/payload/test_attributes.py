import pytest

from issues.payload.event import Sender
from issues.payload.normalize import normalize

NOW = 1_700_000_000.0


def stored(raw, **sender):
    return normalize(raw, now=NOW, sender=Sender(**sender))


def error(kind, name, **details):
    return {"type": kind, "name": name, **details}


def invalid(name, value, reason):
    return error("invalid_data", name, value=value, reason=reason)


# Time


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (NOW - 5, NOW - 5),
        (int(NOW) - 5, NOW - 5),
        (NOW - 0.25, NOW - 0.25),
        (NOW + 59, NOW + 59),
        ("2023-11-14T22:13:15Z", NOW - 5),
        ("2023-11-14T22:13:15", NOW - 5),
        ("2023-11-14 22:13:15", NOW - 5),
        ("2023-11-14T22:13:15.5Z", NOW - 4.5),
        ("2023-11-14T22:13:15.123456Z", NOW - 5 + 0.123456),
        ("2023-11-14T23:13:15+01:00", NOW - 5),
        (str(NOW - 5), NOW - 5),
    ],
)
def test_a_timestamp_is_a_number_or_an_iso_text_in_utc(given, expected):
    event = stored({"timestamp": given})
    assert event["timestamp"] == pytest.approx(expected, abs=1e-6)
    assert "errors" not in event


@pytest.mark.parametrize("given", ["nope", "", True, [], {}, "nan", "inf", 1e300, -1])
def test_a_timestamp_that_cannot_be_read_becomes_now(given):
    event = stored({"timestamp": given})
    assert event["timestamp"] == NOW
    assert event["errors"] == [invalid("timestamp", given, "input contains invalid characters")]


def test_a_timestamp_too_old_becomes_now():
    event = stored({"timestamp": "2015-01-01T00:00:00Z"})
    assert event["timestamp"] == NOW
    assert event["errors"] == [error("past_timestamp", "timestamp", value=1420070400.0)]


def test_a_timestamp_in_the_future_becomes_now():
    event = stored({"timestamp": NOW + 61})
    assert event["timestamp"] == NOW
    assert event["errors"] == [error("future_timestamp", "timestamp", value=NOW + 61)]


# Names


@pytest.mark.parametrize(
    ("given", "expected"),
    [("python", "python"), ("cfml", "cfml"), ("cobol", "other"), (5, "other"), ([], "other")],
)
def test_an_unknown_platform_is_other(given, expected):
    assert stored({"platform": given})["platform"] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("sample", "sample"),
        ("debug", "debug"),
        ("info", "info"),
        ("warning", "warning"),
        ("error", "error"),
        ("fatal", "fatal"),
        ("FATAL", "fatal"),
        ("log", "info"),
        (0, "sample"),
        (10, "debug"),
        (20, "info"),
        (30, "warning"),
        (40, "error"),
        (50, "fatal"),
        (20.0, "info"),
        ("30", "warning"),
    ],
)
def test_a_level_number_becomes_its_name(given, expected):
    event = stored({"level": given})
    assert event["level"] == expected
    assert "errors" not in event


@pytest.mark.parametrize("given", ["nope", 15, True, [], {}, float("nan")])
def test_an_unknown_level_is_error_and_noted(given):
    event = stored({"level": given})
    assert event["level"] == "error"
    assert event["errors"][0]["reason"] == "invalid level"


def test_a_transaction_is_information():
    event = stored({"type": "transaction"})
    assert (event["type"], event["level"]) == ("transaction", "info")


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("logger", 64),
        ("transaction", 200),
        ("culprit", 200),
        ("server_name", 200),
        ("site", 200),
        ("release", 200),
        ("environment", 64),
    ],
)
def test_a_name_is_trimmed_to_its_limit(name, limit):
    assert stored({name: "x" * limit})[name] == "x" * limit
    assert stored({name: "x" * (limit + 1)})[name] == "x" * (limit - 3) + "..."
    assert stored({name: "  x "})[name] == "x"
    assert name not in stored({name: ""})


@pytest.mark.parametrize("name", ["logger", "release", "environment", "server_name"])
def test_a_name_that_is_no_text_is_dropped_and_noted(name):
    event = stored({name: {"a": 1}})
    assert name not in event
    assert event["errors"] == [invalid(name, {"a": 1}, "expected a string")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("release", "a\nb"),
        ("release", "a/b"),
        ("environment", "a\nb"),
        ("environment", "a/b"),
        ("environment", "a\rb"),
        ("environment", "a\fb"),
        ("logger", "a\nb"),
        ("dist", "a b"),
    ],
)
def test_a_name_with_forbidden_characters_is_dropped_and_noted(name, value):
    event = stored({"release": "1", name: value})
    assert name not in event
    assert event["errors"] == [invalid(name, value, "invalid characters in string")]


def test_a_release_number_becomes_text():
    assert stored({"release": 42})["release"] == "42"


def test_a_build_belongs_to_a_release():
    assert stored({"release": "1", "dist": " a.b-1_2 "})["dist"] == "a.b-1_2"
    assert "dist" not in stored({"dist": "1"})


def test_a_build_is_text():
    event = stored({"release": "1", "dist": 5})
    assert "dist" not in event
    assert event["errors"] == [invalid("dist", 5, "expected a string")]


# Tags


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"b": "2", "a": "1"}, [["a", "1"], ["b", "2"]]),
        ([["b", "2"], ["a", "1"]], [["a", "1"], ["b", "2"]]),
        ([["a", "1"], ["a", "2"]], [["a", "2"]]),
        ({"a b": "x"}, [["a-b", "x"]]),
        ({" a ": " x "}, [["a", "x"]]),
        ({"n": 5, "f": 1.5, "whole": 2.0, "t": True}, None),
        ([[1, "x"]], [["1", "x"]]),
        ({"a.b:c-d_E9": "x"}, [["a.b:c-d_E9", "x"]]),
        ({"k" * 32: "x", "k" * 33: "y"}, [["k" * 32, "x"]]),
        ({"a": "x" * 200}, [["a", "x" * 200]]),
    ],
)
def test_tags_are_sorted_pairs_of_texts(given, expected):
    expected = expected or [["f", "1.5"], ["n", "5"], ["t", "True"], ["whole", "2"]]
    event = stored({"tags": given})
    assert event["tags"] == expected
    assert "errors" not in event


@pytest.mark.parametrize(
    "tags",
    [
        {"bad key!": "x"},
        {"release": "x"},
        {"dist": "x"},
        {"user": "x"},
        {"filename": "x"},
        {"function": "x"},
        {"a": None},
        [None],
        [[None, "x"]],
        {"": "x"},
    ],
)
def test_bad_keys_and_missing_values_vanish_silently(tags):
    event = stored({"tags": tags})
    assert "tags" not in event
    assert "errors" not in event


@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        (
            [["ok", "1"], ["a", ""]],
            invalid("tags.1.1", "", "invalid characters in string"),
        ),
        ([["a", "b\nc"]], invalid("tags.0.1", "b\nc", "invalid characters in string")),
        ([["a", {"x": 1}]], invalid("tags.0.1", {"x": 1}, "invalid characters in string")),
        ([["a", "x" * 201]], error("value_too_long", "tags.0", value="x" * 201)),
        ({"a": "1", "b": "x" * 201}, error("value_too_long", "tags.1", value="x" * 201)),
        (["a"], invalid("tags.0", "a", "expected a tuple")),
        ([["a", "b", "c"]], invalid("tags.0", ["a", "b", "c"], "expected a tuple")),
        ("text", invalid("tags", "text", "expected a list or an object")),
    ],
)
def test_a_bad_tag_value_is_noted_and_dropped_alone(tags, problem):
    assert stored({"tags": tags})["errors"] == [problem]


def test_an_environment_among_the_tags_is_moved():
    event = stored({"tags": {"environment": "prod", "a": "1"}})
    assert event["environment"] == "prod"
    assert event["tags"] == [["a", "1"]]


def test_the_environment_wins_over_the_tag():
    event = stored({"environment": "stage", "tags": {"environment": "prod"}})
    assert event["environment"] == "stage"
    assert not event["tags"]


# Fingerprint, extra, modules


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["{{default}}", 1, 4.5, -2.7, True], ["{{default}}", "1", "4", "-2", "True"]),
        (["a", None, {"x": 1}, ["y"], "b"], ["a", "b"]),
        ([""], [""]),
    ],
)
def test_a_fingerprint_is_a_list_of_texts(given, expected):
    event = stored({"fingerprint": given})
    assert event["fingerprint"] == expected
    assert "errors" not in event


@pytest.mark.parametrize("number", [2.0**53, -(2.0**60), float("inf"), float("nan")])
def test_a_float_that_is_not_exact_cannot_be_in_a_fingerprint(number):
    event = stored({"fingerprint": ["a", number]})
    assert event["fingerprint"] == ["a"]
    assert event["errors"][0]["name"] == "fingerprint.1"


def test_an_empty_fingerprint_is_none():
    assert "fingerprint" not in stored({"fingerprint": []})
    assert "fingerprint" not in stored({"fingerprint": [None]})


def test_a_fingerprint_that_is_no_list_is_dropped_and_noted():
    event = stored({"fingerprint": "a"})
    assert "fingerprint" not in event
    assert event["errors"] == [invalid("fingerprint", "a", "expected a list")]


def test_extra_is_kept_as_it_is():
    extra = {"a": [1, 2.5, None, True, {"b": "c"}], "d": {}}
    assert stored({"extra": extra})["extra"] == extra


def test_extra_is_cut_to_16_thousand_characters_by_sorted_keys():
    extra = stored({"extra": {"c": "never", "b": "y" * 9000, "a": "x" * 9000}})["extra"]
    assert extra["a"] == "x" * 9000
    assert extra["b"].endswith("y...")
    assert 16000 < sum(map(len, extra.values())) <= 16384
    assert "c" not in extra


def test_non_finite_numbers_in_extra_are_zero():
    given = {"a": float("nan"), "b": [float("inf")], "c": float("-inf")}
    assert stored({"extra": given})["extra"] == {"a": 0, "b": [0], "c": 0}


def test_deep_nesting_is_cut():
    deep = "bottom"
    for _ in range(500):
        deep = {"down": [deep]}
    text = str(stored({"extra": {"deep": deep}})["extra"])
    assert "..." in text and "bottom" not in text
    assert text.count("down") < 20


def test_modules_are_names_with_versions():
    event = stored({"modules": {"django": "5.2", "own": 3, "none": None}})
    assert event["modules"] == {"django": "5.2", "own": "3"}


@pytest.mark.parametrize("name", ["extra", "modules", "contexts", "debug_meta"])
def test_an_object_that_is_none_is_dropped_and_noted(name):
    event = stored({name: "text"})
    assert name not in event
    assert event["errors"] == [invalid(name, "text", "expected an object")]


@pytest.mark.parametrize(
    "name",
    [
        "breadcrumbs",
        "contexts",
        "csp",
        "debug_meta",
        "exception",
        "extra",
        "modules",
        "request",
        "sdk",
        "stacktrace",
        "template",
        "threads",
        "user",
    ],
)
def test_an_empty_object_is_dropped_silently(name):
    event = stored({name: {}})
    assert name not in event
    assert "errors" not in event
