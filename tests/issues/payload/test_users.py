from hashlib import md5

import pytest

from issues.payload.event import EventUser, Sender
from issues.payload.normalize import normalize
from issues.payload.users import event_user


def stored(user):
    return normalize({"user": user}, now=1_700_000_000.0, sender=Sender())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"id": 5}, {"id": "5"}),
        ({"id": 0}, {"id": "0"}),
        ({"id": True}, {"id": "True"}),
        ({"id": "i" * 129}, {"id": "i" * 125 + "..."}),
        ({"username": "u" * 129}, {"username": "u" * 125 + "..."}),
        ({"name": "n" * 129}, {"name": "n" * 125 + "..."}),
        ({"email": "e" * 76}, {"email": "e" * 72 + "..."}),
        ({"email": "no at sign"}, {"email": "no at sign"}),
        ({"id": "1", "email": "", "username": None}, {"id": "1"}),
        ({"ip_address": "::1"}, {"ip_address": "::1"}),
        ({"ip_address": "fe80::1%eth0"}, {"ip_address": "fe80::1"}),
        ({"id": "1", "plan": "pro", "n": 2}, {"id": "1", "data": {"plan": "pro", "n": 2}}),
        (
            {"plan": "pro", "data": {"plan": "free", "x": 1}},
            {"data": {"plan": "free", "x": 1}},
        ),
    ],
)
def test_what_is_kept_of_a_user(given, expected):
    event = stored(given)
    assert event["user"] == expected
    assert "errors" not in event


@pytest.mark.parametrize("user", [{}, {"id": None}, {"id": "", "email": ""}, None])
def test_a_user_without_anything_is_none(user):
    event = stored(user)
    assert "user" not in event
    assert "errors" not in event


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("ip_address", "nope", "expected an ip address"),
        ("ip_address", 5, "expected an ip address"),
        ("id", {"a": 1}, "expected a string"),
        ("email", ["a"], "expected a string"),
        ("data", "text", "expected an object"),
    ],
)
def test_a_bad_field_of_a_user_is_dropped_alone(name, value, reason):
    event = stored({"username": "u", name: value})
    assert event["user"] == {"username": "u"}
    assert event["errors"] == [
        {"type": "invalid_data", "name": f"user.{name}", "value": value, "reason": reason}
    ]


def test_a_user_that_cannot_be_read_is_empty_and_noted():
    event = stored("me")
    assert event["user"] == {}
    assert event["errors"] == [
        {"type": "invalid_data", "name": "user", "value": "me", "reason": "expected user"}
    ]


FULL = {"id": "1", "username": "u", "email": "e@x", "ip_address": "1.2.3.4", "name": "N"}


@pytest.mark.parametrize(
    ("missing", "tag", "identity"),
    [
        ([], "id:1", "1"),
        (["id"], "username:u", "u"),
        (["id", "username"], "email:e@x", "e@x"),
        (["id", "username", "email"], "ip:1.2.3.4", "1.2.3.4"),
    ],
)
def test_the_first_identifying_value_decides_who_it_is(missing, tag, identity):
    user = {key: value for key, value in FULL.items() if key not in missing}
    expected = int.from_bytes(md5(identity.encode()).digest()[:8], "big", signed=True)
    assert event_user({"user": user}) == EventUser(
        hash=expected,
        tag_value=tag,
        ident=user.get("id"),
        username=user.get("username"),
        email=user.get("email"),
        name="N",
        ip_address="1.2.3.4",
    )


def test_the_hash_is_a_signed_64_bit_number():
    assert event_user({"user": {"id": "1"}}).hash == -4266524885998034046
    assert event_user({"user": {"id": "foo"}}).hash < 2**63


@pytest.mark.parametrize("event", [{}, {"user": {}}, {"user": {"name": "N", "data": {"a": 1}}}])
def test_without_an_identifying_value_there_is_no_user(event):
    assert event_user(event) is None
