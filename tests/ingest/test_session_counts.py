"""What is counted of sessions: each once, and as the worst it came to."""

import asyncio
import random
from dataclasses import replace
from itertools import permutations
from uuid import uuid4

import orjson
import pytest
import zstandard
from django.db import connection

from sentrylite.ingest.buffer import Buffer
from sentrylite.ingest.digest import digest
from sentrylite.ingest.increments import Increments
from sentrylite.ingest.journal import Journal
from sentrylite.organizations.intake import KeysClosed
from sentrylite.organizations.models import Environment, ProjectKey
from sentrylite.releases import sketches
from sentrylite.releases.models import Release, ReleaseHealth, ReleaseProject, TrackedSession
from sentrylite.releases.sessions import Status
from stats.models import Kind, SeriesCount
from stats.periods import DAY, HOUR
from stats.usage import ITEM_CATEGORIES
from tests import factories
from tests.events import NOON, prepared
from tests.ingest.test_digest import Counting
from tests.sessions import a_session, an_aggregate, counted, in_envelope, ingest, write

pytestmark = pytest.mark.django_db

CRASHED, ERRORED, ABNORMAL = Status.CRASHED, Status.ERRORED, Status.ABNORMAL

LEVELS = """
    SELECT (SELECT array_agg(bit_count(substring(bits FROM level * 1024 + 1 FOR 1024)))
        FROM generate_series(0, 15) AS level)
    FROM (SELECT bit_or({column}) AS bits FROM releases_releasehealth WHERE width = 86400) AS all_
    WHERE bits IS NOT NULL
"""


def users(column: str = "users") -> int:
    with connection.cursor() as cursor:
        cursor.execute(LEVELS.format(column=column))
        row = cursor.fetchone()
    return sketches.distinct(row and row[0])


