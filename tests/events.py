"""Prepared events for tests that start where ingestion hands on."""

import hashlib
import itertools
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from issues.payload import codec
from issues.payload.event import EventUser, PreparedEvent
from sentrylite.organizations.models import ProjectKey

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp()

_count = itertools.count(1)


def a_hash(text: str) -> UUID:
    """The grouping hash of a message."""
    return UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())


def a_user(ident: str, **more: Any) -> EventUser:
    digest = hashlib.md5(ident.encode(), usedforsecurity=False).digest()
    return EventUser(
        hash=int.from_bytes(digest[:8], "big", signed=True),
        tag_value=f"id:{ident}",
        ident=ident,
        **more,
    )


def prepared(key: ProjectKey, message: str = "it broke", **facts: Any) -> PreparedEvent:
    """An event of this key's project; its message decides which issue it is in."""
    timestamp = facts.pop("timestamp", NOON)
    event_id = facts.pop("event_id", None) or uuid4()
    hashes = facts.pop("hashes", None) or [a_hash(message)]
    payload, size = codec.pack(
        {
            "event_id": event_id.hex,
            "type": "default",
            "title": message,
            "metadata": {"title": message},
            "timestamp": timestamp,
            "hashes": [hash.hex for hash in hashes],
        }
    )
    return PreparedEvent(
        **{
            "event_id": event_id,
            "timestamp": timestamp,
            "received_at": timestamp,
            "platform": "python",
            "level": 40,
            "type": "default",
            "title": message,
            "culprit": "",
            "location": None,
            "logger": "",
            "metadata": {"title": message},
            "message": message,
            "release": None,
            "dist": None,
            "environment": "",
            "hashes": hashes,
            "tags": [("level", "error")],
            "user": None,
            "payload": payload,
            "size": size,
            "project_id": key.project_id,
            "organization_id": key.project.organization_id,
            "key_id": key.pk,
            **facts,
        }
    )
