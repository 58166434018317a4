"""GET /projects/"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, OrganizationMember, Project, Team
from tests import factories

from .conftest import CREATED
from .test_organization_list import ACME, FEATURES

pytestmark = pytest.mark.django_db

PATH = "/api/0/projects/"
Client = Callable[..., APIClient]


def slugs(api: APIClient, **query: Any) -> list[str]:
    answer = api.get(PATH, query)
    assert answer.status_code == 200, answer.content
    return [row["slug"] for row in answer.json()]


def test_own_projects_with_their_organization(
    api: APIClient, settled: Organization, project: Project, strangers: Any
) -> None:
    answer = api.get(PATH)
    assert answer.json() == [
        {
            "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
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
            "organization": {**ACME, "id": str(settled.pk)},
            "platform": None,
            "slug": "pump-station",
            "status": "active",
        }
    ]
    assert 'rel="next"; results="false"' in answer["Link"]
    assert answer["Allow"] == "GET, HEAD, OPTIONS"


@pytest.fixture
def several(project: Project, team: Team) -> list[Project]:
    """Made one after the other, the first is `pump-station`."""
    others = [
        factories.ProjectFactory(
            organization=project.organization, slug=slug, platform=platform, teams=[team]
        )
        for slug, platform in (("alpha", "python"), ("zulu", "go"))
    ]
    for days, each in enumerate([project, *others]):
        Project.objects.filter(pk=each.pk).update(created_at=CREATED + timedelta(days=days))
    return [project, *others]


def test_the_newest_first_page_by_page(api: APIClient, several: list[Project]) -> None:
    assert slugs(api) == ["zulu", "alpha", "pump-station"]
    first = api.get(PATH, {"per_page": 2})
    assert [row["slug"] for row in first.json()] == ["zulu", "alpha"]
    cursor = first["Link"].rpartition('cursor="')[2].rstrip('"')
    assert slugs(api, per_page=2, cursor=cursor) == ["pump-station"]


@pytest.mark.parametrize(
    "query, expected",
    [
        ("ALPH", ["alpha"]),
        ("slug:alpha", ["alpha"]),
        ("name:Zulu", ["zulu"]),
        ("platform:go", ["zulu"]),
        ("platform:go slug:alpha", []),
        ("platform:node", ["pump-station"]),
        ("id:0", []),
        ("id:x", []),
        ("nobody:knows", []),
        ("", ["zulu", "alpha", "pump-station"]),
    ],
)
def test_searching(api: APIClient, several: list[Project], query: str, expected: list[str]) -> None:
    several[0].project_platforms.create(platform="node")
    assert slugs(api, query=query) == expected


def test_by_id_and_by_status(api: APIClient, several: list[Project]) -> None:
    Project.objects.filter(slug="alpha").update(status="pending_deletion")
    assert slugs(api, query=f"id:{several[2].pk}") == ["zulu"]
    assert slugs(api, status="active") == slugs(api, status="") == ["zulu", "pump-station"]
    (gone,) = api.get(PATH, {"status": "deleted"}).json()
    assert (gone["slug"], gone["status"]) == ("alpha", "deleted")
    assert slugs(api, status="nope") == []


def test_only_those_of_ones_own_teams(
    api: APIClient, api_as: Client, project: Project, member: OrganizationMember, strangers: Any
) -> None:
    factories.ProjectFactory(organization=project.organization, slug="of-nobody")
    outside = factories.OrganizationMemberFactory(organization=project.organization, role="owner")
    assert slugs(api) == ["pump-station"]
    assert slugs(api_as(outside.user)) == []
    assert slugs(api_as(factories.UserFactory())) == []
    key = api_as(organization=project.organization, scopes=["project:read"])
    assert set(slugs(key)) == {"of-nobody", "pump-station"}
    assert {row["isMember"] for row in key.get(PATH).json()} == {False}
    Organization.objects.filter(pk=project.organization_id).update(status="pending_deletion")
    assert slugs(api) == []


def test_a_superusers_session_may_ask_for_everything(
    api: APIClient, user: User, project: Project, strangers: Any
) -> None:
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    assert slugs(api, show="all") == ["pump-station"]
    session = APIClient()
    session.force_login(User.objects.get(pk=user.pk))
    assert len(slugs(session, show="all")) == 2
    assert len(slugs(session)) == 1


def test_projects_of_several_organizations(
    api: APIClient, user: User, project: Project, strangers: Organization
) -> None:
    factories.OrganizationMemberFactory(
        organization=strangers, user=user, teams=[strangers.teams.get()]
    )
    found = api.get(PATH).json()
    assert {row["organization"]["slug"] for row in found} == {"acme", "outer-rim"}
    assert {(row["isMember"], row["hasAccess"]) for row in found} == {(True, True)}


def test_as_many_statements_for_many(
    api: APIClient,
    member: OrganizationMember,
    fill_up: Callable[[int], None],
    count_queries: Callable[..., int],
) -> None:
    fill_up(2)
    member.teams.set(Team.objects.all())
    few = count_queries(api.get, PATH)
    fill_up(18)
    member.teams.set(Team.objects.all())
    assert len(api.get(PATH).json()) == 20
    assert count_queries(api.get, PATH) == few == 6


@pytest.mark.parametrize("query", ["cursor=x", "per_page=0", "query=%00"])
def test_bad_parameters(api: APIClient, organization: Organization, query: str) -> None:
    assert api.get(f"{PATH}?{query}").status_code == 400
