"""Many issues and events straight into the tables, as if ingestion had taken them for 90 days.

Everything but events and issues is added up from the events, so that all tables agree: `audit`
finds nothing.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import gcd
from typing import Any

import orjson
from tqdm import tqdm  # type: ignore[import-untyped]

from issues import partitions
from issues.models import IssueText
from issues.payload.event import PreparedEvent, ScrubRules, Sender
from issues.payload.prepare import prepare
from issues.payload.tags import UNCOUNTED
from sentrylite.arrays import literal

from . import audit, corpus
from .words import NOUNS, REGIONS, VERBS

DAYS = 90
# Of all issues and so of most events, the share that each project has; the others share the rest.
SHARES = (80, 10, 5, 3, 1, 1)
RELEASES = 30
PEOPLE = 50_000
SERVERS = 12
TENANTS = 100
ENVIRONMENTS = {"production": 0.85, "staging": 0.95, "": 1.0}
# Different events whose payloads are used again and again; the first kind is 20 kB of JSON.
TEMPLATES = {"full": 30, "tiny": 270}
EVENTS_AT_ONCE = 100_000
# Of the busiest issue, beside those that others have.
NOTES = 500


IS_EMPTY = "SELECT EXISTS (SELECT 1 FROM issues_issue), EXISTS (SELECT 1 FROM issues_event)"


class NotEmpty(Exception):
    """The database has events or issues of its own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to put them: rows that are there already."""

    organization_id: int
    project_ids: Sequence[int]
    """As many as SHARES; the first gets most."""
    key_ids: Sequence[int]
    """One of each project."""
    user_id: int
    """Who resolves, comments and looks."""


def fill(
    cursor: Any, place: Place, *, issues: int, events: int, now: datetime, is_quiet: bool = False
) -> None:
    """Make so many issues and events, the newest a moment before `now`, and gather statistics.

    In the caller's transaction or in none; the database holds neither issues nor events: raises
    NotEmpty. Two million events take some minutes.
    """
    if not len(SHARES) == len(place.project_ids) == len(place.key_ids):
        raise ValueError(f"{len(SHARES)} projects with a key each are needed")
    if not 100 <= issues <= events:
        raise ValueError("at least 100 issues and as many events as issues are needed")
    cursor.execute(IS_EMPTY)
    if any(cursor.fetchone()):
        raise NotEmpty("the database has issues or events already")
    # Coprime to the number of issues: a walk that visits each once, in no order.
    step = next(step for step in range(issues * 618 // 1000, issues) if gcd(step, issues) == 1)
    parameters = {
        "issues": issues,
        "events": events,
        "step": step,
        "now": now - timedelta(seconds=5),
        "organization": place.organization_id,
        "projects": literal(place.project_ids),
        "keys": literal(place.key_ids),
        "user": place.user_id,
        "bounds": literal(sum(SHARES[:number]) for number in range(len(SHARES))),
        "nouns": literal(NOUNS),
        "verbs": literal(VERBS),
        "regions": literal(REGIONS),
        "uncounted": literal(sorted(UNCOUNTED)),
    }
    cursor.execute(SETTINGS)
    weeks = _make_partitions(cursor, now)
    chunks = range(1, events + 1, EVENTS_AT_ONCE)
    total = len(chunks) + len(weeks) + len(STEPS) + len(ADD_UP) + len(GATHER)
    with tqdm(total=total, unit=" steps", disable=is_quiet or None) as bar:

        def run(name: str, sql: str, more: dict[str, Any] | None = None) -> None:
            bar.set_description(name)
            cursor.execute(sql, parameters | (more or {}))
            bar.update()

        cursor.execute(MAKE_TEMPLATES)
        for row in _templates(now.timestamp()):
            cursor.execute(ADD_TEMPLATE, row)
        for name, sql in STEPS.items():
            run(name, sql)
        for first in chunks:
            last = min(first + EVENTS_AT_ONCE - 1, events)
            run("drawing events", DRAW_EVENTS, {"first": first, "last": last})
        for week in weeks:
            run("events", ADD_EVENTS, {"start": week.start, "end": week.end})
        for name, sql in ADD_UP.items():
            run(name, sql)
        for sql in GATHER:
            run("statistics", sql)


def _make_partitions(cursor: Any, now: datetime) -> list[partitions.Partition]:
    moment = now - timedelta(days=DAYS + 1)
    while moment < now:
        partitions.ensure_partitions(cursor, moment)
        moment += partitions.WEEK
    partitions.ensure_partitions(cursor, now)
    return partitions.existing(cursor)


# Templates ----------------------------------------------------------------------------------------

# Tags that each event has values of its own for; places are those of DRAW_EVENTS.
OWN_TAGS = {
    "environment": "%1$s",
    "region": '"region=%2$s"',
    "release": "%3$s",
    "server_name": '"server_name=web-%4$s"',
    "tenant": '"tenant=t%5$s"',
    "trace": '"trace=%6$s"',
    "user": "%7$s",
}
# A different value in each event, and the same again.
LEFT_OUT = ("trace.ctx", "trace.span", "url")

MAKE_TEMPLATES = """
    CREATE TEMPORARY TABLE bulk_template (
        number serial, is_full boolean, level smallint, type text, title text, culprit text,
        logger text, platform text, metadata jsonb, message text, tags text, size integer,
        payload bytea)
