"""Issues that nobody wants to hear of again, and their events."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from issues import actions, maintenance
from issues.actions import Conditions
from issues.models import (
    Activity,
    Event,
    EventAddress,
    Issue,
    IssueBookmark,
    IssueHash,
    IssueRelease,
    IssueSnooze,
    IssueSubscription,
    IssueTag,
    IssueTombstone,
    IssueUser,
)
from issues.payload.event import PreparedEvent
from sentrylite.accounts.models import User
from sentrylite.ingest.digest import digest
from sentrylite.ingest.increments import Increments
from sentrylite.organizations.models import ProjectKey
from stats.models import IssueDay, Kind, SeriesCount
from stats.usage import FILTERS
from tests import factories
from tests.events import NOON, a_hash, a_user, prepared
from tests.ingest.test_digest import Counting

pytestmark = pytest.mark.django_db

RunTasks = Callable[[datetime], int]
Status = Issue.Status


def write(*events: PreparedEvent) -> Increments:
    with connection.cursor() as cursor:
        return digest(cursor.cursor, list(events))


def count(increments: Increments) -> None:
    with connection.cursor() as cursor:
        increments.apply(cursor.cursor)


def ingest(*events: PreparedEvent) -> None:
    count(write(*events))


def series(key: ProjectKey) -> dict[str, int]:
    """What was received and what became of it, on the day of the events."""
    project = key.project
    names = {
        (Kind.ORGANIZATION_RECEIVED, project.organization_id): "organization received",
        (Kind.ORGANIZATION_BLACKLISTED, project.organization_id): "organization blacklisted",
        (Kind.PROJECT_RECEIVED, project.pk): "received",
        (Kind.PROJECT_BLACKLISTED, project.pk): "blacklisted",
        (Kind.PROJECT_GENERATED, project.pk): "stored",
        (Kind.KEY_RECEIVED, key.pk): "key received",
        (Kind.KEY_BLACKLISTED, key.pk): "key blacklisted",
        (Kind.FILTERED, FILTERS["discarded-hash"]): "discarded-hash",
    }
    found = SeriesCount.objects.filter(width=86400)
    return {
        names[Kind(row.kind), row.object_id]: row.quantity
        for row in found
        if (Kind(row.kind), row.object_id) in names
    }


@pytest.fixture
def issue(key: ProjectKey, user: User, now: datetime) -> Issue:
    """Seen once, and discarded."""
    ingest(prepared(key, user=a_user("1"), release="1.0"))
    issue = Issue.objects.get()
    actions.bookmark_issues([issue], by=user)
    actions.ignore_issues([issue], Conditions(count=5), by=user, now=now)
    assert actions.discard_issues([issue], by=user, now=now) == 1
    SeriesCount.objects.all().delete()
    return issue


def test_a_discarded_issue_is_out_of_sight(issue: Issue, user: User, now: datetime) -> None:
    stored = Issue.objects.get()
    assert (issue.status, stored.status) == (Status.DISCARDED, Status.DISCARDED)
    assert not Issue.objects.visible().exists()
    tombstone = IssueTombstone.objects.get()
    assert (tombstone.issue, tombstone.actor, tombstone.created_at) == (issue, user, now)
    assert not IssueSnooze.objects.exists()
    assert actions.discard_issues([issue], by=user, now=now) == 0
    assert actions.delete_issues([issue], now=now) == 0


def test_its_events_are_dropped_and_counted(key: ProjectKey, issue: Issue) -> None:
    ingest(*(prepared(key) for _ in range(3)), prepared(key, "another"))
    assert Event.objects.count() == EventAddress.objects.count() == 2
    issue.refresh_from_db()
    assert issue.times_seen == 1
    assert series(key) == {
        "organization received": 4,
        "organization blacklisted": 3,
        "received": 4,
        "blacklisted": 3,
        "stored": 1,
        "key received": 4,
        "key blacklisted": 3,
        "discarded-hash": 3,
    }
    assert Issue.objects.visible().get().title == "another"


def test_an_event_that_is_sent_twice_is_dropped_twice(key: ProjectKey, issue: Issue) -> None:
    """Nothing is kept of it to know it by. In one batch it is one event, as any."""
    event = prepared(key)
    ingest(event, event)
    assert series(key)["discarded-hash"] == series(key)["received"] == 1
    ingest(event)
    assert series(key)["discarded-hash"] == series(key)["received"] == 2
    assert not EventAddress.objects.filter(event_id=event.event_id).exists()


def test_the_id_of_a_stored_event_stays_taken(key: ProjectKey, issue: Issue) -> None:
    stored = Event.objects.get()
    ingest(prepared(key, event_id=stored.event_id))
    assert series(key) == {}
    assert EventAddress.objects.get().event_id == stored.event_id


def test_the_first_hash_that_is_known_decides(key: ProjectKey, issue: Issue) -> None:
    discarded, new = a_hash("it broke"), a_hash("new")
    ingest(prepared(key, "another"))
    another = Issue.objects.visible().get()
    ingest(prepared(key, hashes=[a_hash("another"), discarded]))
    another.refresh_from_db()
    assert another.times_seen == 2
    ingest(prepared(key, hashes=[new, discarded, a_hash("another")]))
    # A dropped event leads no other hash to where it went.
    assert not IssueHash.objects.filter(hash=new).exists()
    ingest(prepared(key, "third", hashes=[discarded]), prepared(key, "third", hashes=[new]))
    assert Issue.objects.visible().order_by("-number")[0].times_seen == 1
    assert series(key)["discarded-hash"] == 2


def test_a_batch_that_is_dropped_whole(key: ProjectKey, issue: Issue) -> None:
    counter = Counting()
    with connection.cursor() as cursor:
        counter.cursor = cursor.cursor
        for size in (1, 20):
            counter.statements = 0
            digest(counter, [prepared(key) for _ in range(size)])
            assert counter.statements == 4


def test_what_was_not_counted_yet_is_not_counted_any_more(
    key: ProjectKey, user: User, now: datetime
) -> None:
    late = write(prepared(key, user=a_user("1")))
    actions.discard_issues([Issue.objects.get()], by=user, now=now)
    count(late)
    assert Issue.objects.get().times_seen == 0
    for model in (IssueDay, IssueTag, IssueUser, IssueRelease):
        assert not model._default_manager.exists()


def test_only_the_row_and_the_hashes_are_left(
    key: ProjectKey, issue: Issue, now: datetime, run_tasks: RunTasks
) -> None:
    assert run_tasks(now + timedelta(minutes=4)) == 0
    assert run_tasks(now + timedelta(minutes=6)) == 1
    of_it = (Event, EventAddress, IssueDay, IssueTag, IssueUser, IssueRelease)
    for model in (*of_it, Activity, IssueBookmark, IssueSubscription):
        assert not model._default_manager.exists()
    issue.refresh_from_db()
    assert (issue.times_seen, issue.tag_keys, issue.deleted_at) == (0, {}, None)
    assert issue.title == "it broke"
    assert IssueHash.objects.get().issue_id == issue.pk
    assert maintenance.delete_forgotten_issues(now + timedelta(hours=1)) == 0
    ingest(prepared(key))
    assert series(key)["discarded-hash"] == 1


def test_a_discarded_issue_takes_those_along_that_were_merged_into_it(
    key: ProjectKey, now: datetime, run_tasks: RunTasks
) -> None:
    ingest(prepared(key, "one"), prepared(key, "two"), prepared(key, "two"))
    merged = actions.merge_issues(list(Issue.objects.all()), by=None, now=now)
    assert merged is not None
    actions.discard_issues([merged.parent], by=None, now=now)
    run_tasks(now + timedelta(minutes=6))
    assert Issue.objects.get() == merged.parent
    assert not Event.objects.exists()
    ingest(prepared(key, "one"), prepared(key, "two"))
    assert series(key)["discarded-hash"] == 2


def test_without_its_tombstone_it_is_a_new_issue(
    key: ProjectKey, issue: Issue, now: datetime, run_tasks: RunTasks
) -> None:
    actions.remove_tombstones(list(IssueTombstone.objects.select_related("issue")), now=now)
    ingest(prepared(key, timestamp=NOON + 60))
    anew = Issue.objects.visible().get()
    assert (anew.times_seen, anew.number) == (1, 2)
    run_tasks(now + timedelta(minutes=6))
    assert Issue.objects.get() == anew
    assert Event.objects.count() == 1


@pytest.mark.parametrize("rows", [2, 20])
def test_the_number_of_statements_does_not_depend_on_the_issues(
    key: ProjectKey, now: datetime, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    issues = factories.IssueFactory.create_batch(rows, project=key.project)
    with django_assert_num_queries(9):
        actions.discard_issues(issues, by=None, now=now)
