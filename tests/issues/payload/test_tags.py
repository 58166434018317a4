import pytest

from issues.payload.event import Sender
from issues.payload.normalize import normalize
from issues.payload.tags import tags_of
from issues.payload.users import event_user


def tags(raw):
    event = normalize(raw, now=1_700_000_000.0, sender=Sender())
    found = tags_of(event, event_user(event))
    assert found == sorted(found)
    assert len(dict(found)) == len(found)
    return dict(found)


def implied(raw):
    found = tags(raw)
    assert found.pop("level") == "error"
    return found


def test_the_level_is_always_a_tag():
    assert tags({}) == {"level": "error"}
    assert tags({"level": "info", "tags": {"level": "mine"}}) == {"level": "info"}


@pytest.mark.parametrize(
    "name", ["logger", "server_name", "site", "environment", "transaction", "release"]
)
def test_an_attribute_is_a_tag_and_wins_over_the_senders(name):
    assert implied({name: "theirs", "tags": {name: "mine"}}) == {name: "theirs"}


def test_the_build_is_a_tag():
    assert implied({"release": "1", "dist": "2"}) == {"release": "1", "dist": "2"}


def test_the_senders_tags_are_kept():
    assert implied({"tags": {"b": "2", "a": "1"}}) == {"a": "1", "b": "2"}


def test_the_user_is_a_tag():
    assert implied({"user": {"email": "a@b.c", "username": "x"}}) == {"user": "username:x"}


def test_the_url_is_a_tag_unless_the_sender_has_one():
    request = {"request": {"url": "http://x.com/a?b=c"}}
    assert implied(request) == {"url": "http://x.com/a"}
    assert implied(request | {"tags": {"url": "mine"}}) == {"url": "mine"}


@pytest.mark.parametrize(
    ("contexts", "expected"),
    [
        (
            {"os": {"name": "Linux", "version": "6.1", "rooted": True}},
            {"os": "Linux 6.1", "os.name": "Linux", "os.rooted": "yes"},
        ),
        ({"os": {"name": "Linux", "rooted": False}}, {"os.name": "Linux", "os.rooted": "no"}),
        ({"os": {"version": "6.1"}}, {}),
        (
            {"browser": {"name": "Chrome", "version": "28.0.1500"}},
            {"browser": "Chrome 28.0.1500", "browser.name": "Chrome"},
        ),
        (
            {"runtime": {"name": "CPython", "version": "3.12"}},
            {"runtime": "CPython 3.12", "runtime.name": "CPython"},
        ),
        (
            {"device": {"model": "iPhone14", "family": "iPhone"}},
            {"device": "iPhone14", "device.family": "iPhone"},
        ),
        ({"app": {"device_app_hash": "abc"}}, {"app.device": "abc"}),
        (
            {"gpu": {"name": "G", "vendor_name": "V"}},
            {"gpu.name": "G", "gpu.vendor": "V"},
        ),
        (
            {"trace": {"trace_id": "t1", "span_id": "s1"}},
            {"trace": "t1", "trace.span": "s1", "trace.ctx": "t1-s1"},
        ),
        ({"monitor": {"id": "m"}}, {"monitor.id": "m"}),
        (
            {"server": {"type": "os", "name": "Linux", "version": 6}},
            {"server": "Linux 6", "server.name": "Linux"},
        ),
        ({"bad name!": {"type": "monitor", "id": "m"}}, {}),
        ({"order": {"name": "x", "version": "y"}}, {}),
        ({"os": {"name": ["Linux"], "version": {"a": 1}}}, {}),
    ],
)
def test_a_context_implies_tags(contexts, expected):
    assert implied({"contexts": contexts}) == expected


def test_tags_of_contexts_win_over_the_senders():
    raw = {"contexts": {"os": {"name": "Linux"}}, "tags": {"os.name": "mine", "os": "mine"}}
    assert implied(raw) == {"os": "mine", "os.name": "Linux"}


def test_the_user_agent_implies_tags():
    agent = (
        "Mozilla/5.0 (Windows NT 6.2; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/28.0.1500.72 Safari/537.36"
    )
    assert implied({"request": {"headers": {"User-Agent": agent}}}) == {
        "browser": "Chrome 28.0.1500",
        "browser.name": "Chrome",
        "os": "Windows 8",
        "os.name": "Windows",
    }


@pytest.mark.parametrize(
    ("mechanism", "expected"),
    [
        ({"type": "django", "handled": False}, {"mechanism": "django", "handled": "no"}),
        ({"type": "logging", "handled": True}, {"mechanism": "logging", "handled": "yes"}),
        ({"type": "logging"}, {"mechanism": "logging"}),
    ],
)
def test_the_mechanism_of_the_newest_exception_is_a_tag(mechanism, expected):
    cause = {"type": "A", "mechanism": {"type": "chained"}}
    assert implied({"exception": [cause, {"type": "B", "mechanism": mechanism}]}) == expected


def test_a_csp_report_implies_tags():
    report = {"effective-directive": "img-src", "blocked-uri": "http://x.com/a.png"}
    assert implied({"csp": report}) == {
        "logger": "csp",
        "effective-directive": "img-src",
        "blocked-uri": "http://x.com/a.png",
    }


def test_an_implied_tag_is_cut_to_200_characters():
    url = "http://x.com/" + "a" * 500
    assert implied({"request": {"url": url}}) == {"url": url[:197] + "..."}


def test_an_implied_tag_with_a_line_break_is_none():
    assert implied({"transaction": "a\nb", "user": {"id": "1\n2"}}) == {}
