"""Changes to issues that somebody asked for. The API and the admin call the same ones.

All take a set of issues, run a fixed number of statements and leave the instances up to date.
`by` is the acting user, None for an organization's API key.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from psycopg2.errors import DeadlockDetected

from sentrylite.accounts.models import User
from sentrylite.background import queue
from sentrylite.organizations.models import OrganizationMember, Project, ServiceHook, Team
from sentrylite.releases.models import Commit, Release

from . import announcements, deletion, intake, merging, tasks, unmerging
from .announcements import HAS_HOOKS
from .merging import Merged
from .models import (
    Activity,
    Issue,
    IssueBookmark,
    IssueHash,
    IssueReprocessing,
    IssueResolution,
    IssueSeen,
    IssueSnooze,
    IssueSubscription,
    IssueTombstone,
)

Reason = IssueSubscription.Reason
Status = Issue.Status

STATUS_ACTIVITY = {
    Status.UNRESOLVED: Activity.Type.SET_UNRESOLVED,
    Status.RESOLVED: Activity.Type.SET_RESOLVED,
    Status.IGNORED: Activity.Type.SET_IGNORED,
}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What ends an issue's being ignored, whichever comes first; durations are minutes."""

    duration: int | None = None
    count: int | None = None
    window: int | None = None
    user_count: int | None = None
    user_window: int | None = None

    @classmethod
    def of(cls, **numbers: int | None) -> Self:
        """Without what is no condition: numbers below 1, windows in which nothing is counted."""
        given = {name: number for name, number in numbers.items() if number and number > 0}
        if "count" not in given:
            given.pop("window", None)
        if "user_count" not in given:
            given.pop("user_window", None)
        return cls(**given)

    def until(self, now: datetime) -> datetime | None:
        return now + timedelta(minutes=self.duration) if self.duration else None

    def as_data(self, now: datetime) -> dict[str, Any]:
        """As the activity has them: all six, None where unused."""
        until = self.until(now)
        return {
            "ignoreCount": self.count,
            "ignoreDuration": self.duration,
            "ignoreUntil": (
                f"{until.astimezone(UTC).isoformat(timespec='milliseconds')[:-6].removesuffix('.000')}Z"
                if until
                else None
            ),
            "ignoreUserCount": self.user_count,
            "ignoreUserWindow": self.user_window,
            "ignoreWindow": self.window,
        }


FOR_EVER = Conditions()

# Who says the same again within this time has pressed the button twice.
NOTE_REPEATED_WITHIN = timedelta(hours=1)


class RepeatedNote(Exception):
    """Somebody has just said the same about the same issue."""


class CannotUnmerge(Exception):
    """Nothing would be left of the issue, or it has gone."""


def resolve_issues(issues: Sequence[Issue], *, by: User | None, now: datetime) -> int:
    """Mark issues resolved; returns how many were not before.

    Each of those gets an activity, and `by` is subscribed to it. The next event reopens it.
    """
    return _set_status(issues, Status.RESOLVED, {}, by=by, now=now)


def unresolve_issues(issues: Sequence[Issue], *, by: User | None, now: datetime) -> int:
    """Mark issues unresolved; returns how many were not before. Each of those gets an activity."""
    return _set_status(issues, Status.UNRESOLVED, {}, by=by, now=now)


def resolve_issues_in_release(
    issues: Sequence[Issue], release: Release, *, is_next: bool, by: User | None, now: datetime
) -> int:
    """Mark issues resolved in this release or, if `is_next`, in the one that comes after it.

    Only events of that release and later ones reopen them. Returns how many were not resolved in
    a release before; each of those gets an activity.
    """
    kind = IssueResolution.Type.IN_NEXT_RELEASE if is_next else IssueResolution.Type.IN_RELEASE
    data = {"version": "" if is_next else release.version}
    resolution = IssueResolution(type=kind, release=release, actor=by, created_at=now)
    return _set_status(
        issues,
        Status.RESOLVED,
        data,
        by=by,
        now=now,
        settlement=resolution,
        kind=Activity.Type.SET_RESOLVED_IN_RELEASE,
    )


