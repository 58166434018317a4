"""What becomes of an issue's events when they are restored again, with files that came later."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import DjangoAssertNumQueries

from issues import actions, reprocessing, tasks, unmerging
from issues.models import (
    Activity,
    Event,
    EventAddress,
    Issue,
    IssueHash,
    IssueReprocessing,
    IssueSnooze,
    JournalEntry,
    UserReport,
)
from issues.payload import codec
from issues.payload.event import PreparedEvent, ScrubRules, Sender, Uploads
from issues.payload.prepare import finish, read
from issues.symbolication import Symbolicator
from sentrylite.accounts.models import User
from sentrylite.background import queue
from sentrylite.organizations.models import Project, ProjectKey
from sentrylite.releases.models import ReleaseProject
from tests import factories, scripts, uploads
from tests.counted import count, from_counters, from_events, ingest, write
from tests.debug_files import BREAKPAD, DEBUG_ID, MAPPING, MAPPING_ID, upload
from tests.events import NOON, a_hash, prepared

pytestmark = pytest.mark.django_db

RunTasks = Callable[[datetime], int]
ALL = Uploads(artifacts=True, debug_files=True)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to wait is due again at once."""
    monkeypatch.setattr(unmerging, "PAUSE", timedelta(0))


@pytest.fixture
def symbolicator() -> Iterator[Symbolicator]:
    """That knows nothing of what was uploaded before."""
    symbolicator = Symbolicator()
    yield symbolicator
    symbolicator.close()


def script_error(**event: Any) -> dict[str, Any]:
    return scripts.error("esbuild", **{"release": "shop@1.0", **event})


def crash(*addresses: int, **event: Any) -> dict[str, Any]:
    image = {
        "type": "elf",
        "debug_id": DEBUG_ID,
        "code_file": "/opt/shop",
        "image_addr": "0x400000",
    }
    frames = [{"instruction_addr": hex(0x400000 + address)} for address in addresses]
    exception = {"type": "SIGABRT", "value": "Abort", "stacktrace": {"frames": frames}}
    return {
        "platform": "native",
        "debug_meta": {"images": [image]},
        "exception": {"values": [exception]},
        **event,
    }


def obfuscated(**event: Any) -> dict[str, Any]:
    frames = [
        {"module": "a.a.b", "function": "b", "in_app": True},
        {"module": "a.a.b", "function": "a", "lineno": 2, "in_app": True},
    ]
    exception = {"type": "c", "module": "a.a", "value": "x", "stacktrace": {"frames": frames}}
    return {
        "platform": "java",
        "debug_meta": {"images": [{"type": "proguard", "uuid": MAPPING_ID}]},
        "exception": {"values": [exception]},
        **event,
    }


def arrived(key: ProjectKey, raw: dict[str, Any], n: int = 0, **facts: Any) -> PreparedEvent:
    """An event as ingestion hands it on, restored with what was uploaded by then."""
    event = read(raw, sender=Sender(), now=NOON)
    symbolicator = Symbolicator()
    try:
        symbolicator.symbolicate(
            event, project_id=key.project_id, uploads=ALL, until=time.monotonic() + 10
        )
    finally:
        symbolicator.close()
    event["timestamp"] = NOON + n
    made = finish(event, rules=ScrubRules())
    made.project_id, made.organization_id = key.project_id, key.project.organization_id
    made.key_id = key.pk
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def upload_scripts(project: Project, now: datetime) -> None:
    script = scripts.script("esbuild")
    uploads.release_file(project, "~/assets/shop.min.js", script, now)
    source_map = scripts.source_map("esbuild")
    uploads.release_file(project, "~/assets/shop.min.js.map", source_map, now)


def upload_program(project: Project, now: datetime) -> None:
    upload(project, BREAKPAD, "shop.sym", now)


def upload_mapping(project: Project, now: datetime) -> None:
    upload(project, MAPPING, f"proguard/{MAPPING_ID}.txt", now)


KINDS = [
    pytest.param(script_error(), upload_scripts, id="script"),
    pytest.param(crash(0x1025, 0x1012), upload_program, id="native"),
    pytest.param(obfuscated(), upload_mapping, id="java"),
]


def nothing() -> None:
    pass


def reprocess(issue: Issue, after_batch: Callable[[], None] = nothing, **wanted: Any) -> Any:
    """All of it at once, as the task does it; returns what it was merged into, if it was."""
    assert actions.reprocess_issues([issue], by=None, now=timezone.now(), **wanted) == 1
    DBTaskResult.objects.all().delete()
    return go_on(issue, after_batch)


