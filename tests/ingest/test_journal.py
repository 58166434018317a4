"""The journal talks to the database on its own connections: these tests really commit."""

import random
import time
from collections.abc import Iterator

import pytest
from django.db import connection

from issues.models import Issue, IssueTag, IssueUser, JournalEntry
from sentrylite.ingest.connection import Connection
from sentrylite.ingest.digest import digest
from sentrylite.ingest.increments import Increments
from sentrylite.ingest.journal import Journal
from sentrylite.organizations.models import ProjectKey
from stats.models import IssueDay, Kind, SeriesCount
from tests.events import NOON, a_hash, a_user, prepared

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writer() -> Iterator[Connection]:
    writer = Connection("test")
    yield writer
    writer.close()


@pytest.fixture
def journal() -> Iterator[Journal]:
    """One that folds when it is told to and not before."""
    journal = Journal()
    journal._connection.run(lambda cursor: None)
    yield journal
    journal._connection.close()


def record(writer: Connection, journal: Journal, key: ProjectKey, *users: str) -> None:
    """Ingest a batch with an event of each user through the journal."""

    def work(cursor: object) -> tuple[int, Increments]:
        increments = digest(cursor, [prepared(key, user=a_user(user)) for user in users])
        return journal.record(cursor, increments), increments

    journal.recorded(*writer.run(work))


def die(journal: Journal) -> None:
    """Close its connection and wait until the server has noticed and released its lock."""
    journal._connection.close()
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                " AND (classid::bigint << 32) + objid::bigint = %s",
                [journal.owner],
            )
            if cursor.fetchone()[0] == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the lock of a closed connection is still held")


def counted() -> dict[str, int]:
    """What each kind of counter says the number of events is."""
    received = SeriesCount.objects.get(kind=Kind.PROJECT_RECEIVED, width=86400)
    return {
        "issue": Issue.objects.get().times_seen,
        "day": IssueDay.objects.get().total,
        "tag": IssueTag.objects.get().times_seen,
        "series": received.quantity,
    }


def all_are(events: int) -> dict[str, int]:
    return dict.fromkeys(["issue", "day", "tag", "series"], events)


def test_a_fold_adds_up_what_was_recorded(
    key: ProjectKey, writer: Connection, journal: Journal
) -> None:
    record(writer, journal, key, "1", "2")
    record(writer, journal, key, "2", "3", "4")
    assert Issue.objects.get().times_seen == 0
    journal.fold()
    assert counted() == all_are(5)
    assert Issue.objects.get().user_count == IssueUser.objects.count() == 4
    assert not JournalEntry.objects.exists()


def test_a_second_fold_adds_nothing(key: ProjectKey, writer: Connection, journal: Journal) -> None:
    record(writer, journal, key, "1")
    journal.fold()
    journal.fold()
    assert counted() == all_are(1)


def test_who_starts_folds_what_dead_processes_left(
    key: ProjectKey, writer: Connection, journal: Journal
) -> None:
    dead = Journal()
    dead._connection.run(lambda cursor: None)
    record(writer, dead, key, "1", "2")
    record(writer, dead, key, "3")
    die(dead)
    assert journal.fold_orphans() == 2
    assert journal.fold_orphans() == 0
    assert counted() == all_are(3)


def test_rows_of_a_living_process_are_left_to_it(
    key: ProjectKey, writer: Connection, journal: Journal
) -> None:
    alive = Journal()
    alive._connection.run(lambda cursor: None)
    record(writer, alive, key, "1")
    assert journal.fold_orphans() == 0
    assert JournalEntry.objects.count() == 1
    alive.fold()
    alive._connection.close()
    assert counted() == all_are(1)


def test_a_row_that_memory_does_not_know_of_is_folded_after_doubt(
    key: ProjectKey, writer: Connection, journal: Journal
) -> None:
    """A commit whose confirmation was lost: the row may be there."""
    forgetful = Journal()
    forgetful.owner = journal.owner
    record(writer, forgetful, key, "1")
    record(writer, journal, key, "2")
    journal.doubt()
    journal.fold()
    assert counted() == all_are(2)


def test_rows_that_somebody_else_folded_are_not_folded_again(
    key: ProjectKey, writer: Connection, journal: Journal
) -> None:
    """As when the database was away for a moment and with it the lock that says we live."""
    record(writer, journal, key, "1")
    record(writer, journal, key, "2")
    die(journal)
    other = Journal()
    assert other.fold_orphans() == 2
    other._connection.close()
    record(writer, journal, key, "3")
    journal.fold()
    assert counted() == all_are(3)


def test_a_fold_that_fails_loses_nothing(
    key: ProjectKey, writer: Connection, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(writer, journal, key, "1")
    with monkeypatch.context() as broken:
        broken.setattr(Increments, "apply", lambda *_: 1 / 0)
        journal._try(journal.fold)
    assert JournalEntry.objects.count() == 1
    record(writer, journal, key, "2")
    journal.fold()
    assert counted() == all_are(2)


def test_the_thread_folds_by_itself_and_once_more_at_the_end(
    key: ProjectKey, writer: Connection
) -> None:
    journal = Journal()
    journal.start()
    record(writer, journal, key, "1")
    journal.stop()
    assert counted() == all_are(1)


@pytest.mark.django_db
def test_increments_come_back_as_they_were_stored(key: ProjectKey) -> None:
    increments = _some(key, random.Random(1))
    again = Increments.load(increments.dump())
    for name in Increments.__slots__:
        assert getattr(again, name) == getattr(increments, name), name


@pytest.mark.django_db
def test_adding_up_is_the_same_in_memory_and_in_the_database(key: ProjectKey) -> None:
    batches = [_some(key, random.Random(seed)) for seed in range(4)]
    total = Increments()
    for batch in batches:
        total += Increments.load(batch.dump())

    def tables() -> dict[str, list]:
        names = ("issues_issue", "issues_issuetag", "stats_issueday", "stats_seriescount")
        rows = {}
        with connection.cursor() as cursor:
            for name in (*names, "issues_issuerelease", "issues_issueuser"):
                cursor.execute(f"SELECT to_jsonb({name}) - 'first_seen' FROM {name}")
                rows[name] = sorted(str(row) for row in cursor.fetchall())
        return rows

    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT empty")
        for batch in batches:
            batch.apply(cursor.cursor)
        one_by_one = tables()
        cursor.execute("ROLLBACK TO SAVEPOINT empty")
        total.apply(cursor.cursor)
    assert tables() == one_by_one


def _some(key: ProjectKey, random: random.Random) -> Increments:
    events = [
        prepared(
            key,
            random.choice(["a", "b", "c"]),
            hashes=[a_hash(random.choice("abc"))],
            timestamp=NOON + random.randrange(-200_000, 60),
            received_at=NOON,
            release=random.choice(["1.0", "2.0", None]),
            environment=random.choice(["production", ""]),
            tags=[("letter", random.choice("xyz")), ("level", "error")],
            user=random.choice([None, a_user("1"), a_user("2", name="Jane")]),
        )
        for _ in range(20)
    ]
    with connection.cursor() as cursor:
        return digest(cursor.cursor, events)