"""
ADD_TEMPLATE = """
    INSERT INTO bulk_template (is_full, level, type, title, culprit, logger, platform, metadata,
        message, tags, size, payload)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def _templates(newest: float) -> Iterator[tuple[Any, ...]]:
    """Prepared by ingestion's own code. Issues and events complete them."""
    for profile, count in TEMPLATES.items():
        for event in corpus.make(profile, count, newest=newest):
            raw = json.loads(gzip.decompress(event.body).splitlines()[2])
            prepared = prepare(raw, rules=ScrubRules(), sender=Sender(), now=newest)
            yield (
                profile == "full",
                prepared.level,
                prepared.type,
                prepared.title,
                prepared.culprit,
                prepared.logger,
                prepared.platform,
                orjson.dumps(prepared.metadata).decode(),
                prepared.message,
                _tags(prepared),
                prepared.size,
                prepared.payload,
            )


def _tags(event: PreparedEvent) -> str:
    """An array literal with places for what each event has of its own."""
    parts = []
    for key, value in sorted({**dict(event.tags), **dict.fromkeys(OWN_TAGS, "")}.items()):
        if key in OWN_TAGS:
            parts.append(OWN_TAGS[key])
        elif key not in LEFT_OUT:
            parts.append(literal([f"{key}={value}"])[1:-1].replace("%", "%%"))
    return "{" + ",".join(parts) + "}"


# Issues and events --------------------------------------------------------------------------------

# All of it is about whole tables, whose statistics are not there yet.
SETTINGS = """
    SET work_mem = '512MB'; SET synchronous_commit = off; SET enable_nestloop = off;
    SELECT setseed(0.5)
"""

# By Zipf's law the issue of rank r has a share of 1 / r of the events. Ranks are spread over the
# issues without an order; those that are made first are the older ones.
_MAKE_ISSUES = """
    CREATE TEMPORARY TABLE bulk_issue AS
    SELECT ranked.number AS made, ranked.rank, template.number AS template,
        nextval(pg_get_serial_sequence('issues_issue', 'id')) AS id,
        (%(projects)s::bigint[])[ranked.project] AS project_id,
        row_number() OVER (PARTITION BY ranked.project ORDER BY ranked.number) AS number,
        starts, least(%(now)s,
            CASE WHEN rank <= %(issues)s / 1000 THEN %(now)s
                ELSE starts + (%(now)s - starts) * random() ^ 2 END) AS ends,
        format(' of %%s %%s number %%s', (%(nouns)s::text[])[1 + ranked.number %% 101],
            (%(verbs)s::text[])[1 + ranked.number %% 83], ranked.number) AS subject
    FROM (
        SELECT rank, 1 + (rank::bigint * %(step)s) %% %(issues)s AS number,
            width_bucket(rank %% 100, %(bounds)s::int[]) AS project
        FROM generate_series(1, %(issues)s) rank
    ) ranked
    CROSS JOIN LATERAL (
        SELECT %(now)s - interval '90 days' * (1 - (ranked.number - 0.5) / %(issues)s) AS starts
    ) span
    JOIN bulk_template template ON template.number = CASE
        WHEN rank %% 10 = 1 THEN 1 + (rank / 10) %% {full} ELSE {full} + 1 + rank %% {tiny} END
    ORDER BY ranked.number
"""

_MAKE_ENVIRONMENTS = """
    INSERT INTO organizations_environment (organization_id, name, created_at)
    SELECT %(organization)s, name, %(now)s - interval '90 days'
    FROM unnest({names}) name ON CONFLICT DO NOTHING
"""

