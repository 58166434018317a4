"""Telling service hooks what was noted for them (`issues.announcements`): a signed POST each.

A hook's deliveries are sent one after the other, those that wait longest first, at least once. What
fails for a reason that may pass is tried again, later and later; meanwhile the whole hook pauses,
so that a receiver that is away costs an attempt now and then, however much waits for it.
"""

import hashlib
import hmac
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from sentrylite import outbound
from sentrylite.background.retries import Retry
from sentrylite.organizations.models import HookDelivery, Project, ServiceHook
from sentrylite.organizations.models.organization import Status as OwnerStatus
from stats import counters
from stats.models import Kind

from .models import Issue
from .models.issue import Level, short_id

logger = logging.getLogger(__name__)

Status = HookDelivery.Status

# Of one delivery: about three hours. Of a hook whose receiver fails: until it no longer does.
RETRY = Retry((), attempts=10, first=timedelta(seconds=30), longest=timedelta(hours=1))
PAUSE = Retry((), attempts=10, first=timedelta(seconds=10), longest=timedelta(minutes=10))
LONGEST_RETRY_AFTER = timedelta(hours=1)
TRIED_FOR = timedelta(days=1)
# An attempt is over by then; if not, its process is dead, and another one tries again.
LEASE = timedelta(minutes=1)
# Deliveries of a hook that have ended, for people to look at.
KEPT = 50
# By then a delivery that is due has a task, or lost it.
FORGOTTEN_AFTER = timedelta(minutes=5)

CLAIM = """
    UPDATE organizations_hookdelivery SET attempts = attempts + 1, due_at = %(again_at)s
    WHERE id = (
        SELECT id FROM organizations_hookdelivery
        WHERE hook_id = %(hook)s AND status = 'waiting' AND due_at <= %(now)s
        ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING *
"""

PRUNE = f"""
    DELETE FROM organizations_hookdelivery
    WHERE hook_id = %(hook)s AND status <> 'waiting' AND id < (
        SELECT id FROM organizations_hookdelivery
        WHERE hook_id = %(hook)s AND status <> 'waiting'
        ORDER BY id DESC LIMIT 1 OFFSET {KEPT - 1})
"""


class Outcome(NamedTuple):
    """What came of an attempt."""

    answer: str
    is_delivered: bool = False
    may_pass: bool = False
    """Whether another attempt may do better."""
    retry_after: timedelta = timedelta()
    """Not before then, says the receiver."""


def deliver(
    hook_id: int,
    *,
    after_each: Callable[[], None] = lambda: None,
    clock: Callable[[], datetime] = timezone.now,
) -> datetime | None:
    """Send what is due for a hook; returns when to go on, None when nothing waits.

    `after_each` is called after each attempt, outside transactions; what it raises ends the work.
    """
    while (hook := _find(hook_id)) is not None:
        now = clock()
        if hook.resumes_at is not None and hook.resumes_at > now:
            break
        delivery = _claim(hook, now)
        if delivery is None:
            break
        outcome = _attempt(hook, delivery, now)
        _record(hook, delivery, outcome, clock())
        after_each()
    return _wrap_up(hook) if hook is not None else None


def forgotten(now: datetime) -> list[int]:
    """The hooks with deliveries that are due for a while and perhaps have no task, by id."""
    late = HookDelivery.objects.filter(
        status=Status.WAITING, due_at__lt=now - FORGOTTEN_AFTER
    ).order_by("hook_id")
    return list(late.values_list("hook_id", flat=True).distinct())


def _find(hook_id: int) -> ServiceHook | None:
    """The hook as it is now; None when it is not to be told anything (any more)."""
    hook = (
        ServiceHook.objects.select_related("project__organization")
        .filter(
            pk=hook_id,
            status=ServiceHook.Status.ACTIVE,
            project__status=OwnerStatus.ACTIVE,
            project__organization__status=OwnerStatus.ACTIVE,
        )
        .first()
    )
    if hook is None:
        HookDelivery.objects.filter(hook_id=hook_id, status=Status.WAITING).delete()
    return hook


def _claim(hook: ServiceHook, now: datetime) -> HookDelivery | None:
    """The next delivery, which nobody else takes meanwhile."""
    values = {"hook": hook.pk, "now": now, "again_at": now + LEASE}
    return next(iter(HookDelivery.objects.raw(CLAIM, values)), None)


def _wrap_up(hook: ServiceHook) -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute(PRUNE, {"hook": hook.pk})
    waiting = HookDelivery.objects.filter(hook=hook, status=Status.WAITING)
    due_at = waiting.aggregate(due_at=Min("due_at"))["due_at"]
    return max(filter(None, [due_at, hook.resumes_at])) if due_at else None


# One attempt --------------------------------------------------------------------------------------


def _attempt(hook: ServiceHook, delivery: HookDelivery, now: datetime) -> Outcome:
    if now - delivery.created_at > TRIED_FOR:
        return Outcome("waited too long")
    body = orjson.dumps(compose(hook.project, delivery))
    allow_private = settings.HOOKS_ALLOW_PRIVATE
    try:
        target = outbound.read_url(hook.url, allow_private=allow_private)
        headers = sign(hook, delivery, body, now)
        answer = outbound.post(target, body, headers, allow_private=allow_private)
    except outbound.Failed as error:
        return Outcome(str(error), may_pass=True)
    except (outbound.BadAddress, outbound.Refused) as error:
        return Outcome(str(error))
    return Outcome(
        str(answer.status),
        is_delivered=200 <= answer.status < 300,
        may_pass=answer.status in (408, 429) or answer.status >= 500,
        retry_after=read_retry_after(answer.retry_after, now),
    )


