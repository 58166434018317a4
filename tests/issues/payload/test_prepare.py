import re
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from issues.payload import codec
from issues.payload.attributes import MAX_TAG_KEY, MAX_TAG_VALUE
from issues.payload.event import PreparedEvent, ScrubRules, Sender
from issues.payload.prepare import finish_again, prepare, reopen

NOW = 1_700_000_000.0


def prepared(raw, rules=None, **sender):
    return prepare(raw, rules=rules or ScrubRules(), sender=Sender(**sender), now=NOW)


DJANGO_ERROR = {
    "event_id": "fc6d8c0c43fc4630ad850ee518f1b9d0",
    "timestamp": "2023-11-14T22:13:15.250000Z",
    "platform": "python",
    "level": "error",
    "logger": "shop.orders",
    "release": "shop@4.2.0",
    "dist": "17",
    "environment": "production",
    "server_name": "web-1",
    "transaction": "/orders/{pk}/",
    "tags": {"region": "eu"},
    "user": {"id": 7, "email": "u@example.com", "ip_address": "203.0.113.9"},
    "exception": {
        "values": [
            {
                "type": "ValueError",
                "value": "no such order",
                "module": "builtins",
                "mechanism": {"type": "django", "handled": False},
                "stacktrace": {
                    "frames": [
                        {
                            "filename": "django/base.py",
                            "module": "django.base",
                            "function": "inner",
                            "lineno": 5,
                            "in_app": False,
                        },
                        {
                            "filename": "shop/views.py",
                            "module": "shop.views",
                            "function": "order",
                            "lineno": 42,
                            "in_app": True,
                            "context_line": "    raise ValueError",
                            "vars": {"password": "'hunter2'", "pk": "5"},
                        },
                    ]
                },
            }
        ]
    },
    "request": {"url": "https://shop.example.com/orders/5/", "method": "GET"},
}


def test_an_event_of_the_python_sdk():
    event = prepared(DJANGO_ERROR)
    assert event == PreparedEvent(
        event_id=UUID("fc6d8c0c-43fc-4630-ad85-0ee518f1b9d0"),
        timestamp=1699999995.25,
        received_at=NOW,
        platform="python",
        level=40,
        type="error",
        title="ValueError: no such order",
        culprit="/orders/{pk}/",
        location="shop/views.py",
        logger="shop.orders",
        metadata={
            "type": "ValueError",
            "value": "no such order",
            "filename": "shop/views.py",
            "function": "order",
        },
        message="ValueError no such order shop/views.py /orders/{pk}/",
        release="shop@4.2.0",
        dist="17",
        environment="production",
        hashes=event.hashes,
        tags=[
            ("dist", "17"),
            ("environment", "production"),
            ("handled", "no"),
            ("level", "error"),
            ("logger", "shop.orders"),
            ("mechanism", "django"),
            ("region", "eu"),
            ("release", "shop@4.2.0"),
            ("server_name", "web-1"),
            ("transaction", "/orders/{pk}/"),
            ("url", "https://shop.example.com/orders/5/"),
            ("user", "id:7"),
        ],
        user=event.user,
        payload=event.payload,
        size=event.size,
    )
    assert len(event.hashes) == 2
    assert event.user.ident == "7"


def test_the_payload_says_the_same():
    event = prepared(DJANGO_ERROR)
    stored = codec.unpack(event.payload)
    assert stored["event_id"] == event.event_id.hex
    assert stored["timestamp"] == event.timestamp
    assert stored["received"] == NOW
    assert stored["level"] == "error"
    assert stored["type"] == event.type
    assert stored["title"] == event.title
    assert stored["culprit"] == event.culprit
    assert stored["location"] == event.location
    assert stored["metadata"] == event.metadata
    assert stored["hashes"] == [hash.hex for hash in event.hashes]
    assert stored["tags"] == [list(tag) for tag in event.tags]
    assert "errors" not in stored


