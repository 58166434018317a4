"""What users say about errors: storing reports, tying them to their events, reading them.

A report may come before its event, after it, or while it is being stored by another process. The
event's id decides: who stores a report takes the key of the event's address, as the one who stores
the event does. So one of the two waits for the other and finds what it has committed.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, Value

from sentrylite.arrays import literal
from sentrylite.organizations import intake as organization_intake
from sentrylite.organizations.models import Project

from . import queries
from .intake import Placed
from .models import Event, EventUser, Issue, UserReport
from .models.feedback import UserReportQuerySet
from .payload import codec, users
from .payload.event import EventUser as PreparedUser
from .payload.feedback import PreparedReport

logger = logging.getLogger(__name__)

# For so long the words of a report can be replaced, and an event be reported on.
CHANGEABLE = timedelta(minutes=5)
EVENT_MAX_AGE = timedelta(minutes=30)

# (project, event id)
Key = tuple[int, str]


class TooLate(Exception):
    """The event is too old, or has a report that can no longer be changed."""


# Storing ------------------------------------------------------------------------------------------

# Waits for whoever is storing one of these events; who comes later waits for us. No other
# transaction ever sees these rows.
HOLD_IDS = """
    INSERT INTO issues_eventaddress (project_id, event_id, received_at)
    SELECT project_id, event_id, timestamptz 'epoch'
    FROM unnest(%s::bigint[], %s::uuid[]) AS report(project_id, event_id)
    ON CONFLICT DO NOTHING
    RETURNING project_id, event_id::text
"""

RELEASE_IDS = """
    DELETE FROM issues_eventaddress address
    USING unnest(%s::bigint[], %s::uuid[]) AS held(project_id, event_id)
    WHERE address.project_id = held.project_id AND address.event_id = held.event_id
"""

# The address says which partition an event is in. The payload is only read for the user in it.
FIND_EVENTS = """
    SELECT event.project_id, event.event_id::text, event.timestamp, event.issue_id, environment.id,
        event.user_hash, CASE WHEN event.user_hash IS NOT NULL THEN event.payload END
    FROM unnest(%s::bigint[], %s::uuid[]) AS report(project_id, event_id)
    JOIN issues_eventaddress address USING (project_id, event_id)
    CROSS JOIN LATERAL (
        SELECT * FROM issues_event
        WHERE project_id = address.project_id AND received_at = address.received_at
            AND event_id = address.event_id
        LIMIT 1
    ) event
    JOIN issues_issue issue ON issue.id = event.issue_id
    LEFT JOIN organizations_environment environment ON environment.id = event.environment_id
"""

WRITE_REPORTS = f"""
    INSERT INTO issues_userreport AS report (project_id, event_id, name, email, comments,
        stands_alone, issue_id, environment_id, user_hash, created_at)
    SELECT batch.*, to_timestamp(%s)
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bool[],
        %s::bigint[], %s::bigint[], %s::bigint[]) AS batch
    ON CONFLICT (project_id, event_id) DO UPDATE
    SET name = excluded.name, email = excluded.email, comments = excluded.comments,
        created_at = excluded.created_at
    WHERE report.created_at > excluded.created_at - interval '{CHANGEABLE}'
    RETURNING report.project_id, report.event_id, report.id
"""

# Somebody's name is what an event says or, before any has said it, what a report does.
NAME_PEOPLE = """
    INSERT INTO issues_eventuser AS person
        (project_id, hash, tag_value, ident, username, email, name, ip_address, first_seen)
    SELECT project_id, hash, tag_value, ident, username, email, name,
        nullif(ip_address, '')::inet, now()
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::text[], %s::text[])
        AS batch(project_id, hash, tag_value, ident, username, email, name, ip_address)
    ON CONFLICT (project_id, hash) DO UPDATE SET name = excluded.name WHERE person.name = ''
