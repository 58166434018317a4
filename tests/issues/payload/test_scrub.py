import pytest

from issues.payload.event import ScrubRules, Sender
from issues.payload.normalize import normalize
from issues.payload.scrub import FILTERED, scrub

CARD = "4111111111111111"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nxyz==\n-----END RSA PRIVATE KEY-----"


def scrubbed(raw, **rules):
    event = normalize(raw, now=1_700_000_000.0, sender=Sender())
    scrub(event, ScrubRules(**rules))
    return event


def scrubbed_extra(extra, **rules):
    return scrubbed({"extra": extra}, **rules)["extra"]


# Keys


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "secret",
        "passwd",
        "api_key",
        "apikey",
        "access_token",
        "auth",
        "credentials",
        "mysql_pwd",
        "stripetoken",
        "card[number]",
        "Authorization",
        "MY_PASSWORD_2",
        "stripeToken",
    ],
)
def test_the_value_of_a_sensitive_key_is_filtered(key):
    assert scrubbed_extra({key: "x"}) == {key: FILTERED}


@pytest.mark.parametrize(
    "value", ["text", 5, 1.5, ["a", "b"], {"deep": "er"}, [], "truthy", "https://a:b@c/"]
)
def test_whatever_a_sensitive_value_is_it_is_filtered(value):
    assert scrubbed_extra({"password": value}) == {"password": FILTERED}


@pytest.mark.parametrize("value", [True, False, None, "true", "False", "null", "undefined", ""])
def test_what_tells_nothing_is_left(value):
    assert scrubbed_extra({"password": value}) == {"password": value}


def test_an_ordinary_key_is_left():
    extra = {"user": "x", "pass": "x", "token_count": 5, "card": "x"}
    assert scrubbed_extra(extra) == extra


def test_a_projects_own_fields_are_filtered_too():
    extra = {"MyPIN_code": "1", "other": "2", "password": "3"}
    rules = {"sensitive_fields": ("pin", "", "  ")}
    assert scrubbed_extra(extra, **rules) == {
        "MyPIN_code": FILTERED,
        "other": "2",
        "password": FILTERED,
    }


def test_a_field_is_taken_literally_not_as_a_pattern():
    assert scrubbed_extra({"abc": "x"}, sensitive_fields=("a.c",)) == {"abc": "x"}


def test_a_safe_field_is_left_with_everything_in_it():
    extra = {"Author": {"password": "x", "card": CARD}, "authors": "y"}
    assert scrubbed_extra(extra, safe_fields=("author",)) == {
        "Author": {"password": "x", "card": CARD},
        "authors": FILTERED,
    }


def test_without_defaults_only_the_projects_fields_count():
    extra = {"password": "x", "pin": "y", "card": CARD, "dsn": "postgres://u:p@h/"}
    assert scrubbed_extra(extra, defaults=False, sensitive_fields=("pin",)) == {
        "password": "x",
        "pin": FILTERED,
        "card": CARD,
        "dsn": "postgres://u:p@h/",
    }


def test_a_project_may_turn_scrubbing_off():
    assert scrubbed_extra({"password": CARD}, enabled=False) == {"password": CARD}


# Values


@pytest.mark.parametrize(
    "value",
    [
        CARD,
        "4571234567890111",
        "5500000000000004",
        "2221000000000009",
        "6011000000000004",
        "3530111333300000",
        "378282246310005",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "3782 822463 10005",
        4111111111111111,
        378282246310005,
        "078-05-1120",
        KEY,
        "-----BEGIN PRIVATE KEY-----\ncut off",
    ],
)
def test_a_value_that_looks_sensitive_is_filtered(value):
    assert scrubbed_extra({"a": value, "list": [value]}) == {"a": FILTERED, "list": [FILTERED]}


@pytest.mark.parametrize(
    "value",
    [
        "1700000000",
        "1700000000000",
        "1700000000000000",
        "1700000000000000000",
        1700000000000000,
        0.4111111111111111,
        "0.4111111111111111",
        "41111111111111111",
        "411111111111111",
        "a4111111111111111",
        "41111111-1111-1111-1111-111111111111",
        "4111-1111-1111-1111-1111",
        "2023-11-14",
        "+49 30 1234567",
        "123-45-67890",
        "1-123-45-6789",
        "550e8400-e29b-41d4-a716-446655440000",
        "192.168.100.200",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
        "mailto:a@b.c://x",
        "http://host:80/a@b",
    ],
)
def test_times_ids_and_the_like_are_left(value):
    assert scrubbed_extra({"a": value}) == {"a": value}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"paid with {CARD} today", f"paid with {FILTERED} today"),
        (f"{CARD},{CARD}", f"{FILTERED},{FILTERED}"),
        (f"a\n{KEY}\nb", f"a\n{FILTERED}\nb"),
        ("postgres://user:pw@host/db", f"postgres://user:{FILTERED}@host/db"),
        ("at https://u:p@s@host/ now", f"at https://u:{FILTERED}@host/ now"),
        ("redis://:pw@host", f"redis://:{FILTERED}@host"),
        ("https://x.com/?a=1&password=abc&b=2", f"https://x.com/?a=1&password={FILTERED}&b=2"),
        ("password=abc", f"password={FILTERED}"),
        ("a=1;secret=abc", f"a=1;secret={FILTERED}"),
        ("login failed: password=abc", f"login failed: password={FILTERED}"),
        ("x = password", "x = password"),
    ],
)
def test_only_the_sensitive_part_of_a_text_is_filtered(text, expected):
    assert scrubbed_extra({"a": text}) == {"a": expected}


