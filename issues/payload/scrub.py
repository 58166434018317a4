"""Data scrubbing: what must not be stored is taken out of an event before it is."""

import re
from functools import lru_cache
from typing import Any

from issues.payload.event import ScrubRules
from issues.payload.stacktrace import stack_traces
from issues.payload.values import JsonObject

FILTERED = "[Filtered]"

_DEFAULT_FIELDS = (
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
)
_HARMLESS = frozenset(("", "true", "false", "null", "undefined"))
_PLAIN_CONTEXTS = frozenset(("app", "browser", "device", "gpu", "os", "runtime", "trace"))
"""Contexts that SDKs fill with facts about the machine."""

_LOOK, _FILTER, _KEEP = range(3)
_MAX_KNOWN_KEYS = 10_000
_LONGEST_KNOWN_KEY = 100

_URL_PASSWORD = re.compile(r"(://[^\s/:@]*):[^\s/]+@")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_NUMBER_LIKE = re.compile(r"[0-9][0-9 -]{10}")
"""Cheap to look for, and the beginning of every number that follows."""
_SENSITIVE_NUMBER = re.compile(
    r"""(?<![\w.])(?:
        (?: 4\d{3} | 5[1-5]\d\d | 2(?:22[1-9] | 2[3-9]\d | [3-6]\d\d | 7[01]\d | 720)
          | 6011 | 64[4-9]\d | 65\d\d | 35(?:2[89] | [3-8]\d) )
        (?P<gap>[ -]?) \d{4} (?P=gap) \d{4} (?P=gap) \d{4}
      | 3[47]\d\d (?P<space>[ -]?) \d{6} (?P=space) \d{5}
      | (?<!-) \d{3}-\d\d-\d{4}
    )(?!\w|[.-]\d)""",
    re.VERBOSE | re.ASCII,
)
"""Card numbers of the known issuers, of their length, written together or in groups; and social
security numbers. Times in milli-, micro- and nanoseconds, fractions and parts of longer words
are none of these."""
_SMALLEST_CARD_NUMBER = 340_000_000_000_000
_PARAMETER = re.compile(r"(?<![^?&;\s])([^=&;?\s]+)=([^&;\s#]+)")


def scrub(event: JsonObject, rules: ScrubRules) -> None:
    """Take sensitive values out of a normalized event, in place (ingest contract, section 14).

    Replaced by `[Filtered]` are whole values under sensitive keys in request, extra, the user's
    data, contexts, variables and breadcrumbs; and within their texts card numbers, social
    security numbers, private keys, passwords in URLs and the values of sensitive parameters.
    Of messages, culprit and transaction only private keys and passwords in URLs are taken out,
    so that a number in them goes on telling events apart.
    """
    if rules.enabled and (rules.defaults or rules.sensitive_fields):
        _scrubber(rules).scrub(event)
    if rules.scrub_ip_addresses:
        _remove_addresses(event)


def _remove_addresses(event: JsonObject) -> None:
    event.get("request", {}).get("env", {}).pop("REMOTE_ADDR", None)
    if "user" in event:
        event["user"].pop("ip_address", None)
        if not event["user"]:
            del event["user"]


@lru_cache(maxsize=1024)
def _scrubber(rules: ScrubRules) -> "_Scrubber":
    return _Scrubber(rules)


class _KnownKeys(dict[str, int]):
    """What to do with the value under a key: decided once, since keys repeat."""

    def __init__(self, rules: ScrubRules) -> None:
        defaults = _DEFAULT_FIELDS if rules.defaults else ()
        fields = {field.strip().lower() for field in (*defaults, *rules.sensitive_fields)} - {""}
        self._sensitive = re.compile("|".join(map(re.escape, sorted(fields))) or r"(?!)")
        self._safe = frozenset(field.strip().lower() for field in rules.safe_fields)

    def __missing__(self, key: str) -> int:
        name = key.lower()
        if name in self._safe:
            verdict = _KEEP
        else:
            verdict = _FILTER if self._sensitive.search(name) else _LOOK
        if len(key) <= _LONGEST_KNOWN_KEY:
            if len(self) >= _MAX_KNOWN_KEYS:
                self.clear()
            self[key] = verdict
        return verdict