"""


class Known(NamedTuple):
    """What a report takes over from its event."""

    timestamp: datetime
    issue_id: int
    environment_id: int | None
    user_hash: int | None
    payload: Any


def submit_report(
    report: PreparedReport, *, now: datetime, event_max_age: timedelta | None = EVENT_MAX_AGE
) -> int:
    """Store what somebody says; returns the report's id. Raises TooLate.

    Said again within five minutes it replaces what was said before. Of an event that is older than
    half an hour nothing more is taken (projects contract, section 9).
    """
    with transaction.atomic(), connection.cursor() as cursor:
        oldest = now - event_max_age if event_max_age else None
        stored = store_reports(cursor, [report], now=now.timestamp(), oldest_event=oldest)
    if not stored:
        raise TooLate
    return stored[report.project_id, report.event_id]


def store_reports(
    cursor: Any,
    reports: Sequence[PreparedReport],
    *,
    now: float,
    oldest_event: datetime | None = None,
) -> dict[Key, int]:
    """Write a batch of reports, with the issues of those events that are stored already; returns
    the ids of those that were written. Those that came too late are not.

    In a transaction that the caller commits, with no other event or report before in it. At most
    nine statements.
    """
    by_key = {(report.project_id, report.event_id): report for report in reports}
    ids = sorted(
        (project_id, UUID(event_id))
        for (project_id, event_id), report in by_key.items()
        if not report.stands_alone and _is_uuid(event_id)
    )
    held: list[tuple[int, UUID]] = []
    events: dict[Key, Known] = {}
    if ids:
        cursor.execute(HOLD_IDS, _columns(ids))
        held = sorted((project_id, UUID(event_id)) for project_id, event_id in cursor.fetchall())
    if len(held) < len(ids):
        cursor.execute(FIND_EVENTS, _columns(ids))
        for project_id, event_id, *columns in cursor.fetchall():
            events[project_id, UUID(event_id).hex] = Known(*columns)
    if oldest_event is not None:
        for key, event in events.items():
            if event.timestamp < oldest_event:
                del by_key[key]
    stored = _write(cursor, by_key, events, now) if by_key else {}
    _name(
        cursor,
        (
            (key[0], _user_of(event), by_key[key].name)
            for key, event in events.items()
            if key in stored and event.user_hash is not None
        ),
    )
    if held:
        cursor.execute(RELEASE_IDS, _columns(held))
    return stored


def _write(
    cursor: Any, reports: Mapping[Key, PreparedReport], events: Mapping[Key, Known], now: float
) -> dict[Key, int]:
    environments = {}
    if alone := {
        organization_intake.Mention(
            report.organization_id, report.project_id, 0, report.environment
        )
        for report in reports.values()
        if report.stands_alone
    }:
        environments = organization_intake.ensure_environments(cursor, alone)
    rows = []
    for key, report in sorted(reports.items()):
        event = events.get(key)
        environment_id = environments.get((report.organization_id, report.environment))
        rows.append(
            (
                *key,
                report.name,
                report.email,
                report.comments,
                report.stands_alone,
                event.issue_id if event else None,
                event.environment_id if event else environment_id if report.stands_alone else None,
                event.user_hash if event else None,
            )
        )
    cursor.execute(WRITE_REPORTS, [now, *_columns(rows)])
    return {(project_id, event_id): pk for project_id, event_id, pk in cursor.fetchall()}


def _user_of(event: Known) -> PreparedUser | None:
    try:
        return users.event_user(codec.unpack(bytes(event.payload)))
    except ValueError as error:
        logger.error("an event that was reported on: %s", error)
        return None


def _name(cursor: Any, said: Iterable[tuple[int, PreparedUser | None, str]]) -> None:
    """Give names to users of events that have none. At most one statement."""
    named = {
        (project_id, user.hash): replace(user, name=user.name or name)
        for project_id, user, name in said
        if user is not None and name
    }
    if named:
        cursor.execute(
            NAME_PEOPLE,
            _columns(
                (
                    *key,
                    user.tag_value,
                    user.ident or "",
                    user.username or "",
                    user.email or "",
                    user.name or "",
                    user.ip_address or "",
                )
                for key, user in sorted(named.items())
            ),
        )


def _columns(rows: Iterable[Sequence[Any]]) -> list[str]:
    return [literal(column) for column in zip(*rows, strict=True)]


def _is_uuid(event_id: str) -> bool:
    """Shorter ones are taken, but no event has them."""
    return len(event_id) == 32 and all(digit in "0123456789abcdef" for digit in event_id)


# When the event comes -----------------------------------------------------------------------------

# Nobody else ties these: only one transaction stores an event.
BIND_REPORTS = """
    UPDATE issues_userreport report
    SET issue_id = event.issue_id, environment_id = event.environment_id,
        user_hash = event.user_hash
    FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
        AS event(project_id, event_id, issue_id, environment_id, user_hash)
    WHERE report.project_id = event.project_id AND report.event_id = event.event_id
        AND report.issue_id IS NULL
    RETURNING report.project_id, report.event_id, report.name
