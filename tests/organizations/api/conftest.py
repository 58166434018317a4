"""Two organizations' worth of rows that must not mix."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from sentrylite.organizations.models import Organization, OrganizationMember, Project, Team
from tests import factories

CREATED = datetime(2026, 3, 1, 12, 0, 0, 590_000, tzinfo=UTC)


@pytest.fixture
def settled(organization: Organization, team: Team, project: Project) -> Organization:
    """The organization, its team and its project, made at a moment that is known."""
    for row in (organization, team, project):
        row.created_at = CREATED
        row.save()
    return organization


@pytest.fixture
def strangers(db: None) -> Organization:
    """Another organization, with a team, a project and an owner of its own."""
    other = factories.OrganizationFactory(slug="outer-rim")
    team = factories.TeamFactory(organization=other, slug="rockets")
    factories.ProjectFactory(organization=other, slug="pump-station", teams=[team])
    factories.OrganizationMemberFactory(organization=other, role="owner", teams=[team])
    return other


@pytest.fixture
def count_queries() -> Callable[..., int]:
    """How many statements a call runs."""
    from django.db import connection

    def count(call: Callable[..., Any], *args: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert call(*args).status_code < 300
        return len(captured)

    return count


@pytest.fixture
def fill_up(organization: Organization) -> Callable[[int], None]:
    """Adds so many teams, each with a project, an environment, a release and a member."""

    def fill_up(number: int) -> None:
        for _ in range(number):
            team = factories.TeamFactory(organization=organization)
            project = factories.ProjectFactory(organization=organization, teams=[team])
            environment = factories.EnvironmentFactory(organization=organization)
            environment.projects.add(project)
            release = factories.ReleaseFactory(organization=organization)
            release.projects.add(project)
            factories.OrganizationMemberFactory(organization=organization, teams=[team])

    return fill_up


def owner_of(organization: Organization) -> OrganizationMember:
    return organization.members.get(role="owner")