class _Scrubber:
    """The rules of a project, ready for use."""

    def __init__(self, rules: ScrubRules) -> None:
        self._keys = _KnownKeys(rules)
        self._has_patterns = rules.defaults

    def scrub(self, event: JsonObject) -> None:
        for stack in stack_traces(event):
            for frame in stack["frames"]:
                if "vars" in frame:
                    self._scrub_object(frame["vars"])
        if "request" in event:
            self._scrub_request(event["request"], is_report="csp" in event)
        if "extra" in event:
            self._scrub_object(event["extra"])
        if "data" in event.get("user", ()):
            self._scrub_object(event["user"]["data"])
        if "breadcrumbs" in event:
            self._scrub_breadcrumbs(event["breadcrumbs"]["values"])
        if "contexts" in event:
            self._scrub_contexts(event["contexts"])
        if "errors" in event:
            self._scrub_errors(event["errors"])
        self._scrub_messages(event)

    def _scrub_request(self, request: JsonObject, *, is_report: bool) -> None:
        if "url" in request:
            request["url"] = self._scrub_text(request["url"])
        for name in ("query_string", "headers", "cookies"):
            for pair in request.get(name, ()):
                pair[1] = self._scrub_value(*pair)
        if is_report and self._has_patterns:
            # Browsers name the page of the report here, with everything in its address.
            for pair in request.get("headers", ()):
                if pair[0] == "Referer":
                    pair[1] = FILTERED
        if "data" in request:
            request["data"] = self._scrub_tree(request["data"])
        if "env" in request:
            self._scrub_object(request["env"])

    def _scrub_breadcrumbs(self, crumbs: list[JsonObject]) -> None:
        for crumb in crumbs:
            if "message" in crumb:
                crumb["message"] = self._scrub_text(crumb["message"])
            if "data" in crumb:
                self._scrub_object(crumb["data"])

    def _scrub_contexts(self, contexts: JsonObject) -> None:
        for name, context in contexts.items():
            if context["type"] in _PLAIN_CONTEXTS:
                continue
            if self._keys[name] == _FILTER:
                contexts[name] = {"type": context["type"], "value": FILTERED}
            else:
                self._scrub_object(context)

    def _scrub_errors(self, errors: list[JsonObject]) -> None:
        """Values that could not be kept are sensitive where they stood, all the same."""
        for error in errors:
            if "value" in error:
                for key in error["name"].split("."):
                    error["value"] = self._scrub_value(key, error["value"])

    def _scrub_messages(self, event: JsonObject) -> None:
        if "logentry" in event:
            entry = event["logentry"]
            for name in ("message", "formatted"):
                if name in entry:
                    entry[name] = self._scrub_prose(entry[name])
            if "params" in entry:
                self._scrub_tree(entry["params"])
        for exception in event.get("exception", {}).get("values", ()):
            if "value" in exception:
                exception["value"] = self._scrub_prose(exception["value"])
            if "mechanism" in exception:
                self._scrub_tree(exception["mechanism"].get("data"))
        for name in ("culprit", "transaction"):
            if name in event:
                event[name] = self._scrub_prose(event[name])

    def _scrub_tree(self, value: Any) -> Any:
        """The value to keep: objects and lists are changed in place, texts and numbers new."""
        kind = type(value)
        if kind is str:
            return self._scrub_text(value)
        if kind is dict:
            self._scrub_object(value)
        elif kind is list:
            value[:] = map(self._scrub_tree, value)
        elif kind is int and value >= _SMALLEST_CARD_NUMBER and self._has_patterns:
            return FILTERED if _SENSITIVE_NUMBER.fullmatch(str(value)) else value
        return value

    def _scrub_object(self, tree: JsonObject) -> None:
        for key, value in tree.items():
            tree[key] = self._scrub_value(key, value)

    def _scrub_value(self, key: str, value: Any) -> Any:
        verdict = self._keys[key]
        if verdict == _LOOK:
            return self._scrub_text(value) if type(value) is str else self._scrub_tree(value)
        return _mask(value) if verdict == _FILTER else value

    def _scrub_text(self, text: str) -> str:
        if "=" in text:
            text = _PARAMETER.sub(self._scrub_parameter, text)
        if self._has_patterns:
            text = self._scrub_prose(text)
            if _NUMBER_LIKE.search(text):
                text = _SENSITIVE_NUMBER.sub(FILTERED, text)
        return text

    def _scrub_parameter(self, match: re.Match[str]) -> str:
        key, value = match.groups()
        return f"{key}={_mask(value)}" if self._keys[key] == _FILTER else match[0]

    def _scrub_prose(self, text: str) -> str:
        if not self._has_patterns:
            return text
        if "://" in text and "@" in text:
            text = _URL_PASSWORD.sub(rf"\1:{FILTERED}@", text)
        if "-----BEGIN " in text:
            text = _PRIVATE_KEY.sub(FILTERED, text)
        return text


def _mask(value: Any) -> Any:
    """`[Filtered]`, unless there is nothing to hide in the value."""
    if value is None or type(value) is bool:
        return value
    return value if type(value) is str and value.lower() in _HARMLESS else FILTERED