"""


def bind_reports(cursor: Any, placed: Iterable[Placed], awaited: Collection[Key]) -> None:
    """Tie the reports that have waited for these events to their issues and environments.

    `awaited` are those events that have one (`issues.intake.assign_issues`). No statement when
    there are none, else at most two.
    """
    if not awaited:
        return
    found = {}
    for place in placed:
        key = (place.event.project_id, place.event.event_id.hex)
        if key in awaited:
            found[key] = place
    rows = [
        (
            *key,
            place.issue_id,
            place.environment_id,
            place.event.user.hash if place.event.user else None,
        )
        for key, place in sorted(found.items())
    ]
    cursor.execute(BIND_REPORTS, _columns(rows))
    said = [(project_id, event_id, name) for project_id, event_id, name in cursor.fetchall()]
    _name(cursor, ((key[0], found[key[0], key[1]].event.user, key[2]) for key in said))


# Reading ------------------------------------------------------------------------------------------

FIND_ISSUES = f"""
    SELECT i.project_id, {queries.ISSUE_COLUMNS} FROM issues_issue i {queries.ISSUE_JOINS}
    WHERE i.id = ANY(%(issues)s::bigint[])
"""


def find_reports(projects: Iterable[Project], *, now: datetime | None) -> UserReportQuerySet:
    """What was said about the projects, as far as it is shown. With `now` only about issues that
    are unresolved by then, by their age too."""
    reports = UserReport.objects.filter(project__in=list(projects)).shown()
    if now is None:
        return reports
    resolve_age = ExpressionWrapper(
        F("project__resolve_age") * Value(timedelta(hours=1)), output_field=DurationField()
    )
    is_quiet = Q(project__resolve_age__gt=0, issue__last_seen__lte=Value(now) - resolve_age)
    return reports.filter(issue__status=Issue.Status.UNRESOLVED).exclude(is_quiet)


def load_reports(
    reports: Collection[UserReport], projects: Iterable[Project], user_id: int | None
) -> None:
    """Fill in the issues of reports on any of these projects, with somebody's marks, and the users
    of the events. At most three statements."""
    load_people(reports)
    by_id = {project.pk: project for project in projects}
    issues: dict[int, Issue] = {}
    if wanted := {report.issue_id for report in reports if report.issue_id is not None}:
        with connection.cursor() as cursor:
            cursor.execute(FIND_ISSUES, {"issues": literal(sorted(wanted))})
            for project_id, *columns in cursor.fetchall():
                issue = queries.read_issue(columns, by_id[project_id])
                issues[issue.pk] = issue
        queries.load_marks(issues.values(), user_id)
    for report in reports:
        report.issue = issues.get(report.issue_id or 0)


def load_has_reports(projects: Collection[Project]) -> None:
    """`has_reports`: whether users have said something about a project, that is shown. One
    statement."""
    of_project = UserReport.objects.filter(project=OuterRef("pk")).shown()
    wanted = Project.objects.filter(pk__in=[project.pk for project in projects])
    with_reports = set(wanted.filter(Exists(of_project)).values_list("pk", flat=True))
    for project in projects:
        project.has_reports = project.pk in with_reports


def load_people(reports: Collection[UserReport]) -> None:
    """Fill in the users of the reports' events. At most one statement."""
    people: dict[tuple[int, int], EventUser] = {}
    if hashes := {report.user_hash for report in reports if report.user_hash is not None}:
        found = EventUser.objects.filter(
            project_id__in={report.project_id for report in reports}, hash__in=hashes
        )
        people = {(person.project_id, person.hash): person for person in found}
    for report in reports:
        report.person = people.get((report.project_id, report.user_hash or 0))


def load_report(event: Event) -> None:
    """Fill in what was said about an event. No statement when nothing was, else at most two."""
    event.report = None
    if event.has_report:
        event.report = UserReport.objects.filter(
            project_id=event.project_id, event_id=event.event_id.hex
        ).first()
        if event.report is not None:
            load_people([event.report])
