"""What users say about errors, as SDKs send it (clients contract, section 9.5)."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from issues.payload.attributes import read_environment
from issues.payload.problems import Problems
from issues.payload.values import JsonObject, clean_text, scalar_text, trim

MAX_NAME, MAX_EMAIL = 128, 75
_EVENT_ID = re.compile(r"[0-9a-f]{32}")


class BadReport(ValueError):
    """Nothing that could be stored as a report; the text says what is missing."""


@dataclass(slots=True)
class PreparedReport:
    """One report as it is written. Text holds no NUL and no lone surrogate."""

    event_id: str
    """The event's, in lower case."""
    name: str
    email: str
    comments: str
    stands_alone: bool = False
    """It is about no event; `event_id` is its own."""
    environment: str = ""
    """Of one that stands alone; else it is the event's."""
    project_id: int = 0
    organization_id: int = 0


def read_user_report(raw: Any) -> PreparedReport:
    """`{"event_id", "name", "email", "comments"}`. Raises BadReport without an event or words."""
    if not isinstance(raw, dict):
        raise BadReport("expected an object")
    event_id = _event_id(raw.get("event_id"))
    if event_id is None:
        raise BadReport("event_id is missing")
    return PreparedReport(event_id, *_words(raw.get("name"), raw.get("email"), raw.get("comments")))


def read_feedback(raw: Any) -> PreparedReport:
    """An event of the type `feedback`: the words are in `contexts.feedback`. Raises BadReport
    without words."""
    event: JsonObject = raw if isinstance(raw, dict) else {}
    feedback = _object(_object(event.get("contexts")).get("feedback"))
    about = _event_id(feedback.get("associated_event_id"))
    user = _object(event.get("user"))
    name, email, comments = _words(
        feedback.get("name") or user.get("name") or user.get("username"),
        feedback.get("contact_email") or user.get("email"),
        feedback.get("message"),
    )
    return PreparedReport(
        about or _event_id(event.get("event_id")) or uuid4().hex,
        name,
        email,
        comments,
        stands_alone=about is None,
        environment=read_environment(event.get("environment"), "environment", Problems()) or "",
    )


def _words(name: Any, email: Any, comments: Any) -> tuple[str, str, str]:
    text = _text(comments)
    if not text:
        raise BadReport("comments are missing")
    return trim(_text(name), MAX_NAME), trim(_text(email), MAX_EMAIL), text


def _text(value: Any) -> str:
    return clean_text(scalar_text(value) or "").strip()


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _event_id(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    bare = value.replace("-", "").lower()
    return bare if _EVENT_ID.fullmatch(bare) else None
