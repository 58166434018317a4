"""An SDK's event cleaned and made uniform; never refused for one bad field.

The stored event is a JSON object with these attributes, of which absent ones are left out.
Times are epoch seconds (UTC); every text is free of NUL and lone surrogates.

    event_id      32 hex digits
    timestamp     when it happened
    received      when it arrived
    platform      one of `attributes.PLATFORMS`
    level         name of a level
    version       of the SDK protocol, a text
    type          error, default, transaction, csp, hpkp, expectct or expectstaple
    title         one line
    culprit       where it happened, may be ""
    location      file name, URI or host
    metadata      {"type", "value", "filename", "function", "title", "directive", …}, texts
    hashes        grouping hashes, 32 hex digits each, in the order in which they decide
    tags          [[key, value], …] sorted by key: the sender's and the implied ones
    errors        [{"type", "name", "value"?, "reason"?}, …] for what could not be kept
    logger, transaction, server_name, site, release, dist, environment, checksum   texts
    logentry      {"formatted", "message"? (template, if it differs), "params"? (list or object)}
    exception     {"values": [{"type"?, "value"?, "module"?, "thread_id"?, "mechanism"?,
                   "stacktrace"?, "raw_stacktrace"?}, …]}, oldest first
    stacktrace    {"frames": [frame, …], "registers"?, "frames_omitted"?, "in_app_sent"? (what was
                   sent of each frame, where that is not what `in_app` says)}, oldest call first;
                   raw_stacktrace beside it, where its frames were put back to where they come from
      frame       {"filename", "abs_path", "module", "package", "platform", "function",
                   "raw_function", "symbol", "trust", "addr_mode", "lineno", "colno", "in_app",
                   "context_line", "pre_context", "post_context", "vars", "data",
                   "instruction_addr", "symbol_addr", "image_addr"}; only `in_app` is always there
    threads       {"values": [{"id"?, "name"?, "state"?, "current"?, "crashed"?, "main"?,
                   "stacktrace"?, "raw_stacktrace"?}, …]}
    breadcrumbs   {"values": [{"type", "level", "timestamp"?, "category"?, "message"?,
                   "event_id"?, "data"?}, …]}
    request       {"url", "method", "query_string": [[name, value], …], "fragment",
                   "headers": [[Name, value], …], "cookies": [[name, value], …], "data", "env",
                   "inferred_content_type"}, each if known
    user          {"id", "username", "email", "name", "ip_address", "data"}, each if known;
                  {} when what was sent could not be read
    contexts      {name: {"type", …}, …}
    sdk           {"name", "version", "packages"?, "integrations"?}
    template      {"filename"?, "abs_path"?, "lineno"?, "context_line"?, "pre_context"?, …}
    csp, hpkp, expectct, expectstaple   reports, keys with underscores
    extra, modules, debug_meta          objects
    fingerprint   [text, …]

`normalize` fills in what the sender said; `prepare` adds what follows from it (type, title,
culprit, location, metadata, hashes, the implied tags) and settles `in_app`.
"""

from collections.abc import Callable
from typing import Any

from issues.payload import attributes, interfaces, security
from issues.payload.event import Sender
from issues.payload.problems import Problems
from issues.payload.request import find_header, read_request
from issues.payload.stacktrace import read_stacktrace
from issues.payload.user_agent import contexts_of
from issues.payload.users import read_user
from issues.payload.values import (
    JsonObject,
    clean,
    clean_text,
    read_address,
    scalar_text,
    trim,
)

DEFAULT_PROTOCOL = "7"

_READERS: dict[str, Callable[[Any, str, Problems], Any]] = {
    "logger": attributes.read_logger,
    "transaction": attributes.read_short_text,
    "culprit": attributes.read_short_text,
    "server_name": attributes.read_short_text,
    "site": attributes.read_short_text,
    "release": attributes.read_release,
    "dist": attributes.read_dist,
    "environment": attributes.read_environment,
    "tags": attributes.read_tags,
    "fingerprint": attributes.read_fingerprint,
    "checksum": attributes.read_checksum,
    "extra": attributes.read_extra,
    "exception": interfaces.read_exception,
    "stacktrace": read_stacktrace,
    "threads": interfaces.read_threads,
    "logentry": interfaces.read_logentry,
    "breadcrumbs": interfaces.read_breadcrumbs,
    "template": interfaces.read_template,
    "contexts": interfaces.read_contexts,
    "sdk": interfaces.read_sdk,
    "modules": interfaces.read_modules,
    "debug_meta": interfaces.read_debug_meta,
    **dict.fromkeys(security.REPORTS, security.read_report),
}
"""Attributes that can be read by themselves."""

_ALIASES = {
    "sentry.interfaces.Breadcrumbs": "breadcrumbs",
    "sentry.interfaces.Contexts": "contexts",
    "sentry.interfaces.Csp": "csp",
    "sentry.interfaces.DebugMeta": "debug_meta",
    "sentry.interfaces.Exception": "exception",
    "sentry.interfaces.ExpectCT": "expectct",
    "sentry.interfaces.ExpectStaple": "expectstaple",
    "sentry.interfaces.Hpkp": "hpkp",
    "sentry.interfaces.Http": "request",
    "sentry.interfaces.Message": "logentry",
    "sentry.interfaces.Sdk": "sdk",
    "sentry.interfaces.Stacktrace": "stacktrace",
    "sentry.interfaces.Template": "template",
    "sentry.interfaces.Threads": "threads",
    "sentry.interfaces.User": "user",
}

_OTHERS = frozenset(
    (
        "event_id",
        "level",
        "message",
        "platform",
        "request",
        "timestamp",
        "type",
        "user",
        "version",
    )
)

