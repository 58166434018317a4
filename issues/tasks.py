"""What is done to issues in the background (`sentrylite.background`)."""

from sentrylite.background import checkpoint, queue, task

from . import deletion, deliveries, project_tags


@task(priority=-10)
def delete_issues(issue_ids: list[int]) -> None:
    """Delete the rows of issues that are marked as deleted, however many those are."""
    deletion.purge_issues(issue_ids, after_batch=checkpoint)


@task(priority=-10)
def remove_tag_key(project_id: int, key: str) -> None:
    """Take a tag key from a project's issues, however many have it."""
    project_tags.remove_key(project_id, key, after_batch=checkpoint)


@task(priority=-10)
def deliver_to_hook(hook_id: int) -> None:
    """Tell a service hook what it is still to be told."""
    go_on_at = deliveries.deliver(hook_id, after_each=checkpoint)
    if go_on_at is not None:
        queue.enqueue_by(deliver_to_hook, hook_id, moment=go_on_at)
