"""Projects of an organization and of a team: /organizations/{organization}/projects/,
/organizations/{organization}/sent-first-event/, /teams/{organization}/{team}/projects/"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from issues.models import Issue, UserReport
from sentrylite.organizations.models import Organization, Project, Team
from stats.models import Kind, SeriesCount
from tests import factories

pytestmark = pytest.mark.django_db

PATH = "/api/0/organizations/acme/projects/"
OF_TEAM = "/api/0/teams/acme/rockets/projects/"
FIRST_EVENT = "/api/0/organizations/acme/sent-first-event/"
Client = Callable[..., APIClient]

BAD_PERIOD = {
    "error": {
        "params": {
            "stats_period": {
                "message": "Invalid stats_period. Valid choices are '', '24h', '14d', and '30d'"
            }
        }
    }
}


@pytest.fixture
def others(organization: Organization, project: Project) -> list[Project]:
    """`alpha` of another team, `zulu` of none."""
    nova = factories.TeamFactory(organization=organization, slug="nova")
    return [
        factories.ProjectFactory(organization=organization, slug="alpha", teams=[nova]),
        factories.ProjectFactory(organization=organization, slug="zulu"),
    ]


def slugs(api: APIClient, path: str = PATH, **query: str) -> list[str]:
    answer = api.get(path, query)
    assert answer.status_code == 200, answer.content
    return [row["slug"] for row in answer.json()]


def count(project_id: int, kind: Kind, object_id: int, quantity: int) -> None:
    hour = int(datetime.now(UTC).timestamp()) // 3600
    for width, bucket in ((3600, hour), (86400, hour // 24)):
        SeriesCount.objects.create(
            project_id=project_id,
            kind=kind,
            object_id=object_id,
            width=width,
            bucket=bucket,
            quantity=quantity,
        )


@pytest.mark.parametrize("path", [PATH, OF_TEAM])
def test_summaries(
    api: APIClient, settled: Organization, project: Project, strangers: Any, path: str
) -> None:
    answer = api.get(path)
    assert answer.json() == api.get("/api/0/organizations/acme/").json()["projects"]
    assert len(answer.json()) == 1
    assert 'rel="previous"; results="false"; cursor="100:-1:1"' in answer["Link"]


def test_all_of_them_by_slug_page_by_page(api: APIClient, others: list[Project]) -> None:
    factories.ProjectFactory(organization=others[0].organization, status="pending_deletion")
    assert slugs(api) == ["alpha", "pump-station", "zulu"]
    assert slugs(api, per_page="2", cursor="2:1:0") == ["zulu"]
    answer = api.get(PATH, {"all_projects": "1", "per_page": "1"})
    assert len(answer.json()) == 3
    assert "Link" not in answer


def test_what_a_member_has_access_to(
    api_as: Client, organization: Organization, team: Team, others: list[Project]
) -> None:
    Organization.objects.update(open_membership=False)
    member = factories.OrganizationMemberFactory(organization=organization, teams=[team])
    answer = api_as(member.user).get(PATH).json()
    assert [(row["slug"], row["hasAccess"], row["isMember"]) for row in answer] == [
        ("alpha", False, False),
        ("pump-station", True, True),
        ("zulu", False, False),
    ]
    Organization.objects.update(open_membership=True)
    answer = api_as(member.user).get(PATH).json()
    assert [row["hasAccess"] for row in answer] == [True, True, False]
    answer = api_as(organization=organization).get(PATH).json()
    assert [(row["hasAccess"], row["isMember"]) for row in answer] == [(True, False)] * 3


@pytest.mark.parametrize(
    "query, found",
    [
        ("PUMP", ["pump-station"]),
        ("pump station", ["pump-station"]),
        ("slug:alpha", ["alpha"]),
        ("slug:alp", []),
        ("team:nova", ["alpha"]),
        ("!team:nova", ["pump-station", "zulu"]),
        ("is_member:1", ["pump-station"]),
        ("id:0", []),
        ("bogus:1", []),
        ("%", []),
        ("", ["alpha", "pump-station", "zulu"]),
    ],
)
def test_searching(
    api: APIClient, others: list[Project], strangers: Any, query: str, found: list[str]
) -> None:
    assert slugs(api, query=query) == found


def test_searching_by_id(api: APIClient, others: list[Project]) -> None:
    assert slugs(api, query=f"id:{others[1].pk} id:{others[0].pk}") == ["alpha", "zulu"]


@pytest.mark.parametrize("path", [PATH, OF_TEAM])
def test_stats(api: APIClient, project: Project, path: str) -> None:
    count(project.pk, Kind.PROJECT_GENERATED, project.pk, 7)
    for period, points in (("24h", 24), ("14d", 14), ("30d", 30)):
        (row,) = api.get(path, {"statsPeriod": period}).json()
        assert len(row["stats"]) == points
        assert [quantity for _, quantity in row["stats"][-2:]] == [0, 7]
        assert isinstance(row["stats"][0][0], float)
    (row,) = api.get(path, {"statsPeriod": ""}).json()
    assert "stats" not in row
    answer = api.get(path, {"statsPeriod": "1h"})
    assert (answer.status_code, answer.json()) == (400, BAD_PERIOD)


def test_stats_of_an_environment(api: APIClient, project: Project) -> None:
    production = factories.EnvironmentFactory(organization=project.organization, name="production")
    count(project.pk, Kind.PROJECT_GENERATED, project.pk, 7)
    count(project.pk, Kind.ENVIRONMENT_GENERATED, production.pk, 3)
    query = {"statsPeriod": "24h", "environment": "production"}
    (row,) = api.get(PATH, query).json()
    assert row["stats"][-1][1] == 3
    answer = api.get(PATH, query | {"environment": "nope"})
    assert answer.status_code == 400
    assert answer.json() == {"detail": "Invalid environment. There is none of this name."}
    assert api.get(PATH, query | {"environment": "\0"}).status_code == 400


def test_what_their_events_came_from(
    api: APIClient, others: list[Project], strangers: Organization
) -> None:
    others[0].project_platforms.create(platform="node")
    strangers.projects.get().project_platforms.create(platform="ruby")
    seen = {row["slug"]: row["platforms"] for row in api.get(PATH).json()}
    assert seen == {"alpha": ["node"], "pump-station": [], "zulu": []}


def test_whether_users_have_said_something(
    api: APIClient, project: Project, others: list[Project], strangers: Organization
) -> None:
    def with_reports() -> list[str]:
        return [row["slug"] for row in api.get(PATH).json() if row["hasUserReports"]]

    said = {"name": "Jane", "email": "jane@example.com", "comments": "It broke!"}
    UserReport.objects.create(project=strangers.projects.get(), event_id="a" * 32, **said)
    awaited = UserReport.objects.create(project=project, event_id="a" * 32, **said)
    assert with_reports() == []  # what waits for its event is shown nowhere
    awaited.issue = factories.IssueFactory(project=project)
    awaited.save()
    assert with_reports() == ["pump-station"]
    awaited.issue.status = Issue.Status.PENDING_DELETION
    awaited.issue.save()
    assert with_reports() == []


def test_a_teams_projects_only(api: APIClient, others: list[Project]) -> None:
    assert slugs(api, OF_TEAM) == ["pump-station"]
    assert slugs(api, "/api/0/teams/acme/nova/projects/") == ["alpha"]


@pytest.mark.parametrize("path", [PATH, OF_TEAM])
def test_as_many_statements_for_many(
    api: APIClient,
    team: Team,
    fill_up: Callable[[int], None],
    count_queries: Callable[..., int],
    path: str,
) -> None:
    fill_up(2)
    team.projects.set(Project.objects.all())
    few = count_queries(api.get, path)
    fill_up(18)
    team.projects.set(Project.objects.all())
    assert count_queries(api.get, path) == few <= 11
    assert count_queries(api.get, f"{path}?statsPeriod=24h") == few + 1


@pytest.mark.parametrize("query", ["cursor=x", "per_page=0", "query=%00"])
def test_bad_parameters(api: APIClient, organization: Organization, query: str) -> None:
    assert api.get(f"{PATH}?{query}").status_code == 400


# The first event ----------------------------------------------------------------------------------


def test_whether_there_ever_was_an_event(
    api: APIClient, project: Project, others: list[Project], strangers: Any
) -> None:
    Project.objects.filter(organization=strangers).update(first_event_at=datetime.now(UTC))
    assert api.get(FIRST_EVENT).json() == {"sentFirstEvent": False}
    Project.objects.filter(slug="alpha").update(first_event_at=datetime.now(UTC))
    assert api.get(FIRST_EVENT).json() == {"sentFirstEvent": True}
    assert api.get(FIRST_EVENT, {"is_member": ""}).json() == {"sentFirstEvent": False}
    alpha = others[0].pk
    for projects, expected in (
        ([alpha], True),
        ([project.pk], False),
        ([project.pk, alpha], True),
        ([-1], True),
    ):
        answer = api.get(FIRST_EVENT, {"project": projects})
        assert answer.json() == {"sentFirstEvent": expected}
    answer = api.get(FIRST_EVENT, {"project": alpha, "is_member": "1"})
    assert answer.json() == {"sentFirstEvent": False}


def test_projects_that_cannot_be_chosen(
    api: APIClient, api_as: Client, others: list[Project], strangers: Organization
) -> None:
    answer = api.get(FIRST_EVENT, {"project": "x"})
    assert answer.status_code == 400
    assert answer.json() == {"detail": "Invalid project parameter. Values must be numbers."}
    foreign = strangers.projects.get()
    assert api.get(FIRST_EVENT, {"project": foreign.pk}).status_code == 403
    Organization.objects.update(open_membership=False)
    member = factories.OrganizationMemberFactory(organization=others[0].organization)
    assert api_as(member.user).get(FIRST_EVENT, {"project": others[0].pk}).status_code == 403