def resolve_issues_in_commit(
    issues: Sequence[Issue],
    commit: Commit,
    release: Release | None,
    *,
    by: User | None,
    now: datetime,
) -> int:
    """Mark issues resolved in a commit: in the release that has it, or in the first one that will
    (`issues.releases`). No event reopens them before. Returns how many were not resolved in
    anything before; each of those gets an activity.
    """
    kind = IssueResolution.Type.IN_RELEASE if release else IssueResolution.Type.IN_COMMIT
    resolution = IssueResolution(
        type=kind, release=release, commit=None if release else commit, actor=by, created_at=now
    )
    return _set_status(
        issues,
        Status.RESOLVED,
        {"commit": commit.pk},
        by=by,
        now=now,
        settlement=resolution,
        kind=Activity.Type.SET_RESOLVED_IN_COMMIT,
    )


@transaction.atomic
def settle_in_release(issue_ids: Collection[int], release: Release, *, now: datetime) -> None:
    """Issues that were resolved in a commit are resolved in the first release that has it, by who
    resolved them then. Each gets an activity."""
    waiting = IssueResolution.objects.filter(pk__in=issue_ids, type=IssueResolution.Type.IN_COMMIT)
    settled = [
        (resolution.pk, resolution.actor)
        for resolution in waiting.select_related("actor")
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    ]
    waiting.update(type=IssueResolution.Type.IN_RELEASE, release=release, commit=None)
    Activity.objects.bulk_create(
        Activity(
            issue_id=issue_id,
            type=Activity.Type.SET_RESOLVED_IN_RELEASE,
            data={"version": release.version},
            user=actor,
            created_at=now,
        )
        for issue_id, actor in settled
    )


def ignore_issues(
    issues: Sequence[Issue],
    conditions: Conditions = FOR_EVER,
    *,
    by: User | None,
    now: datetime,
) -> int:
    """Ignore issues until further notice or until a condition is met; returns how many were not
    ignored before."""
    snooze = None
    if conditions != FOR_EVER:
        snooze = IssueSnooze(
            until=conditions.until(now),
            count=conditions.count,
            window=conditions.window,
            user_count=conditions.user_count,
            user_window=conditions.user_window,
            actor=by,
            created_at=now,
        )
    data = conditions.as_data(now)
    return _set_status(issues, Status.IGNORED, data, by=by, now=now, settlement=snooze)


@transaction.atomic
def _set_status(
    issues: Sequence[Issue],
    status: Status,
    data: dict[str, Any],
    *,
    by: User | None,
    now: datetime,
    settlement: IssueResolution | IssueSnooze | None = None,
    kind: Activity.Type | None = None,
) -> int:
    """`settlement` is the pattern of the rows that go with the status; others go away. `kind` is
    that of the activity, if it is not the usual one."""
    by_id = {issue.pk: issue for issue in issues}
    locked = {
        row["pk"]: row
        for row in Issue.objects.visible()
        .filter(pk__in=by_id)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values("pk", "status", "times_seen", "user_count", has_hooks=HAS_HOOKS)
    }
    changed = [pk for pk, row in locked.items() if row["status"] != status]
    news = changed
    if isinstance(settlement, IssueResolution):
        # Also who was resolved without a release is now resolved in one.
        known = IssueResolution.objects.filter(pk__in=locked)
        if settlement.release_id is not None:
            known = known.filter(release__isnull=False)
        news = sorted({*locked} - ({*known.values_list("pk", flat=True)} - {*changed}))
    resolved_at = now if status == Status.RESOLVED else None
    Issue.objects.filter(pk__in=changed).update(status=status, resolved_at=resolved_at)
    settlements = _settle(locked, settlement)
    _record(news, kind or STATUS_ACTIVITY[status], data, by=by, now=now)
    # Somebody who reopens or ignores many issues at once does not want to hear of all of them.
    if status == Status.RESOLVED or len(news) == 1:
        _subscribe(news, [by] if by else [], Reason.CHANGED_STATUS)
    told = [issue_id for issue_id in changed if locked[issue_id]["has_hooks"]]
    announcements.announce_change(announcements.OF_STATUS[status], told, by=by, now=now)
    for issue_id in changed:
        by_id[issue_id].status = status
        by_id[issue_id].resolved_at = resolved_at
    for issue_id, row in locked.items():
        settled = settlements.get(issue_id)
        issue = by_id[issue_id]
        # What a snooze counts from; events may have come, or have been moved away, meanwhile.
        issue.times_seen, issue.user_count = row["times_seen"], row["user_count"]
        issue.resolution = settled if isinstance(settled, IssueResolution) else None
        issue.snooze = settled if isinstance(settled, IssueSnooze) else None
    return len(news)


