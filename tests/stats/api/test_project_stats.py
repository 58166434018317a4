"""GET /projects/{organization}/{project}/stats/"""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from sentrylite.organizations.models import Organization, OrganizationMember, Project
from stats.models import Kind
from stats.usage import FILTERS
from tests import factories
from tests.stats.conftest import Store, counted

NOW = 1795315583.25
THIS_HOUR = 1795312800

PATH = "/api/0/projects/acme/pump-station/stats/"
Client = Callable[..., APIClient]

NO_PERMISSION = {"detail": "You do not have permission to perform this action."}


@pytest.fixture(autouse=True)
def clock(set_clock: Callable[[float], None]) -> None:
    set_clock(NOW)


def test_it_answers_with_points(api: APIClient, project: Project, store: Store) -> None:
    store(project.pk, Kind.PROJECT_RECEIVED, project.pk, {NOW: 5})
    response = api.get(PATH)
    assert response.status_code == 200
    assert response.content.startswith(b"[[1795230000.0,0],")
    assert response.content.endswith(b",[1795312800.0,5]]")
    assert len(response.json()) == 24
    assert response["Allow"] == "GET, HEAD, OPTIONS"


def test_it_is_reached_by_slugs_and_by_ids(api: APIClient, project: Project) -> None:
    path = f"/api/0/projects/{project.organization_id}/{project.pk}/stats/"
    assert api.get(path).json() == api.get(PATH).json()


def test_head_and_options(api: APIClient, project: Project) -> None:
    assert (api.head(PATH).status_code, api.head(PATH).content) == (200, b"")
    assert APIClient().options(PATH).status_code == 200


@pytest.mark.parametrize(
    ("stat", "kind"),
    [
        ("", Kind.PROJECT_RECEIVED),
        ("received", Kind.PROJECT_RECEIVED),
        ("rejected", Kind.PROJECT_REJECTED),
        ("blacklisted", Kind.PROJECT_BLACKLISTED),
        ("generated", Kind.PROJECT_GENERATED),
        ("forwarded", Kind.PROJECT_FORWARDED),
    ],
)
def test_stat_says_what_is_counted(
    api: APIClient, project: Project, store: Store, stat: str, kind: Kind
) -> None:
    for each in Kind:
        store(project.pk, each, project.pk, {NOW: each.value})
    assert counted(api.get(f"{PATH}?stat={stat}").json()) == {THIS_HOUR: kind.value}


@pytest.mark.parametrize(
    "name",
    [
        "ip-address",
        "release-version",
        "error-message",
        "browser-extensions",
        "legacy-browsers",
        "localhost",
        "web-crawlers",
        "invalid-csp",
        "cors",
        "discarded-hash",
    ],
)
def test_each_inbound_filter_is_a_stat(
    api: APIClient, project: Project, store: Store, name: str
) -> None:
    for number in FILTERS.values():
        store(project.pk, Kind.FILTERED, number, {NOW: number})
    assert counted(api.get(f"{PATH}?stat={name}").json()) == {THIS_HOUR: FILTERS[name]}


def test_other_projects_counts_are_theirs(api: APIClient, project: Project, store: Store) -> None:
    store(project.pk + 1, Kind.PROJECT_RECEIVED, project.pk + 1, {NOW: 5})
    store(project.pk + 1, Kind.FILTERED, FILTERS["cors"], {NOW: 5})
    assert counted(api.get(PATH).json()) == {}
    assert counted(api.get(f"{PATH}?stat=cors").json()) == {}


def test_the_period_is_that_of_the_request(api: APIClient, project: Project, store: Store) -> None:
    store(project.pk, Kind.PROJECT_RECEIVED, project.pk, {NOW: 5, NOW - 30: 1})
    path = f"{PATH}?since={NOW - 30}&until={NOW}&resolution=10s"
    assert api.get(path).json() == [
        [1795315550.0, 1],
        [1795315560.0, 0],
        [1795315570.0, 0],
        [1795315580.0, 5],
    ]


