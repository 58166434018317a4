"""What becomes of hashes that are taken out of an issue, and of the events that they led there."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from issues import actions, merging, tasks, unmerging
from issues.actions import CannotUnmerge, Conditions
from issues.models import Activity, Event, Issue, IssueHash, IssueSnooze, JournalEntry
from issues.payload.event import PreparedEvent
from sentrylite.accounts.models import User
from sentrylite.background import queue
from sentrylite.ingest.connection import Connection
from sentrylite.ingest.digest import digest
from sentrylite.ingest.increments import Increments
from sentrylite.ingest.journal import Journal
from sentrylite.organizations.models import ProjectKey
from tests.counted import an_event, count, from_counters, from_events, ingest, write
from tests.events import a_hash, prepared

pytestmark = pytest.mark.django_db

RunTasks = Callable[[datetime], int]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to wait is due again at once."""
    monkeypatch.setattr(unmerging, "PAUSE", timedelta(0))


def nothing() -> None:
    pass


def move(source: Issue, new: Issue, *messages: str) -> None:
    hashes = [a_hash(message).hex for message in messages]
    unmerging.move_events(source.pk, new.pk, hashes, after_batch=nothing)


def unmerge(source: Issue, *messages: str, now: datetime) -> Issue:
    new = actions.unmerge_hashes(source, {a_hash(text) for text in messages}, by=None, now=now)
    assert new is not None
    return new


def merge(*messages: str, now: datetime) -> Issue:
    issues = list(Issue.objects.visible().filter(title__in=messages))
    merged = actions.merge_issues(issues, by=None, now=now)
    assert merged is not None
    merging.move_rows([issue.pk for issue in merged.children], after_batch=nothing)
    return merged.parent


def three(key: ProjectKey) -> None:
    for message, quantity in (("one", 7), ("two", 12), ("three", 5)):
        ingest(*(an_event(key, message, n * 3) for n in range(quantity)))


def facts(issue: Issue) -> dict[str, Any]:
    issue.refresh_from_db()
    names = (*unmerging.FACTS, "status")
    return {name: getattr(issue, name) for name in names}


# What is so at once -------------------------------------------------------------------------------


def test_hashes_become_an_issue_of_their_own(key: ProjectKey, user: User, now: datetime) -> None:
    three(key)
    parent = merge("one", "two", "three", now=now)
    Activity.objects.all().delete()
    hashes = {a_hash("one"), a_hash("three"), a_hash("unknown")}
    new = actions.unmerge_hashes(parent, hashes, by=user, now=now)
    assert new is not None
    assert (new.number, new.times_seen, new.active_at) == (4, 0, now)
    assert new.status == Issue.Status.UNRESOLVED
    moved = [a_hash("one"), a_hash("three")]
    assert set(IssueHash.objects.filter(issue_id=new.pk).values_list("hash", flat=True)) == {*moved}
    assert IssueHash.objects.get(issue_id=parent.pk).hash == a_hash("two")
    source, destination = Activity.objects.order_by("id")
    texts = sorted(hash.hex for hash in moved)
    assert (source.issue, source.type, source.user) == (parent, "unmerge_source", user)
    assert source.data == {"fingerprints": texts, "destination": new.pk}
    assert (destination.issue, destination.type) == (new, "unmerge_destination")
    assert destination.data == {"fingerprints": texts, "source": parent.pk}
    ingest(an_event(key, "one", 1))
    new.refresh_from_db()
    assert new.times_seen == 1


def test_an_issue_keeps_one_of_its_hashes(key: ProjectKey, now: datetime) -> None:
    three(key)
    parent = merge("one", "two", now=now)
    for hashes in ({a_hash("one"), a_hash("two")}, {a_hash("one"), a_hash("two"), a_hash("x")}):
        with pytest.raises(CannotUnmerge):
            actions.unmerge_hashes(parent, hashes, by=None, now=now)
    key.project.refresh_from_db()
    assert key.project.last_short_id == 3
    assert actions.unmerge_hashes(parent, {a_hash("three")}, by=None, now=now) is None
    assert actions.unmerge_hashes(parent, set(), by=None, now=now) is None


def test_what_is_gone_is_not_unmerged(key: ProjectKey, now: datetime) -> None:
    three(key)
    parent = merge("one", "two", now=now)
    stale = Issue.objects.get(pk=parent.pk)
    Issue.objects.filter(pk=parent.pk).update(status=Issue.Status.PENDING_DELETION)
    with pytest.raises(CannotUnmerge):
        actions.unmerge_hashes(stale, {a_hash("one")}, by=None, now=now)