def _settle(
    locked: Mapping[int, Mapping[str, Any]], pattern: IssueResolution | IssueSnooze | None
) -> dict[int, IssueResolution | IssueSnooze]:
    """Give locked issues such a row each instead of what they had. At most three statements."""
    for model in (IssueResolution, IssueSnooze):
        model.objects.filter(pk__in=locked).delete()
    if pattern is None:
        return {}
    settlements: dict[int, Any] = {}
    for issue_id, row in sorted(locked.items()):
        settlements[issue_id] = settled = copy(pattern)
        settled.issue_id = issue_id
        if isinstance(settled, IssueSnooze):
            settled.times_seen_before = row["times_seen"]
            settled.user_count_before = row["user_count"]
    type(pattern)._default_manager.bulk_create(settlements.values())
    return settlements


@transaction.atomic
def assign_issues(
    issues: Sequence[Issue], assignee: User | Team | None, *, by: User | None, now: datetime
) -> int:
    """Make a person, a team or nobody responsible; returns for how many issues that is news.

    Each of those gets an activity; the person, or everybody in the team, is subscribed.
    """
    user = assignee if isinstance(assignee, User) else None
    team = assignee if isinstance(assignee, Team) else None
    by_id = {issue.pk: issue for issue in issues}
    has_hooks = dict(
        Issue.objects.visible()
        .filter(pk__in=by_id)
        .exclude(assigned_user=user, assigned_team=team)
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
        .values_list("pk", HAS_HOOKS)
    )
    changed = list(has_hooks)
    Issue.objects.filter(pk__in=changed).update(assigned_user=user, assigned_team=team)
    for issue in issues:
        issue.assigned_user, issue.assigned_team = user, team
    if assignee is None:
        _record(changed, Activity.Type.UNASSIGNED, {}, by=by, now=now)
        return len(changed)
    data = {
        "assignee": str(assignee.pk),
        "assigneeEmail": user.email if user else None,
        "assigneeType": "user" if user else "team",
    }
    _record(changed, Activity.Type.ASSIGNED, data, by=by, now=now)
    told = [issue_id for issue_id in changed if has_hooks[issue_id]]
    announcements.announce_change(ServiceHook.Event.ISSUE_ASSIGNED, told, by=by, now=now)
    _subscribe(changed, [user] if user else _people_of(team), Reason.ASSIGNED)
    return len(changed)


def mark_seen(issues: Iterable[Issue], *, by: User, now: datetime) -> None:
    """Note that somebody has seen issues as they are now."""
    IssueSeen.objects.bulk_create(
        [IssueSeen(issue=issue, user=by, last_seen=now) for issue in _in_order(issues)],
        update_conflicts=True,
        unique_fields=["issue", "user"],
        update_fields=["last_seen"],
    )


def mark_unseen(issues: Iterable[Issue], *, by: User) -> None:
    IssueSeen.objects.filter(issue__in=list(issues), user=by).delete()


@transaction.atomic
def bookmark_issues(issues: Sequence[Issue], *, by: User) -> None:
    """Bookmark issues for somebody, who is subscribed to them too."""
    IssueBookmark.objects.bulk_create(
        [IssueBookmark(issue=issue, user=by) for issue in _in_order(issues)],
        ignore_conflicts=True,
    )
    _subscribe([issue.pk for issue in issues], [by], Reason.BOOKMARKED)


