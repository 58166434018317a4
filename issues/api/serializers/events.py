"""Events as JSON, in full and in short (events contract, sections 1 and 2).

They show what `issues.queries.find_event` finds: the row, and what is in its payload as `data`.
"""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from issues.models import Event
from issues.payload.titles import UNLABELED
from sentrylite.api.serializers import OutputSerializer, timestamp
from sentrylite.releases.api.serializers.releases import ReleaseSerializer

from .entries import entries_of
from .feedback import IssueReportSerializer

if TYPE_CHECKING:
    from issues.api import shapes
    from sentrylite.releases.api.shapes import Release

Json = dict[str, Any]

GROUPING_CONFIG = "legacy:2019-03-12"

PROBLEMS = {
    "invalid_data": "Discarded invalid value",
    "invalid_attribute": "Discarded unknown attribute",
    "invalid_environment": 'Environment cannot contain "/" or newlines',
    "value_too_long": "Discarded value due to exceeding maximum length",
    "missing_attribute": "Missing value for required attribute",
    "future_timestamp": "Invalid timestamp (in future)",
    "past_timestamp": "Invalid timestamp (too old)",
    "js_missing_source": "Source code was not found",
    "js_missing_sources_content": "The source map does not hold the source code",
    "js_invalid_source": "The script cannot be read",
    "js_invalid_sourcemap": "The source map cannot be read",
    "js_invalid_sourcemap_location": "The source map does not know this position",
    "js_no_column": "Without a column nothing can be found in a source map",
    "fetch_timeout": "The file took too long to read",
    "native_symbolicator_failed": "The event was not symbolicated",
    "native_missing_dsym": "A debug information file was not found",
    "native_bad_dsym": "The debug information file cannot be read",
    "native_missing_symbol": "The debug information file does not know this address",
    "native_unknown_image": "The address is in no image of the event",
    "proguard_missing_mapping": "A ProGuard mapping was not found",
    "proguard_missing_lineno": "The ProGuard mapping has no line numbers",
}

# The part of a user tag before the colon, as the search language knows it.
USER_TAGS = ("id", "username", "email", "ip")


class EventSerializer(OutputSerializer):
    """The full form."""

    def to_representation(self, event: Event) -> "shapes.Event":
        data = event.data
        return {
            "id": event.event_id.hex,
            "eventID": event.event_id.hex,
            "groupID": group_id(event),
            "projectID": str(event.project_id),
            "size": event.size,
            "entries": entries_of(data, event.timestamp),
            "dist": data.get("dist"),
            "message": message(data),
            "title": title(data),
            "location": data.get("location"),
            "culprit": data.get("culprit"),
            "user": user(data),
            "contexts": part(data, "contexts"),
            "sdk": sdk(data),
            "context": part(data, "extra"),
            "packages": part(data, "modules"),
            "type": data.get("type") or "default",
            "metadata": part(data, "metadata"),
            "tags": tags(event),
            "platform": data.get("platform") or "other",
            "dateCreated": timestamp(event.timestamp),
            "dateReceived": timestamp(event.received_at),
            "errors": problems(data),
            "fingerprints": data.get("hashes") or [],
            "groupingConfig": {"id": GROUPING_CONFIG},
            "crashFile": None,
            "_meta": {
                "entries": {},
                "message": None,
                "user": None,
                "contexts": None,
                "sdk": None,
                "context": None,
                "packages": None,
                "tags": {},
            },
        }


class EventDetailSerializer(EventSerializer):
    """The full form with what surrounds the event: `load_neighbours`, `load_release` and
    `issues.feedback.load_report`.

    Pass `context={"user": caller}`, for the release's sake.
    """

    def to_representation(self, event: Event) -> "shapes.EventDetail":
        return {
            **super().to_representation(event),
            "nextEventID": event.next_event_id.hex if event.next_event_id else None,
            "previousEventID": event.previous_event_id.hex if event.previous_event_id else None,
            "release": self._release(event),
            "userReport": IssueReportSerializer(event.report).data if event.report else None,
            "sdkUpdates": [],
            "occurrence": None,
        }

    def _release(self, event: Event) -> "Release | shapes.ReleaseVersion | None":
        if event.release is not None:
            return ReleaseSerializer(event.release, context=self.context).data
        # One that was deleted since is known by its name only.
        version = dict(event.tag_pairs).get("release")
        return {"version": version} if version else None


