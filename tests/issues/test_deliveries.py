"""Telling service hooks what was noted for them, to a real receiver."""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from issues import actions, announcements, deliveries, maintenance, tasks
from issues.deliveries import KEPT, LEASE, RETRY, TRIED_FOR
from issues.models import Issue
from sentrylite.background.interruption import Interrupted, interruptible
from sentrylite.ingest.digest import digest
from sentrylite.organizations import hooks
from sentrylite.organizations.audit import Author
from sentrylite.organizations.models import HookDelivery, Project, ProjectKey, ServiceHook
from sentrylite.outbound import sending
from stats.models import Kind, SeriesCount
from tests import factories
from tests.events import NOON, prepared
from tests.receiver import Receiver, closed_port, receiver

pytestmark = pytest.mark.django_db

ALL = tuple(ServiceHook.Event.values)
SECRET = "5" * 64


@pytest.fixture(autouse=True)
def this_machine(settings: Any) -> None:
    settings.HOOKS_ALLOW_PRIVATE = True
    settings.PUBLIC_URL = "https://errors.example.com"


@pytest.fixture
def it() -> Iterator[Receiver]:
    with receiver() as it:
        yield it


@pytest.fixture
def hook(project: Project, it: Receiver) -> ServiceHook:
    return factories.ServiceHookFactory(
        project=project, url=it.url, secret=SECRET, guid="d" * 32, events=list(ALL)
    )


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project, number=1)


@pytest.fixture
def change(issue: Issue, hook: ServiceHook, now: datetime) -> Callable[[int], None]:
    """`change(3)`: something for the hook to be told, so many times; it is due `now`."""

    def change(times: int = 1) -> None:
        for _ in range(times):
            announcements.announce_change(
                ServiceHook.Event.ISSUE_RESOLVED, [issue.pk], by=None, now=now
            )

    return change


def deliver(hook: ServiceHook, moment: datetime) -> datetime | None:
    return deliveries.deliver(hook.pk, clock=lambda: moment)


def statuses() -> list[str]:
    return list(HookDelivery.objects.order_by("id").values_list("status", flat=True))


def counted(kind: Kind, hook: ServiceHook) -> int:
    rows = SeriesCount.objects.filter(kind=kind, object_id=hook.pk, width=86400)
    return sum(row.quantity for row in rows)


# What is sent -------------------------------------------------------------------------------------


def test_an_event_is_told(
    key: ProjectKey, hook: ServiceHook, it: Receiver, run_tasks: Callable[[datetime], int]
) -> None:
    ServiceHook.objects.update(events=["event.alert"])
    event = prepared(
        key,
        "it broke",
        hook_events=("event.alert",),
        type="error",
        metadata={"type": "ValueError", "value": "it broke"},
        environment="production",
        release="1.0",
        tags=[("area", "north")],
    )
    with connection.cursor() as cursor:
        digest(cursor.cursor, [event])
    # What waits does so no longer than a day.
    HookDelivery.objects.update(created_at=timezone.now())
    assert run_tasks(timezone.now()) == 1
    [got] = it.got
    [delivery] = HookDelivery.objects.all()
    issue = Issue.objects.get()
    page = f"https://errors.example.com/organizations/acme/issues/{issue.pk}/"
    assert json.loads(got.body) == {
        "action": "event.alert",
        "actor": None,
        "project": {
            "id": str(key.project_id),
            "slug": "pump-station",
            "name": "Pump Station",
            "platform": None,
        },
        "group": {
            "id": str(issue.pk),
            "shortId": "PUMP-STATION-1",
            "title": "it broke",
            "culprit": "",
            "level": "error",
            "status": "unresolved",
            "type": "error",
            "logger": None,
            "platform": "python",
            "metadata": {"type": "ValueError", "value": "it broke"},
            "firstSeen": "2026-03-04T12:00:00Z",
            "lastSeen": "2026-03-04T12:00:00Z",
            "assignedTo": None,
            "url": page,
        },
        "event": {
            "id": event.event_id.hex,
            "event_id": event.event_id.hex,
            "title": "it broke",
            "culprit": "",
            "level": "error",
            "type": "error",
            "platform": "python",
            "environment": "production",
            "release": "1.0",
            "tags": [["area", "north"]],
            "dateCreated": "2026-03-04T12:00:00Z",
            "dateReceived": "2026-03-04T12:00:00Z",
            "url": f"{page}events/{event.event_id.hex}/",
        },
    }
    sent_at = int(got.headers.pop("X-ServiceHook-Timestamp"))
    assert abs(sent_at - time.time()) < 60
    assert got.headers == {
        "Host": f"127.0.0.1:{it.port}",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Length": str(len(got.body)),
        "Content-Type": "application/json",
        "User-Agent": "sentrylite-hooks/1.0",
        "X-ServiceHook-Delivery": delivery.guid.hex,
        "X-ServiceHook-Event": "event.alert",
        "X-ServiceHook-GUID": "d" * 32,
        "X-ServiceHook-Signature": hmac.new(SECRET.encode(), got.body, hashlib.sha256).hexdigest(),
    }
    assert (delivery.status, delivery.attempts, delivery.answer) == ("delivered", 1, "200")
    assert delivery.ended_at is not None
    assert counted(Kind.HOOK_FIRED, hook) == 1
    assert not DBTaskResult.objects.filter(status="READY").exists()