# Places

SENSITIVE = {"password": "x", "plain": CARD, "other": "y", "deep": [{"secret": 1}]}
CLEAN = {"password": FILTERED, "plain": FILTERED, "other": "y", "deep": [{"secret": FILTERED}]}


def test_variables_of_every_stack_trace_are_scrubbed():
    stack = {"frames": [{"function": "f", "vars": SENSITIVE}]}
    raw = {
        "exception": [{"type": "E", "stacktrace": stack, "raw_stacktrace": stack}],
        "threads": [{"id": 1, "stacktrace": stack}],
        "stacktrace": stack,
    }
    event = scrubbed(raw)
    exception = event["exception"]["values"][0]
    stacks = [exception["stacktrace"], exception["raw_stacktrace"], event["stacktrace"]]
    stacks.append(event["threads"]["values"][0]["stacktrace"])
    assert [stack["frames"][0]["vars"] for stack in stacks] == [CLEAN] * 4


def test_a_request_is_scrubbed():
    request = scrubbed(
        {
            "request": {
                "url": "http://u:p@x.com/a",
                "query_string": "password=a&b=c",
                "headers": {"Authorization": "Bearer x", "Accept": "*/*", "X-Card": CARD},
                "cookies": {"auth_token": "x", "theme": "dark"},
                "data": SENSITIVE,
                "env": {"MYSQL_PWD": "x", "HOME": "/"},
            }
        }
    )["request"]
    assert request == {
        "url": f"http://u:{FILTERED}@x.com/a",
        "query_string": [["password", FILTERED], ["b", "c"]],
        "headers": [["Accept", "*/*"], ["Authorization", FILTERED], ["X-Card", FILTERED]],
        "cookies": [["auth_token", FILTERED], ["theme", "dark"]],
        "data": CLEAN,
        "env": {"MYSQL_PWD": FILTERED, "HOME": "/"},
    }


def test_a_body_that_could_not_be_decoded_is_scrubbed():
    request = scrubbed({"request": {"data": "broken form & password=a&b"}})["request"]
    assert request["data"] == f"broken form & password={FILTERED}&b"


def test_the_users_own_data_is_scrubbed_but_not_who_it_is():
    user = {"id": CARD, "email": "secret@example.com", "data": SENSITIVE}
    assert scrubbed({"user": user})["user"] == user | {"data": CLEAN}


def test_breadcrumbs_are_scrubbed():
    crumbs = [{"message": f"card {CARD}", "data": SENSITIVE}]
    (crumb,) = scrubbed({"breadcrumbs": crumbs})["breadcrumbs"]["values"]
    assert crumb["message"] == f"card {FILTERED}"
    assert crumb["data"] == CLEAN


def test_contexts_are_scrubbed_except_those_about_the_machine():
    contexts = {
        "order": SENSITIVE,
        "auth": {"who": "me"},
        "os": {"name": "Linux", "password": "of the machine"},
    }
    assert scrubbed({"contexts": contexts})["contexts"] == {
        "order": CLEAN | {"type": "order"},
        "auth": {"type": "auth", "value": FILTERED},
        "os": {"name": "Linux", "password": "of the machine", "type": "os"},
    }


def test_values_of_errors_are_scrubbed_by_where_they_stood():
    raw = {"contexts": {"password": "hunter2"}, "breadcrumbs": [{"message": "m", "data": CARD}]}
    first, second = scrubbed(raw)["errors"]
    assert {first["value"], second["value"]} == {FILTERED}


def test_of_messages_only_keys_and_passwords_in_urls_are_taken():
    text = f"order {CARD} at https://u:p@x.com/ {KEY}"
    clean = f"order {CARD} at https://u:{FILTERED}@x.com/ {FILTERED}"
    event = scrubbed(
        {
            "logentry": {"message": text + " %s", "params": [CARD]},
            "exception": [{"type": "E", "value": text}],
            "transaction": "https://u:p@x.com/",
        }
    )
    assert event["logentry"]["message"] == clean + " %s"
    assert event["logentry"]["formatted"] == f"{clean} {CARD}"
    assert event["logentry"]["params"] == [FILTERED]
    assert event["exception"]["values"][0]["value"] == clean
    assert event["transaction"] == f"https://u:{FILTERED}@x.com/"


def test_the_referer_of_a_security_report_is_filtered():
    request = {"headers": {"Referer": "http://x.com/reset/abc"}}
    assert scrubbed({"request": request})["request"]["headers"][0][1] == "http://x.com/reset/abc"
    report = scrubbed({"request": request, "csp": {"blocked_uri": "self"}})
    assert report["request"]["headers"] == [["Referer", FILTERED]]


@pytest.mark.parametrize("enabled", [True, False])
def test_addresses_are_removed_if_the_project_says_so(enabled):
    raw = {
        "user": {"id": "1", "ip_address": "1.2.3.4"},
        "request": {"env": {"REMOTE_ADDR": "1.2.3.4", "A": "b"}},
    }
    event = scrubbed(raw, enabled=enabled, scrub_ip_addresses=True)
    assert event["user"] == {"id": "1"}
    assert event["request"]["env"] == {"A": "b"}


def test_a_user_who_was_only_an_address_disappears():
    assert "user" not in scrubbed({"user": {"ip_address": "1.2.3.4"}}, scrub_ip_addresses=True)


def test_many_different_keys_do_not_pile_up():
    for start in range(0, 30_000, 1000):
        extra = {f"k{start + n}": 1 for n in range(1000)}
        assert scrubbed_extra(extra) == scrubbed_extra(extra, enabled=False)