def remove_bookmarks(issues: Iterable[Issue], *, by: User) -> None:
    """Remove somebody's bookmarks; the subscriptions stay."""
    IssueBookmark.objects.filter(issue__in=list(issues), user=by).delete()


def set_subscription(issues: Iterable[Issue], *, by: User, is_active: bool) -> None:
    """Subscribe somebody, or see to it that nothing subscribes them again."""
    IssueSubscription.objects.bulk_create(
        [
            IssueSubscription(issue=issue, user=by, is_active=is_active, reason=Reason.UNKNOWN)
            for issue in _in_order(issues)
        ],
        update_conflicts=True,
        unique_fields=["issue", "user"],
        update_fields=["is_active", "reason"],
    )


@transaction.atomic
def share_issues(issues: Sequence[Issue], *, by: User | None, now: datetime) -> None:
    """Give issues a public address, a new one if they had one."""
    was_private = [issue.pk for issue in issues if issue.share_id is None]
    for issue in issues:
        issue.share_id = uuid.uuid4()
    Issue.objects.bulk_update(_in_order(issues), ["share_id"])
    _record(was_private, Activity.Type.SET_PUBLIC, {}, by=by, now=now)


@transaction.atomic
def unshare_issues(issues: Sequence[Issue], *, by: User | None, now: datetime) -> None:
    """Take the public addresses away."""
    was_public = [issue.pk for issue in issues if issue.share_id is not None]
    Issue.objects.filter(pk__in=was_public).update(share_id=None)
    for issue in issues:
        issue.share_id = None
    _record(was_public, Activity.Type.SET_PRIVATE, {}, by=by, now=now)


MERGE_ATTEMPTS = 5


def merge_issues(issues: Sequence[Issue], *, by: User | None, now: datetime) -> Merged | None:
    """Make one of these issues stand for all of them, and the rest follow later: see
    `issues.merging`. None when there are no two of them left. Raises CannotMerge."""
    for _ in range(MERGE_ATTEMPTS - 1):
        try:
            return _merge_issues(issues, by=by, now=now)
        except OperationalError as error:
            # Events that are counted just now, in an issue that was merged before, may have locked
            # in another order.
            if not isinstance(error.__cause__, DeadlockDetected) or connection.in_atomic_block:
                raise
    return _merge_issues(issues, by=by, now=now)


@transaction.atomic
def _merge_issues(issues: Sequence[Issue], *, by: User | None, now: datetime) -> Merged | None:
    merged = merging.merge_issues(issues, by=by, now=now)
    if merged is not None:
        tasks.follow_merge(merged, now)
    return merged


def unmerge_hashes(
    issue: Issue, hashes: Collection[UUID], *, by: User | None, now: datetime
) -> Issue | None:
    """Make those of these hashes that are the issue's another one, a new issue, which is returned
    (issues contract, section 8). None when it has none of them; raises CannotUnmerge when it has
    no others.

    Their next events are in the new issue at once. Those of before, with all that was counted of
    them, follow later (`issues.unmerging`).
    """
    own = IssueHash.objects.filter(project_id=issue.project_id, issue_id=issue.pk)
    if not own.filter(hash__in=hashes).exists():
        return None
    with transaction.atomic():
        # First the project, then an issue of it: as in a batch of events.
        Project.objects.filter(pk=issue.project_id).update(last_short_id=F("last_short_id") + 1)
        number = Project.objects.values_list("last_short_id", flat=True).get(pk=issue.project_id)
        of_issue = Issue.objects.visible().filter(pk=issue.pk)
        found = of_issue.select_for_update(no_key=True).first()
        moved = sorted(own.filter(hash__in=hashes).values_list("hash", flat=True))
        if found is None or not moved or not own.exclude(hash__in=moved).exists():
            raise CannotUnmerge
        new = Issue.objects.create(
            project=issue.project,
            number=number,
            active_at=now,
            **{name: getattr(found, name) for name in unmerging.FACTS},
        )
        with connection.cursor() as cursor:
            intake.write_texts(cursor, [new.pk])
        # Which is the last event of each of them is found out by who moves the events.
        own.update(last_event_id=None, last_event_at=None)
        own.filter(hash__in=moved).update(issue_id=new.pk)
        texts = [hash.hex for hash in moved]
        for pk, kind, side, other in (
            (issue.pk, Activity.Type.UNMERGE_SOURCE, "destination", new.pk),
            (new.pk, Activity.Type.UNMERGE_DESTINATION, "source", issue.pk),
        ):
            _record([pk], kind, {"fingerprints": texts, side: other}, by=by, now=now)
        tasks.unmerge_issues.enqueue(issue.pk, new.pk, texts)
    return new


