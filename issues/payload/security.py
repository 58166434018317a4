"""Reports of browsers about broken policies: CSP, HPKP, Expect-CT and Expect-Staple."""

from typing import Any
from urllib.parse import urlsplit

from issues.payload.fields import read_object
from issues.payload.problems import Problems
from issues.payload.values import JsonObject, trim, trim_tree

REPORTS = ("csp", "hpkp", "expectct", "expectstaple")
LOCAL = "'self'"

_MAX_REPORT = 16384
_NAMES = ("effective_directive", "hostname")
_MAX_NAME = 128
_LOCAL_URIS = ("", "self", LOCAL, "inline", "eval")
_NAMELESS_SCHEMES = ("blob", "data", "filesystem", "about")
_UNSAFE_SOURCES = ("'unsafe-inline'", "'unsafe-eval'")
_KINDS = {
    "child-src": "child",
    "connect-src": "connect",
    "font-src": "font",
    "img-src": "image",
    "manifest-src": "manifest",
    "media-src": "media",
    "object-src": "object",
    "script-src": "script",
    "script-src-attr": "script",
    "script-src-elem": "script",
    "style-src": "style",
    "style-src-attr": "style",
    "style-src-elem": "style",
}
_HOST_GROUPS = {"hpkp": "hpkp", "expectct": "expect-ct", "expectstaple": "expect-staple"}
_HOST_MESSAGES = {
    "hpkp": "Public key pinning validation failed for '{}'",
    "expectct": "Expect-CT failed for '{}'",
    "expectstaple": "Expect-Staple failed for '{}'",
}


def read_report(value: Any, path: str, problems: Problems) -> JsonObject | None:
    """A report with underscores in its keys; a CSP report always has an effective directive
    where it names one at all."""
    source = read_object(value, path, problems, f"expected {path}")
    if not source:
        return None
    report = trim_tree({key.replace("-", "_"): item for key, item in source.items()}, _MAX_REPORT)
    violated = text_of(report, "violated_directive").split()
    if violated and not text_of(report, "effective_directive"):
        report["effective_directive"] = violated[0]
    for name in _NAMES:
        if name in report:
            report[name] = trim(text_of(report, name), _MAX_NAME)
    return report


def find_report(event: JsonObject) -> tuple[str, JsonObject] | None:
    """The report of a stored event, and its kind."""
    return next(((kind, event[kind]) for kind in REPORTS if kind in event), None)


def text_of(report: JsonObject, name: str) -> str:
    """A text of the report, empty where it is missing or something else."""
    value = report.get(name)
    return value if type(value) is str else ""


def message_of(kind: str, report: JsonObject) -> str:
    """One line about what happened (ingest contract, section 8)."""
    if kind != "csp":
        return _HOST_MESSAGES[kind].format(text_of(report, "hostname"))
    directive = text_of(report, "effective_directive")
    source = blocked_source(report)
    subject = _KINDS.get(directive, directive)
    if source != LOCAL:
        return f"Blocked '{subject}' from '{source}'"
    if subject == "script":
        return "Blocked unsafe (eval() or inline) 'script'"
    return f"Blocked inline '{subject}'"


def culprit_of(kind: str, report: JsonObject) -> str:
    """The directive that was violated, or the host."""
    return text_of(report, "violated_directive" if kind == "csp" else "hostname")


def blocked_source(report: JsonObject) -> str:
    """Where the blocked resource of a CSP report was to come from: a host, a scheme without
    hosts, or `'self'`."""
    uri = text_of(report, "blocked_uri")
    if uri in _LOCAL_URIS:
        return LOCAL
    try:
        parts = urlsplit(uri)
        document = urlsplit(text_of(report, "document_uri"))
    except ValueError:
        return trim(uri, _MAX_NAME)
    if parts.scheme in _NAMELESS_SCHEMES:
        return parts.scheme
    if parts.netloc and parts.netloc == document.netloc:
        return LOCAL
    return trim(parts.netloc or uri, _MAX_NAME)


def grouping_parts(kind: str, report: JsonObject) -> list[str]:
    """What tells reports apart (ingest contract, section 10)."""
    if kind != "csp":
        return [_HOST_GROUPS[kind], text_of(report, "hostname")]
    directive = text_of(report, "effective_directive")
    source = blocked_source(report)
    if directive == "script-src" and source == LOCAL:
        violated = text_of(report, "violated_directive")
        source = next((unsafe for unsafe in _UNSAFE_SOURCES if unsafe in violated), source)
    return [directive, source]
