"""What it costs to answer API reads, beside a REST framework view that does nothing."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import psycopg2

from . import load, servers
from .load import Plan
from .progress import say
from .servers import Meter, Sentrylite, Served

CONNECTIONS = (1, 16)
# So many different issues and events are asked for.
VARIETY = 200
WARM_UP_SECONDS = 1.0
NOOP = "no-op"

FIND_ISSUES = """
    SELECT issue.id FROM issues_issue issue
    JOIN organizations_project project ON project.id = issue.project_id
    WHERE project.slug = %s ORDER BY issue.id LIMIT %s
"""
FIND_EVENTS = """
    SELECT replace(event.event_id::text, '-', '') FROM issues_event event
    JOIN organizations_project project ON project.id = event.project_id
    WHERE project.slug = %s ORDER BY event.event_id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of request to one server. Times are in milliseconds."""

    name: str
    workers: int
    connections: int
    requests: int
    rate: float
    p50: float
    p99: float
    bytes: int
    """Of an answer with its headers, on average."""
    cpu: float
    """Of all processes of the server, for each request."""
    postgres_cpu: float
    load_cpu: float
    foreign: float
    """The share of the machine that other programs took meanwhile."""
    problems: list[str]

    @property
    def total_cpu(self) -> float:
        return self.cpu + self.postgres_cpu


def measure(server: Sentrylite, project: str, seconds: float) -> list[Row]:
    """Ask for issues and events of a project that is full of them."""
    rows = measure_noop(server.workers, seconds)
    headers = {"authorization": f"Bearer {server.token}"}
    for name, paths in find_paths(server, project).items():
        requests = [load.get(path, **headers) for path in paths]
        rows += measure_paths(server, name, requests, seconds)
    return rows


def find_paths(server: Sentrylite, project: str) -> dict[str, list[str]]:
    root, place = "/api/0", f"{server.organization}/{project}"
    issues, events = find_ids(server, project)
    return {
        "issue details": [f"{root}/issues/{issue}/" for issue in issues],
        "organization stats": [f"{root}/organizations/{server.organization}/stats/"],
        "project issues": [f"{root}/projects/{place}/issues/"],
        "event details": [f"{root}/projects/{place}/events/{event}/" for event in events],
    }


def find_ids(server: Sentrylite, project: str) -> tuple[list[int], list[str]]:
    """Some issues of a project, and some of its events."""
    with closing(psycopg2.connect(server.database_url)) as connection:
        cursor = connection.cursor()
        cursor.execute(FIND_ISSUES, [project, VARIETY])
        issues = [issue for (issue,) in cursor.fetchall()]
        cursor.execute(FIND_EVENTS, [project, VARIETY])
        return issues, [event for (event,) in cursor.fetchall()]


def measure_noop(workers: int, seconds: float) -> list[Row]:
    with servers.noop("django_bridge", workers) as server:
        return measure_paths(server, NOOP, [load.get("/noop/")], seconds)


def measure_paths(
    server: Served, name: str, requests: Sequence[bytes], seconds: float
) -> list[Row]:
    return [measure_at(server, name, requests, connections, seconds) for connections in CONNECTIONS]


def measure_at(
    server: Served, name: str, requests: Sequence[bytes], connections: int, seconds: float
) -> Row:
    say(f"{name}: {connections} connections to {server.workers} workers")
    load.run(Plan(server.port, requests, connections, min(seconds, WARM_UP_SECONDS)))
    with Meter(server) as meter:
        outcome = load.run(Plan(server.port, requests, connections, seconds))
    count = max(1, sum(outcome.statuses.values()))

    def milliseconds_each(spent: float) -> float:
        return spent / count * 1e3

    return Row(
        name=name,
        workers=server.workers,
        connections=connections,
        requests=count,
        rate=outcome.rate,
        p50=outcome.p50 * 1e3,
        p99=outcome.p99 * 1e3,
        bytes=outcome.received_bytes // count,
        cpu=milliseconds_each(meter.cpu),
        postgres_cpu=milliseconds_each(meter.postgres_cpu),
        load_cpu=milliseconds_each(outcome.cpu_seconds),
        foreign=meter.foreign,
        problems=outcome.problems,
    )