def test_the_payload_is_scrubbed():
    stored = codec.unpack(prepared(DJANGO_ERROR).payload)
    frame = stored["exception"]["values"][0]["stacktrace"]["frames"][1]
    assert frame["vars"] == {"password": "[Filtered]", "pk": "5"}


def test_an_empty_event_is_an_event():
    event = prepared({})
    assert event.title == "<unlabeled event>"
    assert event.location is None
    assert event.environment == event.logger == event.culprit == ""
    assert event.release is event.dist is event.user is None
    assert event.tags == [("level", "error")]
    assert event.hashes == [UUID("d41d8cd98f00b204e9800998ecf8427e")]
    assert event.level == 40


def test_a_title_is_made_of_scrubbed_text():
    raw = {"exception": [{"type": "E", "value": "at https://u:p@x.com/"}]}
    event = prepared(raw)
    assert event.title == "E: at https://u:[Filtered]@x.com/"
    assert ":p@" not in event.message
    raw["exception"][0]["value"] = event.title.removeprefix("E: ")
    assert event.hashes == prepared(raw).hashes


def test_an_address_that_must_not_be_stored_identifies_nobody():
    raw = {"user": {"ip_address": "1.2.3.4"}}
    assert prepared(raw).user.tag_value == "ip:1.2.3.4"
    event = prepared(raw, ScrubRules(scrub_ip_addresses=True))
    assert event.user is None
    assert "1.2.3.4" not in str(codec.unpack(event.payload))


def test_the_culprit_sees_in_app_as_it_was_sent():
    own = {"filename": "own.py", "function": "f", "in_app": True}
    nameless = {"function": "g", "in_app": True}
    event = prepared({"stacktrace": {"frames": [own, nameless]}})
    assert event.culprit == "own.py in f"
    frames = codec.unpack(event.payload)["stacktrace"]["frames"]
    assert [frame["in_app"] for frame in frames] == [False, False]


# Anything at all

TEXT = st.one_of(
    st.text(max_size=20),
    st.text(st.sampled_from("a1.:/?&=%@ {}s\n\0\ud800\udfff"), max_size=40),
    st.sampled_from(
        [
            "4111111111111111",
            "http://u:p@x.com/?a=b#c",
            "{{auto}}",
            "%s {} %(a)s",
            "1.2.3.4",
            "error",
            "2023-11-14T22:13:15Z",
            "javascript",
            "Mozilla/5.0 (X11; Linux x86_64) Firefox/127.0",
            "self",
            "transaction",
            "a" * 32,
            "x" * 5000,
        ]
    ),
)
SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, 2**64, -(2**63) - 1, 10**400]),
    st.floats(),
    TEXT,
)
ATTRIBUTES = re.findall(
    r"\S+",
    """
    event_id timestamp platform level logger transaction culprit server_name site release dist
    environment tags extra modules fingerprint checksum message logentry exception stacktrace
    threads breadcrumbs request user contexts sdk debug_meta template type version csp hpkp
    expectct expectstaple sentry.interfaces.Http sentry.interfaces.Exception nope
    """,
)
FIELDS = re.findall(
    r"\S+",
    """
    values frames type value module mechanism stacktrace raw_stacktrace thread_id filename abs_path
    function lineno colno in_app context_line pre_context post_context vars data platform symbol
    instruction_addr package handled synthetic meta id name crashed current timestamp message
    category level url method query_string fragment headers cookies env User-Agent Cookie
    Content-Type REMOTE_ADDR username email ip_address version formatted params password
    blocked_uri violated-directive document-uri hostname images os browser device trace trace_id
    rooted environment release
    """,
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(FIELDS), TEXT), inner, max_size=6),
    ),
    max_leaves=20,
)
EVENT = st.dictionaries(st.one_of(st.sampled_from(ATTRIBUTES), TEXT), VALUE, max_size=12)
RULES = st.builds(
    ScrubRules,
    enabled=st.booleans(),
    defaults=st.booleans(),
    sensitive_fields=st.sampled_from([(), ("a", "type"), ("",), ("name", "value", "(")]),
    safe_fields=st.sampled_from([(), ("password",)]),
    scrub_ip_addresses=st.booleans(),
)
SENDER = st.builds(
    Sender,
    ip_address=st.none() | st.sampled_from(["9.9.9.9", "nope"]),
    user_agent=st.none() | TEXT,
    client=st.none() | TEXT,
    from_browser=st.booleans(),
)