def test_a_session_counts_in_its_hour_and_its_day(key: ProjectKey) -> None:
    ingest(key, a_session(started_at=NOON + 1800))
    hour, day = ReleaseHealth.objects.order_by("width")
    assert (hour.width, hour.bucket) == (HOUR, NOON // HOUR)
    assert (day.width, day.bucket) == (DAY, NOON // DAY)
    for row in (hour, day):
        assert row.project_id == key.project_id
        assert row.release_id == Release.objects.get(version="shop@1.0").pk
        assert row.environment_id == Environment.objects.get(name="production").pk
        assert (row.sessions, row.crashed, row.durations, row.users) == (1, 0, None, None)


def test_a_release_first_heard_of_by_a_session_is_there(key: ProjectKey) -> None:
    ingest(key, a_session(started_at=NOON - 60), a_session())
    release = Release.objects.get()
    assert release.created_at.timestamp() == NOON - 60
    assert ReleaseProject.objects.get().project_id == key.project_id


def test_a_session_of_the_name_that_its_project_gives_to_a_release(key: ProjectKey) -> None:
    version = f"{key.project.slug}-1.0"
    release = factories.ReleaseFactory(organization=key.project.organization, version=version)
    release.projects.add(key.project)
    ingest(key, a_session(release="1.0"))
    assert {row.release_id for row in ReleaseHealth.objects.all()} == {release.pk}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([Status.HEALTHY], {"sessions": 1}),
        ([Status.HEALTHY, Status.HEALTHY], {"sessions": 1}),
        ([Status.HEALTHY, ERRORED], {"sessions": 1, "errored": 1}),
        ([Status.HEALTHY, ERRORED, ERRORED], {"sessions": 1, "errored": 1}),
        ([Status.HEALTHY, ERRORED, CRASHED], {"sessions": 1, "crashed": 1}),
        ([ERRORED, ABNORMAL, Status.UNHANDLED], {"sessions": 1, "abnormal": 1}),
        ([CRASHED], {"sessions": 1, "crashed": 1}),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_a_session_counts_once_and_as_the_worst_it_came_to(
    key: ProjectKey, statuses: list[Status], expected: dict[str, int], together: bool
) -> None:
    """Whatever the order of its updates, in one batch or in several."""
    for order in set(permutations(statuses)):
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT empty")
        session_id = uuid4()
        updates = [a_session(status, session_id=session_id) for status in order]
        if together:
            ingest(key, *updates)
        else:
            for update in updates:
                ingest(key, update)
        assert counted(DAY) == counted(HOUR) == expected, order
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK TO SAVEPOINT empty")


def test_what_is_sent_twice_counts_once(key: ProjectKey) -> None:
    sessions = [a_session(CRASHED, is_over=True, duration=3.0), an_aggregate(5, 1)]
    ingest(key, *sessions)
    ingest(key, *sessions)
    assert counted() == {"sessions": 7, "crashed": 1, "errored": 1}
    assert sum(ReleaseHealth.objects.get(width=DAY).durations) == 1


def test_the_same_id_in_two_projects_is_two_sessions(key: ProjectKey) -> None:
    other = factories.ProjectKeyFactory(
        project=factories.ProjectFactory(organization=key.project.organization)
    )
    session = a_session()
    write_both = [in_envelope(key, session), in_envelope(other, session)]
    with connection.cursor() as cursor:
        write(*write_both).apply(cursor.cursor)
    assert counted() == {"sessions": 2}


def test_aggregates_add_up(key: ProjectKey) -> None:
    ingest(key, an_aggregate(40, 2, 0, 1, 1), an_aggregate(10), a_session(CRASHED))
    ingest(key, an_aggregate(1, 1, 1))
    assert counted() == {"sessions": 58, "errored": 3, "unhandled": 1, "abnormal": 1, "crashed": 2}


def test_the_duration_of_a_session_counts_when_it_ends(key: ProjectKey) -> None:
    session_id = uuid4()
    ingest(key, a_session(session_id=session_id))
    ingest(key, a_session(session_id=session_id, is_over=True, duration=60.0))
    ingest(key, a_session(session_id=session_id, is_over=True, duration=90.0))
    ingest(key, a_session(is_over=True, duration=4.0), a_session(is_over=True))
    day = ReleaseHealth.objects.get(width=DAY)
    histogram = [0] * sketches.BINS
    histogram[sketches.bin_of(60.0)] += 1
    histogram[sketches.bin_of(4.0)] += 1
    assert (day.durations, day.duration_sum, day.duration_max) == (histogram, 64.0, 60.0)


def test_users_count_once_over_sessions_batches_and_releases(key: ProjectKey) -> None:
    ingest(key, *(a_session(user=f"{n % 3}", release=f"1.{n % 2}") for n in range(12)))
    ingest(key, a_session(user="2"), a_session(user="3"), a_session())
    assert users() == 4


def test_users_by_what_came_to_their_sessions(key: ProjectKey) -> None:
    ingest(
        key,
        a_session(user="a"),
        a_session(ERRORED, user="b"),
        a_session(CRASHED, user="b"),
        a_session(CRASHED, user="c"),
        an_aggregate(3, 0, 1, 1, user="d"),
        an_aggregate(3, user="e"),
    )
    columns = ("users", "users_errored", "users_unhandled", "users_abnormal", "users_crashed")
    assert [users(column) for column in columns] == [5, 3, 1, 1, 2]


def test_who_was_in_a_session_may_be_said_later(key: ProjectKey) -> None:
    session_id = uuid4()
    ingest(key, a_session(session_id=session_id))
    ingest(key, a_session(session_id=session_id, user="a"))
    assert (counted(), users()) == ({"sessions": 1}, 1)


def test_items_are_counted_with_their_sessions(key: ProjectKey) -> None:
    ingest(key, a_session(), a_session(), an_aggregate(100))
    items = SeriesCount.objects.get(
        project_id=key.project_id,
        kind=Kind.ITEMS,
        object_id=ITEM_CATEGORIES["session"],
        width=DAY,
    )
    assert items.quantity == 3


def test_a_key_that_was_closed_meanwhile_stores_nothing(key: ProjectKey) -> None:
    key.is_active = False
    key.save()
    with pytest.raises(KeysClosed):
        write(in_envelope(key, a_session()))


@pytest.mark.parametrize("size", [1, 40])
def test_a_batch_costs_as_many_statements_as_one_session(key: ProjectKey, size: int) -> None:
    sessions = [a_session(release=f"1.{n}") for n in range(size)]
    ingest(key, *sessions)
    again = [replace(session, status=CRASHED, user=1) for session in sessions]
    counter = Counting()
    with connection.cursor() as cursor:
        counter.cursor = cursor.cursor
        digest(counter, [], [in_envelope(key, *again)]).apply(counter)
    # Environments, releases, sessions; their health, series.
    assert counter.statements == 5


def test_increments_come_back_as_they_were_stored(key: ProjectKey) -> None:
    increments = write(
        in_envelope(
            key,
            a_session(CRASHED, user="a", is_over=True, duration=9.5),
            an_aggregate(1, 2, 3, 4, 5, user="b"),
        )
    )
    assert increments.health
    again = Increments.load(increments.dump())
    assert again.health == increments.health
    assert again.series == increments.series


def test_increments_of_earlier_versions_are_read() -> None:
    stored = orjson.loads(zstandard.decompress(Increments().dump()))
    del stored["health"]
    old = zstandard.compress(orjson.dumps(stored))
    assert not Increments.load(old)


def test_adding_up_is_the_same_in_memory_and_in_the_database(key: ProjectKey) -> None:
    generator = random.Random(5)
    batches = []
    known = [uuid4() for _ in range(10)]
    for _ in range(5):
        updates = [
            a_session(
                generator.choice(list(Status)),
                session_id=generator.choice(known),
                user=generator.choice(["a", "b", None]),
                is_over=generator.random() < 0.5,
                duration=float(generator.randrange(100)),
            )
            for _ in range(10)
        ]
        batches.append(write(in_envelope(key, *updates)))
    total = Increments()
    for batch in batches:
        total += Increments.load(batch.dump())

    def table() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_jsonb(h) FROM releases_releasehealth h")
            return sorted(str(row) for row in cursor.fetchall())

    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT empty")
        for batch in batches:
            batch.apply(cursor.cursor)
        one_by_one = table()
        cursor.execute("ROLLBACK TO SAVEPOINT empty")
        total.apply(cursor.cursor)
    assert table() == one_by_one


@pytest.mark.django_db(transaction=True)
def test_updates_that_two_processes_write_at_once_count_once(key: ProjectKey) -> None:
    """Two buffers get the same updates, in another order, beside events."""
    session_ids = [uuid4() for _ in range(300)]

    async def submit(buffer: Buffer, seed: int) -> None:
        generator = random.Random(seed)
        updates = [
            a_session(status, session_id=session_id, user=str(n % 50))
            for n, session_id in enumerate(session_ids)
            for status in (Status.HEALTHY, ERRORED, CRASHED if n % 3 == 0 else ERRORED)
        ]
        generator.shuffle(updates)
        envelopes = [in_envelope(key, *updates[n : n + 7]) for n in range(0, len(updates), 7)]
        await asyncio.gather(
            *(buffer.submit(envelope) for envelope in envelopes),
            *(buffer.submit(prepared(key)) for _ in range(20)),
        )

    async def main() -> None:
        journals = [Journal(), Journal()]
        buffers = [Buffer(journal) for journal in journals]
        for journal, buffer in zip(journals, buffers, strict=True):
            journal.start()
            buffer.start()
        try:
            await asyncio.gather(*(submit(buffer, seed) for seed, buffer in enumerate(buffers)))
        finally:
            for each in (*buffers, *journals):
                await asyncio.to_thread(each.stop)

    asyncio.run(main())
    assert counted() == {"sessions": 300, "crashed": 100, "errored": 200}
    assert TrackedSession.objects.count() == 300
    assert users() == 50