@transaction.atomic
def delete_issues(issues: Sequence[Issue], *, by: User | None = None, now: datetime) -> int:
    """Remove issues; returns how many there still were.

    They are invisible at once, with those that were merged into them, and the next event with one
    of their hashes opens a new issue. Their rows go later, by one task for all of them
    (`issues.deletion`).
    """
    ids = sorted(issue.pk for issue in issues)
    with_hooks = Issue.objects.visible().filter(HAS_HOOKS, pk__in=ids).order_by("pk")
    told = list(with_hooks.select_for_update(no_key=True).values_list("pk", flat=True))
    announcements.announce_change(ServiceHook.Event.ISSUE_DELETED, told, by=by, now=now)
    marked = {"status": Status.PENDING_DELETION, "deleted_at": now}
    deleted = Issue.objects.visible().filter(pk__in=ids).update(**marked)
    Issue.objects.filter(merged_into__in=ids).update(**marked)
    projects = {issue.project_id for issue in issues}
    IssueHash.objects.filter(project_id__in=projects, issue_id__in=ids).delete()
    if deleted:
        tasks.delete_issues.using(run_after=now + deletion.GRACE).enqueue(ids)
    for issue in issues:
        issue.status = Status.PENDING_DELETION
    return deleted


@transaction.atomic
def discard_issues(issues: Sequence[Issue], *, by: User | None, now: datetime) -> int:
    """Never hear of issues again (issues contract, section 5); returns how many there still were.

    They are out of sight at once, with those that were merged into them. Their hashes stay: the
    next events that have one are dropped. Their rows go later, as those of deleted issues do.
    """
    ids = list(
        Issue.objects.visible()
        .filter(pk__in=[issue.pk for issue in issues])
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", flat=True)
    )
    Issue.objects.filter(pk__in=ids).update(status=Status.DISCARDED, deleted_at=now, share_id=None)
    Issue.objects.filter(merged_into__in=ids).update(status=Status.PENDING_DELETION, deleted_at=now)
    for model in (IssueResolution, IssueSnooze):
        model.objects.filter(pk__in=ids).delete()
    IssueTombstone.objects.bulk_create(
        [IssueTombstone(issue_id=pk, actor=by, created_at=now) for pk in ids]
    )
    if ids:
        tasks.delete_issues.using(run_after=now + deletion.GRACE).enqueue(ids)
    for issue in issues:
        issue.status = Status.DISCARDED
    return len(ids)


@transaction.atomic
def remove_tombstones(tombstones: Sequence[IssueTombstone], *, now: datetime) -> None:
    """Hear of discarded issues again: the next event with one of their hashes opens a new issue."""
    ids = sorted(tombstone.issue_id for tombstone in tombstones)
    projects = {tombstone.issue.project_id for tombstone in tombstones}
    Issue.objects.filter(pk__in=ids, status=Status.DISCARDED).update(
        status=Status.PENDING_DELETION, deleted_at=now
    )
    IssueHash.objects.filter(project_id__in=projects, issue_id__in=ids).delete()
    tasks.delete_issues.using(run_after=now + deletion.GRACE).enqueue(ids)


