"""`python -m benchmarks.large`: how long reads take when there are many issues and events."""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django
import psycopg2

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sentrylite.settings")
django.setup(set_prefix=False)

from benchmarks import audit, bulk, load, reads, report  # noqa: E402  after setup
from benchmarks.progress import say  # noqa: E402
from benchmarks.reads import Row  # noqa: E402
from benchmarks.servers import Sentrylite  # noqa: E402
from tests import live  # noqa: E402

DESCRIPTION = """\
Measure reads of a database with many issues and events: the median of one connection's requests,
and CPU time of server and PostgreSQL together.

A server with a PostgreSQL of its own is started and filled, which takes some minutes and about
6 GB for two million events. A data directory that is named is kept and filled only once.
"""

EPILOG = """\
examples:
  python -m benchmarks.large                                   200,000 issues, 2,000,000 events
  python -m benchmarks.large --data-dir /var/tmp/large --only "free text"
  python -m benchmarks.large --issues 20000 --events 100000

Exits with 1 when a median is above its limit or a request failed.
"""

# Milliseconds that the median of a request may take.
LIMIT = 25.0
ORGANIZATION = "bench"
PROJECTS = ("web", "api", "worker", "mobile", "admin", "cron")

READ_PLACE = """
    SELECT organization.id, array_agg(project.id ORDER BY project.id),
        array_agg(key.id ORDER BY project.id),
        (SELECT min(member.user_id) FROM organizations_organizationmember member
            WHERE member.organization_id = organization.id)
    FROM organizations_organization organization
    JOIN organizations_project project ON project.organization_id = organization.id
    JOIN organizations_projectkey key ON key.project_id = project.id
    WHERE organization.slug = %s AND project.slug = ANY(%s)
    GROUP BY organization.id
"""

# Of the largest project: its busiest issue, one with a word of its own, and some of any kind.
READ_SAMPLES = """
    WITH project AS (
        SELECT id FROM organizations_project WHERE slug = %(project)s
    ), events AS (
        SELECT replace(event_id::text, '-', '') AS event FROM issues_eventaddress
        WHERE project_id = (SELECT id FROM project)
        ORDER BY event_id LIMIT %(variety)s
    ), issues AS (
        SELECT id, row_number() OVER (ORDER BY md5(id::text)) FROM issues_issue
        WHERE project_id = (SELECT id FROM project) AND status = 0
    )
    SELECT
        (SELECT id FROM issues_issue WHERE project_id = (SELECT id FROM project)
            ORDER BY times_seen DESC LIMIT 1),
        (SELECT substring(message FROM '\\d+$') FROM issues_issue
            WHERE id = (SELECT id FROM issues WHERE row_number = 1)),
        ARRAY(SELECT id FROM issues WHERE row_number <= %(variety)s),
        ARRAY(SELECT event FROM events)
"""


@dataclass(frozen=True, slots=True)
class Samples:
    """What to ask for."""

    busiest: int
    rare: str
    """A text that one issue has and, as a rule, few events have."""
    issues: list[int]
    events: list[str]


