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


# The event itself


def test_an_empty_event_gets_an_id_and_defaults():
    event = stored({})
    assert len(event.pop("event_id")) == 32
    assert event == {
        "timestamp": NOW,
        "received": NOW,
        "platform": "other",
        "version": "7",
        "level": "error",
    }


@pytest.mark.parametrize(
    "given",
    [
        "fc6d8c0c43fc4630ad850ee518f1b9d0",
        "FC6D8C0C43FC4630AD850EE518F1B9D0",
        "fc6d8c0c-43fc-4630-ad85-0ee518f1b9d0",
    ],
)
def test_an_event_id_is_written_in_lower_case_without_dashes(given):
    event = stored({"event_id": given})
    assert event["event_id"] == "fc6d8c0c43fc4630ad850ee518f1b9d0"
    assert "errors" not in event


@pytest.mark.parametrize("given", ["abc", "", "0" * 32, "g" * 32, 5, [], {}])
def test_a_bad_event_id_is_replaced_and_noted(given):
    event = stored({"event_id": given})
    assert len(event["event_id"]) == 32 and event["event_id"] != given
    assert event["errors"] == [invalid("event_id", given, "invalid event identifier")]


def test_an_unknown_attribute_is_dropped_and_noted():
    event = stored({"nope.Interface": {"a": 1}})
    assert event["errors"] == [error("invalid_attribute", "nope.Interface")]


def test_an_unknown_attribute_that_is_null_goes_without_a_word():
    assert "errors" not in stored({"nope": None, "exception": None})


@pytest.mark.parametrize("name", ["_meta", "transaction_info", "project", "received", "title"])
def test_attributes_of_newer_sdks_that_are_not_kept_are_no_errors(name):
    event = stored({name: {"a": 1}})
    assert "errors" not in event
    assert event.get(name) in (None, NOW)


def test_a_hundred_errors_are_enough():
    assert len(stored({f"unknown{n}": 1 for n in range(500)})["errors"]) == 100


@pytest.mark.parametrize(
    ("legacy", "name", "value", "expected"),
    [
        ("sentry.interfaces.Exception", "exception", [{"type": "E"}], {"values": [{"type": "E"}]}),
        (
            "sentry.interfaces.Stacktrace",
            "stacktrace",
            {"frames": [{"function": "f"}]},
            {"frames": [{"function": "f"}]},
        ),
        ("sentry.interfaces.Message", "logentry", {"message": "m"}, {"formatted": "m"}),
        ("sentry.interfaces.Http", "request", {"method": "get"}, {"method": "GET"}),
        ("sentry.interfaces.User", "user", {"id": 1}, {"id": "1"}),
        ("sentry.interfaces.Template", "template", {"filename": "a"}, {"filename": "a"}),
        (
            "sentry.interfaces.Breadcrumbs",
            "breadcrumbs",
            [{"category": "c"}],
            {"values": [{"type": "default", "category": "c", "level": "info"}]},
        ),
        (
            "sentry.interfaces.Contexts",
            "contexts",
            {"os": {"name": "L"}},
            {"os": {"name": "L", "type": "os"}},
        ),
        ("sentry.interfaces.DebugMeta", "debug_meta", {"images": [1]}, {"images": [1]}),
        ("sentry.interfaces.Csp", "csp", {"blocked-uri": "u"}, {"blocked_uri": "u"}),
    ],
)
def test_a_legacy_name_stands_for_the_attribute(legacy, name, value, expected):
    event = stored({legacy: value})
    assert event[name] == expected
    assert "errors" not in event


@pytest.mark.parametrize("order", [1, -1])
def test_todays_name_wins_over_the_legacy_one(order):
    raw = [("user", {"id": "new"}), ("sentry.interfaces.User", {"id": "old"})][::order]
    assert stored(dict(raw))["user"] == {"id": "new"}


# Text


def test_nul_is_removed_and_lone_surrogates_replaced_everywhere():
    raw = {
        "logger": "a\0b",
        "extra": {"k\0ey": ["x\ud800y", {"\udfff": "\0"}]},
        "message": "pair \U0001f600 \0",
        "un\0known": 1,
    }
    event = stored(raw)
    assert event["logger"] == "ab"
    assert event["extra"] == {"key": ["x\ufffdy", {"\ufffd": ""}]}
    assert event["logentry"] == {"formatted": "pair \U0001f600 "}
    assert event["errors"] == [error("invalid_attribute", "unknown")]


