from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sentrylite.organizations.models import Organization, Project, Team
from tests import factories


@pytest.fixture
def boiler(organization: Organization, team: Team) -> Project:
    """Another project of the organization's."""
    return factories.ProjectFactory(
        organization=organization, slug="boiler", name="Boiler", platform="python", teams=[team]
    )


@pytest.fixture
def count_queries() -> Callable[..., int]:
    """How many statements a call runs."""

    def count(call: Callable[..., Any], *args: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert call(*args).status_code < 300
        return len(captured)

    return count