def main() -> int:
    options = parse()
    with serving(options.data_dir) as server:
        with closing(psycopg2.connect(server.database_url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            fill(server, cursor, options.issues, options.events)
            problems = audit.differences(cursor) if options.audit else []
            samples = read_samples(cursor)
        rows = []
        for name, paths in find_paths(samples).items():
            if options.only in name:
                headers = {"authorization": f"Bearer {server.token}"}
                requests = [load.get(path, **headers) for path in paths]
                rows.append(reads.measure_at(server, name, requests, 1, options.seconds))
    print(table(rows))
    problems += [f"{row.name}: {problem}" for row in rows for problem in row.problems]
    problems += [f"{row.name}: {row.p50:.1f} ms" for row in rows if row.p50 > LIMIT]
    for problem in problems:
        print(f"WRONG: {problem}")
    return 1 if problems else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--issues", type=int, default=200_000, metavar="N", help="default 200000")
    parser.add_argument(
        "--events", type=int, default=2_000_000, metavar="N", help="default 2000000"
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where to keep the database; filled when it has neither issues nor events, default a"
        " temporary directory",
    )
    parser.add_argument(
        "--seconds", type=float, default=4, metavar="S", help="of each kind of read; default 4"
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="reads with this in their name")
    parser.add_argument(
        "--audit", action="store_true", help="add every counter up again first and compare"
    )
    return parser.parse_args()


@contextmanager
def serving(data_dir: Path | None) -> Iterator[Sentrylite]:
    """A server with one worker, which is what one connection needs."""
    environment = {"LOG_LEVEL": "WARNING"}
    path = data_dir.expanduser().resolve() if data_dir else None
    with live.server(data_dir=path, workers=1, environment=environment) as server:
        yield Sentrylite(server, 1)


def fill(server: Sentrylite, cursor: Any, issues: int, events: int) -> None:
    """Fill the database, unless that was done."""
    cursor.execute(bulk.IS_EMPTY)
    if any(cursor.fetchone()):
        say("the database is filled already")
        return
    for slug in PROJECTS:
        server.make_project(slug)
    cursor.execute(READ_PLACE, [ORGANIZATION, list(PROJECTS)])
    place = bulk.Place(*cursor.fetchone())
    began = time.monotonic()
    bulk.fill(cursor, place, issues=issues, events=events, now=datetime.now(UTC))
    cursor.execute("VACUUM")  # as autovacuum will
    say(f"filled with {events} events in {time.monotonic() - began:.0f} seconds")


def read_samples(cursor: Any) -> Samples:
    cursor.execute(READ_SAMPLES, {"project": PROJECTS[0], "variety": reads.VARIETY})
    return Samples(*cursor.fetchone())


def find_paths(samples: Samples) -> dict[str, list[str]]:
    """Requests by their names."""
    root = "/api/0"
    project, issue = f"{root}/projects/{ORGANIZATION}/{PROJECTS[0]}", f"{root}/issues"
    busiest = f"{issue}/{samples.busiest}"

    def issues(**query: str) -> list[str]:
        return [f"{project}/issues/?{urlencode(query)}"]

    def events(at: str, query: str = "") -> list[str]:
        return [f"{at}/events/?{urlencode({'query': query})}"]

    common, rare, absent = "cannot", samples.rare, "zebra crossing"
    return {
        "issue details": [f"{issue}/{each}/" for each in samples.issues],
        "busiest issue's details": [f"{busiest}/"],
        "issues": issues(),
        "issues, by first seen": issues(sort="new"),
        "issues, by frequency": issues(sort="freq"),
        "issues, by priority": issues(sort="priority"),
        "issues, all statuses": issues(query=""),
        "issues, frequent tag": issues(query="is:unresolved environment:production"),
        "issues, less frequent tag": issues(query="is:unresolved tenant:t42"),
        "issues, rare tag": issues(query="is:unresolved user:id:49999"),
        "issues, absent tag": issues(query="is:unresolved tenant:none"),
        "issues, two tags": issues(query="is:unresolved region:eu-west-1 server_name:web-3"),
        "issues, one environment": issues(query="is:unresolved", environment="staging"),
        "issues, free text, common": issues(query=f"is:unresolved {common}"),
        "issues, free text, rare": issues(query=f"is:unresolved {rare}"),
        "issues, free text, absent": issues(query=f"is:unresolved {absent}"),
        "issues, free text, two letters": issues(query="is:unresolved qx"),
        "issues, free text, a tag too": issues(query=f"is:unresolved {common} region:eu-west-1"),
        "issues, message": issues(query=f'is:unresolved message:"*{rare}*"'),
        "busiest issue's events": events(busiest),
        "busiest issue's events, free text, common": events(busiest, common[:3]),
        "busiest issue's events, free text, absent": events(busiest, absent),
        "busiest issue's events, frequent tag": events(busiest, "environment:production"),
        "busiest issue's events, absent tag": events(busiest, "tenant:none"),
        "project's events": events(project),
        "project's events, free text, common": events(project, common),
        "project's events, free text, rare": events(project, rare),
        "project's events, free text, absent": events(project, absent),
        "event details": [f"{project}/events/{event}/" for event in samples.events],
        "latest event": [f"{busiest}/events/latest/"],
        "oldest event": [f"{busiest}/events/oldest/"],
        "tags": [f"{busiest}/tags/"],
        "tag values": [f"{busiest}/tags/user/values/"],
        "hashes": [f"{busiest}/hashes/"],
        "notes": [f"{busiest}/notes/"],
        "organization stats": [f"{root}/organizations/{ORGANIZATION}/stats/"],
    }


def table(rows: list[Row]) -> str:
    return report.table(
        "request|median ms|p99 ms|CPU|server|PostgreSQL|bytes|requests|foreign",
        [
            (
                row.name,
                f"{row.p50:.1f}",
                f"{row.p99:.1f}",
                f"{row.total_cpu:.1f}",
                f"{row.cpu:.1f}",
                f"{row.postgres_cpu:.1f}",
                str(row.bytes),
                str(row.requests),
                f"{row.foreign:.0%}",
            )
            for row in rows
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