def test_what_somebody_did_is_told(
    issue: Issue, hook: ServiceHook, it: Receiver, user: Any, now: datetime
) -> None:
    actions.assign_issues([issue], user, by=user, now=now)
    deliver(hook, now)
    body = json.loads(it.got[0].body)
    assert body["action"] == "issue.assigned"
    assert body["actor"] == {"type": "user", "id": user.pk, "name": user.email}
    assert body["event"] is None
    assert body["group"]["assignedTo"] == {
        "type": "user",
        "id": user.pk,
        "name": user.email,
        "email": user.email,
    }


def test_the_state_of_the_time_is_told_in_its_order(
    issue: Issue, hook: ServiceHook, it: Receiver, now: datetime
) -> None:
    actions.resolve_issues([issue], by=None, now=now)
    actions.ignore_issues([issue], by=None, now=now)
    actions.delete_issues([issue], now=now)
    Issue.objects.all().delete()
    deliver(hook, now)
    said = [json.loads(got.body) for got in it.got]
    assert [(body["action"], body["group"]["status"]) for body in said] == [
        ("issue.resolved", "resolved"),
        ("issue.ignored", "ignored"),
        ("issue.deleted", "ignored"),
    ]


# What is tried again ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 599])
def test_what_may_pass_is_tried_again(
    status: int, hook: ServiceHook, it: Receiver, change: Any, now: datetime
) -> None:
    it.reactions = [status]
    change()
    again_at = deliver(hook, now)
    [delivery] = HookDelivery.objects.all()
    assert (delivery.status, delivery.attempts) == ("waiting", 1)
    assert delivery.answer == str(status)
    assert again_at is not None
    assert timedelta(seconds=24) <= again_at - now <= timedelta(seconds=36)
    assert deliver(hook, again_at - timedelta(seconds=1)) == again_at
    assert len(it.got) == 1
    assert deliver(hook, again_at) is None
    first, second = it.got
    assert first.body == second.body
    assert first.headers["X-ServiceHook-Delivery"] == second.headers["X-ServiceHook-Delivery"]
    assert first.headers["X-ServiceHook-Timestamp"] != second.headers["X-ServiceHook-Timestamp"]
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.answer) == ("delivered", 2, "200")
    hook.refresh_from_db()
    assert (hook.failures, hook.resumes_at) == (0, None)
    assert (counted(Kind.HOOK_FIRED, hook), counted(Kind.HOOK_FAILED, hook)) == (1, 0)


