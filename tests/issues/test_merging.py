"""What becomes of issues that are merged, and of the events that come in meanwhile."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from issues import actions, deletion, intake, maintenance, merging
from issues.actions import Conditions
from issues.merging import CannotMerge
from issues.models import (
    Activity,
    Event,
    EventAddress,
    Issue,
    IssueBookmark,
    IssueHash,
    IssueRelease,
    IssueResolution,
    IssueSeen,
    IssueSnooze,
    IssueSubscription,
    IssueTag,
    IssueUser,
)
from issues.payload.event import PreparedEvent
from sentrylite.accounts.models import User
from sentrylite.ingest.connection import Connection
from sentrylite.ingest.digest import digest
from sentrylite.ingest.increments import Increments
from sentrylite.ingest.journal import Journal
from sentrylite.organizations.models import ProjectKey
from stats.models import IssueDay
from tests import factories
from tests.counted import an_event, count, from_counters, from_events, ingest, write
from tests.events import NOON, prepared

pytestmark = pytest.mark.django_db

RunTasks = Callable[[datetime], int]
Status = Issue.Status

COUNTED = (IssueDay, IssueHash, IssueRelease, IssueTag, IssueUser)


def issue_of(message: str) -> Issue:
    return Issue.objects.get(title=message)


def merge(*messages: str, now: datetime) -> Issue:
    found = list(Issue.objects.visible().filter(title__in=messages))
    merged = actions.merge_issues(found, by=None, now=now)
    assert merged is not None
    return merged.parent


def move(*messages: str) -> int:
    merged = Issue.objects.filter(title__in=messages, status=Status.PENDING_MERGE)
    return merging.move_rows([issue.pk for issue in merged], after_batch=lambda: None)


def assert_nothing_left(*issues: Issue) -> None:
    ids = [issue.pk for issue in issues]
    for model in (Event, *COUNTED):
        assert not model._default_manager.filter(issue_id__in=ids).exists()
    for of_issues in (Activity, IssueBookmark, IssueSeen, IssueSubscription):
        assert not of_issues._default_manager.filter(issue__in=ids).exists()


# What is so at once -------------------------------------------------------------------------------


def test_the_issue_with_the_most_events_stands_for_all(
    key: ProjectKey, user: User, now: datetime
) -> None:
    ingest(*(an_event(key, "one", n) for n in range(3, 5)))
    ingest(*(an_event(key, "two", n) for n in range(4, 9)))
    ingest(an_event(key, "three", 1), an_event(key, "three", 99))
    Issue.objects.filter(title="three").update(comment_count=2)
    one, two, three = (issue_of(message) for message in ("one", "two", "three"))
    actions.share_issues([one], by=user, now=now)
    actions.resolve_issues_in_release([one], one.first_release, is_next=False, by=user, now=now)  # type: ignore[arg-type]
    Activity.objects.all().delete()

    merged = actions.merge_issues([one, two, three], by=user, now=now)
    assert merged is not None
    assert (merged.parent, merged.children) == (two, [one, three])
    stored = Issue.objects.get(pk=two.pk)
    for parent in (two, stored):
        assert (parent.times_seen, parent.comment_count) == (9, 2)
        assert parent.first_seen == three.first_seen
        assert parent.last_seen == three.last_seen
        assert parent.first_release_id == three.first_release_id
        assert parent.status == Status.UNRESOLVED
    activity = Activity.objects.get()
    assert (activity.issue, activity.type, activity.user) == (two, "merge", user)
    assert activity.data == {"issues": [{"id": one.pk}, {"id": three.pk}]}
    for child in (one, three):
        child.refresh_from_db()
        assert (child.status, child.merged_into) == (Status.PENDING_MERGE, two)
        assert (child.times_seen, child.share_id) == (0, None)
    assert not IssueResolution.objects.exists()
    assert set(IssueHash.objects.values_list("issue_id", flat=True)) == {two.pk}


def test_of_equals_the_youngest_stands_for_all(key: ProjectKey, now: datetime) -> None:
    ingest(an_event(key, "one"), an_event(key, "two"), an_event(key, "three"))
    assert merge("one", "two", "three", now=now).pk == max(
        Issue.objects.values_list("pk", flat=True)
    )


def test_less_than_two_are_not_merged(key: ProjectKey, now: datetime) -> None:
    ingest(an_event(key, "one"), an_event(key, "two"))
    one, two = issue_of("one"), issue_of("two")
    assert actions.merge_issues([one], by=None, now=now) is None
    assert actions.merge_issues([one, one], by=None, now=now) is None
    actions.delete_issues([two], now=now)
    assert actions.merge_issues([one, two], by=None, now=now) is None
    assert not Activity.objects.exists()


def test_issues_of_several_projects_are_not_merged(now: datetime) -> None:
    with pytest.raises(CannotMerge):
        actions.merge_issues(factories.IssueFactory.create_batch(2), by=None, now=now)


def test_the_next_event_is_in_the_issue_that_is_left(key: ProjectKey, now: datetime) -> None:
    ingest(an_event(key, "one"), an_event(key, "two"), an_event(key, "two"))
    parent = merge("one", "two", now=now)
    actions.resolve_issues([parent], by=None, now=now)
    ingest(an_event(key, "one", 1))
    parent.refresh_from_db()
    assert (parent.times_seen, parent.status) == (4, Status.UNRESOLVED)
    assert Event.objects.filter(issue_id=parent.pk).count() == 3


def test_merged_events_end_no_condition(key: ProjectKey, now: datetime) -> None:
    ingest(*(an_event(key, "one", n) for n in range(2)))
    ingest(*(an_event(key, "two", n) for n in range(3)))
    two = issue_of("two")
    actions.ignore_issues([two], Conditions(count=1, user_count=1), by=None, now=now)
    ingest(an_event(key, "one", 3))
    Issue.objects.filter(title="two").update(times_seen=10)
    IssueSnooze.objects.update(times_seen_before=10)
    assert merge("one", "two", now=now) == two
    move("one", "two")
    two.refresh_from_db()
    two.snooze = IssueSnooze.objects.get()
    assert two.user_count == 4
    assert two.status_at(now) == Status.IGNORED
    assert (two.snooze.events_left(two), two.snooze.users_left(two)) == (1, 1)


def test_what_was_merged_into_a_merged_issue_goes_along(key: ProjectKey, now: datetime) -> None:
    for quantity, message in enumerate(("one", "two", "three"), 1):
        ingest(*(an_event(key, message, n) for n in range(quantity)))
    merge("one", "two", now=now)
    three = issue_of("three")
    ingest(an_event(key, "three", 3))
    assert merge("two", "three", now=now) == three
    assert set(Issue.objects.filter(merged_into=three).values_list("title", flat=True)) == {
        "one",
        "two",
    }
    move("one", "two", "three")
    assert from_counters(three) == from_events(three)


@pytest.mark.parametrize("rows", [2, 20])
def test_the_number_of_statements_does_not_depend_on_the_issues(
    key: ProjectKey, now: datetime, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ingest(*(an_event(key, f"issue {n}", n) for n in range(rows)))
    issues = list(Issue.objects.all())
    with django_assert_num_queries(12):
        actions.merge_issues(issues, by=None, now=now)


# What follows -------------------------------------------------------------------------------------


def test_it_follows_at_once_and_what_was_just_being_written_a_little_later(
    key: ProjectKey, now: datetime, run_tasks: RunTasks
) -> None:
    ingest(*(an_event(key, message, n) for n in range(9) for message in ("one", "two")))
    one, late = issue_of("one"), write(an_event(key, "one", 20))
    parent = merge("one", "two", now=now)
    assert run_tasks(now) == 1
    # This one is committed only now.
    Event.objects.filter(timestamp=datetime.fromtimestamp(NOON + 20 * 1800, UTC)).update(
        issue_id=one.pk
    )
    count(late)
    assert run_tasks(now + timedelta(minutes=4)) == 0
    assert run_tasks(now + timedelta(minutes=6)) == 1
    assert from_counters(parent) == from_events(parent)
    assert parent.times_seen == 19
    assert_nothing_left(one)


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_everything_follows(
    key: ProjectKey, now: datetime, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "ROWS_AT_ONCE", at_once)
    for message, quantity in (("one", 7), ("two", 11), ("three", 4), ("other", 3)):
        ingest(*(an_event(key, message, n) for n in range(quantity)))
    other = from_counters(issue_of("other"))
    one, three = issue_of("one"), issue_of("three")
    parent = merge("one", "two", "three", now=now)
    batches = 0

    def after_batch() -> None:
        nonlocal batches
        batches += 1

    ids = [one.pk, three.pk]
    assert merging.move_rows(ids, after_batch) > 0
    assert from_counters(parent) == from_events(parent)
    assert parent.times_seen == 22
    assert_nothing_left(one, three)
    assert from_counters(issue_of("other")) == other
    assert batches > (30 if at_once == 1 else len(merging.MOVES))
    assert merging.move_rows(ids, after_batch) == 0


def test_interrupted_it_goes_on_where_it_stopped(
    key: ProjectKey, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "ROWS_AT_ONCE", 2)
    ingest(*(an_event(key, "one", n) for n in range(5)))
    ingest(*(an_event(key, "two", n) for n in range(6)))
    one, two = issue_of("one"), merge("one", "two", now=now)

    def stop() -> None:
        raise KeyboardInterrupt

    for _ in range(100):
        try:
            merging.move_rows([one.pk], after_batch=stop)
        except KeyboardInterrupt:
            continue
    assert merging._move_batch(merging.MOVES[0], [one.pk]) == 0
    move("one")
    assert from_counters(two) == from_events(two)
    assert_nothing_left(one)


def test_activities_and_marks_follow_and_nobody_has_two(
    key: ProjectKey, user: User, now: datetime
) -> None:
    another = factories.UserFactory()
    ingest(an_event(key, "one"), an_event(key, "two"))
    one, two = issue_of("one"), issue_of("two")
    actions.add_note(one, "What is this?", by=another, now=now)
    for issue in (one, two):
        actions.bookmark_issues([issue], by=user)
        actions.mark_seen([issue], by=user, now=now)
    actions.bookmark_issues([one], by=another)
    actions.set_subscription([two], by=user, is_active=False)
    assert merge("one", "two", now=now) == two
    move("one")
    assert_nothing_left(one)
    assert Activity.objects.filter(issue=two).count() == 2
    assert IssueBookmark.objects.filter(issue=two).count() == 2
    assert IssueSeen.objects.get().issue == two
    subscriptions = IssueSubscription.objects.values_list("issue", "user", "is_active")
    assert sorted(subscriptions) == sorted([(two.pk, user.pk, False), (two.pk, another.pk, True)])


def test_keys_that_are_too_many_to_sum_up_stay_so(key: ProjectKey, now: datetime) -> None:
    for message, start in (("one", 0), ("two", 150)):
        tags = [(f"key-{n}", "x") for n in range(start, start + 150)]
        ingest(prepared(key, message, tags=tags))
    parent = merge("one", "two", now=now)
    move("one", "two")
    parent.refresh_from_db()
    assert len(parent.tag_keys) == intake.MAX_TAG_KEYS
    assert IssueTag.objects.filter(issue_id=parent.pk).count() == 300


def test_a_deleted_issue_takes_those_along_that_were_merged_into_it(
    key: ProjectKey, now: datetime, run_tasks: RunTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "ISSUES_AT_ONCE", 1)
    ingest(an_event(key, "one"), an_event(key, "two"), an_event(key, "two"))
    parent = merge("one", "two", now=now)
    assert actions.delete_issues([parent], now=now) == 1
    assert maintenance.delete_forgotten_issues(now + timedelta(hours=1)) == 0
    run_tasks(now + timedelta(minutes=6))
    for model in (Issue, Event, EventAddress, *COUNTED):
        assert not model._default_manager.exists()
    ingest(an_event(key, "one"))
    assert Issue.objects.get().times_seen == 1


# Events that come in meanwhile --------------------------------------------------------------------


def test_what_was_not_counted_yet_is_counted_in_the_issue_that_is_left(
    key: ProjectKey, now: datetime
) -> None:
    ingest(*(an_event(key, message, n) for n in range(3) for message in ("one", "two", "three")))
    late = [
        write(*(an_event(key, message, n) for message in ("one", "two", "three"))) for n in range(4)
    ]
    ids = [issue_of(message).pk for message in ("one", "two", "three")]
    count(late[0])
    parent = merge("one", "two", now=now)
    count(late[1])
    move("one", "two")
    third = issue_of("three")
    Issue.objects.filter(pk=third.pk).update(times_seen=10**6)
    merge("two", "three", now=now)
    Issue.objects.filter(pk=third.pk).update(times_seen=3 * 3 + 5 + 1 + 1 - 1)
    both = late[2]
    both += late[3]
    count(both)
    merging.move_rows(ids, after_batch=lambda: None)
    third.refresh_from_db()
    expected = from_events(third)
    assert from_counters(third) | {"events": 0} == expected | {"events": 0}
    assert expected["events"] == 21
    assert_nothing_left(parent)


def test_a_hash_that_was_bound_too_late_leads_to_the_issue_that_is_left(
    key: ProjectKey, now: datetime
) -> None:
    ingest(an_event(key, "one"), an_event(key, "two"), an_event(key, "two"))
    one, parent = issue_of("one"), merge("one", "two", now=now)
    IssueHash.objects.filter(issue_id=parent.pk).update(issue_id=one.pk)
    ingest(an_event(key, "one"), an_event(key, "two"))
    assert Event.objects.filter(issue_id=parent.pk).count() == 4
    move("one")
    assert set(IssueHash.objects.values_list("issue_id", flat=True)) == {parent.pk}


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_an_issue_that_is_merged_away_counts_in_the_other(
    key: ProjectKey, now: datetime
) -> None:
    ingest(an_event(key, "one"), an_event(key, "two"), an_event(key, "two"))
    late = write(*(an_event(key, message, 1) for message in ("one", "two")))
    writer = Connection("test")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            parent = merge("one", "two", now=now)
            counting = pool.submit(writer.run, late.apply)
            wait_for_a_lock()
        counting.result(timeout=10)
    writer.close()
    move("one")
    assert from_counters(parent) == from_events(parent)
    assert parent.times_seen == 5


def wait_for_a_lock() -> None:
    """Until some transaction waits for another."""
    with connection.cursor() as cursor:
        for _ in range(500):
            cursor.execute(
                "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE datname = current_database() AND NOT granted"
            )
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_or_counted_twice_while_events_come_in(
    key: ProjectKey, now: datetime, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes ingest, one through the journal, while issues are merged again and again."""
    monkeypatch.setattr(merging, "ROWS_AT_ONCE", 5)
    chance = random.Random(seed)
    messages = [f"issue {n}" for n in range(6)]
    ingest(*(an_event(key, message) for message in messages))
    ids = sorted(Issue.objects.values_list("pk", flat=True))
    journal = Journal()
    journal._connection.run(lambda cursor: None)

    def batches(which: int) -> list[list[PreparedEvent]]:
        ours = random.Random(f"{seed}/{which}")
        return [
            [an_event(key, ours.choice(messages), ours.randrange(60)) for _ in range(9)]
            for _ in range(12)
        ]

    def ingest_through_the_journal() -> None:
        writer = Connection("test")
        for batch in batches(1):

            def work(cursor: Any, batch: list[PreparedEvent] = batch) -> tuple[int, Increments]:
                increments = digest(cursor, batch)
                return journal.record(cursor, increments), increments

            journal.recorded(*writer.run(work))
            repeat(journal.fold)
        writer.close()

    def ingest_at_once() -> None:
        writer = Connection("test")
        for batch in batches(2):

            def work(cursor: Any, batch: list[PreparedEvent] = batch) -> None:
                digest(cursor, batch).apply(cursor)

            repeat(partial(writer.run, work))
        writer.close()

    def repeat(work: Callable[[], object]) -> None:
        """As ingestion and the runner of tasks do it, when two have waited in a circle."""
        for _ in range(5):
            try:
                work()
                return
            except Exception as error:
                if "deadlock" not in str(error):
                    raise
                journal.doubt()
        raise AssertionError("deadlocks without an end")

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(ingest_through_the_journal), pool.submit(ingest_at_once)]
        while sum(1 for _ in Issue.objects.visible()) > 1:
            found = list(Issue.objects.visible())
            actions.merge_issues(chance.sample(found, 2), by=None, now=now)
            repeat(partial(merging.move_rows, ids, after_batch=lambda: None))
        for thread in running:
            thread.result(timeout=60)
    journal.fold()
    journal._connection.close()
    merging.move_rows(ids, after_batch=lambda: None)
    left = Issue.objects.visible().get()
    assert from_counters(left) == from_events(left)
    assert left.times_seen == 6 + 2 * 12 * 9
    assert_nothing_left(*Issue.objects.exclude(pk=left.pk))
