"""Inbound filters: events that a project does not want, told by what they say (ingest contract,
section 12)."""

import re
from collections.abc import Callable
from fnmatch import translate
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from issues.payload.event import FilterRules, Sender
from issues.payload.request import find_header
from issues.payload.security import text_of
from issues.payload.user_agent import MAX_USER_AGENT, contexts_of
from issues.payload.values import JsonObject

Network = IPv4Network | IPv6Network

BROWSER_EXTENSIONS = "browser-extensions"
LEGACY_BROWSERS = "legacy-browsers"
LOCALHOST = "localhost"
WEB_CRAWLERS = "web-crawlers"

# The parts of the filter for legacy browsers: names that a User-Agent is known by, and the major
# versions from the first to before the second.
_IE = ("IE", "IE Mobile")
LEGACY_VERSIONS: dict[str, tuple[tuple[str, ...], int, int]] = {
    "ie_pre_9": (_IE, 0, 9),
    "ie9": (_IE, 9, 10),
    "ie10": (_IE, 10, 11),
    "ie11": (_IE, 11, 12),
    "safari_pre_6": (("Safari", "Mobile Safari"), 0, 6),
    "opera_pre_15": (("Opera", "Opera Mobile"), 0, 15),
    "opera_mini_pre_8": (("Opera Mini",), 0, 8),
    "android_pre_4": (("Android",), 0, 4),
}

# What toolbars and other extensions leave in pages: errors that no site's own code makes.
_EXTENSION_ERRORS = re.compile(
    r"""
      top\.GLOBALS
    | originalCreateNotification
    | canvas\.contentDocument
    | MyApp_RemoveAllHighlights
    | tt\.epicplay\.com
    | ZiteReader
    | (?:jigsaw | ComboSearch)\ is\ not\ defined
    | atomicFindClose
    | fb_xd_fragment
    | bmi_SafeAddOnload
    | EBCallBackMessageReceived
    | conduitPage
    | Extension\ context\ invalidated
    """,
    re.VERBOSE | re.IGNORECASE,
)
_EXTENSION_SOURCES = re.compile(
    r"""
      ^ (?:chrome | resource | (?:chrome|moz|ms-browser|safari|safari-web)-extension) ://
    | ^ webkit-masked-url:
    | ^ (?:https?:)? // (?:[\w-]+\.)? (?:
          graph\.facebook\.com | connect\.facebook\.net/en_US/all\.js
        | eatdifferent\.com\.woopra-ns\.com | static\.woopra\.com/js/woopra\.js
        | kaspersky-labs\.com )
    """,
    re.VERBOSE | re.IGNORECASE,
)

_LOCAL_ADDRESSES = frozenset(("127.0.0.1", "::1"))
_LOCAL_HOSTS = _LOCAL_ADDRESSES | {"localhost"}

_CRAWLERS = re.compile(
    r"""
      \b (?: google | adsbot-google | bing | msn | yandex\w{0,20} | duckduck | duckassist | ahrefs
        | semrush | mj12 | dot | rogers? | exa | seznam | apple | petal | gpt | claude | perplexity
        | amazon | cc | twitter | linkedin | slack | telegram | discord | pinterest | blex
        | dataforseo | serpstat | coccoc\w{0,10} | archive\.org_ | mail\.ru_ ) bot \b
    | crawler | spider | slurp | ia_archiver | mediapartners-google | google-inspectiontool
    | googleother | feedfetcher-google | apis-google | bingpreview | facebookexternalhit
    | facebookcatalog | meta-externalagent | slack-imgproxy | slackbot-linkexpanding | embedly
    | quora\ link\ preview | flipboardproxy | skypeuripreview | oai-searchbot | w3c_validator
    """,
    re.VERBOSE | re.IGNORECASE,
)

# Schemes that only browsers and what is built into them use, and hosts of known ad injectors.
_CSP_DEFAULT_SOURCES = (
    "about",
    "chrome",
    "chrome-extension",
    "chromeinvoke",
    "chromeinvokeimmediate",
    "chromenull",
    "jar",
    "mbinit",
    "moz-extension",
    "ms-browser-extension",
    "mxaddon-pkg",
    "mx",
    "resource",
    "safari-extension",
    "safari-web-extension",
    "symres",
    "tmtbff",
    "webviewprogressproxy",
    "*.metrext.com",
    "*.superfish.com",
    "*.tlscdn.com",
    "addons.mozilla.org",
    "localscript.net",
    "static.image2play.com",
    "v.zilionfast.in",
    "widgets.amung.us",
    "xls.searchfun.in",
)


class Filtered(Exception):
    """The event's project does not want it."""

    def __init__(self, name: str, event_id: str) -> None:
        super().__init__(name)
        self.name = name
        """Of the filter, one of `stats.usage.FILTERS`."""
        self.event_id = event_id


def filter_of(event: JsonObject, rules: FilterRules, sender: Sender) -> str | None:
    """The name of the first filter that applies to a normalized event, None if it is wanted."""
    for name, applies in _CHECKS:
        if applies(event, rules, sender):
            return name
    return None


def is_network(text: str) -> bool:
    """Whether a text is an IP address or a network, as `10.0.0.0/8`."""
    return _network(text) is not None


