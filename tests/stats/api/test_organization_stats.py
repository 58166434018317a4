"""GET /organizations/{organization}/stats/"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from sentrylite.organizations.models import Organization, OrganizationMember, Project, Team
from stats.models import Kind
from stats.periods import DAY, HOUR, MAX_POINTS
from tests import factories
from tests.stats.conftest import Store, counted

SHAPE = Path(settings.BASE_DIR.parent, "tests/shapes/organization-stats.json")
DOCUMENTED_AT = 1584909394.59  # 2020-03-22 20:36:34 UTC

NOW = 1795315583.25
THIS_HOUR = 1795312800

PATH = "/api/0/organizations/acme/stats/"
Client = Callable[..., APIClient]
SetClock = Callable[[float], None]

NO_PERMISSION = {"detail": "You do not have permission to perform this action."}


@pytest.fixture(autouse=True)
def clock(set_clock: SetClock) -> None:
    set_clock(NOW)


# The documented answer ----------------------------------------------------------------------------


@pytest.fixture
def documented(organization: Organization, store: Store, set_clock: SetClock) -> list[Any]:
    """The situation of the documentation; returns its answer."""
    points = json.loads(SHAPE.read_text())
    store(0, Kind.ORGANIZATION_RECEIVED, organization.pk, dict(points))
    set_clock(DOCUMENTED_AT)
    return points


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?stat=received&group=organization&resolution=1h",
        "?since=1584824400&until=1584907200&resolution=1h",
        "?since=1584822995.59&until=1584909394.59",
        "?stat=&group=&since=&until=&resolution=",
    ],
)
def test_the_documented_answer_to_the_byte(
    api: APIClient, documented: list[Any], query: str
) -> None:
    response = api.get(PATH + query)
    assert response.status_code == 200
    # Compact and with `.0`: 482 bytes, as the document says.
    assert response.content == json.dumps(documented, separators=(",", ":")).encode()
    assert response["Content-Length"] == "482"


def test_the_documented_headers(api: APIClient, documented: list[Any]) -> None:
    headers = dict(api.get(PATH).headers)
    assert headers == headers | {
        "Content-Length": "482",
        "X-XSS-Protection": "1; mode=block",
        "X-Content-Type-Options": "nosniff",
        "Content-Language": "en",
        "Access-Control-Expose-Headers": "X-Sentry-Error, Retry-After",
        "Vary": "Accept-Language, Cookie",
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Allow": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Headers": (
            "X-Sentry-Auth, X-Requested-With, Origin, Accept, Content-Type, Authentication, "
            "Authorization"
        ),
        "Content-Type": "application/json",
        "X-Frame-Options": "deny",
    }


def test_head_and_options(api: APIClient, documented: list[Any]) -> None:
    head = api.head(PATH)
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", "482")
    options = APIClient().options(PATH)
    assert (options.status_code, options.content) == (200, b"")
    assert options["Allow"] == "GET, HEAD, OPTIONS"


def test_it_is_reached_by_slug_and_by_id(
    api: APIClient, organization: Organization, documented: list[Any]
) -> None:
    assert api.get(f"/api/0/organizations/{organization.pk}/stats/").json() == documented


# Parameters ---------------------------------------------------------------------------------------


def test_a_quiet_organization_has_24_zeros(api: APIClient, organization: Organization) -> None:
    points = api.get(PATH).json()
    assert points == [[THIS_HOUR - hours * 3600.0, 0] for hours in range(23, -1, -1)]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("", Kind.ORGANIZATION_RECEIVED),
        ("?stat=received", Kind.ORGANIZATION_RECEIVED),
        ("?stat=rejected", Kind.ORGANIZATION_REJECTED),
        ("?stat=blacklisted", Kind.ORGANIZATION_BLACKLISTED),
    ],
)
def test_stat_says_what_is_counted(
    api: APIClient, organization: Organization, store: Store, query: str, kind: Kind
) -> None:
    for each in Kind:
        store(0, each, organization.pk, {NOW: each.value})
    assert counted(api.get(PATH + query).json()) == {THIS_HOUR: kind.value}


def test_the_resolution_chooses_the_buckets(
    api: APIClient, organization: Organization, store: Store
) -> None:
    store(0, Kind.ORGANIZATION_RECEIVED, organization.pk, {NOW: 1, NOW - HOUR: 2, NOW - DAY: 4})
    assert counted(api.get(f"{PATH}?since={NOW - 60}").json()) == {1795315580: 1}
    assert counted(api.get(PATH).json()) == {THIS_HOUR: 1, THIS_HOUR - HOUR: 2}
    assert counted(api.get(f"{PATH}?since={NOW - 30 * DAY}").json()) == {
        1795305600: 3,
        1795305600 - DAY: 4,
    }
    assert len(api.get(f"{PATH}?since={NOW - 3 * DAY}&resolution=10s").json()) == 25921


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("stat=nope", "Invalid stat. Valid choices are received, rejected, blacklisted."),
        ("stat=generated", "Invalid stat. Valid choices are received, rejected, blacklisted."),
        (
            "group=project&stat=forwarded",
            "Invalid stat. Valid choices are received, rejected, blacklisted, generated.",
        ),
        ("group=key", "Invalid group. Valid choices are organization, project."),
        *(
            (
                f"{name}={value}",
                f"Invalid {name}. It takes seconds since 1970-01-01, such as 1584824400.",
            )
            for name in ("since", "until")
            for value in ("abc", "nan", "inf", "-inf", "1e300", "2026-03-04", "0x10")
        ),
        (f"since={NOW + 1}", "Invalid since: it is later than until."),
        ("since=1000&until=999.5", "Invalid since: it is later than until."),
        *(
            (f"resolution={value}", "Invalid resolution. Valid values are 10s, 1h and 1d.")
            for value in ("1m", "5m", "x", "3600", "1w", "0s", "1h%20")
        ),
        ("resolution=1h%00", "Invalid resolution: it holds a NUL character."),
        (
            "since=0&resolution=1h",
            "The range has 498699 points, more than 100000. "
            "Choose a shorter range or a coarser resolution.",
        ),
        ("id=abc", "Invalid id parameter. Values must be numbers."),
        ("id=1&id=", "Invalid id parameter. Values must be numbers."),
        ("group=project&projectID=abc", "Invalid projectID parameter. Values must be numbers."),
        (
            "group=project&stat=generated&environment=%00",
            "Invalid environment: it holds a NUL character.",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    api: APIClient, organization: Organization, query: str, problem: str
) -> None:
    response = api.get(f"{PATH}?{query}")
    assert (response.status_code, response.json()) == (400, {"detail": problem})


def test_an_id_filter_without_the_organization_leaves_nothing(
    api: APIClient, organization: Organization
) -> None:
    others = organization.pk + 1
    assert len(api.get(f"{PATH}?id={organization.pk}").json()) == 24
    assert len(api.get(f"{PATH}?id={others}&id={organization.pk}").json()) == 24
    assert api.get(f"{PATH}?id={others}").json() == []


def test_project_ids_and_environments_only_matter_where_they_mean_something(
    api: APIClient, organization: Organization
) -> None:
    assert len(api.get(f"{PATH}?projectID=abc&environment=nope").json()) == 24
    assert api.get(f"{PATH}?group=project&environment=nope").status_code == 200


# By project ---------------------------------------------------------------------------------------

BY_PROJECT = f"{PATH}?group=project"


def totals(answer: dict[str, Any]) -> dict[str, int]:
    return {project: sum(counted(points).values()) for project, points in answer.items()}


@pytest.fixture
def sibling(organization: Organization, team: Team) -> Project:
    return factories.ProjectFactory(organization=organization, slug="other", teams=[team])


def test_by_project(api: APIClient, project: Project, sibling: Project, store: Store) -> None:
    store(project.pk, Kind.PROJECT_RECEIVED, project.pk, {NOW: 5})
    store(0, Kind.ORGANIZATION_RECEIVED, project.organization_id, {NOW: 99})
    answer = api.get(BY_PROJECT).json()
    assert totals(answer) == {str(project.pk): 5, str(sibling.pk): 0}
    assert answer[str(project.pk)][-1] == [float(THIS_HOUR), 5]
    assert [len(points) for points in answer.values()] == [24, 24]


@pytest.mark.parametrize(
    ("stat", "kind"),
    [
        ("received", Kind.PROJECT_RECEIVED),
        ("rejected", Kind.PROJECT_REJECTED),
        ("blacklisted", Kind.PROJECT_BLACKLISTED),
        ("generated", Kind.PROJECT_GENERATED),
    ],
)
def test_stats_of_projects(
    api: APIClient, project: Project, store: Store, stat: str, kind: Kind
) -> None:
    for each in Kind:
        store(project.pk, each, project.pk, {NOW: each.value})
    answer = api.get(f"{BY_PROJECT}&stat={stat}").json()
    assert totals(answer) == {str(project.pk): kind.value}


def test_generated_in_an_environment(api: APIClient, project: Project, store: Store) -> None:
    production = factories.EnvironmentFactory(organization=project.organization, name="production")
    none = factories.EnvironmentFactory(organization=project.organization, name="")
    elsewhere = factories.EnvironmentFactory(name="elsewhere")
    store(project.pk, Kind.PROJECT_GENERATED, project.pk, {NOW: 7})
    store(project.pk, Kind.ENVIRONMENT_GENERATED, production.pk, {NOW: 2})
    store(project.pk, Kind.ENVIRONMENT_GENERATED, none.pk, {NOW: 5})

    def answer(environment: str) -> Any:
        return api.get(f"{BY_PROJECT}&stat=generated&environment={environment}")

    assert totals(answer("production").json()) == {str(project.pk): 2}
    assert totals(answer("").json()) == {str(project.pk): 5}
    assert answer("nope").status_code == 404
    assert answer(elsewhere.name).status_code == 404


def test_projects_are_chosen_by_project_id_and_id(
    api: APIClient, project: Project, sibling: Project
) -> None:
    stranger = factories.ProjectFactory(organization=project.organization)

    def chosen(*filters: str) -> list[int]:
        return sorted(map(int, api.get("&".join([BY_PROJECT, *filters])).json()))

    assert chosen(f"projectID={project.pk}") == [project.pk]
    assert chosen(f"id={sibling.pk}") == [sibling.pk]
    assert chosen(f"projectID={project.pk}", f"projectID={sibling.pk}", f"id={sibling.pk}") == [
        sibling.pk
    ]
    assert chosen(f"projectID={project.pk}", f"id={sibling.pk}") == []
    assert chosen(f"projectID={stranger.pk}") == []


def test_only_projects_of_the_callers_own_teams(
    api: APIClient, organization: Organization, project: Project
) -> None:
    others = factories.TeamFactory(organization=organization)
    leaving = factories.TeamFactory(organization=organization, status="pending_deletion")
    factories.ProjectFactory(organization=organization, teams=[others])
    factories.ProjectFactory(organization=organization, teams=[leaving])
    factories.ProjectFactory(organization=organization)
    factories.ProjectFactory(
        organization=organization, teams=[project.teams.get()], status="pending_deletion"
    )
    assert list(api.get(BY_PROJECT).json()) == [str(project.pk)]


def test_a_project_of_two_own_teams_counts_once(
    api: APIClient, member: OrganizationMember, project: Project, store: Store
) -> None:
    second = factories.TeamFactory(organization=project.organization)
    project.teams.add(second)
    member.teams.add(second)
    store(project.pk, Kind.PROJECT_RECEIVED, project.pk, {NOW: 5})
    assert totals(api.get(BY_PROJECT).json()) == {str(project.pk): 5}


def test_nothing_to_show_is_an_empty_list(
    api_as: Client, organization: Organization, project: Project
) -> None:
    teamless = factories.OrganizationMemberFactory(organization=organization, role="owner")
    for client in (api_as(teamless.user), api_as(organization=organization)):
        response = client.get(BY_PROJECT)
        assert (response.status_code, response.content) == (200, b"[]")


def test_a_superusers_session_sees_the_projects_of_every_team(project: Project) -> None:
    factories.ProjectFactory(organization=project.organization)
    superuser = factories.UserFactory(is_superuser=True)
    client = APIClient()
    client.force_login(superuser)
    assert list(client.get(BY_PROJECT).json()) == [str(project.pk)]


def test_projects_times_points_have_a_limit(
    api: APIClient, project: Project, sibling: Project
) -> None:
    since = NOW - (MAX_POINTS // 2) * 10
    path = f"{BY_PROJECT}&resolution=10s&since={since}"
    response = api.get(path)
    assert response.status_code == 400
    assert response.json()["detail"].startswith("2 projects with 50001 points each are more than")
    assert api.get(f"{path}&projectID={project.pk}").status_code == 200


# Who may ------------------------------------------------------------------------------------------


def test_without_credentials(organization: Organization) -> None:
    response = APIClient().get(PATH)
    assert response.status_code == 401
    assert response.json() == {"detail": "Authentication credentials were not provided."}
    assert response["WWW-Authenticate"] == 'xBasic realm="api"'


def test_an_unknown_token(organization: Organization) -> None:
    response = APIClient().get(PATH, headers={"authorization": "Bearer unknown"})
    assert (response.status_code, response.json()) == (401, {"detail": "Invalid token"})


@pytest.mark.parametrize("scope", ["org:read", "org:write", "org:admin"])
def test_any_organization_scope_is_enough(
    api_as: Client, member: OrganizationMember, scope: str
) -> None:
    assert api_as(member.user, scopes=[scope]).get(PATH).status_code == 200


def test_other_scopes_are_not(api_as: Client, member: OrganizationMember) -> None:
    response = api_as(member.user, scopes=["project:admin", "event:admin"]).get(PATH)
    assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_a_plain_member_may(api_as: Client, organization: Organization) -> None:
    member = factories.OrganizationMemberFactory(organization=organization, role="member")
    assert api_as(member.user).get(PATH).status_code == 200


def test_other_organizations_people_and_keys_may_not(
    api_as: Client, organization: Organization
) -> None:
    stranger = factories.OrganizationMemberFactory(role="owner")
    for client in (api_as(stranger.user), api_as(organization=stranger.organization)):
        response = client.get(PATH)
        assert (response.status_code, response.json()) == (403, NO_PERMISSION)


def test_an_api_key_may(api_as: Client, organization: Organization, documented: list[Any]) -> None:
    client = api_as(organization=organization, scopes=["org:read"])
    assert client.get(PATH).json() == documented


def test_an_unknown_organization(api: APIClient) -> None:
    response = api.get("/api/0/organizations/nope/stats/")
    assert response.status_code == 404
    assert response.json() == {"detail": "The requested resource does not exist"}


def test_it_cannot_be_changed(api: APIClient) -> None:
    response = api.post(PATH, {})
    assert response.status_code == 405
    assert response.json() == {"detail": 'Method "POST" not allowed.'}


# What it costs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("projects", [2, 20])
@pytest.mark.parametrize(
    ("query", "statements"),
    [
        ("", 3),
        ("?resolution=10s", 3),
        ("?group=project", 3),
        ("?group=project&stat=generated", 3),
        ("?group=project&stat=generated&environment=production", 4),
    ],
)
def test_the_token_the_organization_and_the_counts_are_a_statement_each(
    api: APIClient,
    organization: Organization,
    team: Team,
    store: Store,
    django_assert_num_queries: Any,
    projects: int,
    query: str,
    statements: int,
) -> None:
    factories.EnvironmentFactory(organization=organization, name="production")
    for _ in range(projects):
        project = factories.ProjectFactory(organization=organization, teams=[team])
        store(project.pk, Kind.PROJECT_RECEIVED, project.pk, {NOW: 1, NOW - HOUR: 1})
    with django_assert_num_queries(statements):
        assert api.get(PATH + query).status_code == 200
