"""What belongs to a project: /environments/, /teams/ and /members/ below
/projects/{organization}/{project}/"""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from sentrylite.organizations.models import (
    AuditLogEntry,
    EnvironmentProject,
    Organization,
    OrganizationMember,
    Project,
    Team,
)
from tests import factories

pytestmark = pytest.mark.django_db

PATH = "/api/0/projects/acme/pump-station/"
Client = Callable[..., APIClient]
LETTERS = {"avatarType": "letter_avatar", "avatarUuid": None}


# Environments -------------------------------------------------------------------------------------


@pytest.fixture
def environments(project: Project, strangers: Organization) -> dict[str, dict[str, Any]]:
    """By name, as they are answered; `old` is hidden."""
    answers = {}
    for name in ("staging", "old", "", "Prod ü%?#"):
        environment = factories.EnvironmentFactory(organization=project.organization, name=name)
        EnvironmentProject.objects.create(
            environment=environment, project=project, is_hidden=name == "old"
        )
        answers[name] = {"id": str(environment.pk), "isHidden": name == "old", "name": name}
    factories.EnvironmentFactory(organization=project.organization, name="of-others")
    theirs = factories.EnvironmentFactory(organization=strangers, name="theirs")
    theirs.projects.add(strangers.projects.get())
    return answers


def test_environments_by_name(api: APIClient, environments: dict[str, Any]) -> None:
    def names(**query: str) -> list[str]:
        return [row["name"] for row in api.get(f"{PATH}environments/", query).json()]

    answer = api.get(f"{PATH}environments/", {"visibility": "all"})
    assert answer.json() == [environments[name] for name in ("Prod ü%?#", "old", "staging")]
    assert "Link" not in answer
    assert names() == names(visibility="visible") == names(visibility="")
    assert names() == ["Prod ü%?#", "staging"]
    assert names(visibility="hidden") == ["old"]
    refused = api.get(f"{PATH}environments/", {"visibility": "nope"})
    assert refused.status_code == 400
    assert refused.json() == {
        "detail": "Invalid value for 'visibility', valid values are: ['visible', 'all', 'hidden']"
    }


def test_hiding_one_and_showing_it_again(api: APIClient, environments: dict[str, Any]) -> None:
    path = f"{PATH}environments/Prod%20%C3%BC%25%3F%23/"
    shown = environments["Prod ü%?#"]
    assert api.get(path).json() == shown
    answer = api.put(path, {"isHidden": True})
    assert (answer.status_code, answer.json()) == (200, {**shown, "isHidden": True})
    assert api.get(path).json()["isHidden"] is True
    assert api.put(path, {"isHidden": False}).json() == shown


@pytest.mark.parametrize("name", ["nope", "of-others", "theirs", "%00", "x" * 9999])
def test_an_environment_that_is_not_there(api: APIClient, environments: Any, name: str) -> None:
    assert api.get(f"{PATH}environments/{name}/").status_code == 404
    assert api.put(f"{PATH}environments/{name}/", {"isHidden": True}).status_code == 404


@pytest.mark.parametrize(
    "body, error",
    [({}, "This field is required."), ({"isHidden": "x"}, "Must be a valid boolean.")],
)
def test_it_is_hidden_or_not(
    api: APIClient, environments: Any, body: dict[str, Any], error: str
) -> None:
    answer = api.put(f"{PATH}environments/old/", body)
    assert (answer.status_code, answer.json()) == (400, {"isHidden": [error]})


def test_as_many_statements_for_many_environments(
    api: APIClient, project: Project, count_queries: Callable[..., int]
) -> None:
    def add(number: int) -> None:
        for environment in factories.EnvironmentFactory.create_batch(
            number, organization=project.organization
        ):
            environment.projects.add(project)

    add(2)
    few = count_queries(api.get, f"{PATH}environments/")
    add(18)
    assert count_queries(api.get, f"{PATH}environments/") == few == 4


# Teams --------------------------------------------------------------------------------------------


@pytest.fixture
def nova(organization: Organization) -> Team:
    return factories.TeamFactory(organization=organization, slug="nova")


