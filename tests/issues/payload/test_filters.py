from typing import Any

import pytest

from issues.payload.event import FilterRules, ScrubRules, Sender
from issues.payload.filters import LEGACY_VERSIONS, Filtered, filter_of, is_network
from issues.payload.normalize import normalize
from issues.payload.prepare import prepare

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
    "Safari/537.36"
)
NONE = FilterRules(web_crawlers=False, csp_default_sources=False)


def found(
    raw: dict[str, Any],
    rules: FilterRules,
    *,
    address: str | None = "198.51.100.7",
    user_agent: str | None = None,
    from_browser: bool = False,
) -> str | None:
    sender = Sender(ip_address=address, user_agent=user_agent, from_browser=from_browser)
    return filter_of(normalize(raw, now=1_700_000_000.0, sender=sender), rules, sender)


def sent_by(user_agent: str) -> dict[str, Any]:
    return {"request": {"url": "https://shop.example/", "headers": {"user-agent": user_agent}}}


def error(value: str, *, kind: str = "Error", source: str = "https://shop.example/a.js") -> Any:
    frame = {"filename": source, "abs_path": source, "function": "f", "lineno": 1}
    exception = {"type": kind, "value": value, "stacktrace": {"frames": [frame]}}
    return {"platform": "javascript", "exception": {"values": [exception]}}


def test_an_ordinary_event_is_wanted() -> None:
    everything = FilterRules(
        browser_extensions=True,
        legacy_browsers=frozenset(LEGACY_VERSIONS),
        localhost=True,
        addresses=("10.0.0.0/8",),
        releases=("1.*",),
        error_messages=("*timeout*",),
        csp_sources=("evil.example",),
    )
    event = error("it broke") | sent_by(CHROME) | {"release": "2.0"}
    assert found(event, everything) is None
    assert found({}, everything) is None
    assert found({"message": "it broke"}, everything, address=None) is None