def sign(hook: ServiceHook, delivery: HookDelivery, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of a delivery: who is told what, and the proof that it is from here."""
    signature = hmac.new(hook.secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-ServiceHook-Delivery": delivery.guid.hex,
        "X-ServiceHook-Event": delivery.event,
        "X-ServiceHook-GUID": hook.guid,
        "X-ServiceHook-Signature": signature,
        "X-ServiceHook-Timestamp": str(int(now.timestamp())),
    }


def read_retry_after(header: str | None, now: datetime) -> timedelta:
    """How long a receiver asks to be left alone, at most LONGEST_RETRY_AFTER: it says so in seconds
    or as a date."""
    header = (header or "").strip()
    if header.isascii() and header.isdigit():
        pause = timedelta(seconds=min(int(header[:9]), 10**6))
    else:
        try:
            moment = parsedate_to_datetime(header)
            pause = moment.replace(tzinfo=moment.tzinfo or UTC) - now
        except (ValueError, OverflowError):
            return timedelta()
    return max(timedelta(), min(pause, LONGEST_RETRY_AFTER))


@transaction.atomic
def _record(hook: ServiceHook, delivery: HookDelivery, outcome: Outcome, now: datetime) -> None:
    """Note what came of an attempt, and when to try again if it is to be tried again."""
    delivery.answer = outcome.answer[:200]
    is_over = not outcome.may_pass or delivery.attempts >= RETRY.attempts
    if is_over:
        delivery.status = Status.DELIVERED if outcome.is_delivered else Status.FAILED
        delivery.ended_at = now
    else:
        delivery.due_at = now + max(RETRY.pause_after(delivery.attempts), outcome.retry_after)
    # Not when it was forgotten meanwhile, or is another's because this took too long.
    mine = HookDelivery.objects.filter(
        pk=delivery.pk, status=Status.WAITING, attempts=delivery.attempts
    )
    mine.update(
        status=delivery.status,
        ended_at=delivery.ended_at,
        due_at=delivery.due_at,
        answer=delivery.answer,
    )
    _pause(hook, outcome, now)
    counts: counters.Counts = {}
    kinds = [Kind.HOOK_FIRED] if delivery.attempts == 1 else []
    if delivery.status == Status.FAILED:
        kinds.append(Kind.HOOK_FAILED)
        logger.warning(
            "hook %s was not told of %s, attempt %d was the last: %s",
            hook.guid,
            delivery.event,
            delivery.attempts,
            delivery.answer,
        )
    for kind in kinds:
        moment = now.timestamp()
        counters.count(counts, hook.project_id, kind, hook.pk, moment, now=moment)
    with connection.cursor() as cursor:
        counters.add_series_counts(cursor, counts)


def _pause(hook: ServiceHook, outcome: Outcome, now: datetime) -> None:
    """Leave a receiver alone that fails; one that has answered for itself is there."""
    before = (hook.failures, hook.resumes_at)
    if outcome.may_pass:
        hook.failures += 1
        hook.resumes_at = now + max(PAUSE.pause_after(hook.failures), outcome.retry_after)
    else:
        hook.failures, hook.resumes_at = 0, None
    if before != (hook.failures, hook.resumes_at):
        hook.save(update_fields=["failures", "resumes_at"])


# What is said -------------------------------------------------------------------------------------


def compose(project: Project, delivery: HookDelivery) -> dict[str, Any]:
    """The body of a delivery (docs/hooks.md)."""
    issue, event = delivery.data["issue"], delivery.data.get("event")
    page = f"{settings.PUBLIC_URL}/organizations/{quote(project.organization.slug)}/issues"
    url = f"{page}/{issue['id']}/"
    return {
        "action": delivery.event,
        "actor": delivery.data.get("actor"),
        "project": {
            "id": str(project.pk),
            "slug": project.slug,
            "name": project.name,
            "platform": project.platform or None,
        },
        "group": {
            "id": str(issue["id"]),
            "shortId": short_id(project.slug, issue["number"]),
            "title": issue["title"],
            "culprit": issue["culprit"],
            "level": Level(issue["level"]).label,
            "status": Issue.Status(issue["status"]).label,
            "type": issue["type"],
            "logger": issue["logger"] or None,
            "platform": issue["platform"] or None,
            "metadata": issue["metadata"],
            "firstSeen": _moment(issue["first_seen"]),
            "lastSeen": _moment(issue["last_seen"]),
            "assignedTo": issue["assigned_to"],
            "url": url,
        },
        "event": None
        if event is None
        else {
            "id": event["id"],
            "event_id": event["id"],
            "title": event["title"],
            "culprit": event["culprit"],
            "level": Level(event["level"]).label,
            "type": event["type"],
            "platform": event["platform"] or None,
            "environment": event["environment"] or None,
            "release": event["release"],
            "tags": event["tags"],
            "dateCreated": _moment(event["timestamp"]),
            "dateReceived": _moment(event["received_at"]),
            "url": f"{url}events/{event['id']}/",
        },
    }


def _moment(epoch: float) -> str:
    """As the API writes it: UTC, in milliseconds, without a fraction of zero."""
    written = datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")
    return written[:-6].removesuffix(".000") + "Z"
