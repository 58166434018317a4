"""The items of an envelope: which become events, and under which category the others count."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import uuid4

from issues.payload.event import PreparedEvent, Sender
from issues.payload.feedback import PreparedReport, read_feedback, read_user_report
from issues.payload.prepare import finish, read
from issues.payload.values import JsonObject
from issues.symbolication import may_have_symbols

from . import refusals
from .authentication import KeyInfo
from .decoding import parse_json
from .refusals import Refused

EVENT = "event"

OTHER = "other"

# Item types to what they count as (`stats.usage.ITEM_CATEGORIES`). What is not stored yet is
# accepted and counted all the same, so that nothing a client sends is an error (clients contract,
# section 9.5).
CATEGORIES = {
    "event": "error",
    "transaction": "transaction",
    "span": "span",
    "session": "session",
    "sessions": "session",
    "attachment": "attachment",
    "user_report": "user_report",
    "feedback": "feedback",
    "client_report": "client_report",
    "check_in": "check_in",
    "log": "log",
    "trace_metric": "trace_metric",
    "profile": "profile",
    "profile_chunk": "profile",
    "replay_event": "replay",
    "replay_recording": "replay",
    "replay_video": "replay",
}

# Events that are no errors: they make no issue, and count like an item of their type.
TRANSACTION, FEEDBACK = "transaction", "feedback"

# Items that hold what a user says.
REPORTS = {"user_report": read_user_report, FEEDBACK: read_feedback}

EVENT_ID = re.compile(r"[0-9a-f]{32}")


class CountedEvent(NamedTuple):
    """A transaction: accepted and counted, but not stored."""

    event_id: str


class CompiledEvent(NamedTuple):
    """An event, cleaned, of which something may have been uploaded that says where its frames come
    from; `finish_event` goes on with it."""

    event: JsonObject


def category(item_type: str) -> str:
    """What an item of this type counts as; `other` for what is not known or of no interest."""
    return CATEGORIES.get(item_type, OTHER)


def quantity(headers: Mapping[str, Any], size: int) -> int:
    """How many things an item of `size` bytes holds: spans, logs and metrics come in lists."""
    count = headers.get("item_count")
    # Nobody fits more things than bytes into a payload: such a count is made up.
    return count if type(count) is int and 0 < count <= size else 1


def read_event(
    data: bytes | memoryview, key: KeyInfo, sender: Sender, *, now: float, event_id: str | None
) -> PreparedEvent | CompiledEvent | PreparedReport | CountedEvent:
    """The event in a JSON text, ready to be written to the project of `key`, or to be symbolicated
    before; what a user says in an event of the type `feedback`.

    `event_id` is the envelope's, for an event without its own. Raises `BrokenJSON`, `Refused` for
    JSON that is no object, `BadReport` and `Filtered`.
    """
    event = parse_json(data)
    if not isinstance(event, dict):
        raise Refused(refusals.not_an_event())
    if event_id and not event.get("event_id"):
        event["event_id"] = event_id
    if event.get("type") == TRANSACTION:
        return CountedEvent(read_event_id(event.get("event_id")) or uuid4().hex)
    if event.get("type") == FEEDBACK:
        return _address(read_feedback(event), key)
    return prepare_event(event, key, sender, now=now)


def prepare_event(
    event: dict[str, Any], key: KeyInfo, sender: Sender, *, now: float
) -> PreparedEvent | CompiledEvent:
    """An event cleaned and, unless it is to be symbolicated before, finished. Raises `Filtered`
    when the project does not want it."""
    cleaned = read(event, sender=sender, now=now, unwanted=key.unwanted)
    if may_have_symbols(cleaned, key.uploads):
        return CompiledEvent(cleaned)
    return finish_event(cleaned, key)


def finish_event(cleaned: JsonObject, key: KeyInfo) -> PreparedEvent:
    """A cleaned event scrubbed by its project's rules, and addressed to it."""
    prepared = finish(cleaned, rules=key.scrub)
    prepared.project_id = key.project_id
    prepared.organization_id = key.organization_id
    prepared.key_id = key.key_id
    prepared.is_new_platform = prepared.platform not in key.platforms
    prepared.hook_events = key.hook_events
    return prepared


def read_report(data: bytes | memoryview, item_type: str, key: KeyInfo) -> PreparedReport:
    """What a user says in an item of one of the `REPORTS`. Raises `BrokenJSON` and `BadReport`."""
    return _address(REPORTS[item_type](parse_json(data)), key)


def _address(report: PreparedReport, key: KeyInfo) -> PreparedReport:
    report.project_id, report.organization_id = key.project_id, key.organization_id
    return report


def read_event_id(value: object) -> str | None:
    """An event id as 32 lower-case hex digits, also from one with dashes; None for others."""
    if not isinstance(value, str):
        return None
    bare = value.replace("-", "").lower()
    return bare if EVENT_ID.fullmatch(bare) else None