@pytest.mark.parametrize("status", [301, 302, 308, 400, 401, 403, 404, 410, 422])
def test_what_will_not_pass_is_not(
    status: int,
    hook: ServiceHook,
    it: Receiver,
    change: Any,
    now: datetime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    it.reactions = [(status, {"Location": f"http://127.0.0.1:{it.port}/elsewhere"})]
    change(2)
    assert deliver(hook, now) is None
    assert [got.path for got in it.got] == ["/hook", "/hook"]
    assert statuses() == ["failed", "delivered"]
    assert HookDelivery.objects.get(status="failed").answer == str(status)
    [record] = [record for record in caplog.records if record.name == "issues.deliveries"]
    assert record.levelno == logging.WARNING
    assert f"hook {'d' * 32} was not told of issue.resolved" in record.getMessage()
    assert (counted(Kind.HOOK_FIRED, hook), counted(Kind.HOOK_FAILED, hook)) == (2, 1)


def test_nobody_there(hook: ServiceHook, change: Any, now: datetime) -> None:
    ServiceHook.objects.update(url=f"http://127.0.0.1:{closed_port()}/")
    change()
    assert deliver(hook, now) is not None
    assert "refused" in HookDelivery.objects.get(status="waiting").answer


def test_a_receiver_that_is_too_slow(
    hook: ServiceHook, it: Receiver, change: Any, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TOTAL_TIMEOUT", 0.3)
    it.reactions = [lambda handler: time.sleep(3)]
    change()
    assert deliver(hook, now) is not None
    assert HookDelivery.objects.get(status="waiting").answer == "timed out"


def test_attempts_are_ever_later_and_end(
    hook: ServiceHook, it: Receiver, change: Any, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    it.reactions = [500] * 100
    change()
    moment, pauses = now, []
    while (again_at := deliver(hook, moment)) is not None:
        pauses.append((again_at - moment).total_seconds())
        moment = again_at
    [delivery] = HookDelivery.objects.all()
    assert (delivery.status, delivery.attempts) == ("failed", RETRY.attempts)
    assert len(it.got) == RETRY.attempts == len(pauses) + 1
    for pause, expected in zip(pauses, (30, 60, 120, 240, 480, 960, 1920, 3600, 3600), strict=True):
        assert expected * 0.8 <= pause <= expected * 1.2
    assert "attempt 10 was the last: 500" in caplog.text
    assert (counted(Kind.HOOK_FIRED, hook), counted(Kind.HOOK_FAILED, hook)) == (1, 1)


@pytest.mark.parametrize(
    "header, least, most",
    [
        ("", 24, 36),
        ("0", 24, 36),
        ("600", 600, 600),
        ("99999999999999999999", 3600, 3600),
        ("-5", 24, 36),
        ("Wed, 04 Mar 2026 05:16:07 GMT", 600, 600),
        ("Tue, 03 Mar 2026 05:16:07 GMT", 24, 36),
        ("Sun, 31 Dec 9999 23:59:59 GMT", 3600, 3600),
        ("soon", 24, 36),
        ("²", 24, 36),
    ],
)
def test_a_receiver_may_say_when_to_come_back(
    header: str, least: int, most: int, hook: ServiceHook, it: Receiver, change: Any, now: datetime
) -> None:
    it.reactions = [(503, {"Retry-After": header})]
    change()
    again_at = deliver(hook, now)
    assert again_at is not None
    assert least <= (again_at - now).total_seconds() <= most


def test_a_hook_whose_receiver_is_away_costs_an_attempt_now_and_then(
    hook: ServiceHook, it: Receiver, change: Any, now: datetime
) -> None:
    it.reactions = [500] * 3
    change(20)
    moment = now
    for attempts in (1, 2, 3):
        again_at = deliver(hook, moment)
        assert again_at is not None and again_at > moment
        moment = again_at
        assert len(it.got) == attempts
    assert statuses() == ["waiting"] * 20
    # It is back: all at once, but those that have failed and are not due yet.
    again_at = deliver(hook, moment)
    assert statuses().count("delivered") >= 17
    while again_at is not None:
        again_at = deliver(hook, again_at)
    assert statuses() == ["delivered"] * 20


def test_one_that_fails_does_not_hold_the_others(
    hook: ServiceHook, it: Receiver, change: Any, now: datetime
) -> None:
    change(3)
    poison = HookDelivery.objects.order_by("id")[0].guid.hex

    def react(handler: Any) -> None:
        is_poison = handler.headers["X-ServiceHook-Delivery"] == poison
        handler.send_response(500 if is_poison else 200)
        handler.end_headers()

    it.reactions = [react] * 100
    moment: datetime | None = now
    while moment is not None:
        moment = deliver(hook, moment)
    assert statuses() == ["failed", "delivered", "delivered"]
    assert len(it.got) == RETRY.attempts + 2
    # the others did not wait for its end
    assert [got.headers["X-ServiceHook-Delivery"] for got in it.got].index(poison) == 0
    assert {got.headers["X-ServiceHook-Delivery"] for got in it.got[3:]} == {poison}


def test_what_waited_too_long_is_given_up(
    hook: ServiceHook, it: Receiver, change: Any, now: datetime
) -> None:
    change()
    assert deliver(hook, now + TRIED_FOR + timedelta(seconds=1)) is None
    assert it.got == []
    assert HookDelivery.objects.get().answer == "waited too long"


# What is not sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::ffff:7f00:1]:{port}/"],
)
def test_an_address_that_may_not_be_asked(
    url: str, hook: ServiceHook, it: Receiver, change: Any, now: datetime, settings: Any
) -> None:
    settings.HOOKS_ALLOW_PRIVATE = False
    ServiceHook.objects.update(url=url.format(port=it.port))
    change()
    assert deliver(hook, now) is None
    assert it.got == []
    delivery = HookDelivery.objects.get()
    assert delivery.status == "failed"
    assert "not a public address" in delivery.answer


def test_a_hook_that_is_gone_by_then(
    hook: ServiceHook, it: Receiver, change: Any, run_tasks: Any
) -> None:
    change()
    hooks.remove(hook, by=Author(None), now=timezone.now())
    assert run_tasks(timezone.now()) == 1
    assert it.got == []
    assert DBTaskResult.objects.get().status == "SUCCESSFUL"


@pytest.mark.parametrize("what", ["hook", "project", "organization"])
def test_a_hook_that_is_switched_off_by_then(
    what: str, hook: ServiceHook, it: Receiver, change: Any, run_tasks: Any
) -> None:
    change()
    if what == "hook":
        ServiceHook.objects.update(status="disabled")
    elif what == "project":
        Project.objects.update(status="pending_deletion")
    else:
        type(hook.project.organization).objects.update(status="pending_deletion")
    assert run_tasks(timezone.now()) == 1
    assert it.got == []
    assert not HookDelivery.objects.exists()


def test_a_hook_that_is_switched_off_while_it_is_told(
    hook: ServiceHook, it: Receiver, change: Any, now: datetime
) -> None:
    change(3)

    def switch_off() -> None:
        hooks.change(ServiceHook.objects.get(), {"is_active": False}, by=Author(None), now=now)

    assert deliveries.deliver(hook.pk, after_each=switch_off, clock=lambda: now) is None
    assert len(it.got) == 1
    assert statuses() == ["delivered"]


# Tasks --------------------------------------------------------------------------------------------


def test_tasks_go_on_by_themselves(
    hook: ServiceHook, it: Receiver, change: Any, run_tasks: Any
) -> None:
    it.reactions = [500]
    change(2)
    HookDelivery.objects.update(created_at=timezone.now())
    assert run_tasks(timezone.now()) == 1
    task = DBTaskResult.objects.get(status="READY")
    assert task.args_kwargs["args"] == [hook.pk]
    # no second one for the same
    tasks.deliver_to_hook.call(hook.pk)
    assert DBTaskResult.objects.filter(status="READY").count() == 1
    ServiceHook.objects.update(resumes_at=None)
    HookDelivery.objects.update(due_at=timezone.now())
    assert run_tasks(task.run_after) == 1
    assert statuses() == ["delivered"] * 2
    assert not DBTaskResult.objects.filter(status="READY").exists()


def test_a_task_gives_way_between_two_deliveries(
    hook: ServiceHook, it: Receiver, change: Any, now: datetime
) -> None:
    change(2)
    HookDelivery.objects.update(created_at=timezone.now())
    with interruptible(lambda: True), pytest.raises(Interrupted):
        tasks.deliver_to_hook.call(hook.pk)
    assert statuses() == ["delivered", "waiting"]


def test_what_a_dead_process_was_at_is_sent_again(
    hook: ServiceHook, it: Receiver, change: Any, now: datetime
) -> None:
    change()
    assert deliveries._claim(hook, now) is not None
    # nobody else takes it meanwhile
    assert deliver(hook, now + timedelta(seconds=30)) == now + LEASE
    assert it.got == []
    assert deliver(hook, now + LEASE) is None
    assert HookDelivery.objects.get().attempts == 2
    assert statuses() == ["delivered"]


def test_what_was_taken_over_by_another_is_left_to_it(
    hook: ServiceHook, it: Receiver, change: Any, now: datetime
) -> None:
    change()
    late = deliveries._claim(hook, now)
    other = deliveries._claim(hook, now + LEASE)
    assert late is not None and other is not None
    deliveries._record(hook, late, deliveries.Outcome("200", is_delivered=True), now + LEASE)
    assert statuses() == ["waiting"]


def test_what_has_lost_its_task_gets_another(hook: ServiceHook, change: Any, now: datetime) -> None:
    change()
    DBTaskResult.objects.all().delete()
    assert maintenance.deliver_forgotten(now) == 0
    assert maintenance.deliver_forgotten(now + timedelta(minutes=6)) == 1
    assert maintenance.deliver_forgotten(now + timedelta(minutes=7)) == 1
    assert DBTaskResult.objects.get().args_kwargs["args"] == [hook.pk]


def test_the_last_deliveries_are_kept_to_look_at(
    hook: ServiceHook, change: Any, now: datetime
) -> None:
    rows = [
        HookDelivery(hook=hook, event="event.alert", data={}, status="delivered")
        for _ in range(KEPT + 20)
    ]
    made = HookDelivery.objects.bulk_create(rows)
    other = factories.ServiceHookFactory(project=hook.project)
    kept = HookDelivery.objects.create(hook=other, event="event.alert", data={}, status="delivered")
    waiting = HookDelivery.objects.create(
        hook=hook, event="event.alert", data={}, due_at=now + timedelta(hours=1), created_at=now
    )
    assert deliver(hook, now) == now + timedelta(hours=1)
    left = set(HookDelivery.objects.values_list("pk", flat=True))
    assert left == {*(row.pk for row in made[20:]), kept.pk, waiting.pk}


def test_times_as_the_api_writes_them() -> None:
    assert deliveries._moment(NOON) == "2026-03-04T12:00:00Z"
    assert deliveries._moment(NOON + 0.25) == "2026-03-04T12:00:00.250Z"
