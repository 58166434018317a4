"""Events as ingestion writes and counts them, and whether the counters say what is there."""

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from issues.models import Event, Issue, IssueHash, IssueRelease, IssueTag, IssueUser
from issues.payload.event import PreparedEvent
from issues.queries import hashes_in, unpack
from sentrylite.ingest.digest import digest
from sentrylite.ingest.increments import Increments
from sentrylite.organizations.models import ProjectKey
from stats.models import IssueDay
from tests.events import NOON, a_user, prepared


def write(*events: PreparedEvent) -> Increments:
    """Digest a batch; returns its increments, which are not counted yet."""
    with connection.cursor() as cursor:
        return digest(cursor.cursor, list(events))


def count(increments: Increments) -> None:
    with connection.cursor() as cursor:
        increments.apply(cursor.cursor)


def ingest(*events: PreparedEvent) -> None:
    count(write(*events))


def an_event(key: ProjectKey, message: str, n: int = 0) -> PreparedEvent:
    """One of a few users, tags, releases and environments, within two days."""
    return prepared(
        key,
        message,
        timestamp=NOON + n * 1800,
        user=a_user(str(n % 5)),
        release=f"1.{n % 3}",
        environment=("production", "")[n % 2],
        tags=[("browser", f"Firefox {n % 4}"), ("level", "error")],
    )


def from_events(issue: Issue) -> dict[str, Any]:
    """What the counters of an issue have to say, from the events that are stored in it."""
    tags: Counter[tuple[str, str]] = Counter()
    hours: Counter[tuple[int, int, int]] = Counter()
    seen_in: Counter[tuple[int, int]] = Counter()
    users = set()
    last: dict[UUID, datetime] = {}
    found = list(Event.objects.filter(project_id=issue.project_id, issue_id=issue.pk))
    for event in found:
        tags.update(event.tag_pairs)
        epoch_hour = int(event.timestamp.timestamp()) // 3600
        hours[epoch_hour // 24, epoch_hour % 24, event.environment_id] += 1
        seen_in[event.environment_id, event.release_id] += 1
        users.add(event.user_hash)
        for hash in hashes_in(unpack(event)):
            last[hash] = max(last.get(hash, event.timestamp), event.timestamp)
    keys: dict[str, list[int]] = {}
    for (key, _), times in tags.items():
        values, events = keys.get(key, [0, 0])
        keys[key] = [values + 1, events + times]
    return {
        "events": len(found),
        "first_seen": min(event.timestamp for event in found),
        "last_seen": max(event.timestamp for event in found),
        "users": users - {None},
        "user_count": len(users - {None}),
        "tags": dict(tags),
        "tag_keys": keys,
        "hours": dict(hours),
        "seen_in": dict(seen_in),
        "last_events": {hash: last.get(hash) for hash in hashes_of(issue)},
    }


def hashes_of(issue: Issue) -> dict[UUID, IssueHash]:
    """The hashes that lead to an issue; the last event of each is one of the issue that has it."""
    rows = IssueHash.objects.filter(project_id=issue.project_id, issue_id=issue.pk)
    for row in rows.exclude(last_event_id=None):
        event = Event.objects.get(event_id=row.last_event_id)
        assert (event.issue_id, event.timestamp) == (issue.pk, row.last_event_at)
        assert row.hash in hashes_in(unpack(event))
    return {row.hash: row for row in rows}


def from_counters(issue: Issue) -> dict[str, Any]:
    issue.refresh_from_db()
    own = {"project_id": issue.project_id, "issue_id": issue.pk}
    hours = {
        (row.day, hour, row.environment_id): quantity
        for row in IssueDay.objects.filter(**own)
        for hour, quantity in enumerate(row.hours)
        if quantity
    }
    assert sum(hours.values()) == sum(row.total for row in IssueDay.objects.filter(**own))
    return {
        "events": issue.times_seen,
        "first_seen": issue.first_seen,
        "last_seen": issue.last_seen,
        "users": {row.user_hash for row in IssueUser.objects.filter(**own)},
        "user_count": issue.user_count,
        "tags": {(row.key, row.value): row.times_seen for row in IssueTag.objects.filter(**own)},
        "tag_keys": issue.tag_keys,
        "hours": hours,
        "seen_in": {
            (row.environment_id, row.release_id): row.times_seen
            for row in IssueRelease.objects.filter(**own)
        },
        "last_events": {hash: row.last_event_at for hash, row in hashes_of(issue).items()},
    }
