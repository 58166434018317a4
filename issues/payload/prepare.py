"""From an SDK's event to what is written: every step that needs no database."""

import re
from uuid import UUID

from issues.payload import codec
from issues.payload.event import EventUser, FilterRules, PreparedEvent, ScrubRules, Sender
from issues.payload.filters import Filtered, filter_of
from issues.payload.grouping import hashes
from issues.payload.levels import LEVELS
from issues.payload.normalize import normalize
from issues.payload.scrub import scrub
from issues.payload.stacktrace import settle_in_app, take_back, unsettle_in_app
from issues.payload.tags import tags_of
from issues.payload.titles import describe, search_text
from issues.payload.users import event_user
from issues.payload.values import JsonObject

# Errors of looking for files, as opposed to those of reading what was sent.
_ABOUT_FILES = re.compile(r"(?:js|native|proguard|fetch)_")


def prepare(
    raw: JsonObject,
    *,
    rules: ScrubRules,
    sender: Sender,
    now: float,
    unwanted: FilterRules | None = None,
) -> PreparedEvent:
    """Any JSON object in; out the event, cleaned, scrubbed, described and packed. Raises only
    `Filtered`, for an event that `unwanted` applies to. Whose event it is, the caller fills in:
    project, organization and key."""
    return finish(read(raw, sender=sender, now=now, unwanted=unwanted), rules=rules)


def read(
    raw: JsonObject, *, sender: Sender, now: float, unwanted: FilterRules | None = None
) -> JsonObject:
    """The first half of `prepare`: the event cleaned. Raises `Filtered`."""
    event = normalize(raw, now=now, sender=sender)
    if unwanted is not None and (filter_name := filter_of(event, unwanted, sender)):
        raise Filtered(filter_name, event["event_id"])
    return event


def finish(event: JsonObject, *, rules: ScrubRules) -> PreparedEvent:
    """The second half of `prepare`; between the two, the frames of minified and compiled code are
    put back to where they come from."""
    scrub(event, rules)  # before anything is made of what must not be stored
    user = event_user(event)
    return _describe(event, user, tags_of(event, user))


def reopen(event: JsonObject) -> None:
    """Make a stored event what it was before it was finished, in place: with its frames as they
    were sent. It is scrubbed, and has its tags."""
    unsettle_in_app(event)
    culprit = event.pop("culprit")
    if describe(event).culprit != culprit:  # not ours: its sender stated it
        event["culprit"] = culprit
    event.pop("location", None)
    take_back(event)
    errors = [error for error in event.get("errors", ()) if not _ABOUT_FILES.match(error["type"])]
    if errors:
        event["errors"] = errors
    else:
        event.pop("errors", None)


def finish_again(event: JsonObject) -> PreparedEvent:
    """What `finish` makes of an event that was reopened."""
    return _describe(event, event_user(event), [(key, value) for key, value in event["tags"]])


def _describe(
    event: JsonObject, user: EventUser | None, tags: list[tuple[str, str]]
) -> PreparedEvent:
    description = describe(event)  # before `in_app` is settled: the culprit wants it as sent
    settle_in_app(event)

    event["type"] = description.type
    event["title"] = description.title
    event["culprit"] = description.culprit
    event["metadata"] = description.metadata
    if description.location is not None:
        event["location"] = description.location
    event["tags"] = tags
    event["hashes"] = hashes(event)
    payload, size = codec.pack(event)

    return PreparedEvent(
        event_id=UUID(event["event_id"]),
        timestamp=event["timestamp"],
        received_at=event["received"],
        platform=event["platform"],
        level=LEVELS[event["level"]],
        type=description.type,
        title=description.title,
        culprit=description.culprit,
        location=description.location,
        logger=event.get("logger", ""),
        metadata=description.metadata,
        message=search_text(event, description),
        release=event.get("release"),
        dist=event.get("dist"),
        environment=event.get("environment", ""),
        hashes=[UUID(text) for text in event["hashes"]],
        tags=tags,
        user=user,
        payload=payload,
        size=size,
    )