def go_on(issue: Issue, after_batch: Callable[[], None] = nothing) -> Any:
    symbolicator = Symbolicator()
    try:
        reprocessing.restore_events(issue.pk, symbolicator, after_batch)
    finally:
        symbolicator.close()
    reprocessing.regroup_events(issue.pk, after_batch)
    return reprocessing.finish(issue.pk, timezone.now())


def stored(event: PreparedEvent) -> dict[str, Any]:
    return codec.unpack(bytes(Event.objects.get(event_id=event.event_id).payload))


def issue_of(event: PreparedEvent) -> Issue:
    return Issue.objects.get(pk=Event.objects.get(event_id=event.event_id).issue_id)


def check(*issues: Issue) -> None:
    """The counters say what is there."""
    for issue in issues:
        assert from_counters(issue) == from_events(issue)


# Restored -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("raw", "upload_files"), KINDS)
def test_an_event_comes_out_as_if_the_files_had_been_there(
    key: ProjectKey, now: datetime, raw: dict[str, Any], upload_files: Any
) -> None:
    late = arrived(key, raw)
    ingest(late)
    assert stored(late)["errors"]
    upload_files(key.project, now)
    issue = issue_of(late)

    reprocess(issue)

    expected = arrived(key, raw, event_id=late.event_id)
    wanted = codec.unpack(expected.payload) | {"event_id": late.event_id.hex}
    assert stored(late) == wanted
    assert "raw_stacktrace" in wanted["exception"]["values"][0]
    assert "errors" not in wanted
    row = Event.objects.get()
    assert (row.message, row.tag_pairs) == (expected.message, expected.tags)
    issue.refresh_from_db()
    assert (issue.title, issue.culprit) == (expected.title, expected.culprit)
    assert issue.metadata == expected.metadata


@pytest.mark.parametrize(("raw", "upload_files"), KINDS)
def test_events_are_one_issue_with_those_that_come_after_the_upload(
    key: ProjectKey, now: datetime, raw: dict[str, Any], upload_files: Any
) -> None:
    ingest(*(arrived(key, raw, n) for n in range(3)))
    issue = Issue.objects.get()
    upload_files(key.project, now)

    assert reprocess(issue) is None
    ingest(arrived(key, raw, 7))

    assert Issue.objects.get() == issue
    assert IssueHash.objects.filter(issue_id=issue.pk).count() > 1
    assert Event.objects.filter(issue_id=issue.pk).count() == 4
    check(issue)


def test_again_and_again_nothing_changes(key: ProjectKey, now: datetime) -> None:
    event = arrived(key, script_error())
    ingest(event)
    upload_scripts(key.project, now)
    reprocess(issue_of(event))
    first = (stored(event), Event.objects.values_list("pk", "message", "payload").get())

    reprocess(issue_of(event))

    assert (stored(event), Event.objects.values_list("pk", "message", "payload").get()) == first
    assert Activity.objects.filter(type="reprocess").count() == 2
    assert Activity.objects.latest("id").data["eventCount"] == 0


def test_what_was_restored_stays_when_the_files_are_gone(key: ProjectKey, now: datetime) -> None:
    upload_scripts(key.project, now)
    event = arrived(key, script_error())
    ingest(event)
    before = stored(event)
    assert "raw_stacktrace" in before["exception"]["values"][0]
    key.project.organization.releases.get().files.all().delete()

    reprocess(issue_of(event))

    assert stored(event) == before


def test_what_is_still_missing_is_said_once(key: ProjectKey, now: datetime) -> None:
    event = arrived(key, script_error())
    ingest(event)
    before = stored(event)
    assert [error["type"] for error in before["errors"]] == ["js_missing_source"]

    reprocess(issue_of(event))

    assert stored(event) == before


def test_what_could_not_be_read_of_an_event_is_still_said(key: ProjectKey, now: datetime) -> None:
    event = arrived(key, script_error(modules=7))
    ingest(event)
    upload_scripts(key.project, now)

    reprocess(issue_of(event))

    assert [error["type"] for error in stored(event)["errors"]] == ["invalid_data"]


@pytest.mark.parametrize("culprit", ["checkout", None])
def test_a_culprit_that_was_sent_stays(key: ProjectKey, now: datetime, culprit: str | None) -> None:
    sent = {"culprit": culprit} if culprit else {}
    event = arrived(key, script_error(**sent))
    ingest(event)
    upload_scripts(key.project, now)

    reprocess(issue_of(event))

    assert stored(event)["culprit"] == (culprit or "Cart.priceOf(src/cart)")


