"""`python -m benchmarks.sessions`: what it costs to take sessions, beside events of 1.3 kB."""

import json
import os
import time
from contextlib import closing
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sentrylite.settings")
django.setup(set_prefix=False)

import psycopg2  # noqa: E402  after setup

from benchmarks import corpus, ingest, load, servers  # noqa: E402
from benchmarks.progress import say  # noqa: E402
from benchmarks.servers import Meter, Sentrylite  # noqa: E402

ENVELOPES = 4_000
USERS = 500
RELEASES = 10


def sessions(count: int) -> list[bytes]:
    """Envelopes as browsers send them: half of them begin a session, the others end it."""
    started = corpus.iso(time.time() - 60)
    bodies = []
    for number in range(count):
        session, ends = divmod(number, 2)
        update = {
            "sid": UUID(int=session + 1).hex,
            "init": not ends,
            "started": started,
            "timestamp": started,
            "status": "exited" if ends else "ok",
            "errors": int(session % 10 == 0),
            "did": f"user-{session % USERS}",
            "duration": session % 300,
            "attrs": {"release": f"page@1.{session % RELEASES}", "environment": "production"},
        }
        item = json.dumps(update).encode()
        bodies.append(b'{"sent_at":"%s"}\n{"type":"session"}\n%s' % (started.encode(), item))
    return bodies


def measure(server: Sentrylite, name: str, requests: list[bytes]) -> None:
    """Send requests and print what each took until it was counted."""
    with closing(psycopg2.connect(server.database_url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        ingest.send(server.port, requests[: ingest.WARM_UP])
        ingest.wait_until_folded(cursor)
        with Meter(server) as meter:
            outcome = ingest.send(server.port, requests[ingest.WARM_UP :])
            ingest.wait_until_folded(cursor)
    each = 1e3 / (len(requests) - ingest.WARM_UP)
    print(
        f"{name}: {meter.cpu * each:.2f} ms of the server, {meter.postgres_cpu * each:.2f} ms of "
        f"PostgreSQL, {outcome.rate:.0f}/s; {'; '.join(outcome.problems) or 'all answered 200'}"
    )


def main() -> None:
    number = ENVELOPES + ingest.WARM_UP
    with servers.sentrylite(2) as server:
        project_id, key = server.make_project("tiny")
        say(f"sending {number} events and as many envelopes with a session")
        events = corpus.make("tiny", number, newest=time.time())
        measure(server, "events", [ingest.request(project_id, key, event) for event in events])
        project_id, key = server.make_project("sessions")
        path = f"/api/{project_id}/envelope/?sentry_version=7&sentry_key={key}"
        client = "Mozilla/5.0"
        posts = [load.post(path, body, user_agent=client) for body in sessions(number)]
        measure(server, "sessions", posts)
        with closing(psycopg2.connect(server.database_url)) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT sum(sessions)::int, sum(errored)::int FROM releases_releasehealth"
                " WHERE project_id = %s AND width = 86400",
                [project_id],
            )
            print(f"{number // 2} sessions were sent, counted (errored): {cursor.fetchone()}")


if __name__ == "__main__":
    main()
