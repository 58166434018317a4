"""What is done to issues in the background (`sentrylite.background`), and to what holds them."""

from django.utils import timezone

from sentrylite.background import checkpoint, task

from . import deletion, project_tags, removal


@task(priority=-10)
def delete_issues(issue_ids: list[int]) -> None:
    """Delete the rows of issues that are marked as deleted, however many those are."""
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