def _has_address(event: JsonObject, rules: FilterRules, sender: Sender) -> bool:
    if not rules.addresses or not sender.ip_address:
        return False
    try:
        address = ip_address(sender.ip_address)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any(
        candidate in network
        for network in _networks(rules.addresses)
        for candidate in (address, mapped)
        if candidate is not None
    )


@lru_cache(maxsize=256)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(network for text in texts if (network := _network(text)) is not None)


def _network(text: str) -> Network | None:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def _has_release(event: JsonObject, rules: FilterRules, sender: Sender) -> bool:
    release = event.get("release") if rules.releases else None
    return release is not None and _matches(release, rules.releases)


def _has_message(event: JsonObject, rules: FilterRules, sender: Sender) -> bool:
    return bool(rules.error_messages) and any(
        _matches(message, rules.error_messages) for message in _messages(event)
    )


def _messages(event: JsonObject) -> list[str]:
    """What an event says: its log message, and each exception as `type: value`."""
    entry = event.get("logentry", {})
    messages = [text for name in ("formatted", "message") if (text := entry.get(name))]
    for exception in event.get("exception", {}).get("values", ()):
        parts = (exception.get("type"), exception.get("value"))
        messages.append(": ".join(part for part in parts if part))
    return messages


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    return any(pattern.match(text) for pattern in _compiled(patterns))


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(translate(pattern), re.IGNORECASE) for pattern in patterns)


def _is_of_extension(event: JsonObject, rules: FilterRules, sender: Sender) -> bool:
    if not rules.browser_extensions or event["platform"] != "javascript":
        return False
    exceptions = event.get("exception", {}).get("values", ())
    if not exceptions:
        return any(_EXTENSION_ERRORS.search(message) for message in _messages(event))
    exception = exceptions[-1]
    if _EXTENSION_ERRORS.search(exception.get("value", "")):
        return True
    frames = exception.get("stacktrace", {}).get("frames", ())
    if not frames:
        return False
    source = frames[-1].get("abs_path") or frames[-1].get("filename", "")
    return _EXTENSION_SOURCES.search(source) is not None


def _is_of_legacy_browser(event: JsonObject, rules: FilterRules, sender: Sender) -> bool:
    if not rules.legacy_browsers:
        return False
    user_agent = _user_agent(event, sender)
    browser = contexts_of(user_agent).get("browser") if user_agent else None
    if browser is None:
        return False
    major = browser.get("version", "").partition(".")[0]
    if not major.isdigit():
        return False
    for part in rules.legacy_browsers & LEGACY_VERSIONS.keys():
        names, first, end = LEGACY_VERSIONS[part]
        if browser.get("name") in names and first <= int(major) < end:
            return True
    return False


def _is_local(event: JsonObject, rules: FilterRules, sender: Sender) -> bool:
    if not rules.localhost:
        return False
    if event.get("user", {}).get("ip_address") in _LOCAL_ADDRESSES:
        return True
    try:
        return urlsplit(event.get("request", {}).get("url", "")).hostname in _LOCAL_HOSTS
    except ValueError:
        return False


def _is_of_crawler(event: JsonObject, rules: FilterRules, sender: Sender) -> bool:
    if not rules.web_crawlers:
        return False
    user_agent = _user_agent(event, sender)
    return user_agent is not None and _is_crawler(user_agent[:MAX_USER_AGENT])


@lru_cache(maxsize=4096)
def _is_crawler(user_agent: str) -> bool:
    return _CRAWLERS.search(user_agent) is not None


def _user_agent(event: JsonObject, sender: Sender) -> str | None:
    """Of the browser that the event happened in or because of."""
    user_agent = find_header(event.get("request", {}), "User-Agent")
    if user_agent is None and sender.from_browser:
        return sender.user_agent
    return user_agent


def _is_ignored_report(event: JsonObject, rules: FilterRules, sender: Sender) -> bool:
    report = event.get("csp")
    if report is None:
        return False
    sources = rules.csp_sources
    if rules.csp_default_sources:
        sources = _CSP_DEFAULT_SOURCES + sources
    named = [uri for name in ("blocked_uri", "source_file") if (uri := text_of(report, name))]
    return any(_is_source(source.lower(), uri.lower()) for source in sources for uri in named)


def _is_source(source: str, uri: str) -> bool:
    """Whether a source, `scheme`, `scheme://*`, `[scheme://]host` or `[scheme://]*.host`, covers
    the URI of a report."""
    scheme, separator, host = source.rpartition("://")
    try:
        parts = urlsplit(uri)
        name = parts.hostname or ""
    except ValueError:
        return source == uri
    if not separator:
        if source in (uri, parts.scheme):
            return True
    elif scheme not in ("*", parts.scheme):
        return False
    elif host in ("", "*"):
        return True
    host = host.partition("/")[0]
    if host.startswith("*."):
        return name == host[2:] or name.endswith(host[1:])
    return bool(host) and name == host


_CHECKS: tuple[tuple[str, Callable[[JsonObject, FilterRules, Sender], bool]], ...] = (
    ("ip-address", _has_address),
    ("release-version", _has_release),
    ("error-message", _has_message),
    (BROWSER_EXTENSIONS, _is_of_extension),
    (LEGACY_BROWSERS, _is_of_legacy_browser),
    (LOCALHOST, _is_local),
    (WEB_CRAWLERS, _is_of_crawler),
    ("invalid-csp", _is_ignored_report),
)
