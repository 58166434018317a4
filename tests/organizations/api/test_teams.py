"""Teams: /organizations/{organization}/teams/, /organizations/{organization}/user-teams/,
/teams/{organization}/{team}/"""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from issues.models import Issue
from sentrylite.accounts.models import User
from sentrylite.organizations.models import (
    AuditLogEntry,
    Organization,
    OrganizationMember,
    Project,
    Team,
    TeamMembership,
)
from tests import factories

from .test_organization_list import ACME, FEATURES

pytestmark = pytest.mark.django_db

TEAMS = "/api/0/organizations/acme/teams/"
OWN = "/api/0/organizations/acme/user-teams/"
ROCKETS = "/api/0/teams/acme/rockets/"
Client = Callable[..., APIClient]

LETTERS = {"avatarType": "letter_avatar", "avatarUuid": None}
BAD_SLUG = "Enter a valid slug consisting of lowercase letters, numbers, underscores or hyphens."


@pytest.fixture
def rockets(settled: Organization, team: Team, member: OrganizationMember) -> dict[str, Any]:
    return {
        "avatar": LETTERS,
        "dateCreated": "2026-03-01T12:00:00.590Z",
        "hasAccess": True,
        "id": str(team.pk),
        "isMember": True,
        "isPending": False,
        "memberCount": 1,
        "name": "Rockets",
        "slug": "rockets",
    }


@pytest.fixture
def with_projects(rockets: dict[str, Any], project: Project) -> dict[str, Any]:
    return {
        **rockets,
        "projects": [
            {
                "avatar": LETTERS,
                "color": "#3fbf7f",
                "dateCreated": "2026-03-01T12:00:00.590Z",
                "features": FEATURES,
                "firstEvent": None,
                "hasAccess": True,
                "id": str(project.pk),
                "isBookmarked": False,
                "isInternal": False,
                "isMember": True,
                "isPublic": False,
                "name": "Pump Station",
                "platform": None,
                "slug": "pump-station",
                "status": "active",
            }
        ],
    }


def slugs(api: APIClient, **query: str) -> list[str]:
    return [row["slug"] for row in api.get(TEAMS, query).json()]


@pytest.mark.parametrize("path", [TEAMS, OWN])
def test_teams_with_their_projects(
    api: APIClient, with_projects: dict[str, Any], strangers: Any, path: str
) -> None:
    answer = api.get(path)
    assert answer.json() == [with_projects]
    assert ("Link" in answer) == (path == TEAMS)


def test_without_projects(api: APIClient, rockets: dict[str, Any], project: Project) -> None:
    assert api.get(TEAMS, {"detailed": "0"}).json() == [rockets]


def test_all_by_slug_page_by_page(api: APIClient, organization: Organization) -> None:
    for slug in ("zulu", "alpha"):
        factories.TeamFactory(organization=organization, slug=slug)
    factories.TeamFactory(organization=organization, slug="gone", status="pending_deletion")
    assert slugs(api) == ["alpha", "rockets", "zulu"]
    assert slugs(api, per_page="2") == ["alpha", "rockets"]
    assert slugs(api, per_page="2", cursor="2:1:0") == ["zulu"]
    assert slugs(api, query="ROCK") == ["rockets"]
    assert slugs(api, query="slug:rockets") == []
    assert [row["slug"] for row in api.get(OWN).json()] == ["rockets"]


def test_what_the_caller_is_to_a_team(
    api_as: Client, organization: Organization, team: Team, project: Project
) -> None:
    def seen(api: APIClient) -> tuple[bool, bool]:
        (row,) = api.get(TEAMS).json()
        return row["isMember"], row["hasAccess"]

    outside = factories.OrganizationMemberFactory(organization=organization, role="admin")
    manager = factories.OrganizationMemberFactory(organization=organization, role="manager")
    assert seen(api_as(outside.user)) == (False, True)
    Organization.objects.update(open_membership=False)
    assert seen(api_as(outside.user)) == (False, False)
    assert seen(api_as(manager.user)) == (False, True)
    assert seen(api_as(organization=organization)) == (False, True)
    assert api_as(organization=organization).get(OWN).json() == []