_PASSED_OVER = frozenset(
    (
        "_meta",
        "_metrics",
        "_metrics_summary",
        "breakdowns",
        "client_report",
        "errors",
        "grouping_config",
        "hashes",
        "id",
        "key_id",
        "location",
        "measurements",
        "metadata",
        "project",
        "received",
        "repos",
        "scraping_attempts",
        "spans",
        "start_timestamp",
        "time_spent",
        "title",
        "transaction_info",
    )
)
"""Known attributes that the server makes itself or has no use for."""

_USERS_DEVICE = frozenset(("javascript", "cocoa", "objc"))
"""Platforms that run where the user is: the sender's address is the user's."""


def normalize(raw: JsonObject, *, now: float, sender: Sender) -> JsonObject:
    """Any JSON object in, the stored event out, as far as the sender told it (ingest contract,
    section 6). Never raises: what cannot be read is left out and noted in `errors`."""
    problems = Problems()
    given = _by_canonical_name(clean(raw), problems)
    address = read_address(sender.ip_address) if sender.ip_address else None

    event: JsonObject = {
        "event_id": attributes.read_event_id(given.get("event_id"), problems),
        "timestamp": attributes.read_event_time(given.get("timestamp"), now, problems),
        "received": now,
        "platform": attributes.read_platform(given.get("platform")),
        "version": trim(scalar_text(given.get("version")) or DEFAULT_PROTOCOL, 16),
    }
    for name, read in _READERS.items():
        if name in given:
            _put(event, name, read(given[name], name, problems))
    if "request" in given:
        _put(event, "request", read_request(given["request"], "request", problems, address))
    if "user" in given:
        _put(event, "user", read_user(given["user"], "user", problems, address))

    _settle_kind(event, given, problems)
    _settle_message(event, given, problems)
    _settle_version(event, problems)
    _move_stack_trace(event)
    _add_sdk(event, sender)
    _add_address(event, sender, address)
    _add_device(event, sender)
    if problems.found:
        event["errors"] = problems.found
    return event


def _by_canonical_name(raw: JsonObject, problems: Problems) -> JsonObject:
    """What was given, under today's names; null is as good as absent."""
    given: JsonObject = {}
    for key, value in raw.items():
        if value is None:
            continue
        if key in _READERS or key in _OTHERS:
            given[key] = value
        elif key in _ALIASES:
            given.setdefault(_ALIASES[key], value)
        elif key not in _PASSED_OVER:
            problems.unknown(key)
    return given


def _put(event: JsonObject, name: str, value: Any) -> None:
    if value is not None:
        event[name] = value


def _settle_kind(event: JsonObject, given: JsonObject, problems: Problems) -> None:
    """What sets transactions and security reports apart from errors."""
    default_level = "error"
    if given.get("type") == "transaction":
        default_level = "info"
        event["type"] = "transaction"
    event["level"] = attributes.read_level(given.get("level"), default_level, problems)
    if found := security.find_report(event):
        kind, report = found
        event.setdefault("logger", kind)
        event.setdefault("logentry", {"formatted": security.message_of(kind, report)})


def _settle_message(event: JsonObject, given: JsonObject, problems: Problems) -> None:
    """`message` stands in for a log entry that is missing."""
    if "logentry" not in event and "message" in given:
        _put(event, "logentry", interfaces.read_logentry(given["message"], "message", problems))


def _settle_version(event: JsonObject, problems: Problems) -> None:
    """A build belongs to a release; old SDKs send the environment as a tag."""
    if "release" not in event:
        event.pop("dist", None)
    tags = dict(event.get("tags", ()))
    environment = tags.pop("environment", None)
    if environment is None:
        return
    event["tags"] = [[key, value] for key, value in tags.items()]
    if "environment" not in event:
        read = attributes.read_environment(environment, "environment", problems)
        _put(event, "environment", read)


def _move_stack_trace(event: JsonObject) -> None:
    """A stack trace beside a single exception is that exception's."""
    exceptions = event["exception"]["values"] if "exception" in event else []
    if len(exceptions) == 1 and "stacktrace" in event and "stacktrace" not in exceptions[0]:
        exceptions[0]["stacktrace"] = event.pop("stacktrace")


def _add_sdk(event: JsonObject, sender: Sender) -> None:
    """An SDK that does not name itself in the event does in the request."""
    name, _, version = clean_text(sender.client or "").partition("/")
    if "sdk" not in event and name and version:
        event["sdk"] = {"name": trim(name, 256), "version": trim(version, 256)}


def _add_address(event: JsonObject, sender: Sender, client_address: str | None) -> None:
    """The user's address: the one the web server saw or, where the SDK runs on the user's
    device, the one that the event came from."""
    user = event.get("user", {})
    if "ip_address" in user:
        return
    address = event.get("request", {}).get("env", {}).get("REMOTE_ADDR")
    on_device = event["platform"] in _USERS_DEVICE or _is_from_browser(event, sender)
    if address is None and on_device:
        address = client_address
    if address is not None:
        event["user"] = {**user, "ip_address": address}


def _add_device(event: JsonObject, sender: Sender) -> None:
    """Browser, operating system and device, as the User-Agent header tells them."""
    user_agent = find_header(event.get("request", {}), "User-Agent")
    if user_agent is None and _is_from_browser(event, sender):
        user_agent = clean_text(sender.user_agent or "")
    if user_agent and (told := contexts_of(user_agent)):
        implied = {name: dict(context) for name, context in told.items()}
        event["contexts"] = implied | event.get("contexts", {})


def _is_from_browser(event: JsonObject, sender: Sender) -> bool:
    """Whether a user's browser made the request that brought the event."""
    return sender.from_browser or security.find_report(event) is not None