def test_a_stack_trace_of_the_event_itself_is_restored(key: ProjectKey, now: datetime) -> None:
    raw = script_error()
    stack = raw.pop("exception")["values"][0]["stacktrace"]
    event = arrived(key, raw | {"message": "no price", "stacktrace": stack})
    ingest(event)
    upload_scripts(key.project, now)

    for _ in range(2):
        reprocess(issue_of(event))
        found = stored(event)
        assert found["stacktrace"]["frames"][-1]["function"] == "Cart.priceOf"
        assert found["raw_stacktrace"]["frames"][-1]["function"] == "i.priceOf"


def test_an_event_that_nothing_was_uploaded_for_is_left_alone(key: ProjectKey) -> None:
    event = prepared(key, "it broke")
    ingest(event)
    Event.objects.update(payload=b"damaged")

    reprocess(issue := Issue.objects.get())

    assert bytes(Event.objects.get().payload) == b"damaged"
    issue.refresh_from_db()
    assert (issue.title, issue.times_seen) == ("it broke", 1)


def test_an_event_that_cannot_be_restored_costs_no_other(
    key: ProjectKey, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = arrived(key, script_error()), arrived(key, script_error(), 1)
    ingest(bad, good)
    upload_scripts(key.project, now)
    symbolicate = Symbolicator.symbolicate

    def fail(self: Symbolicator, event: dict[str, Any], **how: Any) -> None:
        if event["event_id"] == bad.event_id.hex:
            raise RuntimeError("bug")
        symbolicate(self, event, **how)

    monkeypatch.setattr(Symbolicator, "symbolicate", fail)
    reprocess(issue_of(bad))

    assert "raw_stacktrace" not in stored(bad)["exception"]["values"][0]
    assert "raw_stacktrace" in stored(good)["exception"]["values"][0]
    check(issue_of(bad), issue_of(good))


# Where they belong --------------------------------------------------------------------------------


def crashes(key: ProjectKey) -> list[PreparedEvent]:
    """Of two places, all one issue until it is known which."""
    people = ["anna", "ben", "cleo"]
    made = [
        arrived(
            key,
            crash(
                (0x1012, 0x1025)[n % 3 == 0],
                user={"id": people[n % 3]},
                tags={"n": str(n % 4)},
                environment=("production", "test")[n % 2],
            ),
            n * 3600,
        )
        for n in range(12)
    ]
    ingest(*made)
    assert Issue.objects.count() == 1
    return made


@pytest.mark.parametrize("at_once", [1, 5, 100])
def test_what_turns_out_to_be_two_issues_is_two(
    key: ProjectKey, now: datetime, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reprocessing, "EVENTS_AT_ONCE", at_once)
    events = crashes(key)
    issue = issue_of(events[0])
    upload_program(key.project, now)

    assert reprocess(issue) is None

    # It stays what its newest event is.
    assert issue_of(events[-1]) == issue
    other = issue_of(events[0])
    assert [issue_of(event) for event in events] == [
        other if n % 3 == 0 else issue for n in range(12)
    ]
    check(issue, other)
    assert issue.culprit == "shop::Cart::total(int)"
    assert (other.culprit, other.number, other.status) == ("main", 2, Issue.Status.UNRESOLVED)
    assert (issue.user_count, other.user_count) == (2, 1)


def test_events_go_to_the_issue_that_has_their_hash(key: ProjectKey, now: datetime) -> None:
    events = crashes(key)
    issue = issue_of(events[0])
    upload_program(key.project, now)
    ingest(arrived(key, crash(0x1025), -7200), arrived(key, crash(0x1025), 3600 * 30))
    known = Issue.objects.exclude(pk=issue.pk).get()
    actions.resolve_issues([known], by=None, now=now)

    reprocess(issue)

    assert issue_of(events[0]) == known
    assert known.times_seen == 2
    known.refresh_from_db()
    assert (known.times_seen, known.status) == (6, Issue.Status.RESOLVED)
    check(issue, known)


def test_an_issue_of_which_nothing_is_left_is_merged(
    key: ProjectKey, now: datetime, user: User, run_tasks: RunTasks
) -> None:
    ingest(*(arrived(key, crash(0x1025), n) for n in range(3)))
    issue = Issue.objects.get()
    actions.add_note(issue, "mine", by=user, now=now)
    upload_program(key.project, now)
    ingest(*(arrived(key, crash(0x1025), n) for n in (-5, 9)))
    known = Issue.objects.exclude(pk=issue.pk).get()
    actions.reprocess_issues([issue], by=user, now=timezone.now())

    run_all(run_tasks)

    issue.refresh_from_db()
    assert (issue.status, issue.merged_into) == (Issue.Status.PENDING_MERGE, known)
    check(known)
    assert known.times_seen == 5
    assert not IssueHash.objects.exclude(issue_id=known.pk).exists()
    reprocessed = Activity.objects.get(type="reprocess")
    assert (reprocessed.issue, reprocessed.user) == (known, user)
    assert reprocessed.data == {
        "eventCount": 3,
        "oldGroupId": issue.pk,
        "newGroupId": known.pk,
    }
    assert Activity.objects.get(type="note").issue == known


def test_an_issue_keeps_what_could_not_be_restored(key: ProjectKey, now: datetime) -> None:
    """Those of a program of which there is no debug file."""
    unknown = crash(0x1025)
    unknown["debug_meta"]["images"][0]["debug_id"] = "0" * 31 + "1"
    old, new = arrived(key, unknown), arrived(key, crash(0x1025), 1)
    ingest(old, new)
    issue = Issue.objects.get()
    upload_program(key.project, now)

    reprocess(issue)

    assert issue_of(old) == issue
    assert issue_of(new) != issue
    check(issue, issue_of(new))


def test_no_event_goes_to_a_discarded_issue(key: ProjectKey, now: datetime) -> None:
    event = arrived(key, crash(0x1025))
    ingest(event)
    issue = issue_of(event)
    upload_program(key.project, now)
    after = arrived(key, crash(0x1025))
    discarded = factories.IssueFactory(
        project=key.project, number=99, status=Issue.Status.DISCARDED
    )
    for hash in after.hashes:
        IssueHash.objects.create(project_id=key.project_id, hash=hash, issue_id=discarded.pk)

    assert reprocess(issue) is None

    assert issue_of(event) == issue
    assert issue.status == Issue.Status.UNRESOLVED
    check(issue)


def test_reports_go_with_their_events(key: ProjectKey, now: datetime) -> None:
    events = crashes(key)
    issue = issue_of(events[0])
    for event in events[:2]:
        UserReport.objects.create(
            project=key.project, event_id=event.event_id.hex, issue=issue, created_at=now
        )
    upload_program(key.project, now)

    reprocess(issue)

    found = {report.event_id: report.issue for report in UserReport.objects.all()}
    assert found == {event.event_id.hex: issue_of(event) for event in events[:2]}


def test_an_issue_that_is_opened_is_new_in_its_release(key: ProjectKey, now: datetime) -> None:
    events = [arrived(key, crash(at, release="1.0"), n) for n, at in enumerate((0x1025, 0x1012))]
    ingest(*events)
    upload_program(key.project, now)

    reprocess(issue_of(events[0]))

    assert ReleaseProject.objects.get().new_issues == 2
    new = issue_of(events[0])
    assert new.first_release is not None
    assert new.first_release.version == "1.0"


def test_moved_events_end_no_condition_and_prolong_none(key: ProjectKey, now: datetime) -> None:
    events = crashes(key)
    issue = issue_of(events[0])
    upload_program(key.project, now)
    ingest(arrived(key, crash(0x1025), 3600 * 30, user=None))
    known = Issue.objects.exclude(pk=issue.pk).get()
    for each in (issue, known):
        actions.ignore_issues([each], actions.Conditions(count=3, user_count=2), by=None, now=now)
    Issue.objects.get(pk=issue.pk)

    reprocess(issue)

    for each in (issue, known):
        each.refresh_from_db()
        snooze = IssueSnooze.objects.get(pk=each.pk)
        assert (snooze.events_left(each), snooze.users_left(each)) == (3, 2)


# Some of them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [2, 100])
def test_only_the_newest_are_restored_and_the_others_kept(
    key: ProjectKey, now: datetime, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reprocessing, "EVENTS_AT_ONCE", at_once)
    events = crashes(key)
    issue = issue_of(events[0])
    upload_program(key.project, now)

    reprocess(issue, max_events=5)

    is_restored = ["raw_stacktrace" in stored(e)["exception"]["values"][0] for e in events]
    assert is_restored == [False] * 7 + [True] * 5
    assert [issue_of(event) == issue for event in events] == [True] * 7 + [False] * 5
    check(*Issue.objects.all())
    assert Issue.objects.count() == 3


@pytest.mark.parametrize("at_once", [2, 100])
def test_the_others_are_deleted(
    key: ProjectKey, now: datetime, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reprocessing, "EVENTS_AT_ONCE", at_once)
    events = crashes(key)
    issue = issue_of(events[0])
    upload_program(key.project, now)

    reprocess(issue, max_events=5, deletes_others=True)

    left = {event.event_id for event in events[-5:]}
    assert set(Event.objects.values_list("event_id", flat=True)) == left
    assert set(EventAddress.objects.values_list("event_id", flat=True)) == left
    # None is left that could not be restored: it stays what its newest event is.
    assert issue_of(events[-1]) == issue
    check(*Issue.objects.all())
    assert Issue.objects.count() == 2


def test_events_that_came_after_it_was_asked_for_stay_as_they_are(
    key: ProjectKey, now: datetime
) -> None:
    events = crashes(key)
    issue = issue_of(events[0])
    upload_program(key.project, now)
    before = [stored(event) for event in events]
    wanted = {"max_events": 1, "deletes_others": True}
    asked_at = now - timedelta(days=1)  # before they were received
    assert actions.reprocess_issues([issue], by=None, now=asked_at, **wanted) == 1

    assert go_on(issue) is None

    assert [stored(event) for event in events] == before
    check(issue)


def test_an_issue_without_events(key: ProjectKey) -> None:
    issue = factories.IssueFactory(project=key.project)
    assert reprocess(issue, max_events=1, deletes_others=True) is None
    assert not IssueReprocessing.objects.exists()


# Interrupted --------------------------------------------------------------------------------------


def run_all(run_tasks: RunTasks) -> None:
    """Until nothing is left to reprocess. Other databases of the server have transactions too, and
    some of them take long."""
    for _ in range(600):
        run_tasks(timezone.now() + timedelta(minutes=6))
        if not list(queue.unfinished(tasks.reprocess_issue)):
            return
        time.sleep(0.1)
    raise AssertionError("it waits for ever")


@pytest.mark.parametrize("deletes_others", [False, True])
def test_interrupted_it_goes_on_where_it_stopped(
    key: ProjectKey, now: datetime, monkeypatch: pytest.MonkeyPatch, deletes_others: bool
) -> None:
    monkeypatch.setattr(reprocessing, "EVENTS_AT_ONCE", 2)
    events = crashes(key)
    issue = issue_of(events[0])
    upload_program(key.project, now)
    looked_at: list[Any] = []
    restored = reprocessing._restored
    monkeypatch.setattr(
        reprocessing, "_restored", lambda *which: looked_at.append(which) or restored(*which)
    )

    def stop() -> None:
        raise KeyboardInterrupt

    wanted = {"max_events": 8, "deletes_others": deletes_others}
    actions.reprocess_issues([issue], by=None, now=timezone.now(), **wanted)
    stops = 0
    while IssueReprocessing.objects.exists():
        try:
            go_on(issue, stop)
        except KeyboardInterrupt:
            stops += 1
    assert stops == (13 if deletes_others else 9)
    assert len(looked_at) == 8
    check(*Issue.objects.all())


def test_the_task_does_it_all(
    key: ProjectKey, now: datetime, user: User, run_tasks: RunTasks
) -> None:
    events = crashes(key)
    issue = issue_of(events[0])
    upload_program(key.project, now)
    assert actions.reprocess_issues([issue], by=user, now=timezone.now()) == 1
    assert actions.reprocess_issues([issue], by=user, now=timezone.now()) == 0

    run_all(run_tasks)

    assert not IssueReprocessing.objects.exists()
    assert Issue.objects.count() == 2
    check(*Issue.objects.all())
    assert Activity.objects.get(type="reprocess").data == {
        "eventCount": 12,
        "oldGroupId": issue.pk,
        "newGroupId": issue.pk,
    }
    assert actions.reprocess_issues([issue], by=user, now=timezone.now()) == 1


def test_the_task_waits_until_everything_is_counted(
    key: ProjectKey, now: datetime, run_tasks: RunTasks
) -> None:
    events = crashes(key)
    issue = issue_of(events[0])
    late = write(*(arrived(key, crash(0x1025, user={"id": "dan"}), n) for n in (100, 200)))
    entry = JournalEntry.objects.create(owner=1, data=late.dump())
    upload_program(key.project, now)
    actions.reprocess_issues([issue], by=None, now=timezone.now())
    for _ in range(5):
        run_tasks(timezone.now())
    assert Issue.objects.count() == 1
    count(late)
    entry.delete()

    run_all(run_tasks)

    assert sorted(issue.times_seen for issue in Issue.objects.all()) == [6, 8]
    check(*Issue.objects.all())


def test_a_batch_ends_when_its_time_is_up(
    key: ProjectKey, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=0.0)
    restored = reprocessing._restored

    def slow(*which: Any) -> Any:
        clock.now += 2.0
        return restored(*which)

    monkeypatch.setattr(reprocessing, "_restored", slow)
    monkeypatch.setattr(reprocessing, "time", SimpleNamespace(monotonic=lambda: clock.now))
    events = crashes(key)
    upload_program(key.project, now)
    batches: list[int] = []

    def after_batch() -> None:
        batches.append(IssueReprocessing.objects.get().events)

    reprocess(issue_of(events[0]), after_batch)

    assert batches == [3, 6, 9]
    check(*Issue.objects.all())


def test_what_failed_begins_anew(key: ProjectKey, now: datetime) -> None:
    events = crashes(key)
    issue = issue_of(events[0])
    IssueReprocessing.objects.create(issue=issue, step="regroup")
    upload_program(key.project, now)

    reprocess(issue)

    assert Issue.objects.count() == 2


@pytest.mark.parametrize("status", [Issue.Status.PENDING_DELETION, Issue.Status.PENDING_MERGE])
def test_an_issue_that_goes_meanwhile_is_left(key: ProjectKey, now: datetime, status: int) -> None:
    events = crashes(key)
    issue = issue_of(events[0])
    upload_program(key.project, now)
    actions.reprocess_issues([issue], by=None, now=timezone.now())
    Issue.objects.filter(pk=issue.pk).update(status=status)

    assert go_on(issue) is None

    assert Issue.objects.count() == 1
    assert not IssueReprocessing.objects.exists()
    assert not Activity.objects.exists()


def test_an_issue_that_is_merged_away_between_batches_is_left(
    key: ProjectKey, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reprocessing, "EVENTS_AT_ONCE", 4)
    events = crashes(key)
    issue = issue_of(events[0])
    ingest(*(prepared(key, "other") for _ in range(20)))
    other = Issue.objects.get(title="other")
    upload_program(key.project, now)

    def merge() -> None:
        actions.merge_issues([issue, other], by=None, now=now)

    assert reprocess(issue, after_batch=merge) is None

    issue.refresh_from_db()
    assert issue.merged_into == other
    assert not IssueReprocessing.objects.exists()
    tasks.merge_issues.func([issue.pk])
    other.refresh_from_db()
    assert Event.objects.filter(issue_id=other.pk).count() == other.times_seen == 32


# Statements ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 20])
def test_the_number_of_statements_does_not_depend_on_the_events(
    key: ProjectKey,
    now: datetime,
    rows: int,
    symbolicator: Symbolicator,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ingest(
        *(
            arrived(key, crash((0x1025, 0x1012)[n % 2], release="1.0", user={"id": str(n)}), n)
            for n in range(rows)
        )
    )
    issue = Issue.objects.get()
    upload_program(key.project, now)
    actions.reprocess_issues([issue], by=None, now=timezone.now())
    with django_assert_num_queries(9):
        reprocessing.restore_events(issue.pk, symbolicator, nothing)
    with django_assert_num_queries(56):
        reprocessing.regroup_events(issue.pk, nothing)
    assert Issue.objects.count() == 2


@pytest.mark.parametrize("rows", [2, 20])
def test_many_issues_are_begun_with_as_many_statements_as_two(
    key: ProjectKey, now: datetime, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    issues = [factories.IssueFactory(project=key.project) for _ in range(rows)]
    with django_assert_num_queries(7):
        assert actions.reprocess_issues(issues, by=None, now=now) == rows
    assert len(queue.unfinished(tasks.reprocess_issue)) == rows


def test_hashes_are_those_of_the_restored_event(key: ProjectKey, now: datetime) -> None:
    event = arrived(key, crash(0x1025))
    ingest(event)
    issue = issue_of(event)
    upload_program(key.project, now)

    reprocess(issue)

    own = set(IssueHash.objects.filter(issue_id=issue.pk).values_list("hash", flat=True))
    assert own == {*event.hashes, *(UUID(text) for text in stored(event)["hashes"])}
    assert a_hash("anything") not in own
