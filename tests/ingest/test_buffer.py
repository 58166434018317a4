"""Group commit on connections of its own: these tests really commit."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from issues.models import Event, Issue, JournalEntry, UserReport
from issues.payload.event import PreparedEvent
from issues.payload.feedback import PreparedReport
from issues.releases import delete_release
from sentrylite.ingest import buffer as buffer_module
from sentrylite.ingest import digest as digest_module
from sentrylite.ingest.buffer import Buffer, Full, NotStored, Unavailable
from sentrylite.ingest.increments import Increments
from sentrylite.ingest.journal import Journal
from sentrylite.organizations.models import ProjectKey
from sentrylite.releases.models import Release
from tests import factories
from tests.events import prepared

pytestmark = pytest.mark.django_db(transaction=True)

Run = Callable[[Callable[[Buffer], Awaitable[Any]]], Any]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a coroutine function with a working buffer, which is stopped and flushed after it."""

    def with_buffer(work: Callable[[Buffer], Awaitable[Any]]) -> Any:
        journal = Journal()
        journal.start()
        buffer = Buffer(journal)

        async def main() -> Any:
            buffer.start()
            try:
                return await work(buffer)
            finally:
                await asyncio.to_thread(buffer.stop)
                await asyncio.to_thread(journal.stop)

        return asyncio.run(main())

    yield with_buffer


async def submit_all(buffer: Buffer, events: list[PreparedEvent]) -> list[BaseException | None]:
    return await asyncio.gather(*(buffer.submit(event) for event in events), return_exceptions=True)


def test_an_event_is_committed_and_counted_when_submit_returns(key: ProjectKey, run: Run) -> None:
    async def work(buffer: Buffer) -> int:
        await buffer.submit(prepared(key))
        return await asyncio.to_thread(times_seen)

    def times_seen() -> int:
        try:
            return Issue.objects.get().times_seen
        finally:
            connection.close()

    assert run(work) == 1


def test_many_events_at_once_are_all_stored_and_counted(key: ProjectKey, run: Run) -> None:
    events = [prepared(key, f"message {n % 3}") for n in range(700)]
    assert run(lambda buffer: submit_all(buffer, events)) == [None] * 700
    assert Event.objects.count() == 700
    assert sum(Issue.objects.values_list("times_seen", flat=True)) == 700
    assert not JournalEntry.objects.exists()


def test_an_event_id_that_is_stored_already_is_no_error(key: ProjectKey, run: Run) -> None:
    event_id = uuid4()
    events = [prepared(key, event_id=event_id) for _ in range(20)]
    assert run(lambda buffer: submit_all(buffer, events)) == [None] * 20
    assert Event.objects.count() == Issue.objects.get().times_seen == 1


def test_one_bad_event_refuses_only_itself(key: ProjectKey, run: Run) -> None:
    bad = prepared(key, "bad", level=99_999)  # wider than its column
    events = [prepared(key), bad, prepared(key), *(prepared(key) for _ in range(30))]
    answers = run(lambda buffer: submit_all(buffer, events))
    assert isinstance(answers.pop(1), NotStored)
    assert answers == [None] * 32
    assert Event.objects.count() == Issue.objects.get().times_seen == 32


def test_a_release_that_is_deleted_meanwhile_is_made_anew(
    key: ProjectKey, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the moment at which it is found and the commit."""
    old = factories.ReleaseFactory(organization=key.project.organization, version="1.0")
    old.projects.add(key.project)

    def digest(cursor: Any, *batch: Any) -> Increments:
        increments = digest_module.digest(cursor, *batch)
        with ThreadPoolExecutor(1) as other_process:
            other_process.submit(delete, old).result()
        return increments

    def delete(release: Release) -> None:
        try:
            delete_release(release)
        finally:
            connection.close()

    monkeypatch.setattr(buffer_module, "digest", digest)
    assert run(lambda buffer: submit_all(buffer, [prepared(key, release="1.0")])) == [None]
    issue = Issue.objects.get()
    new = Release.objects.get()
    assert (issue.first_release, new.version, issue.times_seen) == (new, "1.0", 1)
    assert new.pk != old.pk


def test_a_full_buffer_says_so_at_once(
    key: ProjectKey, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer_module, "MAX_EVENTS", 10)

    async def work(buffer: Buffer) -> list[BaseException | None]:
        return await submit_all(buffer, [prepared(key) for _ in range(200)])

    answers = run(work)
    stored = answers.count(None)
    assert stored < 200
    assert all(isinstance(answer, Full) for answer in answers if answer is not None)
    assert Event.objects.count() == stored


def test_a_lost_connection_is_opened_again(key: ProjectKey, run: Run) -> None:
    async def work(buffer: Buffer) -> None:
        await buffer.submit(prepared(key))
        await asyncio.to_thread(end_connections, "sentrylite digest")
        await buffer.submit(prepared(key))
        await asyncio.to_thread(end_connections, "sentrylite folder")
        await submit_all(buffer, [prepared(key) for _ in range(20)])

    run(work)
    assert Event.objects.count() == Issue.objects.get().times_seen == 22


def end_connections(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
            " AND datname = current_database()",
            [name],
        )
    connection.close()


def test_without_a_database_nothing_is_promised(
    key: ProjectKey, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(buffer: Buffer) -> list[BaseException | None]:
        monkeypatch.setattr(buffer._connection, "_open", unreachable)
        return await submit_all(buffer, [prepared(key), prepared(key)])

    def unreachable() -> Any:
        import psycopg2

        raise psycopg2.OperationalError("could not connect to server")

    assert [type(answer) for answer in run(work)] == [Unavailable, Unavailable]


def test_what_waits_is_written_before_the_end(key: ProjectKey) -> None:
    journal = Journal()
    journal.start()
    buffer = Buffer(journal)

    async def main() -> None:
        waiting = [asyncio.ensure_future(buffer.submit(prepared(key))) for _ in range(9)]
        await asyncio.sleep(0)
        buffer.start()
        await asyncio.to_thread(buffer.stop)
        await asyncio.gather(*waiting)
        with pytest.raises(Full):
            await buffer.submit(prepared(key))

    asyncio.run(main())
    journal.stop()
    assert Event.objects.count() == Issue.objects.get().times_seen == 9


def test_reports_are_stored_beside_events(key: ProjectKey, run: Run) -> None:
    events = [prepared(key, f"message {n % 3}") for n in range(20)]
    reports = [
        PreparedReport(event.event_id.hex, "Jane", "", "It broke!", project_id=key.project_id)
        for event in events
    ]
    reports[3].comments = "a\0b"  # nothing that could be stored

    async def work(buffer: Buffer) -> list[BaseException | None]:
        both = [thing for pair in zip(reports, events, strict=True) for thing in pair]
        return await asyncio.gather(
            *(buffer.submit(thing) for thing in both), return_exceptions=True
        )

    answers = run(work)
    assert [type(answer) for answer in answers if answer is not None] == [NotStored]
    assert isinstance(answers[6], NotStored)
    assert Event.objects.count() == 20
    assert UserReport.objects.exclude(issue=None).count() == 19