def test_teams_by_slug(api: APIClient, project: Project, team: Team, nova: Team) -> None:
    factories.TeamFactory(organization=project.organization, slug="outside")
    project.teams.add(nova)
    answer = api.get(f"{PATH}teams/")
    assert [row["slug"] for row in answer.json()] == ["nova", "rockets"]
    row = answer.json()[1]
    assert row.pop("dateCreated")
    assert row == {
        "avatar": LETTERS,
        "hasAccess": True,
        "id": str(team.pk),
        "isMember": True,
        "isPending": False,
        "memberCount": 1,
        "name": "Rockets",
        "slug": "rockets",
    }
    assert 'rel="next"; results="false"' in answer["Link"]


def test_giving_a_team_access_and_taking_it_away(
    api: APIClient, project: Project, team: Team, nova: Team
) -> None:
    for _ in range(2):
        answer = api.post(f"{PATH}teams/nova/")
        assert answer.status_code == 201
        body = answer.json()
        assert [each["slug"] for each in body["teams"]] == ["nova", "rockets"]
        assert body["team"] == {"id": str(nova.pk), "name": "Nova", "slug": "nova"}
    assert set(body) == {
        *("avatar", "color", "dateCreated", "features", "firstEvent", "hasAccess", "id"),
        *("isBookmarked", "isInternal", "isMember", "isPublic", "name", "platform", "slug"),
        *("status", "team", "teams"),
    }
    for _ in range(2):
        answer = api.delete(f"{PATH}teams/{team.pk}/")
        assert answer.status_code == 200
        assert [each["slug"] for each in answer.json()["teams"]] == ["nova"]
    assert AuditLogEntry.objects.count() == 2
    last = api.delete(f"{PATH}teams/nova/").json()
    assert "team" not in last and last["teams"] == []


def test_a_team_that_is_not_there(
    api: APIClient, project: Project, strangers: Organization
) -> None:
    factories.TeamFactory(organization=strangers, slug="theirs")
    factories.TeamFactory(organization=project.organization, slug="gone", status="pending_deletion")
    for slug in ("nope", "theirs", "gone", "%00"):
        assert api.post(f"{PATH}teams/{slug}/").status_code == 404
        assert api.delete(f"{PATH}teams/{slug}/").status_code == 404


def test_only_teams_within_reach(api_as: Client, project: Project, team: Team, nova: Team) -> None:
    Organization.objects.update(open_membership=False)
    admin = factories.OrganizationMemberFactory(
        organization=project.organization, role="admin", teams=[team]
    )
    api = api_as(admin.user)
    answer = api.post(f"{PATH}teams/nova/")
    assert answer.status_code == 403
    assert answer.json() == {"detail": "You do not have permission to perform this action."}
    assert api.delete(f"{PATH}teams/nova/").status_code == 403
    assert api.post(f"{PATH}teams/rockets/").status_code == 201


# Members ------------------------------------------------------------------------------------------


def test_the_people_in_its_teams(
    api: APIClient, project: Project, team: Team, member: OrganizationMember, nova: Team
) -> None:
    factories.OrganizationMemberFactory(organization=project.organization, teams=[nova])
    factories.OrganizationMemberFactory(
        organization=project.organization, teams=[team], user=None, email="x@example.com"
    )
    project.teams.add(nova)
    OrganizationMember.objects.get(teams=nova).teams.add(team)
    answer = api.get(f"{PATH}members/")
    assert {row["id"] for row in answer.json()} == {
        str(member.pk),
        str(OrganizationMember.objects.get(teams=nova).pk),
    }
    assert 'rel="next"; results="false"' in answer["Link"]
    assert answer.json()[0]["teams"]


@pytest.mark.parametrize("part, expected", [("teams/", 5), ("members/", 5)])
def test_as_many_statements_for_many(
    api: APIClient,
    project: Project,
    fill_up: Callable[[int], None],
    count_queries: Callable[..., int],
    part: str,
    expected: int,
) -> None:
    def count() -> int:
        project.teams.set(Team.objects.all())
        return count_queries(api.get, PATH + part)

    fill_up(2)
    few = count()
    fill_up(18)
    assert count() == few == expected
    assert len(api.get(PATH + part).json()) == 21