class EventSummarySerializer(OutputSerializer):
    """The simple form, for lists."""

    parts = ("culprit", "location", "logentry", "platform", "title", "type", "user")
    """What it reads of a payload."""

    def to_representation(self, event: Event) -> "shapes.EventSummary":
        data = event.data
        return {
            "id": event.event_id.hex,
            "event.type": data.get("type") or "default",
            "groupID": group_id(event),
            "eventID": event.event_id.hex,
            "projectID": str(event.project_id),
            "message": message(data),
            "title": title(data),
            "location": data.get("location"),
            "culprit": data.get("culprit"),
            "user": user(data),
            "tags": tags(event),
            "platform": data.get("platform") or "other",
            "dateCreated": timestamp(event.timestamp),
            "crashFile": None,
        }


def hash_answer(hash: UUID, newest: Event | None) -> "shapes.Hash":
    """A hash of an issue with its last event (issues contract, section 8)."""
    return {"id": hash.hex, "latestEvent": EventSerializer(newest).data if newest else None}


def group_id(event: Event) -> str | None:
    """The issue; a transaction has none."""
    return str(event.issue_id) if event.issue_id else None


def part(data: Json, name: str) -> Json:
    """An object of the payload, {} if it is none."""
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def title(data: Json) -> str:
    return data.get("title") or UNLABELED


def message(data: Json) -> str:
    """The log message, filled in if it could be."""
    entry = part(data, "logentry")
    return entry.get("formatted") or entry.get("message") or ""


def user(data: Json) -> "shapes.EventUser | None":
    """Who it happened to. One that was sent but could not be read is an object of nulls."""
    sent = data.get("user")
    if not isinstance(sent, dict):
        return None
    return {
        "id": sent.get("id"),
        "email": sent.get("email"),
        "username": sent.get("username"),
        "ip_address": sent.get("ip_address"),
        "name": sent.get("name"),
        "data": sent.get("data"),
    }


def sdk(data: Json) -> "shapes.Sdk | None":
    sent = data.get("sdk")
    if not isinstance(sent, dict):
        return None
    return {"name": sent.get("name"), "version": sent.get("version")}


def tags(event: Event) -> "list[shapes.EventTag]":
    """Its tags. Most are no more than a key and a value, and a list has thousands of them."""
    return [
        tag(key, value) if key == "user" else {"key": key, "value": value}
        for key, value in event.tag_pairs
    ]


def tag(key: str, value: str) -> "shapes.EventTag":
    """A tag; that of a user tells how to search for it."""
    answer: shapes.EventTag = {"key": key, "value": value}
    kind, colon, identity = value.partition(":")
    if key == "user" and colon and kind in USER_TAGS:
        quoted = identity.replace('"', '\\"')
        answer["query"] = f'user.{kind}:"{quoted}"'
    return answer


def problems(data: Json) -> "list[shapes.EventError]":
    """What was wrong with the event, as far as a reader can do something about it."""
    found = data.get("errors")
    return [
        problem(each)
        for each in (found if isinstance(found, list) else [])
        if isinstance(each, dict) and not is_hidden(str(each.get("name")))
    ]


def problem(stored: Json) -> "shapes.EventError":
    kind = str(stored.get("type"))
    return {
        "type": kind,
        "message": PROBLEMS.get(kind, "Unknown error"),
        "data": {key: value for key, value in stored.items() if key != "type"},
    }


def is_hidden(name: str) -> bool:
    """Whether it is about a detail of which there are many."""
    return name.startswith(("breadcrumbs.", "extra.")) or ".frames." in name
