"""GET /teams/{organization}/{team}/stats/"""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from sentrylite.organizations.models import Organization, OrganizationMember, Project, Team
from stats.models import Kind
from tests import factories
from tests.stats.conftest import Store, counted

NOW = 1795315583.25
THIS_HOUR = 1795312800

PATH = "/api/0/teams/acme/rockets/stats/"
Client = Callable[..., APIClient]

NO_PERMISSION = {"detail": "You do not have permission to perform this action."}


@pytest.fixture(autouse=True)
def clock(set_clock: Callable[[float], None]) -> None:
    set_clock(NOW)


@pytest.fixture
def sibling(organization: Organization, team: Team) -> Project:
    return factories.ProjectFactory(organization=organization, slug="other", teams=[team])


def test_it_is_the_sum_of_what_the_teams_projects_stored(
    api: APIClient, project: Project, sibling: Project, store: Store
) -> None:
    elsewhere = factories.ProjectFactory(organization=project.organization)
    for each, quantity in ((project, 1), (sibling, 2), (elsewhere, 4)):
        store(each.pk, Kind.PROJECT_GENERATED, each.pk, {NOW: quantity, NOW - 3600: 10})
        store(each.pk, Kind.PROJECT_RECEIVED, each.pk, {NOW: 100})
    response = api.get(PATH)
    assert response.status_code == 200
    assert response.content.endswith(b",[1795309200.0,20],[1795312800.0,3]]")
    assert len(response.json()) == 24
    assert response["Allow"] == "GET, HEAD, OPTIONS"


def test_it_is_reached_by_slugs_and_by_ids(api: APIClient, team: Team, project: Project) -> None:
    path = f"/api/0/teams/{team.organization_id}/{team.pk}/stats/"
    assert api.get(path).json() == api.get(PATH).json() != []


def test_head_and_options(api: APIClient, project: Project) -> None:
    assert (api.head(PATH).status_code, api.head(PATH).content) == (200, b"")
    assert APIClient().options(PATH).status_code == 200


@pytest.mark.parametrize("stat", ["received", "rejected", "nonsense"])
def test_stat_changes_nothing(api: APIClient, project: Project, store: Store, stat: str) -> None:
    store(project.pk, Kind.PROJECT_GENERATED, project.pk, {NOW: 1})
    store(project.pk, Kind.PROJECT_REJECTED, project.pk, {NOW: 2})
    assert counted(api.get(f"{PATH}?stat={stat}").json()) == {THIS_HOUR: 1}


def test_environments(api: APIClient, project: Project, sibling: Project, store: Store) -> None:
    production = factories.EnvironmentFactory(organization=project.organization, name="production")
    none = factories.EnvironmentFactory(organization=project.organization, name="")
    store(project.pk, Kind.PROJECT_GENERATED, project.pk, {NOW: 99})
    store(project.pk, Kind.ENVIRONMENT_GENERATED, production.pk, {NOW: 1})
    store(sibling.pk, Kind.ENVIRONMENT_GENERATED, production.pk, {NOW: 2})
    store(sibling.pk, Kind.ENVIRONMENT_GENERATED, none.pk, {NOW: 4})
    assert counted(api.get(f"{PATH}?environment=production").json()) == {THIS_HOUR: 3}
    assert counted(api.get(f"{PATH}?environment=").json()) == {THIS_HOUR: 4}
    assert api.get(f"{PATH}?environment=nope").status_code == 404


def test_a_team_without_projects_has_no_points(api: APIClient, team: Team) -> None:
    factories.ProjectFactory(
        organization=team.organization, teams=[team], status="pending_deletion"
    )
    assert api.get(PATH).json() == []


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("since=abc", "Invalid since. It takes seconds since 1970-01-01, such as 1584824400."),
        ("resolution=1w", "Invalid resolution. Valid values are 10s, 1h and 1d."),
        ("since=9&until=8", "Invalid since: it is later than until."),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    api: APIClient, project: Project, query: str, problem: str
) -> None:
    response = api.get(f"{PATH}?{query}")
    assert (response.status_code, response.json()) == (400, {"detail": problem})


# Who may ------------------------------------------------------------------------------------------


def test_without_credentials(team: Team) -> None:
    assert APIClient().get(PATH).status_code == 401
    unknown = APIClient().get(PATH, headers={"authorization": "Bearer unknown"})
    assert (unknown.status_code, unknown.json()) == (401, {"detail": "Invalid token"})


def test_any_team_scope_is_enough_and_no_other(
    api_as: Client, project: Project, member: OrganizationMember
) -> None:
    for scope in ("team:read", "team:write", "team:admin"):
        assert len(api_as(member.user, scopes=[scope]).get(PATH).json()) == 24
    response = api_as(member.user, scopes=["org:admin", "project:admin"]).get(PATH)
    assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_other_organizations_people_and_keys_may_not(api_as: Client, team: Team) -> None:
    stranger = factories.OrganizationMemberFactory(role="owner")
    for client in (api_as(stranger.user), api_as(organization=stranger.organization)):
        response = client.get(PATH)
        assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_who_is_not_in_the_team_sees_no_points(
    api_as: Client, organization: Organization, project: Project
) -> None:
    outsider = factories.OrganizationMemberFactory(organization=organization, role="owner")
    for client in (api_as(outsider.user), api_as(organization=organization)):
        response = client.get(PATH)
        assert (response.status_code, response.content) == (200, b"[]")
        assert client.get(f"{PATH}?environment=nope").status_code == 404


def test_where_membership_is_closed_outsiders_are_refused(
    api_as: Client, organization: Organization, team: Team
) -> None:
    organization.open_membership = False
    organization.save(update_fields=["open_membership"])
    outsider = factories.OrganizationMemberFactory(organization=organization, role="member")
    assert api_as(outsider.user).get(PATH).status_code == 403


def test_a_superusers_session_sees_every_team(project: Project) -> None:
    client = APIClient()
    client.force_login(factories.UserFactory(is_superuser=True))
    assert len(client.get(PATH).json()) == 24


def test_an_unknown_team(api: APIClient, team: Team) -> None:
    response = api.get("/api/0/teams/acme/nope/stats/")
    assert response.status_code == 404
    assert response.json() == {"detail": "The requested resource does not exist"}


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("projects", [2, 20])
@pytest.mark.parametrize(("query", "statements"), [("", 4), ("?environment=production", 5)])
def test_it_is_a_fixed_number_of_statements(
    api: APIClient,
    team: Team,
    store: Store,
    django_assert_num_queries: Any,
    projects: int,
    query: str,
    statements: int,
) -> None:
    factories.EnvironmentFactory(organization=team.organization, name="production")
    for _ in range(projects):
        project = factories.ProjectFactory(organization=team.organization, teams=[team])
        store(project.pk, Kind.PROJECT_GENERATED, project.pk, {NOW: 1, NOW - 3600: 1})
    with django_assert_num_queries(statements):
        assert len(api.get(PATH + query).json()) == 24
