"""What most tests start from."""

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import IO, Any

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.background.runner import Runner
from sentrylite.organizations.access import ALL_SCOPES
from sentrylite.organizations.models import Organization, OrganizationMember, Project, ProjectKey
from tests import factories
from tests.described import DescribedClient

OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A connection that a test has closed may take a moment to be gone, and its database can only
    be dropped when it is."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for _ in range(100):
            cursor.execute(OTHERS)
            if not cursor.fetchone()[0]:
                break
            time.sleep(0.1)


@pytest.fixture
def now() -> datetime:
    """A moment to hand to what depends on the time: 2026-03-04 05:06:07 UTC, a Wednesday."""
    return datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def organization(db: None) -> Organization:
    return factories.OrganizationFactory(slug="acme", name="Acme")


@pytest.fixture
def team(organization: Organization) -> Any:
    return factories.TeamFactory(organization=organization, slug="rockets")


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies that are too large for memory find no space."""

    def file_without_space(*_: Any, **__: Any) -> IO[bytes]:
        return open("/dev/full", "w+b")

    monkeypatch.setattr(tempfile, "TemporaryFile", file_without_space)


@pytest.fixture
def project(organization: Organization, team: Any) -> Project:
    return factories.ProjectFactory(
        organization=organization, slug="pump-station", name="Pump Station", teams=[team]
    )


@pytest.fixture
def key(project: Project) -> ProjectKey:
    return factories.ProjectKeyFactory(project=project)


@pytest.fixture
def member(organization: Organization, team: Any) -> OrganizationMember:
    """An owner, in the team."""
    return factories.OrganizationMemberFactory(
        organization=organization, role="owner", teams=[team]
    )


@pytest.fixture
def user(member: OrganizationMember) -> User:
    assert member.user is not None
    return member.user


@pytest.fixture
def api_as() -> Callable[..., APIClient]:
    """`api_as(user)` or `api_as(user, scopes=["org:read"])`: a client with a token of that user.

    `api_as(organization=…)` has an API key of the organization instead.
    """

    def client(
        user: User | None = None,
        *,
        organization: Organization | None = None,
        scopes: Any = ALL_SCOPES,
    ) -> APIClient:
        api = DescribedClient()
        if organization is not None:
            key = factories.ApiKeyFactory(organization=organization, scopes=sorted(scopes))
            api.credentials(HTTP_AUTHORIZATION=factories.basic(key.secret))
        else:
            token = factories.ApiTokenFactory(user=user, scopes=sorted(scopes))
            api.credentials(HTTP_AUTHORIZATION=f"Bearer {token.secret}")
        return api

    return client


@pytest.fixture
def api(user: User, api_as: Callable[..., APIClient]) -> APIClient:
    """A client with a token of an owner of `organization`."""
    return api_as(user)


@pytest.fixture
def run_tasks(db: None) -> Callable[[datetime], int]:
    """`run_tasks(now)`: run what is due then, as a server does; returns how many were run.

    The tasks of a test are rows in its database. One that fails stays there, with its traceback.
    """
    return lambda now: Runner(clock=lambda: now).run_due()
