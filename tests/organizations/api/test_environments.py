"""GET /organizations/{organization}/environments/"""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from sentrylite.organizations.models import Environment, EnvironmentProject, Organization, Project
from tests import factories

PATH = "/api/0/organizations/acme/environments/"

Client = Callable[..., APIClient]


@pytest.fixture
def other(organization: Organization) -> Project:
    """A project of another team."""
    team = factories.TeamFactory(organization=organization)
    return factories.ProjectFactory(organization=organization, teams=[team])


@pytest.fixture
def environments(project: Project, other: Project) -> None:
    """One of both projects that one hides, one of each, one that is hidden, and the nameless."""
    for name, projects, hidden in (
        ("staging", [project, other], [other]),
        ("production", [project], []),
        ("Canary", [other], []),
        ("old", [project], [project]),
        ("", [project], []),
        ("unused", [], []),
    ):
        environment = factories.EnvironmentFactory(organization=project.organization, name=name)
        for place in projects:
            EnvironmentProject.objects.create(
                environment=environment, project=place, is_hidden=place in hidden
            )


def names(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [environment["name"] for environment in response.json()]


def test_the_whole_answer(api: APIClient, environments: None) -> None:
    response = api.get(PATH)
    expected = Environment.objects.filter(name__in=["staging", "production", "Canary"])
    assert response.json() == [
        {"id": str(environment.pk), "name": environment.name}
        for environment in expected.order_by("name")
    ]
    assert "Link" not in response


def test_an_organization_without_any(api: APIClient) -> None:
    assert api.get(PATH).json() == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?visibility=", {"staging", "production", "Canary"}),
        ("?visibility=visible", {"staging", "production", "Canary"}),
        ("?visibility=hidden", {"staging", "old"}),
        ("?visibility=all", {"staging", "production", "Canary", "old"}),
    ],
)
def test_the_visibility(api: APIClient, environments: None, query: str, found: set[str]) -> None:
    assert set(names(api.get(PATH + query))) == found


def test_a_visibility_that_there_is_not(api: APIClient) -> None:
    response = api.get(f"{PATH}?visibility=none")
    assert response.status_code == 400
    assert response.json() == {
        "detail": "Invalid value for 'visibility', valid values are: ['visible', 'all', 'hidden']"
    }


def test_the_project_parameter_chooses(
    api: APIClient, environments: None, project: Project, other: Project
) -> None:
    assert set(names(api.get(f"{PATH}?project={project.pk}"))) == {"production", "staging"}
    assert names(api.get(f"{PATH}?project={other.pk}")) == ["Canary"]
    assert len(names(api.get(f"{PATH}?project={project.pk}&project={other.pk}"))) == 3
    assert len(names(api.get(f"{PATH}?project=-1"))) == 3
    assert api.get(f"{PATH}?project={factories.ProjectFactory().pk}").status_code == 403
    assert api.get(f"{PATH}?project=x").status_code == 400


def test_a_closed_organization_shows_those_of_the_caller_s_projects(
    api_as: Client, environments: None, organization: Organization, team: Any
) -> None:
    Organization.objects.update(open_membership=False)
    member = factories.OrganizationMemberFactory(organization=organization, role="member")
    assert names(api_as(member.user).get(PATH)) == []
    member.teams.add(team)
    assert set(names(api_as(member.user).get(PATH))) == {"production", "staging"}


@pytest.mark.parametrize("rows", [2, 20])
def test_the_number_of_statements_is_fixed(
    api: APIClient, organization: Organization, rows: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    for environment in factories.EnvironmentFactory.create_batch(rows, organization=organization):
        project = factories.ProjectFactory(organization=organization)
        EnvironmentProject.objects.create(environment=environment, project=project)
    with django_assert_num_queries(4):
        assert len(names(api.get(PATH))) == rows