def test_members_who_left_or_never_came_do_not_count(api: APIClient, team: Team) -> None:
    for columns in ({"user": None, "email": "x@example.com"}, {"user__is_active": False}):
        factories.OrganizationMemberFactory(organization=team.organization, teams=[team], **columns)
    assert api.get(ROCKETS).json()["memberCount"] == 1


@pytest.mark.parametrize("path", [TEAMS, OWN])
def test_as_many_statements_for_many(
    api: APIClient,
    member: OrganizationMember,
    fill_up: Callable[[int], None],
    count_queries: Callable[..., int],
    path: str,
) -> None:
    fill_up(2)
    member.teams.set(Team.objects.all())
    few = count_queries(api.get, path)
    fill_up(18)
    member.teams.set(Team.objects.all())
    assert len(api.get(path).json()) == 21
    assert count_queries(api.get, path) == few == 9


# POST ---------------------------------------------------------------------------------------------


def test_a_new_team_with_its_maker_in_it(
    api: APIClient, user: User, rockets: dict[str, Any]
) -> None:
    answer = api.post(TEAMS, {"name": "Ground Control"})
    team = Team.objects.get(slug="ground-control")
    assert answer.status_code == 201
    body = answer.json()
    assert body.pop("dateCreated")
    expected = {**rockets, "id": str(team.pk), "name": team.name, "slug": team.slug}
    del expected["dateCreated"]
    assert body == expected
    assert team.memberships.get().member.user == user
    entry = AuditLogEntry.objects.get()
    assert (entry.event, entry.target_id, entry.actor) == ("team.create", team.pk, user)


def test_by_an_api_key_nobody_is_in_it(api_as: Client, organization: Organization) -> None:
    answer = api_as(organization=organization, scopes=["team:write"]).post(TEAMS, {"slug": "x"})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["name"], body["isMember"], body["memberCount"]) == ("x", False, 0)
    assert AuditLogEntry.objects.get().actor_label == "API key"


def test_a_form_will_do(api: APIClient) -> None:
    answer = api.post(TEAMS, "slug=nova", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["slug"]) == (201, "nova")


def test_a_slug_that_is_taken(api: APIClient, team: Team, strangers: Any) -> None:
    text = "A team with this slug already exists."
    answer = api.post(TEAMS, {"slug": "rockets"})
    assert answer.status_code == 409
    assert answer.json() == {"non_field_errors": [text], "detail": text}
    made = api.post(TEAMS, {"name": "Rockets"}).json()
    assert made["slug"].startswith("rockets-")
    assert api.post(TEAMS, {"name": "漢字"}).json()["slug"].isalnum()


@pytest.mark.parametrize(
    "body, errors",
    [
        ({}, {"non_field_errors": ["Name or slug is required"]}),
        ({"name": "", "slug": None}, {"non_field_errors": ["Name or slug is required"]}),
        ({"name": "x" * 65}, {"name": ["Ensure this field has no more than 64 characters."]}),
        ({"slug": "No"}, {"slug": [BAD_SLUG]}),
        ({"slug": "x" * 51}, {"slug": ["Ensure this field has no more than 50 characters."]}),
        ({"slug": "12"}, {"slug": ["It cannot be entirely numeric."]}),
        ({"name": {"a": 1}}, {"name": ["Not a valid string."]}),
        (
            [],
            {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]},
        ),
    ],
)
def test_what_it_refuses(api: APIClient, body: Any, errors: Any) -> None:
    answer = api.post(TEAMS, body)
    assert (answer.status_code, answer.json()) == (400, errors)


@pytest.mark.parametrize("role, status", [("member", 403), ("admin", 201), ("manager", 201)])
def test_which_roles_make_teams(api_as: Client, member: Any, role: str, status: int) -> None:
    OrganizationMember.objects.update(role=role)
    assert api_as(member.user).post(TEAMS, {"name": "x"}).status_code == status