def test_integers_beyond_64_bits_become_floats():
    extra = stored({"extra": {"huge": 2**70, "absurd": 10**400, "fits": 2**64 - 1}})["extra"]
    assert extra == {"huge": float(2**70), "absurd": 0.0, "fits": 2**64 - 1}


# Sender


def test_the_sdk_is_taken_from_the_request_when_the_event_does_not_name_it():
    sdk = {"name": "raven-python", "version": "6.0"}
    assert stored({}, client="raven-python/6.0")["sdk"] == sdk
    assert stored({"sdk": {"name": "only"}}, client="raven-python/6.0")["sdk"] == sdk
    assert stored({"sdk": {"name": "a", "version": "1"}}, client="b/2")["sdk"] == {
        "name": "a",
        "version": "1",
    }
    assert "sdk" not in stored({}, client="curl")


def test_the_sdk_keeps_its_parts():
    sdk = {"name": "a", "version": "1", "packages": [{"name": "p"}], "integrations": ["i"]}
    assert stored({"sdk": sdk | {"features": ["f"]}})["sdk"] == sdk


@pytest.mark.parametrize(
    ("raw", "sender", "address"),
    [
        ({"user": {"ip_address": "1.2.3.4"}}, {"ip_address": "9.9.9.9"}, "1.2.3.4"),
        ({"user": {"ip_address": "{{auto}}"}}, {"ip_address": "9.9.9.9"}, "9.9.9.9"),
        ({"user": {"ip_address": "{{auto}}"}}, {}, None),
        ({"request": {"env": {"REMOTE_ADDR": "5.6.7.8"}}}, {"ip_address": "9.9.9.9"}, "5.6.7.8"),
        ({"request": {"env": {"REMOTE_ADDR": "{{auto}}"}}}, {"ip_address": "9.9.9.9"}, "9.9.9.9"),
        ({"user": {"id": "1"}}, {"ip_address": "9.9.9.9"}, None),
        ({}, {"ip_address": "9.9.9.9", "from_browser": True}, "9.9.9.9"),
        ({"platform": "javascript"}, {"ip_address": "9.9.9.9"}, "9.9.9.9"),
        ({"platform": "cocoa"}, {"ip_address": "9.9.9.9"}, "9.9.9.9"),
        ({"platform": "objc"}, {"ip_address": "9.9.9.9"}, "9.9.9.9"),
        ({"platform": "python"}, {"ip_address": "9.9.9.9"}, None),
        ({"platform": "javascript"}, {"ip_address": "nonsense"}, None),
    ],
)
def test_where_the_users_address_comes_from(raw, sender, address):
    assert stored(raw, **sender).get("user", {}).get("ip_address") == address


CHROME = (
    "Mozilla/5.0 (Windows NT 6.2; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/28.0.1500.72 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)


def test_the_user_agent_becomes_contexts():
    event = stored({"request": {"headers": {"user-agent": CHROME}}})
    assert event["contexts"] == {
        "browser": {"name": "Chrome", "version": "28.0.1500", "type": "browser"},
        "os": {"name": "Windows", "version": "8", "type": "os"},
    }
    device = stored({"request": {"headers": {"User-Agent": IPHONE}}})["contexts"]["device"]
    assert device == {"family": "iPhone", "model": "iPhone", "brand": "Apple", "type": "device"}


def test_contexts_of_the_sender_win_over_the_user_agent():
    contexts = {"os": {"name": "Linux"}}
    event = stored({"request": {"headers": {"User-Agent": CHROME}}, "contexts": contexts})
    assert event["contexts"]["os"] == {"name": "Linux", "type": "os"}
    assert event["contexts"]["browser"]["name"] == "Chrome"


def test_the_requests_own_user_agent_counts_when_a_browser_sent_it():
    assert "contexts" in stored({}, user_agent=CHROME, from_browser=True)
    assert "contexts" not in stored({}, user_agent=CHROME)


def test_events_do_not_share_the_contexts_of_a_user_agent():
    raw = {"request": {"headers": {"User-Agent": CHROME}}}
    stored(raw)["contexts"]["browser"]["name"] = "changed"
    assert stored(raw)["contexts"]["browser"]["name"] == "Chrome"


def test_the_protocol_version_is_kept_as_text():
    assert stored({"version": 6})["version"] == "6"


def test_what_was_sent_is_not_changed():
    raw = {"exception": [{"type": "E", "stacktrace": {"frames": [{"filename": "a"}]}}]}
    stored(raw)
    assert raw == {"exception": [{"type": "E", "stacktrace": {"frames": [{"filename": "a"}]}}]}
