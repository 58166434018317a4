"""What is done to issues in the background (`sentrylite.background`)."""

from sentrylite.background import checkpoint, task

from . import deletion, merging


@task(priority=-10)
def delete_issues(issue_ids: list[int]) -> None:
    """Delete the rows of issues that are marked as deleted or discarded, however many they are."""
    deletion.purge_issues(issue_ids, after_batch=checkpoint)


@task
def merge_issues(issue_ids: list[int]) -> None:
    """Move what issues that were merged away still have to where they were merged."""
    merging.move_rows(issue_ids, after_batch=checkpoint)
