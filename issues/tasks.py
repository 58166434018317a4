"""What is done to issues in the background (`sentrylite.background`), and to what holds them."""

from contextlib import closing
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from sentrylite.background import checkpoint, queue, task

from . import deletion, deliveries, merging, project_tags, removal, reprocessing, unmerging
from .symbolication import Symbolicator


@task(priority=-10)
def delete_issues(issue_ids: list[int]) -> None:
    """Delete the rows of issues that are marked as deleted or discarded, however many they are."""
    deletion.purge_issues(issue_ids, after_batch=checkpoint)


@task(priority=-10)
def remove_organization(organization_id: int) -> None:
    """Delete an organization that was deleted a day ago, with all that is its own."""
    removal.remove_organization(organization_id, timezone.now(), after_batch=checkpoint)


@task(priority=-10)
def remove_tag_key(project_id: int, key: str) -> None:
    """Take a tag key from a project's issues, however many have it."""
    project_tags.remove_key(project_id, key, after_batch=checkpoint)


@task(priority=-10)
def remove_project(project_id: int) -> None:
    """Delete a project that was deleted an hour ago, with all that is its own."""
    removal.remove_project(project_id, timezone.now(), after_batch=checkpoint)


@task(priority=-10)
def deliver_to_hook(hook_id: int) -> None:
    """Tell a service hook what it is still to be told."""
    go_on_at = deliveries.deliver(hook_id, after_each=checkpoint)
    if go_on_at is not None:
        queue.enqueue_by(deliver_to_hook, hook_id, moment=go_on_at)


@task
def merge_issues(issue_ids: list[int]) -> None:
    """Move what issues that were merged away still have to where they were merged."""
    merging.move_rows(issue_ids, after_batch=checkpoint)


def follow_merge(merged: merging.Merged, now: datetime) -> None:
    """Have `merge_issues` done, in the transaction of the merge."""
    ids = [issue.pk for issue in merged.children]
    merge_issues.enqueue(ids)
    # Again, for what was being written to them just now.
    merge_issues.using(run_after=now + merging.GRACE).enqueue(ids)


@task
def unmerge_issues(
    source_id: int, destination_id: int, hashes: list[str], waiting: unmerging.Waiting | None = None
) -> None:
    """Move the events with these hashes, and what was counted of them, to the issue that the hashes
    lead to now. Puts itself off until all of them are counted where they are."""
    now = timezone.now()
    waiting = unmerging.wait(waiting, now)
    if waiting is None:
        unmerging.move_events(source_id, destination_id, hashes, after_batch=checkpoint)
    else:
        later = unmerge_issues.using(run_after=now + unmerging.PAUSE)
        later.enqueue(source_id, destination_id, hashes, waiting)


@task(priority=-10)
def reprocess_issue(issue_id: int, waiting: unmerging.Waiting | None = None) -> None:
    """Restore an issue's events again, and put them where they belong then. Puts itself off until
    all of them are counted where they are."""
    now = timezone.now()
    with closing(Symbolicator()) as symbolicator:
        reprocessing.restore_events(issue_id, symbolicator, after_batch=checkpoint)
    waiting = unmerging.wait(waiting, now)
    if waiting is not None:
        later = reprocess_issue.using(run_after=now + unmerging.PAUSE)
        later.enqueue(issue_id, waiting)
        return
    reprocessing.regroup_events(issue_id, after_batch=checkpoint)
    with transaction.atomic():
        merged = reprocessing.finish(issue_id, now)
        if merged is not None:
            follow_merge(merged, now)