def test_environments_matter_for_stored_events_only(
    api: APIClient, project: Project, store: Store
) -> None:
    production = factories.EnvironmentFactory(organization=project.organization, name="production")
    none = factories.EnvironmentFactory(organization=project.organization, name="")
    store(project.pk, Kind.PROJECT_RECEIVED, project.pk, {NOW: 1})
    store(project.pk, Kind.PROJECT_GENERATED, project.pk, {NOW: 6})
    store(project.pk, Kind.ENVIRONMENT_GENERATED, production.pk, {NOW: 2})
    store(project.pk, Kind.ENVIRONMENT_GENERATED, none.pk, {NOW: 4})

    def answer(query: str) -> Any:
        return counted(api.get(f"{PATH}?{query}").json())

    assert answer("stat=generated") == {THIS_HOUR: 6}
    assert answer("stat=generated&environment=production") == {THIS_HOUR: 2}
    assert answer("stat=generated&environment=") == {THIS_HOUR: 4}
    assert answer("environment=production") == {THIS_HOUR: 1}
    assert answer("environment=nope") == {THIS_HOUR: 1}
    assert api.get(f"{PATH}?stat=generated&environment=nope").status_code == 404


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (
            "stat=nope",
            "Invalid stat. Valid choices are received, rejected, blacklisted, generated, "
            "forwarded, ip-address, release-version, error-message, browser-extensions, "
            "legacy-browsers, localhost, web-crawlers, invalid-csp, cors, discarded-hash.",
        ),
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


def test_without_credentials(project: Project) -> None:
    assert APIClient().get(PATH).status_code == 401
    unknown = APIClient().get(PATH, headers={"authorization": "Bearer unknown"})
    assert (unknown.status_code, unknown.json()) == (401, {"detail": "Invalid token"})


def test_any_project_scope_is_enough_and_no_other(
    api_as: Client, project: Project, member: OrganizationMember
) -> None:
    for scope in ("project:read", "project:write", "project:admin"):
        assert api_as(member.user, scopes=[scope]).get(PATH).status_code == 200
    response = api_as(member.user, scopes=["org:admin", "event:admin"]).get(PATH)
    assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_other_organizations_people_and_keys_may_not(api_as: Client, project: Project) -> None:
    stranger = factories.OrganizationMemberFactory(role="owner")
    for client in (api_as(stranger.user), api_as(organization=stranger.organization)):
        response = client.get(PATH)
        assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_an_api_key_may(api_as: Client, project: Project) -> None:
    client = api_as(organization=project.organization, scopes=["project:read"])
    assert client.get(PATH).status_code == 200


@pytest.mark.parametrize(
    ("open_membership", "role", "in_team", "status"),
    [
        (True, "member", False, 200),
        (False, "member", False, 403),
        (False, "member", True, 200),
        (False, "owner", False, 200),
    ],
)
def test_where_membership_is_closed_the_team_counts(
    api_as: Client,
    organization: Organization,
    project: Project,
    open_membership: bool,
    role: str,
    in_team: bool,
    status: int,
) -> None:
    organization.open_membership = open_membership
    organization.save(update_fields=["open_membership"])
    member = factories.OrganizationMemberFactory(
        organization=organization, role=role, teams=project.teams.all() if in_team else []
    )
    assert api_as(member.user).get(PATH).status_code == status


def test_an_unknown_project(api: APIClient, project: Project) -> None:
    other = factories.ProjectFactory(slug="elsewhere")
    for address in ("nope", other.slug, str(other.pk)):
        response = api.get(f"/api/0/projects/acme/{address}/stats/")
        assert response.status_code == 404
        assert response.json() == {"detail": "The requested resource does not exist"}


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "statements"),
    [("", 4), ("?stat=cors", 4), ("?stat=generated&environment=production", 5)],
)
def test_it_is_a_fixed_number_of_statements(
    api: APIClient,
    project: Project,
    store: Store,
    django_assert_num_queries: Any,
    query: str,
    statements: int,
) -> None:
    factories.EnvironmentFactory(organization=project.organization, name="production")
    store(project.pk, Kind.PROJECT_RECEIVED, project.pk, {NOW - age * 60: 1 for age in range(100)})
    with django_assert_num_queries(statements):
        assert api.get(PATH + query).status_code == 200
