"""What most tests start from."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.background.runner import Runner
from sentrylite.organizations.access import ALL_SCOPES
from sentrylite.organizations.models import Organization, OrganizationMember, Project, ProjectKey
from tests import factories


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
        api = APIClient()
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
