"""What it costs to take events: CPU time, rates and memory, beside a server that does nothing."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2

from . import audit, corpus, load, servers
from .corpus import Event
from .load import Outcome, Plan
from .progress import say
from .servers import Meter, Sentrylite

CONNECTIONS = 32
# Sent before the measurement: modules are loaded and most issues are made.
WARM_UP = 500
# Counters follow half a second after the events.
FOLDED_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """One corpus sent to one server. Times are in milliseconds, sizes in MB."""

    name: str
    workers: int
    events: int
    rate: float
    """Events a second that were answered with 200."""
    p50: float
    p99: float
    cpu: float
    """Of all processes of the server, for each event, until everything is counted."""
    postgres_cpu: float
    rss: float
    """The largest that the processes of the server have been, together; pages that they share
    count in each."""
    pss: float
    """What they are in the end; shared pages count once."""
    noop_rate: float
    noop_cpu: float
    """The same server reading the same bodies and doing nothing with them."""
    load_cpu: float
    """What it took to send an event."""
    foreign: float
    """The share of the machine that other programs took meanwhile."""
    problems: list[str]
    """What was not answered with 200, not stored, or not counted as it was stored."""

    @property
    def total_cpu(self) -> float:
        return self.cpu + self.postgres_cpu


def measure(server: Sentrylite, name: str, events: int) -> Row:
    """Send a corpus to a new project named like it, and compare what became of it."""
    project_id, key = server.make_project(name)
    say(f"{name}: making {WARM_UP + events} events")
    made = list(corpus.make(name, WARM_UP + events, newest=time.time()))
    requests = [request(project_id, key, event) for event in made]
    with closing(psycopg2.connect(server.database_url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        outcomes = [send(server.port, requests[:WARM_UP])]
        wait_until_folded(cursor)
        say(f"{name}: sending {events} to {server.workers} workers")
        with Meter(server) as meter:
            outcomes.append(send(server.port, requests[WARM_UP:]))
            wait_until_folded(cursor)
        say(f"{name}: comparing what was stored and counted")
        problems = find_problems(cursor, project_id, made, outcomes)
    noop_outcome, noop_meter = measure_noop(server.workers, requests[WARM_UP:])

    def milliseconds_each(seconds: float) -> float:
        return seconds / events * 1e3

    return Row(
        name=name,
        workers=server.workers,
        events=events,
        rate=outcomes[-1].rate,
        p50=outcomes[-1].p50 * 1e3,
        p99=outcomes[-1].p99 * 1e3,
        cpu=milliseconds_each(meter.cpu),
        postgres_cpu=milliseconds_each(meter.postgres_cpu),
        rss=meter.server.peak_rss / 1e6,
        pss=meter.server.pss / 1e6,
        noop_rate=noop_outcome.rate,
        noop_cpu=milliseconds_each(noop_meter.cpu),
        load_cpu=milliseconds_each(outcomes[-1].cpu_seconds),
        foreign=meter.foreign,
        problems=problems,
    )


def fill(server: Sentrylite, name: str, events: int) -> None:
    """As `measure`, without measuring: something to read."""
    project_id, key = server.make_project(name)
    say(f"{name}: sending {events} events to read")
    made = corpus.make(name, events, newest=time.time())
    send(server.port, [request(project_id, key, event) for event in made])
    with closing(psycopg2.connect(server.database_url)) as connection:
        connection.autocommit = True
        wait_until_folded(connection.cursor())


def measure_noop(workers: int, requests: Sequence[bytes]) -> tuple[Outcome, Meter]:
    with servers.noop("body_reader", workers) as server:
        send(server.port, requests[:WARM_UP])
        with Meter(server) as meter:
            return send(server.port, requests), meter


def request(project_id: int, key: str, event: Event) -> bytes:
    """An event on its way, with the headers that sentry-sdk sends."""
    client = "sentry.python.django/2.20.0"
    return load.post(
        f"/api/{project_id}/envelope/",
        event.body,
        user_agent=client,
        content_type="application/x-sentry-envelope",
        content_encoding="gzip",
        x_sentry_auth=f"Sentry sentry_key={key}, sentry_version=7, sentry_client={client}",
    )


def send(port: int, requests: Sequence[bytes]) -> Outcome:
    return load.run(Plan(port, requests, CONNECTIONS))


def wait_until_folded(cursor: Any) -> None:
    """Until all counters are written. Raises RuntimeError when that does not happen."""
    deadline = time.monotonic() + FOLDED_WITHIN
    while time.monotonic() < deadline:
        cursor.execute("SELECT NOT EXISTS (SELECT 1 FROM issues_journalentry)")
        if cursor.fetchone()[0]:
            return
        time.sleep(0.1)
    raise RuntimeError(f"the counters were not written within {FOLDED_WITHIN:.0f} seconds")


def find_problems(
    cursor: Any, project_id: int, made: Sequence[Event], outcomes: Sequence[Outcome]
) -> list[str]:
    """What is wrong with the answers, the events or the counters; nothing as a rule."""
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    acknowledged = sum(len(outcome.succeeded) for outcome in outcomes)
    cursor.execute(
        "SELECT replace(event_id::text, '-', ''), issue_id FROM issues_event WHERE project_id = %s",
        [project_id],
    )
    issue_of = dict(cursor.fetchall())
    if len(issue_of) != acknowledged:
        problems.append(f"{acknowledged} events were answered with 200, {len(issue_of)} stored")
    pairs = {(event.issue, issue_of.get(event.event_id)) for event in made}
    issues = {number for number, _ in pairs}
    if len(pairs) != len(issues):
        problems.append(f"{len(issues)} stack traces became {len(pairs)} issues")
    return problems + audit.differences(cursor)