@pytest.mark.parametrize("rows", [2, 20])
def test_the_number_of_statements_does_not_depend_on_the_hashes(
    key: ProjectKey, now: datetime, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    hashes = [a_hash(str(n)) for n in range(rows + 1)]
    ingest(prepared(key, hashes=hashes))
    issue = Issue.objects.get()
    with django_assert_num_queries(16):
        actions.unmerge_hashes(issue, set(hashes[1:]), by=None, now=now)


# What follows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_what_was_merged_can_be_unmerged(
    key: ProjectKey, now: datetime, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unmerging, "EVENTS_AT_ONCE", at_once)
    three(key)
    before = {}
    for issue in Issue.objects.all():
        before[issue.title] = (from_counters(issue), facts(issue))
        assert before[issue.title][0] == from_events(issue)
    parent = merge("one", "two", "three", now=now)
    new = unmerge(parent, "one", now=now)
    move(parent, new, "one")
    assert (from_counters(new), facts(new)) == before["one"]
    other = unmerge(parent, "three", now=now)
    move(parent, other, "three")
    assert (from_counters(other), facts(other)) == before["three"]
    assert (from_counters(parent), facts(parent)) == before["two"]
    assert merge("one", "two", "three", now=now) == parent
    assert from_counters(parent) == from_events(parent)


def test_the_first_hash_of_an_event_decides(key: ProjectKey, now: datetime) -> None:
    a, b = a_hash("a"), a_hash("b")
    ingest(prepared(key, hashes=[a, b]), prepared(key, hashes=[b]), prepared(key, hashes=[a]))
    issue = Issue.objects.get()
    new = unmerge(issue, "b", now=now)
    move(issue, new, "b")
    for found, events in ((issue, 2), (new, 1)):
        assert from_counters(found) == from_events(found)
        assert found.times_seen == events
    ingest(prepared(key, hashes=[a, b]), prepared(key, hashes=[b]))
    for found, events in ((issue, 3), (new, 2)):
        found.refresh_from_db()
        assert found.times_seen == events


def test_interrupted_it_goes_on_where_it_stopped(
    key: ProjectKey, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unmerging, "EVENTS_AT_ONCE", 2)
    three(key)
    parent = merge("one", "two", now=now)
    new = unmerge(parent, "one", now=now)

    def stop() -> None:
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            unmerging.move_events(parent.pk, new.pk, [a_hash("one").hex], after_batch=stop)
    move(parent, new, "one")
    move(parent, new, "one")
    for issue in (parent, new):
        assert from_counters(issue) == from_events(issue)


def test_events_that_were_still_to_be_merged_are_unmerged(key: ProjectKey, now: datetime) -> None:
    three(key)
    merged = actions.merge_issues(list(Issue.objects.all()), by=None, now=now)
    assert merged is not None
    new = unmerge(merged.parent, "one", now=now)
    move(merged.parent, new, "one")
    for issue, events in ((merged.parent, 17), (new, 7)):
        assert from_counters(issue) == from_events(issue)
        assert issue.times_seen == events


def test_both_sides_may_be_merged_away_meanwhile(key: ProjectKey, now: datetime) -> None:
    three(key)
    ingest(*(an_event(key, "four", n) for n in range(40)))
    parent = merge("one", "two", now=now)
    new = unmerge(parent, "one", now=now)
    four, other = Issue.objects.get(title="four"), Issue.objects.get(title="three")
    actions.merge_issues([four, parent], by=None, now=now)
    actions.merge_issues([Issue.objects.get(pk=new.pk), other], by=None, now=now)
    move(parent, new, "one")
    merging.move_rows([new.pk, parent.pk], after_batch=nothing)
    for issue, events in ((four, 52), (other, 12)):
        assert from_counters(issue) == from_events(issue)
        assert issue.times_seen == events


def test_nothing_is_done_when_they_are_together_again_or_gone(
    key: ProjectKey, now: datetime
) -> None:
    three(key)
    parent = merge("one", "two", now=now)
    new = unmerge(parent, "one", now=now)
    actions.merge_issues([parent, new], by=None, now=now)
    move(parent, new, "one")
    merging.move_rows([new.pk], after_batch=nothing)
    assert from_counters(parent) == from_events(parent)
    again = unmerge(parent, "one", now=now)
    Issue.objects.filter(pk=again.pk).delete()
    move(parent, again, "one")
    assert from_counters(parent) == from_events(parent)
    gone = Issue(pk=10**9)
    move(gone, parent, "one")


def test_unmerged_events_end_no_condition_and_prolong_none(key: ProjectKey, now: datetime) -> None:
    three(key)
    parent = merge("one", "two", now=now)
    actions.ignore_issues([parent], Conditions(count=3, user_count=2), by=None, now=now)
    ingest(an_event(key, "two", 99))
    new = unmerge(parent, "one", now=now)
    move(parent, new, "one")
    parent.refresh_from_db()
    snooze = IssueSnooze.objects.get()
    assert (snooze.events_left(parent), snooze.users_left(parent)) == (2, 2)


