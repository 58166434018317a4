"""Repositories that somebody added, changed or removed (organizations contract, section 9)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from sentrylite.organizations.models import Organization

from .models import Repository

UNKNOWN = "unknown"
# Who may host a repository. It is a label: nothing is asked of them.
PROVIDERS = {
    UNKNOWN: "Unknown Provider",
    "bitbucket": "Bitbucket",
    "github": "GitHub",
    "github_enterprise": "GitHub Enterprise",
    "gitlab": "GitLab",
    "visualstudio": "Visual Studio",
    "integrations:bitbucket": "Bitbucket",
    "integrations:bitbucket_server": "Bitbucket Server",
    "integrations:github": "GitHub",
    "integrations:github_enterprise": "GitHub Enterprise",
    "integrations:gitlab": "GitLab",
    "integrations:vsts": "Azure DevOps",
}


class NameTaken(Exception):
    """The organization has another repository of this name."""


def add_repository(
    organization: Organization, name: str, columns: Mapping[str, Any], *, now: datetime
) -> Repository:
    """Make a repository; one of the name that was removed is there again. Raises NameTaken."""
    removed = Repository.objects.filter(
        organization=organization, name=name, status=Repository.Status.DELETED
    )
    if removed.update(status=Repository.Status.ACTIVE, **columns):
        return Repository.objects.get(organization=organization, name=name)
    try:
        with transaction.atomic():
            return Repository.objects.create(
                organization=organization, name=name, created_at=now, **columns
            )
    except IntegrityError as error:
        raise NameTaken from error


def change_repository(repository: Repository, columns: Mapping[str, Any]) -> None:
    """Set these columns of a repository. Raises NameTaken."""
    for name, value in columns.items():
        setattr(repository, name, value)
    try:
        with transaction.atomic():
            repository.save(update_fields=list(columns))
    except IntegrityError as error:
        raise NameTaken from error


def remove_repository(repository: Repository) -> None:
    """Put a repository out of sight. Its commits stay: they are in the lists of releases."""
    change_repository(repository, {"status": Repository.Status.DELETED})