def texts_in(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str):
        yield value


def assert_storable(event):
    stored = codec.unpack(event.payload)
    assert event.size >= len(event.payload) * 0.5
    fields = {name: getattr(event, name) for name in event.__dataclass_fields__ if name != "user"}
    user = event.user and [event.user.tag_value, event.user.ident, event.user.username]
    for text in texts_in([stored, fields, user]):
        assert not re.search("[\0\ud800-\udfff]", text)
    keys = [key for key, _ in event.tags]
    assert keys == sorted(set(keys))
    for key, value in event.tags:
        assert 0 < len(key) <= MAX_TAG_KEY
        assert 0 < len(value) <= MAX_TAG_VALUE
        assert "\n" not in value
    assert event.hashes
    assert all(isinstance(hash, UUID) for hash in event.hashes)
    assert event.title and len(event.title) <= 400
    assert len(event.culprit) <= 200
    assert len(event.message) <= 8192
    assert len(event.environment) <= 64
    assert len(event.logger) <= 64
    assert len(event.release or "") <= 200
    assert all(isinstance(value, str) for value in event.metadata.values())
    assert NOW - 31 * 24 * 3600 < event.timestamp <= NOW + 60
    assert event.level in (0, 10, 20, 30, 40, 50)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=EVENT, rules=RULES, sender=SENDER)
def test_any_json_object_is_an_event(raw, rules, sender):
    assert_storable(prepare(raw, rules=rules, sender=sender, now=NOW))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=EVENT)
def test_what_was_stored_may_be_sent_again(raw):
    """A stored event is a valid event: reading it again finds nothing more to complain about."""
    first = codec.unpack(prepared(raw, ScrubRules(enabled=False)).payload)
    first.pop("errors", None)
    first["tags"] = []
    again = codec.unpack(prepared(first, ScrubRules(enabled=False)).payload)
    assert again.get("errors", []) == []
    for name in ("event_id", "timestamp", "level", "platform", "exception", "request", "user"):
        assert (again.get(name) or None) == (first.get(name) or None)


@pytest.mark.parametrize("depth", [300, 900])
def test_nesting_deeper_than_json_can_be_written_is_cut(depth):
    value = "bottom"
    for _ in range(depth):
        value = [{"a": value}] if depth < 400 else [value]
    for name in ATTRIBUTES:
        assert_storable(prepared({name: value}))
        assert_storable(prepared({name: {"values": value, "data": value, "value": value}}))


@pytest.mark.parametrize(
    "raw",
    [
        DJANGO_ERROR,
        {"message": "it broke", "culprit": "app.views in index", "tags": {"a": "b"}, "modules": 7},
        {"message": "x", "stacktrace": {"frames": [{"function": "f"}, {"function": "g"}]}},
        {
            "platform": "javascript",
            "request": {"url": "https://shop.example/?password=x"},
            "user": {"id": "1"},
            "exception": {
                "type": "E",
                "stacktrace": {"frames": [{"filename": "https://a/b.js", "in_app": True}]},
            },
        },
    ],
)
def test_an_event_that_is_finished_again_is_what_it_was(raw):
    first = prepared(raw)
    event = codec.unpack(first.payload)
    reopen(event)
    again = finish_again(event)
    assert codec.unpack(again.payload) == codec.unpack(first.payload)
    assert (again.message, again.hashes, again.tags) == (first.message, first.hashes, first.tags)
    assert (again.user, again.level, again.metadata) == (first.user, first.level, first.metadata)