STEPS = {
    "environments": _MAKE_ENVIRONMENTS.format(
        names="ARRAY[" + ", ".join(f"'{name}'" for name in ENVIRONMENTS) + "]"
    ),
    "environments of projects": """
        INSERT INTO organizations_environmentproject (environment_id, project_id, is_hidden)
        SELECT environment.id, project_id, false
        FROM organizations_environment environment, unnest(%(projects)s::bigint[]) project_id
        WHERE environment.organization_id = %(organization)s ON CONFLICT DO NOTHING
    """,
    "releases": f"""
        INSERT INTO releases_release (organization_id, version, ref, url, created_at)
        SELECT %(organization)s, 'shop@1.' || number || '.0', '', '',
            %(now)s - interval '90 days' * (1 - number::float8 / {RELEASES})
        FROM generate_series(0, {RELEASES} - 1) number
    """,
    "issues": _MAKE_ISSUES.format(**TEMPLATES),
    "an index for them": "CREATE UNIQUE INDEX ON bulk_issue (made); ANALYZE bulk_issue",
    "room for events": """
        CREATE TEMPORARY TABLE bulk_event (
            issue bigint, received_at timestamptz, "timestamp" timestamptz, environment text,
            release integer, person integer)
    """,
}

# Each issue has one event at its start; the others are drawn. The last project names no releases.
DRAW_EVENTS = f"""
    INSERT INTO bulk_event
    SELECT made, moment + interval '2 seconds' * random(), moment,
        CASE WHEN place < {ENVIRONMENTS["production"]} THEN 'production'
            WHEN place < {ENVIRONMENTS["staging"]} THEN 'staging' ELSE '' END,
        CASE WHEN project_id <> (%(projects)s::bigint[])[{len(SHARES)}] THEN
            greatest(0, floor({RELEASES} * (1 - extract(epoch FROM %(now)s - moment)
                / {DAYS * 86400}))::int - (random() < 0.2)::int) END,
        CASE WHEN random() < 0.8 THEN floor({PEOPLE} * random() ^ 2)::int END
    FROM (
        SELECT issue.made, issue.project_id, random() AS place,
            date_trunc('milliseconds', issue.starts + (issue.ends - issue.starts)
                * CASE WHEN drawn.event <= %(issues)s THEN 0 ELSE random() END) AS moment
        FROM (
            SELECT event, CASE WHEN event <= %(issues)s THEN event ELSE
                1 + (floor(exp(random() * ln(%(issues)s)))::bigint * %(step)s) %% %(issues)s
                END AS made
            FROM generate_series(%(first)s::bigint, %(last)s::bigint) event
        ) drawn
        JOIN bulk_issue issue USING (made)
    ) event
"""

ADD_EVENTS = f"""
    INSERT INTO issues_event (project_id, received_at, event_id, issue_id, "timestamp",
        environment_id, release_id, level, user_hash, message, tags, size, payload)
    SELECT issue.project_id, event.received_at, gen_random_uuid(), issue.id, event."timestamp",
        environment.id, coalesce(release.id, 0), template.level,
        ('x' || left(md5(event.person::text), 16))::bit(64)::bigint,
        template.message || issue.subject,
        array_remove(format(template.tags,
            coalesce('"environment=' || nullif(environment.name, '') || '"', 'NULL'),
            (%(regions)s::text[])[1 + floor(random() * cardinality(%(regions)s::text[]))::int],
            coalesce('"release=' || release.version || '"', 'NULL'),
            floor(random() * {SERVERS})::int, floor(random() * {TENANTS})::int,
            md5(random()::text),
            coalesce('"user=id:' || event.person || '"', 'NULL'))::text[], NULL),
        template.size, template.payload
    FROM bulk_event event
    JOIN bulk_issue issue ON issue.made = event.issue
    JOIN bulk_template template ON template.number = issue.template
    JOIN organizations_environment environment
        ON environment.organization_id = %(organization)s AND environment.name = event.environment
    LEFT JOIN releases_release release ON release.organization_id = %(organization)s
        AND release.version = 'shop@1.' || event.release || '.0'
    WHERE event.received_at >= %(start)s AND event.received_at < %(end)s
    ORDER BY event.received_at
"""  # fmt: skip

# What follows from events ------------------------------------------------------------------------

