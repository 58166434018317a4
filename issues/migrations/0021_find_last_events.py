"""Hashes that are known already: an issue's last event is the last one of each of its own hashes.

One event of an issue is read. Of other hashes, which issues have that were merged, or whose events
have several, the last event is known when there is another.
"""

from typing import Any
from uuid import UUID

from django.db import migrations

from issues.payload import codec
from sentrylite.arrays import literal

ISSUES_AT_ONCE = 1_000

FIND = """
    SELECT issue.id, event.project_id, event.event_id, event."timestamp", event.payload
    FROM (SELECT id, project_id FROM issues_issue WHERE id > %s ORDER BY id LIMIT %s) issue
    LEFT JOIN LATERAL (
        SELECT * FROM issues_event event
        WHERE event.project_id = issue.project_id AND event.issue_id = issue.id
        ORDER BY event."timestamp" DESC, event.event_id DESC LIMIT 1
    ) event ON true
    ORDER BY issue.id
"""

NOTE = """
    UPDATE issues_issuehash hash SET last_event_id = batch.event_id, last_event_at = batch.moment
    FROM unnest(%s::uuid[], %s::timestamptz[], %s::bigint[], %s::bigint[], %s::uuid[])
        AS batch(event_id, moment, project_id, issue_id, hash)
    WHERE hash.project_id = batch.project_id AND hash.hash = batch.hash
        AND hash.issue_id = batch.issue_id
"""


def find_last_events(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        last_id = 0
        while True:
            cursor.execute(FIND, [last_id, ISSUES_AT_ONCE])
            found = cursor.fetchall()
            rows = [
                (event_id, timestamp.isoformat(), project_id, issue_id, hash)
                for issue_id, project_id, event_id, timestamp, payload in found
                if event_id is not None
                for hash in _hashes(bytes(payload))
            ]
            if rows:
                cursor.execute(NOTE, [literal(column) for column in zip(*rows, strict=True)])
            if len(found) < ISSUES_AT_ONCE:
                return
            last_id = found[-1][0]


def _hashes(payload: bytes) -> list[UUID]:
    try:
        return [UUID(text) for text in codec.unpack(payload)["hashes"]]
    except (AttributeError, KeyError, TypeError, ValueError):
        return []


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("issues", "0020_last_events_of_hashes")]
    operations = [migrations.RunPython(find_last_events, migrations.RunPython.noop)]