@transaction.atomic
def reprocess_issues(
    issues: Sequence[Issue],
    *,
    max_events: int | None = None,
    deletes_others: bool = False,
    by: User | None,
    now: datetime,
) -> int:
    """Have the newest `max_events` of each of these issues, or all, restored again with the files
    that are there by now (`issues.reprocessing`), and the others deleted if so wanted; returns of
    how many issues that was begun. One of which it is under way is left alone."""
    of_issues = Issue.objects.visible().filter(pk__in=[issue.pk for issue in issues])
    ids = set(of_issues.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    ids -= {arguments[0] for arguments in queue.unfinished(tasks.reprocess_issue)}
    # What is there without a task is of one that failed: it begins anew.
    IssueReprocessing.objects.filter(pk__in=ids).delete()
    IssueReprocessing.objects.bulk_create(
        IssueReprocessing(
            issue_id=pk,
            actor=by,
            created_at=now,
            max_events=max_events,
            deletes_others=deletes_others and max_events is not None,
        )
        for pk in sorted(ids)
    )
    with connection.cursor() as cursor:
        queue.enqueue_each(cursor, tasks.reprocess_issue, sorted(ids))
    return len(ids)


@transaction.atomic
def add_note(
    issue: Issue,
    text: str,
    *,
    mentions: Iterable[User | Team] = (),
    external_id: str | None = None,
    by: User,
    now: datetime,
) -> Activity:
    """Comment on an issue (issues contract, section 10). Raises RepeatedNote.

    The author and those who are mentioned, a team as everybody in it, are subscribed.
    """
    # The issue's row is the queue of those who comment on it: a note sent twice is seen twice.
    Issue.objects.filter(pk=issue.pk).update(comment_count=F("comment_count") + 1)
    notes = Activity.objects.filter(issue=issue, type=Activity.Type.NOTE, user=by)
    if notes.filter(created_at__gt=now - NOTE_REPEATED_WITHIN, data__text=text).exists():
        raise RepeatedNote
    data = {"text": text} | ({"external_id": external_id} if external_id else {})
    note = Activity.objects.create(
        issue=issue, type=Activity.Type.NOTE, data=data, user=by, created_at=now
    )
    issue.comment_count += 1
    _subscribe([issue.pk], [by], Reason.COMMENTED)
    teams = [mentioned for mentioned in mentions if isinstance(mentioned, Team)]
    people = [mentioned for mentioned in mentions if isinstance(mentioned, User)]
    if teams or people:
        _subscribe([issue.pk], [*people, *_people_of(*teams)], Reason.MENTIONED)
    return note


def edit_note(note: Activity, text: str) -> None:
    note.data = note.data | {"text": text}
    note.save(update_fields=["data"])


@transaction.atomic
def delete_note(issue: Issue, note: Activity) -> None:
    """Take a comment back. Of two who take it back at once, one is counted."""
    deleted, _ = Activity.objects.filter(pk=note.pk).delete()
    left = Greatest(F("comment_count") - deleted, 0)
    Issue.objects.filter(pk=issue.pk).update(comment_count=left)


def _in_order(issues: Iterable[Issue]) -> list[Issue]:
    """By key, so that two requests never wait for each other in a circle."""
    return sorted(issues, key=lambda issue: issue.pk)


def _record(
    issue_ids: Iterable[int],
    kind: Activity.Type,
    data: dict[str, Any],
    *,
    by: User | None,
    now: datetime,
) -> None:
    Activity.objects.bulk_create(
        [
            Activity(issue_id=issue_id, type=kind, data=data, user=by, created_at=now)
            for issue_id in issue_ids
        ]
    )


def _subscribe(issue_ids: Iterable[int], users: Iterable[User], reason: Reason) -> None:
    """Subscribe people who have not said that they want to be, or do not."""
    users = list(users)
    IssueSubscription.objects.bulk_create(
        [
            IssueSubscription(issue_id=issue_id, user=user, reason=reason)
            for issue_id in sorted(issue_ids)
            for user in users
        ],
        ignore_conflicts=True,
    )


def _people_of(*teams: Team | None) -> list[User]:
    members = OrganizationMember.objects.filter(teams__in=teams, user__is_active=True).distinct()
    return [member.user for member in members.select_related("user") if member.user]