ADD_UP = {
    "addresses": """
        INSERT INTO issues_eventaddress (project_id, event_id, received_at)
        SELECT project_id, event_id, received_at FROM issues_event ORDER BY 1, 2
    """,
    "people": """
        INSERT INTO issues_eventuser (project_id, hash, tag_value, ident, username, email, name,
            first_seen)
        SELECT issue.project_id, ('x' || left(md5(event.person::text), 16))::bit(64)::bigint,
            'id:' || event.person, event.person, 'user' || event.person,
            'user' || event.person || '@example.com', '', min(event.received_at)
        FROM bulk_event event JOIN bulk_issue issue ON issue.made = event.issue
        WHERE event.person IS NOT NULL
        GROUP BY issue.project_id, event.person ORDER BY 1, 2
    """,
    "users of issues": """
        INSERT INTO issues_issueuser (project_id, issue_id, user_hash)
        SELECT DISTINCT project_id, issue_id, user_hash
        FROM issues_event WHERE user_hash IS NOT NULL ORDER BY 1, 2, 3
    """,
    "issues by release": """
        INSERT INTO issues_issuerelease (project_id, issue_id, environment_id, release_id,
            times_seen, first_seen, last_seen)
        SELECT project_id, issue_id, environment_id, release_id, count(*), min("timestamp"),
            max("timestamp")
        FROM issues_event GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    """,
    "tag values": """
        INSERT INTO issues_issuetag (project_id, issue_id, key, value, times_seen, first_seen,
            last_seen)
        SELECT project_id, issue_id, split_part(tag, '=', 1), substr(tag, strpos(tag, '=') + 1),
            times, first, last
        FROM (
            SELECT project_id, issue_id, tag, count(*) AS times, min(received_at) AS first,
                max("timestamp") AS last
            FROM issues_event, unnest(tags) tag
            WHERE split_part(tag, '=', 1) <> ALL(%(uncounted)s::text[])
            GROUP BY 1, 2, 3
        ) counted
        ORDER BY 1, 2, 3, 4
    """,
    "issues' own rows": """
        INSERT INTO issues_issue (id, project_id, number, status, type, level, title, culprit,
            logger, platform, metadata, message, first_seen, last_seen, times_seen, user_count,
            comment_count, tag_keys, active_at, resolved_at, first_release_id, assigned_user_id)
        SELECT issue.id, issue.project_id, issue.number, status, template.type, template.level,
            left(template.title || issue.subject, 200), template.culprit, template.logger,
            template.platform,
            template.metadata || jsonb_build_object('value',
                (template.metadata ->> 'value') || issue.subject),
            template.message || issue.subject, counted.first_seen, counted.last_seen,
            counted.times_seen, coalesce(users.number, 0),
            CASE WHEN rank = 1 THEN {notes} WHEN made %% 100 = 0 THEN 1 + made %% 3 ELSE 0 END,
            keys.summed, counted.first_seen,
            CASE WHEN status = 1 THEN counted.last_seen + interval '1 second' END,
            nullif(first.release_id, 0), CASE WHEN made %% 10 = 0 THEN %(user)s END
        FROM (
            SELECT *, CASE WHEN rank = 1 THEN 0 WHEN made %% 10 < 7 THEN 0
                WHEN made %% 10 < 9 THEN 1 ELSE 2 END AS status
            FROM bulk_issue
        ) issue
        JOIN bulk_template template ON template.number = issue.template
        JOIN (
            SELECT issue_id, min(first_seen) AS first_seen, max(last_seen) AS last_seen,
                sum(times_seen) AS times_seen
            FROM issues_issuerelease GROUP BY 1
        ) counted ON counted.issue_id = issue.id
        JOIN (
            SELECT DISTINCT ON (issue_id) issue_id, release_id FROM issues_issuerelease
            ORDER BY issue_id, first_seen
        ) first ON first.issue_id = issue.id
        LEFT JOIN (
            SELECT issue_id, count(*) AS number FROM issues_issueuser GROUP BY 1
        ) users ON users.issue_id = issue.id
        JOIN (
            SELECT issue_id, jsonb_object_agg(key, jsonb_build_array(number, times)) AS summed
            FROM (
                SELECT issue_id, key, count(*) AS number, sum(times_seen) AS times
                FROM issues_issuetag GROUP BY 1, 2
            ) key GROUP BY 1
        ) keys ON keys.issue_id = issue.id
        ORDER BY issue.id
    """.replace("{notes}", str(NOTES)),
    "texts": f"""
        INSERT INTO issues_issuetext (project_id, issue_id, text)
        SELECT project_id, id, {IssueText.TEXT_OF.format(issue="issue")}
        FROM issues_issue issue ORDER BY 1, 2
    """,
    "hashes": """
        INSERT INTO issues_issuehash (project_id, hash, issue_id, last_event_id, last_event_at)
        SELECT issue.project_id, md5('hash ' || made)::uuid, id, newest.event_id, newest.timestamp
        FROM bulk_issue issue
        JOIN (
            SELECT DISTINCT ON (issue_id) issue_id, event_id, "timestamp"
            FROM issues_event ORDER BY issue_id, "timestamp" DESC, event_id DESC
        ) newest ON newest.issue_id = issue.id
        UNION ALL
        SELECT project_id, md5('other hash ' || made)::uuid, id, NULL, NULL
        FROM bulk_issue WHERE made %% 50 = 0
        ORDER BY 1, 2
    """,
    "short ids": """
        UPDATE organizations_project project
        SET last_short_id = made.last, first_event_at = made.first
        FROM (SELECT project_id, max(number) AS last, min(starts) AS first
            FROM bulk_issue GROUP BY 1) made
        WHERE project.id = made.project_id
    """,
    "days of issues": """
        INSERT INTO stats_issueday (project_id, issue_id, day, environment_id, total, hours)
        SELECT project_id, issue_id, hour / 24, environment_id, sum(times),
            ARRAY[{hours}]
        FROM (
            SELECT project_id, issue_id, environment_id,
                floor(extract(epoch FROM "timestamp") / 3600)::int AS hour, count(*) AS times
            FROM issues_event GROUP BY 1, 2, 3, 4
        ) counted
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    """.replace(
        "{hours}",
        ", ".join(f"coalesce(sum(times) FILTER (WHERE hour %% 24 = {h}), 0)" for h in range(24)),
    ),
    "releases of projects": """
        INSERT INTO releases_releaseproject (project_id, release_id, new_issues, first_event_at,
            last_event_at)
        SELECT project_id, release_id, coalesce(new.number, 0), min(first_seen), max(last_seen)
        FROM issues_issuerelease
        LEFT JOIN (
            SELECT project_id, first_release_id AS release_id, count(*) AS number
            FROM issues_issue GROUP BY 1, 2
        ) new USING (project_id, release_id)
        WHERE release_id <> 0
        GROUP BY 1, 2, new.number
    """,
    **{
        f"series of {kind.label}": f"""
            INSERT INTO stats_seriescount (project_id, kind, object_id, width, bucket, quantity)
            SELECT project_id, {kind:d}, object_id, width, bucket, quantity
            FROM ({expected}) counted (project_id, object_id, width, bucket, quantity)
        """.replace("%", "%%")
        for kind, expected in audit.SERIES.items()
    },
    "series of keys": f"""
        INSERT INTO stats_seriescount (project_id, kind, object_id, width, bucket, quantity)
        SELECT project_id, {audit.Kind.KEY_RECEIVED:d}, key_id, width, bucket, quantity
        FROM stats_seriescount
        JOIN unnest(%(projects)s::bigint[], %(keys)s::bigint[]) AS key (project_id, key_id)
            USING (project_id)
        WHERE kind = {audit.Kind.PROJECT_RECEIVED:d}
    """,
    "activities": f"""
        INSERT INTO issues_activity (issue_id, type, user_id, data, created_at)
        SELECT id, 'set_resolved', %(user)s, '{{}}'::jsonb, resolved_at
        FROM issues_issue WHERE status = 1
        UNION ALL
        SELECT issue.id, 'note', %(user)s, jsonb_build_object('text', 'Seen again, ' || note),
            issue.last_seen - note * interval '1 minute'
        FROM issues_issue issue, generate_series(1, {NOTES}) note
        WHERE note <= issue.comment_count
    """,
    "seen": """
        INSERT INTO issues_issueseen (issue_id, user_id, created_at, last_seen)
        SELECT id, %(user)s, %(now)s, %(now)s FROM bulk_issue WHERE made %% 20 = 0
    """,
    "subscriptions": """
        INSERT INTO issues_issuesubscription (issue_id, user_id, created_at, is_active, reason)
        SELECT id, %(user)s, %(now)s, true, 'commented' FROM bulk_issue WHERE made %% 100 = 0
    """,
    "bookmarks": """
        INSERT INTO issues_issuebookmark (issue_id, user_id, created_at)
        SELECT id, %(user)s, %(now)s FROM bulk_issue WHERE made %% 500 = 0
    """,
    "tidying up": "DROP TABLE bulk_event, bulk_issue, bulk_template",
}

GATHER = (
    *(
        f"ANALYZE {table}"
        for table in (
            "issues_event",
            "issues_eventaddress",
            "issues_eventuser",
            "issues_issue",
            "issues_issuehash",
            "issues_issuerelease",
            "issues_issuetag",
            "issues_issuetext",
            "issues_issueuser",
            "issues_activity, issues_issueseen, issues_issuesubscription, issues_issuebookmark",
            "stats_issueday, stats_seriescount",
            "organizations_project, organizations_environment, organizations_environmentproject",
            "releases_release, releases_releaseproject",
        )
    ),
    "RESET work_mem; RESET synchronous_commit; RESET enable_nestloop",
)
