"""Reports of users and the events that they are about: whichever comes first."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, transaction

from issues import feedback
from issues.feedback import TooLate
from issues.models import EventAddress, EventUser, Issue, UserReport
from issues.payload import codec
from issues.payload.feedback import PreparedReport
from sentrylite.ingest.digest import digest
from sentrylite.organizations.models import Environment, ProjectKey
from tests import factories
from tests.events import NOON, a_user, prepared
from tests.ingest.test_digest import Counting

pytestmark = pytest.mark.django_db

AT_NOON = datetime.fromtimestamp(NOON, UTC)


def said(key: ProjectKey, event_id: UUID | str, **more: Any) -> PreparedReport:
    event_id = event_id.hex if isinstance(event_id, UUID) else event_id
    facts = {"name": "Jane", "email": "jane@example.com", "comments": "It broke!"} | more
    return PreparedReport(
        event_id, project_id=key.project_id, organization_id=key.project.organization_id, **facts
    )


def ingest(*events: Any) -> int:
    """Digest and count a batch; returns how many statements the digest took."""
    counter = Counting()
    with connection.cursor() as cursor:
        counter.cursor = cursor.cursor
        increments = digest(counter, list(events))
        statements = counter.statements
        increments.apply(cursor.cursor)
    return statements


def store(*reports: PreparedReport, now: float = NOON) -> int:
    """Store a batch of reports; returns how many statements that took."""
    counter = Counting()
    with connection.cursor() as cursor:
        counter.cursor = cursor.cursor
        feedback.store_reports(counter, reports, now=now)
    return counter.statements


@pytest.mark.parametrize("is_first", [True, False])
def test_a_report_is_tied_to_its_event_whichever_comes_first(
    key: ProjectKey, is_first: bool
) -> None:
    event_id = uuid4()
    event = prepared(key, event_id=event_id, environment="production", user=a_user("1"))
    event.payload, event.size = codec.pack({"user": {"id": "1"}})
    if is_first:
        store(said(key, event_id))
        assert UserReport.objects.get().issue is None
        assert not EventAddress.objects.exists()
        ingest(event)
    else:
        ingest(event)
        store(said(key, event_id))
    report = UserReport.objects.get()
    assert (report.project, report.event_id) == (key.project, event_id.hex)
    assert (report.name, report.email, report.comments) == (
        "Jane",
        "jane@example.com",
        "It broke!",
    )
    assert report.issue == Issue.objects.get()
    assert report.environment == Environment.objects.get(name="production")
    assert report.created_at == AT_NOON
    person = EventUser.objects.get()
    assert report.user_hash == person.hash
    assert (person.name, person.ident, person.tag_value) == ("Jane", "1", "id:1")


@pytest.mark.parametrize("is_first", [True, False])
def test_a_user_who_has_a_name_keeps_it(key: ProjectKey, is_first: bool) -> None:
    event_id = uuid4()
    ingest(prepared(key, user=a_user("1", name="Ada")))
    event = prepared(key, event_id=event_id, user=a_user("1"))
    steps: list[Callable[[], object]] = [
        lambda: store(said(key, event_id)),
        lambda: ingest(event),
    ]
    for step in steps if is_first else reversed(steps):
        step()
    assert EventUser.objects.get().name == "Ada"


def test_a_name_is_kept_until_the_user_is_counted(key: ProjectKey) -> None:
    """A busy server counts a moment later than it stores."""
    event = prepared(key, user=a_user("1", email="ada@example.com"))
    event.payload, event.size = codec.pack({"user": {"id": "1", "email": "ada@example.com"}})
    with connection.cursor() as cursor:
        increments = digest(cursor.cursor, [event])
        store(said(key, event.event_id))
        increments.apply(cursor.cursor)
    person = EventUser.objects.get()
    assert (person.name, person.email, person.ident) == ("Jane", "ada@example.com", "1")


def test_an_event_whose_payload_is_damaged_can_be_reported_on(key: ProjectKey) -> None:
    event = prepared(key, user=a_user("1"), payload=b"damaged")
    ingest(event)
    store(said(key, event.event_id))
    assert UserReport.objects.get().issue == Issue.objects.get()


def test_what_batches_cost(key: ProjectKey) -> None:
    """Nothing when nobody has said anything; two statements more when somebody has."""
    ingest(prepared(key))

    def cost(size: int, *, reported: bool) -> tuple[int, int]:
        events = [prepared(key, user=a_user(f"{n}")) for n in range(size)]
        early = store(*(said(key, event.event_id) for event in events)) if reported else 0
        return early, ingest(*events)

    assert cost(2, reported=False) == cost(20, reported=False) == (0, 4)
    assert cost(2, reported=True) == cost(20, reported=True) == (3, 6)
    for size in (2, 20):
        events = [prepared(key, user=a_user(f"known {n}")) for n in range(size)]
        for event in events:
            assert event.user is not None
            event.payload, event.size = codec.pack({"user": {"id": event.user.ident}})
        ingest(*events)
        assert store(*(said(key, event.event_id) for event in events)) == 4
    assert UserReport.objects.filter(issue=None).count() == 0


def test_a_report_can_be_replaced_for_five_minutes(key: ProjectKey) -> None:
    report = said(key, "abc")
    first = feedback.submit_report(report, now=AT_NOON)
    report.comments = "It broke twice"
    later = AT_NOON + timedelta(minutes=4, seconds=59)
    assert feedback.submit_report(report, now=later) == first
    stored = UserReport.objects.get()
    assert (stored.comments, stored.created_at) == ("It broke twice", later)
    with pytest.raises(TooLate):
        feedback.submit_report(said(key, "abc"), now=later + timedelta(minutes=5))
    assert UserReport.objects.get().comments == "It broke twice"


def test_an_old_event_takes_no_reports_from_strangers(key: ProjectKey) -> None:
    """Those of SDKs, which may have been without a network, are taken."""
    event = prepared(key)
    ingest(event)
    with pytest.raises(TooLate):
        feedback.submit_report(
            said(key, event.event_id), now=AT_NOON + timedelta(minutes=30, seconds=1)
        )
    assert not UserReport.objects.exists()
    store(said(key, event.event_id), now=NOON + 86_400)
    assert UserReport.objects.get().issue_id is not None


def test_the_same_event_twice_in_a_batch_is_one_report(key: ProjectKey) -> None:
    store(said(key, "abc"), said(key, "abc", comments="again"))
    assert UserReport.objects.get().comments == "again"


def test_projects_do_not_share_reports(key: ProjectKey) -> None:
    other = factories.ProjectKeyFactory()
    event_id = uuid4()
    store(said(key, event_id), said(other, event_id))
    ingest(prepared(key, event_id=event_id))
    assert UserReport.objects.get(project=key.project).issue_id is not None
    assert UserReport.objects.get(project=other.project).issue_id is None


def test_one_that_stands_alone_has_an_environment_of_its_own(key: ProjectKey) -> None:
    own_id = uuid4().hex
    store(said(key, own_id, stands_alone=True, environment="production"))
    report = UserReport.objects.get()
    assert (report.event_id, report.issue, report.stands_alone) == (own_id, None, True)
    assert report.environment is not None
    assert report.environment.name == "production"


# Two processes ------------------------------------------------------------------------------------


@pytest.fixture
def in_thread(transactional_db: None) -> Any:
    """Run something beside the test, on a connection of its own."""
    threads: list[threading.Thread] = []

    def run(work: Callable[[], object]) -> threading.Thread:
        def on_connection() -> None:
            try:
                work()
            finally:
                connections.close_all()

        threads.append(threading.Thread(target=on_connection))
        threads[-1].start()
        return threads[-1]

    yield run
    for thread in threads:
        thread.join()


def wait_for_a_waiting_transaction() -> None:
    for _ in range(400):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE datname = current_database() AND NOT granted"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.django_db(transaction=True)
def test_a_report_waits_for_the_event_that_is_being_stored(key: ProjectKey, in_thread: Any) -> None:
    event_id = uuid4()
    with transaction.atomic():
        ingest(prepared(key, event_id=event_id))
        in_thread(lambda: feedback.submit_report(said(key, event_id), now=AT_NOON))
        wait_for_a_waiting_transaction()
        assert not UserReport.objects.exists()
    for _ in range(400):
        if UserReport.objects.exists():
            break
        time.sleep(0.01)
    assert UserReport.objects.get().issue == Issue.objects.get()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_kept", [True, False])
def test_an_event_waits_for_the_report_that_is_being_stored(
    key: ProjectKey, in_thread: Any, is_kept: bool
) -> None:
    event_id = uuid4()

    def store_event() -> None:
        with transaction.atomic():
            ingest(prepared(key, event_id=event_id))

    with transaction.atomic():
        store(said(key, event_id))
        thread = in_thread(store_event)
        wait_for_a_waiting_transaction()
        transaction.set_rollback(not is_kept)
    thread.join()
    assert Issue.objects.get().times_seen == 1
    if is_kept:
        assert UserReport.objects.get().issue == Issue.objects.get()
    else:
        assert not UserReport.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_reports_and_events_that_come_at_once_all_find_each_other(
    key: ProjectKey, in_thread: Any
) -> None:
    event_ids = [uuid4() for _ in range(60)]

    def store_events() -> None:
        for event_id in event_ids:
            with transaction.atomic():
                ingest(prepared(key, event_id=event_id))

    def store_reports() -> None:
        for event_id in event_ids:
            feedback.submit_report(said(key, event_id), now=AT_NOON)

    threads = [in_thread(store_events), in_thread(store_reports)]
    for thread in threads:
        thread.join()
    assert UserReport.objects.filter(issue=Issue.objects.get()).count() == 60