# Events that come in meanwhile --------------------------------------------------------------------


def run_all(run_tasks: RunTasks) -> None:
    """Until nothing is left to unmerge. Other databases of the server have transactions too, and
    some of them take long."""
    for _ in range(600):
        run_tasks(timezone.now())
        if not list(queue.unfinished(tasks.unmerge_issues)):
            return
        time.sleep(0.1)
    raise AssertionError("it waits for ever")


def test_the_task_waits_until_everything_is_counted(key: ProjectKey, run_tasks: RunTasks) -> None:
    now = timezone.now()
    three(key)
    parent = merge("one", "two", now=now)
    late = write(an_event(key, "one", 40), an_event(key, "two", 41))
    entry = JournalEntry.objects.create(owner=1, data=late.dump())
    new = unmerge(parent, "one", now=now)
    for _ in range(5):
        run_tasks(timezone.now())
    assert not Event.objects.filter(issue_id=new.pk).exists()
    count(late)
    entry.delete()
    run_all(run_tasks)
    for issue, events in ((parent, 13), (new, 8)):
        assert from_counters(issue) == from_events(issue)
        assert issue.times_seen == events


def test_it_does_not_wait_for_ever(now: datetime) -> None:
    JournalEntry.objects.create(owner=1, data=b"")
    waiting = unmerging.wait(None, now)
    assert waiting is not None
    assert unmerging.wait(waiting, now + timedelta(minutes=4)) is not None
    assert unmerging.wait(waiting, now + timedelta(minutes=6)) is None


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_a_batch_that_has_read_where_the_hashes_led(
    key: ProjectKey, now: datetime
) -> None:
    three(key)
    parent = merge("one", "two", now=now)
    writer = Connection("test")
    waiting: list[Any] = []

    def work(cursor: Any) -> None:
        increments = digest(cursor, [an_event(key, "one", 40)])
        new = unmerge(parent, "one", now=now)
        waiting.extend([new, unmerging.wait(None, now)])
        assert unmerging.wait(waiting[1], now) is not None
        increments.apply(cursor)

    writer.run(work)
    writer.close()
    new, state = waiting
    for _ in range(1200):  # other databases of the server have transactions too
        state = unmerging.wait(state, now)
        if state is None:
            break
        time.sleep(0.05)
    assert state is None
    move(parent, new, "one")
    for issue, events in ((parent, 12), (new, 8)):
        assert from_counters(issue) == from_events(issue)
        assert issue.times_seen == events


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_lost_or_counted_twice_while_events_come_in(
    key: ProjectKey, seed: int, run_tasks: RunTasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process ingests through its journal while issues are merged and unmerged."""
    monkeypatch.setattr(unmerging, "EVENTS_AT_ONCE", 7)
    chance = random.Random(seed)
    messages = [f"issue {n}" for n in range(4)]
    ingest(*(an_event(key, message) for message in messages))
    journal = Journal()
    journal._connection.run(lambda cursor: None)
    batches = [
        [an_event(key, chance.choice(messages), chance.randrange(60)) for _ in range(9)]
        for _ in range(25)
    ]

    def ingest_through_the_journal() -> None:
        writer = Connection("test")
        for number, batch in enumerate(batches):

            def work(cursor: Any, batch: list[PreparedEvent] = batch) -> tuple[int, Increments]:
                increments = digest(cursor, batch)
                return journal.record(cursor, increments), increments

            for _ in range(5):
                try:
                    journal.recorded(*writer.run(work))
                    break
                except Exception as error:
                    if "deadlock" not in str(error):
                        raise
            if number % 4 == 0:
                journal._try(journal.fold)
        writer.close()

    now = timezone.now()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ingest_through_the_journal)
        while not running.done():
            issues = list(Issue.objects.visible())
            if len(issues) > 1:
                actions.merge_issues(chance.sample(issues, 2), by=None, now=now)
            else:
                hashes = chance.sample(messages, 2)
                actions.unmerge_hashes(
                    issues[0], {a_hash(text) for text in hashes}, by=None, now=now
                )
            run_tasks(timezone.now())
        running.result()
    journal.fold()
    journal._connection.close()
    run_all(run_tasks)
    run_tasks(timezone.now() + timedelta(minutes=6))
    left = list(Issue.objects.visible())
    for issue in left:
        if issue.times_seen or Event.objects.filter(issue_id=issue.pk).exists():
            assert from_counters(issue) == from_events(issue)
    assert sum(issue.times_seen for issue in left) == 4 + 25 * 9
    assert not Event.objects.exclude(issue_id__in=[issue.pk for issue in left]).exists()
