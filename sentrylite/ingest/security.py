"""Browsers' reports of broken policies as events (clients contract, section 9.9)."""

from typing import Any, NamedTuple

from . import refusals
from .refusals import Refused

CONTENT_TYPES = frozenset(
    {
        "application/csp-report",
        "application/json",
        "application/expect-ct-report",
        "application/expect-ct-report+json",
        "application/expect-staple-report",
    }
)

# The key under which each kind of report is wrapped, and the name of its interface.
WRAPPED = {
    "csp-report": "csp",
    "expect-ct-report": "expectct",
    "expect-staple-report": "expectstaple",
}
# Reports on pinned keys are not wrapped.
PINS = "known-pins"


class SecurityEvent(NamedTuple):
    event: dict[str, Any]
    origin: str
    """The page or host that the report is about: a project may not take it from everywhere."""


def is_report_type(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in CONTENT_TYPES


def read_report(
    body: Any,
    *,
    user_agent: str | None,
    environment: str | None = None,
    release: str | None = None,
) -> SecurityEvent:
    """The event for a report, to be stored as one of the type `csp`, `hpkp` and so on.

    `body` is the JSON value that the browser sent. Raises `Refused` with 400 for what is no report
    of a known kind, or says neither what was violated nor where.
    """
    kind, report = _unwrap(body)
    subject, origin = _describe(kind, report)
    if not subject or not origin:
        missing = "violated-directive or document-uri" if kind == "csp" else "hostname"
        raise Refused(refusals.incomplete_report(missing))
    event: dict[str, Any] = {
        kind: report,
        "logger": kind,
        "platform": "other",
        "request": {
            "url": origin,
            "headers": {
                name: value
                for name, value in (
                    ("User-Agent", user_agent),
                    ("Referer", _text(report, "referrer")),
                )
                if value
            },
        },
        "user": {"ip_address": "{{auto}}"},
    }
    if environment:
        event["environment"] = environment
    if release:
        event["release"] = release
    return SecurityEvent(event, origin)


def _unwrap(body: Any) -> tuple[str, dict[str, Any]]:
    """The kind of a report and what it says."""
    if isinstance(body, dict):
        for wrapper, kind in WRAPPED.items():
            if isinstance(report := body.get(wrapper), dict):
                return kind, report
        if PINS in body:
            return "hpkp", body
    raise Refused(refusals.UNKNOWN_REPORT)


def _describe(kind: str, report: dict[str, Any]) -> tuple[str, str]:
    """What was violated, and the URL of where: "" for what the report does not say."""
    if kind == "csp":
        directive = _text(report, "effective-directive") or _text(report, "violated-directive")
        return directive, _text(report, "document-uri")
    host = _text(report, "hostname")
    return host, f"https://{host}" if host else ""


def _text(report: dict[str, Any], name: str) -> str:
    value = report.get(name)
    return value.strip() if isinstance(value, str) else ""
