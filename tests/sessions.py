"""Sessions for tests that start where ingestion hands on, and what is counted of them."""

from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from sentrylite.ingest.digest import digest
from sentrylite.ingest.increments import Increments
from sentrylite.ingest.sessions import PreparedSessions
from sentrylite.organizations.models import ProjectKey
from sentrylite.releases import sketches
from sentrylite.releases.models import ReleaseHealth
from sentrylite.releases.sessions import Session, Status
from stats.periods import DAY
from tests.events import NOON


def a_session(
    status: Status = Status.HEALTHY,
    *,
    session_id: UUID | None = None,
    user: str | None = None,
    **facts: Any,
) -> Session:
    """One that began at NOON in `shop@1.0` in production."""
    facts = {"started_at": NOON, "release": "shop@1.0", "environment": "production", **facts}
    place = None if user is None else sketches.place_of(user)
    return Session(session_id or uuid4(), status=status, user=place, **facts)


def an_aggregate(*counts: int, **facts: Any) -> Session:
    """So many sessions by Status."""
    return a_session(is_over=True, aggregate=(*counts, *[0] * (len(Status) - len(counts))), **facts)


def in_envelope(key: ProjectKey, *sessions: Session, now: float = NOON) -> PreparedSessions:
    """Sessions that arrived together, an item each."""
    return PreparedSessions(
        list(sessions),
        len(sessions),
        now,
        project_id=key.project_id,
        organization_id=key.project.organization_id,
        key_id=key.pk,
    )


def write(*envelopes: PreparedSessions) -> Increments:
    """Digest a batch; returns its increments, which are not counted yet."""
    with connection.cursor() as cursor:
        return digest(cursor.cursor, [], list(envelopes))


def ingest(key: ProjectKey, *sessions: Session, now: float = NOON) -> None:
    """Digest a batch and count it, in the test's own transaction."""
    with connection.cursor() as cursor:
        digest(cursor.cursor, [], [in_envelope(key, *sessions, now=now)]).apply(cursor.cursor)


def counted(width: int = DAY, **chosen: Any) -> dict[str, int]:
    """What the rows of this width add up to, without zeros."""
    rows = ReleaseHealth.objects.filter(width=width, **chosen)
    names = ("sessions", "errored", "unhandled", "abnormal", "crashed")
    sums = {name: sum(getattr(row, name) for row in rows) for name in names}
    return {name: count for name, count in sums.items() if count}