@pytest.mark.django_db(transaction=True)
def test_one_slug_at_the_same_moment(api_as: Client, user: User) -> None:
    clients = [api_as(user) for _ in range(4)]
    barrier, statuses = Barrier(len(clients)), []

    def make(client: APIClient) -> None:
        try:
            barrier.wait()
            statuses.append(client.post(TEAMS, {"slug": "nova"}).status_code)
        finally:
            connection.close()

    threads = [Thread(target=make, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409, 409, 409]
    assert TeamMembership.objects.filter(team__slug="nova").count() == 1


# One team -----------------------------------------------------------------------------------------


def test_a_team_with_its_organization(
    api: APIClient, rockets: dict[str, Any], settled: Organization
) -> None:
    answer = api.get(ROCKETS)
    assert answer.json() == {**rockets, "organization": {**ACME, "id": str(settled.pk)}}
    assert answer["Allow"] == "GET, PUT, DELETE, HEAD, OPTIONS"
    assert api.get(f"/api/0/teams/acme/{rockets['id']}/").json() == answer.json()


@pytest.mark.parametrize("slug", ["nope", "0", "9" * 40, "outer", "%00"])
def test_a_team_that_is_not_there(api: APIClient, strangers: Organization, slug: str) -> None:
    factories.TeamFactory(organization=strangers, slug="outer")
    assert api.get(f"/api/0/teams/acme/{slug}/").status_code == 404


def test_changing_it(api: APIClient, rockets: dict[str, Any]) -> None:
    answer = api.put(ROCKETS, {"name": "Launchers ✓", "slug": "launchers", "x": 1})
    assert answer.status_code == 200
    assert answer.json() == {**rockets, "name": "Launchers ✓", "slug": "launchers"}
    assert api.get(ROCKETS).status_code == 404
    assert api.get("/api/0/teams/acme/launchers/").status_code == 200
    assert AuditLogEntry.objects.get().event == "team.edit"
    assert api.put("/api/0/teams/acme/launchers/", {}).json() == answer.json()
    assert AuditLogEntry.objects.count() == 1


@pytest.mark.parametrize(
    "body, errors",
    [
        ({"slug": "nova"}, {"slug": ['The slug "nova" is already in use.']}),
        ({"slug": "No"}, {"slug": ["This value does not match the required pattern."]}),
        ({"name": ""}, {"name": ["This field may not be blank."]}),
        ({"name": None}, {"name": ["This field may not be null."]}),
        ({"name": "x" * 10_000}, {"name": ["Ensure this field has no more than 64 characters."]}),
    ],
)
def test_changes_it_refuses(api: APIClient, team: Team, body: Any, errors: Any) -> None:
    factories.TeamFactory(organization=team.organization, slug="nova")
    answer = api.put(ROCKETS, body)
    assert (answer.status_code, answer.json()) == (400, errors)


def test_deleting_it(api: APIClient, team: Team, project: Project, user: User) -> None:
    issue = factories.IssueFactory(project=project, assigned_team=team)
    answer = api.delete(ROCKETS)
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(ROCKETS).status_code == 404
    assert not project.teams.exists()
    assert Issue.objects.get(pk=issue.pk).assigned_team is None
    assert api.post(TEAMS, {"slug": "rockets"}).status_code == 201
    removed = AuditLogEntry.objects.get(event="team.remove")
    assert (removed.actor, removed.target_id) == (user, team.pk)


@pytest.mark.parametrize(
    "role, is_open, is_inside, status",
    [
        ("member", True, True, 403),
        ("admin", True, False, 204),
        ("admin", False, False, 403),
        ("admin", False, True, 204),
        ("manager", False, False, 204),
    ],
)
def test_which_roles_delete_it(
    api_as: Client, team: Team, role: str, is_open: bool, is_inside: bool, status: int
) -> None:
    Organization.objects.update(open_membership=is_open)
    member = factories.OrganizationMemberFactory(
        organization=team.organization, role=role, teams=[team] if is_inside else []
    )
    assert api_as(member.user).delete(ROCKETS).status_code == status