@pytest.mark.parametrize(
    ("address", "listed", "applies"),
    [
        ("198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("198.51.100.7", "198.51.0.0/16", True),
        ("198.51.100.7", "198.51.100.9/16", True),
        ("::ffff:198.51.100.7", "198.51.100.7", True),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db8::1", "198.51.0.0/16", False),
        ("198.51.100.7", "nonsense", False),
        ("nonsense", "198.51.100.7", False),
        (None, "0.0.0.0/0", False),
    ],
)
def test_the_senders_address(address: str | None, listed: str, applies: bool) -> None:
    rules = FilterRules(addresses=("192.0.2.1", listed))
    assert found({}, rules, address=address) == ("ip-address" if applies else None)


def test_an_address_of_a_user_is_not_the_senders() -> None:
    event = {"user": {"ip_address": "192.0.2.1"}}
    assert found(event, FilterRules(addresses=("192.0.2.1",))) is None


@pytest.mark.parametrize(
    ("release", "pattern", "applies"),
    [
        ("1.2.3", "1.2.3", True),
        ("1.2.3", "1.2", False),
        ("1.2.3", "1.*", True),
        ("Shop@1.2", "shop@*", True),
        ("shop@1.2", "SHOP@?.2", True),
        (None, "*", False),
    ],
)
def test_the_release(release: str | None, pattern: str, applies: bool) -> None:
    name = found({"release": release}, FilterRules(releases=("never", pattern)))
    assert name == ("release-version" if applies else None)


@pytest.mark.parametrize(
    ("event", "pattern", "applies"),
    [
        ({"message": "it Broke"}, "*broke", True),
        ({"message": "it broke again"}, "*broke", False),
        ({"logentry": {"message": "of %s", "params": ["glass"]}}, "of glass", True),
        ({"logentry": {"message": "of %s", "params": ["glass"]}}, "of %s", True),
        (error("no route", kind="OSError"), "oserror: no*", True),
        (error("no route", kind="OSError"), "no route", False),
        (error("first\nsecond", kind="E"), "E: *second", True),
        ({"exception": {"values": [{"type": "Gone"}]}}, "gone", True),
        ({"message": "x" * 8000}, "*a*a*a*a*a*a*a*a*b", False),
        ({"message": "[x"}, "[x", True),
    ],
)
def test_error_messages(event: dict[str, Any], pattern: str, applies: bool) -> None:
    name = found(event, FilterRules(error_messages=(pattern,)))
    assert name == ("error-message" if applies else None)


@pytest.mark.parametrize(
    ("event", "applies"),
    [
        (error("Can't find variable: ZiteReader"), True),
        (error("jigsaw is not defined"), True),
        (error("cart is not defined"), False),
        (error("x", source="chrome-extension://abcdef/content.js"), True),
        (error("x", source="moz-extension://abcdef/content.js"), True),
        (error("x", source="safari-web-extension://abcdef/content.js"), True),
        (error("x", source="https://ff.kaspersky-labs.com/main.js"), True),
        (error("x", source="https://shop.example/chrome-extension.js"), False),
        (error("x", source="chrome-extension://abcdef/a.js") | {"platform": "python"}, False),
        ({"platform": "javascript", "message": "top.GLOBALS is undefined"}, True),
    ],
)
def test_browser_extensions(event: dict[str, Any], applies: bool) -> None:
    name = found(event, FilterRules(browser_extensions=True))
    assert name == ("browser-extensions" if applies else None)
    assert found(event, NONE) is None


IE = "Mozilla/5.0 (compatible; MSIE {}.0; Windows NT 6.1; Trident/{}.0)"


@pytest.mark.parametrize(
    ("user_agent", "part"),
    [
        ("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", "ie_pre_9"),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)", "ie_pre_9"),
        (IE.format(9, 5), "ie9"),
        (IE.format(10, 6), "ie10"),
        ("Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko", "ie11"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_6_8) AppleWebKit/534.59.10 (KHTML, like "
            "Gecko) Version/5.1.9 Safari/534.59.10",
            "safari_pre_6",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1.15 (KHTML, like "
            "Gecko) Version/17.1 Safari/605.1.15",
            None,
        ),
        ("Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.16", "opera_pre_15"),
        (
            "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 "
            "Version/11.10",
            "opera_mini_pre_8",
        ),
        (
            "Mozilla/5.0 (Linux; U; Android 2.3.5; en-us; HTC Vision) AppleWebKit/533.1 (KHTML, "
            "like Gecko) Version/4.0 Mobile Safari/533.1",
            "android_pre_4",
        ),
        (CHROME, None),
        ("curl/8.0", None),
        ("", None),
    ],
)
def test_legacy_browsers_by_their_parts(user_agent: str, part: str | None) -> None:
    applying = {
        option
        for option in LEGACY_VERSIONS
        if found(sent_by(user_agent), FilterRules(legacy_browsers=frozenset([option])))
    }
    assert applying == ({part} if part else set())


def test_a_part_that_nobody_knows_is_no_part() -> None:
    rules = FilterRules(legacy_browsers=frozenset(["netscape"]))
    assert found(sent_by(IE.format(9, 5)), rules) is None


@pytest.mark.parametrize(
    ("event", "applies"),
    [
        ({"user": {"ip_address": "127.0.0.1"}}, True),
        ({"user": {"ip_address": "::1"}}, True),
        ({"request": {"url": "http://localhost:3000/x"}}, True),
        ({"request": {"url": "http://127.0.0.1/"}}, True),
        ({"request": {"url": "http://[::1]:80/"}}, True),
        ({"request": {"url": "http://localhost.example/"}}, False),
        ({"request": {"url": "http://[broken/"}}, False),
        ({"user": {"ip_address": "192.0.2.1"}}, False),
    ],
)
def test_localhost(event: dict[str, Any], applies: bool) -> None:
    assert found(event, FilterRules(localhost=True)) == ("localhost" if applies else None)


@pytest.mark.parametrize(
    ("user_agent", "applies"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", True),
        ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", True),
        ("Mozilla/5.0 (compatible; Baiduspider/2.0)", True),
        ("facebookexternalhit/1.1", True),
        ("Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)", True),
        ("Mozilla/5.0 (compatible; AhrefsBot/7.0)", True),
        (
            "Mozilla/5.0 (Linux; Android 9; CUBOT_X18) AppleWebKit/537.36 Chrome/90 Safari/537",
            False,
        ),
        (CHROME, False),
        ("python-requests/2.31", False),
    ],
)
def test_web_crawlers(user_agent: str, applies: bool) -> None:
    name = "web-crawlers" if applies else None
    assert found(sent_by(user_agent), FilterRules()) == name
    assert found({}, FilterRules(), user_agent=user_agent, from_browser=True) == name
    assert found({}, FilterRules(), user_agent=user_agent) is None
    assert found(sent_by(user_agent), FilterRules(web_crawlers=False)) is None


def csp(**report: str) -> dict[str, Any]:
    base = {"document_uri": "https://shop.example/", "effective_directive": "script-src"}
    return {"csp": base | report}


@pytest.mark.parametrize(
    ("report", "source", "applies"),
    [
        (csp(blocked_uri="https://evil.example/x.js"), "evil.example", True),
        (csp(blocked_uri="https://a.evil.example/x.js"), "evil.example", False),
        (csp(blocked_uri="https://a.evil.example/x.js"), "*.evil.example", True),
        (csp(blocked_uri="https://evil.example/x.js"), "*.evil.example", True),
        (csp(blocked_uri="https://notevil.example/x.js"), "*.evil.example", False),
        (csp(blocked_uri="https://evil.example/x.js"), "http://evil.example", False),
        (csp(blocked_uri="https://evil.example/x.js"), "https://EVIL.example", True),
        (csp(blocked_uri="https://evil.example/x.js"), "*://evil.example/", True),
        (csp(blocked_uri="weird://whatever"), "weird://*", True),
        (csp(blocked_uri="data"), "data", True),
        (csp(blocked_uri="data:text/plain,x"), "data", True),
        (csp(source_file="https://evil.example/y.js"), "evil.example", True),
        (csp(blocked_uri="http://[broken"), "evil.example", False),
        (csp(blocked_uri="self"), "evil.example", False),
        ({"message": "https://evil.example"}, "evil.example", False),
    ],
)
def test_ignored_sources_of_csp_reports(report: dict[str, Any], source: str, applies: bool) -> None:
    rules = FilterRules(csp_default_sources=False, csp_sources=("other.example", source))
    assert found(report, rules) == ("invalid-csp" if applies else None)


def test_sources_that_are_ignored_unless_one_says_otherwise() -> None:
    report = csp(blocked_uri="chrome-extension://abcdef/x.js")
    assert found(report, FilterRules()) == "invalid-csp"
    assert found(report, NONE) is None


def test_an_unwanted_event_is_not_prepared() -> None:
    raw = {"event_id": "a" * 32, "release": "1.0"}
    with pytest.raises(Filtered) as caught:
        prepare(
            raw,
            rules=ScrubRules(),
            sender=Sender(),
            now=1.0,
            unwanted=FilterRules(releases=("1.*",)),
        )
    assert (caught.value.name, caught.value.event_id) == ("release-version", "a" * 32)
    assert prepare(raw, rules=ScrubRules(), sender=Sender(), now=1.0).release == "1.0"


def test_what_is_an_address_or_a_network() -> None:
    assert all(map(is_network, ("10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32")))
    assert not any(map(is_network, ("", "10.0.0", "example.com", "10.0.0.0/99")))
