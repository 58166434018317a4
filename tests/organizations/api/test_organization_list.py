"""Organizations: GET and POST /organizations/"""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.organizations.models import (
    AuditLogEntry,
    Organization,
    OrganizationMember,
    Project,
    Team,
)
from tests import factories

pytestmark = pytest.mark.django_db

PATH = "/api/0/organizations/"
Client = Callable[..., APIClient]

ACME = {
    "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
    "dateCreated": "2026-03-01T12:00:00.590Z",
    "disableNewVisibilityFeatures": False,
    "features": [
        "advanced-search",
        "api-keys",
        "invite-members",
        "open-membership",
        "shared-issues",
    ],
    "isEarlyAdopter": False,
    "links": {"organizationUrl": "http://testserver", "regionUrl": "http://testserver"},
    "name": "Acme",
    "require2FA": False,
    "requireEmailVerification": False,
    "slug": "acme",
    "status": {"id": "active", "name": "active"},
}
# Of every project.
FEATURES = ["custom-inbound-filters", "discard-groups", "rate-limits", "servicehooks"]


def slugs(api: APIClient, **query: str) -> list[str]:
    answer = api.get(PATH, query)
    assert answer.status_code == 200, answer.content
    return [row["slug"] for row in answer.json()]


def test_own_organizations(api: APIClient, settled: Organization, strangers: Organization) -> None:
    answer = api.get(PATH)
    assert answer.json() == [{**ACME, "id": str(settled.pk)}]
    assert 'rel="next"; results="false"' in answer["Link"]
    assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_newest_first_page_by_page(api: APIClient, user: User) -> None:
    for number in range(3):
        factories.OrganizationMemberFactory(user=user, organization__slug=f"o{number}")
    assert slugs(api) == ["o2", "o1", "o0", "acme"]
    first = api.get(PATH, {"per_page": 3})
    assert [row["slug"] for row in first.json()] == ["o2", "o1", "o0"]
    rest = api.get(first["Link"].split("<")[2].split(">")[0])
    assert [row["slug"] for row in rest.json()] == ["acme"]


def test_one_that_is_being_deleted_is_listed(api: APIClient, organization: Organization) -> None:
    Organization.objects.update(status="pending_deletion")
    (row,) = api.get(PATH).json()
    assert row["status"] == {"id": "pending_deletion", "name": "pending deletion"}


def test_an_api_key_has_the_one_it_belongs_to(
    api_as: Client, organization: Organization, strangers: Organization
) -> None:
    assert slugs(api_as(organization=organization)) == ["acme"]
    assert api_as(organization=organization).get(PATH, {"owner": "1"}).json() == []


def test_a_superuser_sees_everything_in_a_session_only(
    user: User, api: APIClient, strangers: Organization
) -> None:
    User.objects.update(is_superuser=True)
    assert slugs(api, show="all") == ["acme"]
    session = APIClient()
    session.force_login(user)
    assert sorted(slugs(session, show="all")) == ["acme", "outer-rim"]
    assert slugs(session) == ["acme"]


def test_the_owned_ones(
    api: APIClient, user: User, settled: Organization, strangers: Organization
) -> None:
    shared = factories.OrganizationMemberFactory(user=user, role="owner", organization__name="A")
    factories.OrganizationMemberFactory(organization=shared.organization, role="owner")
    factories.OrganizationMemberFactory(user=user, role="manager")
    answer = api.get(PATH, {"owner": "1"})
    assert [(row["organization"]["name"], row["singleOwner"]) for row in answer.json()] == [
        ("A", False),
        ("Acme", True),
    ]
    assert answer.json()[1]["organization"] == {**ACME, "id": str(settled.pk)}
    assert "Link" not in answer


@pytest.mark.parametrize(
    "query, found",
    [
        ("acm", ["acme"]),
        ("ROCKET inc", ["rocket"]),
        ("slug:acme", ["acme"]),
        ("slug:acm", []),
        ("slug:acme slug:rocket", ["rocket", "acme"]),
        ("platform:python", ["acme"]),
        ("platform:ruby", []),
        ("platform:node", ["acme"]),
        ("email:ann@example.com", ["rocket"]),
        ("ANN@example.com", ["rocket"]),
        ("status:active", ["rocket", "acme"]),
        ("status:pending_deletion", []),
        ("status:nonsense", []),
        ("id:0", []),
        ("id:99999999999999999999", []),
        ("member_id:x", []),
        ("bogus:1", []),
        ('"', []),
        ("", ["rocket", "acme"]),
    ],
)
def test_searching(
    api: APIClient, user: User, project: Project, query: str, found: list[str]
) -> None:
    Project.objects.update(platform="python")
    project.project_platforms.create(platform="node")
    rocket = factories.OrganizationFactory(slug="rocket", name="Rocket Inc")
    factories.OrganizationMemberFactory(organization=rocket, user=user)
    factories.OrganizationMemberFactory(organization=rocket, user__email="Ann@example.com")
    assert slugs(api, query=query) == found


def test_searching_by_ids(api: APIClient, organization: Organization) -> None:
    member = organization.members.get()
    assert slugs(api, query=f"id:{organization.pk}") == ["acme"]
    assert slugs(api, query=f"member_id:{member.pk}") == ["acme"]


def test_sorting(api: APIClient, user: User, project: Project) -> None:
    big = factories.OrganizationMemberFactory(user=user, organization__slug="big").organization
    factories.OrganizationMemberFactory.create_batch(2, organization=big)
    assert slugs(api, sortBy="members") == ["big", "acme"]
    assert slugs(api, sortBy="projects") == ["acme", "big"]
    answer = api.get(PATH, {"sortBy": "events"})
    assert answer.status_code == 400
    assert answer.json() == {"detail": "Invalid sortBy. Valid choices are members, projects."}


@pytest.mark.parametrize("query", ["cursor=x", "per_page=x", "query=%00", "sortBy=%00"])
def test_bad_parameters(api: APIClient, query: str) -> None:
    assert api.get(f"{PATH}?{query}").status_code == 400


def test_as_many_statements_for_many(
    api: APIClient, user: User, count_queries: Callable[..., int]
) -> None:
    factories.OrganizationMemberFactory(user=user)
    few = count_queries(api.get, PATH)
    factories.OrganizationMemberFactory.create_batch(18, user=user)
    assert count_queries(api.get, PATH) == few == 2


# POST ---------------------------------------------------------------------------------------------


def test_a_new_organization(api: APIClient, user: User) -> None:
    answer = api.post(PATH, {"name": "The Spoiled Yoghurt", "agreeTerms": True})
    made = Organization.objects.get(slug="the-spoiled-yoghurt")
    assert answer.status_code == 201
    body = answer.json()
    assert body.pop("dateCreated")
    expected = {**ACME, "id": str(made.pk), "name": made.name, "slug": made.slug}
    del expected["dateCreated"]
    assert body == expected
    owner = made.members.get()
    assert (owner.user, owner.role) == (user, "owner")
    assert not made.teams.exists()
    entry = AuditLogEntry.objects.get()
    assert (entry.event, entry.actor, entry.organization) == ("org.create", user, made)
    assert entry.ip_address == "127.0.0.1"


def test_with_a_team_that_its_maker_is_in(api: APIClient, user: User) -> None:
    api.post(PATH, {"name": "Nova", "defaultTeam": True})
    team = Team.objects.get(organization__slug="nova")
    assert (team.slug, team.name) == ("nova", "Nova")
    assert OrganizationMember.objects.get(organization__slug="nova").teams.get() == team


def test_a_slug_of_ones_own(api: APIClient) -> None:
    assert api.post(PATH, {"name": "Nova", "slug": "n-1"}).json()["slug"] == "n-1"
    answer = api.post(PATH, {"name": "Other", "slug": "n-1"})
    assert answer.status_code == 409
    assert answer.json() == {"detail": "An organization with this slug already exists."}


def test_no_slug_is_the_id_of_another_one(api: APIClient, organization: Organization) -> None:
    number = str(organization.pk)
    answer = api.post(PATH, {"name": "x", "slug": number})
    assert (answer.status_code, answer.json()) == (
        400,
        {"slug": ["It cannot be entirely numeric."]},
    )
    answer = api.put(f"{PATH}acme/", {"slug": "12345"})
    assert (answer.status_code, answer.json()) == (
        400,
        {"slug": ["It cannot be entirely numeric."]},
    )
    made = api.post(PATH, {"name": number}).json()["slug"]
    assert made.startswith(f"{number}-") and len(made) == len(number) + 3


def test_made_slugs_make_way(api: APIClient, organization: Organization) -> None:
    second = api.post(PATH, {"name": "Acme"}).json()["slug"]
    assert second.startswith("acme-") and len(second) == 7
    reserved = api.post(PATH, {"name": "Settings"}).json()["slug"]
    assert len(reserved) == 12 and reserved != "settings"
    unicode = api.post(PATH, {"name": "目录"}).json()["slug"]
    assert len(unicode) == 12
    long = api.post(PATH, {"name": "x" * 64}).json()["slug"]
    assert long == "x" * 30


@pytest.mark.parametrize(
    "body, errors",
    [
        ({}, {"name": ["This field is required."]}),
        ({"name": ""}, {"name": ["This field may not be blank."]}),
        ({"name": None}, {"name": ["This field may not be null."]}),
        ({"name": "x" * 65}, {"name": ["Ensure this field has no more than 64 characters."]}),
        ({"name": "a\0b"}, {"name": ["Null characters are not allowed."]}),
        ({"name": ["x"]}, {"name": ["Not a valid string."]}),
        (
            {"name": "x", "slug": "No Good"},
            {
                "slug": [
                    "Enter a valid slug consisting of lowercase letters, numbers, underscores or "
                    "hyphens."
                ]
            },
        ),
        (
            {"name": "x", "slug": "x" * 51},
            {"slug": ["Ensure this field has no more than 50 characters."]},
        ),
        ({"name": "x", "defaultTeam": "maybe"}, {"defaultTeam": ["Must be a valid boolean."]}),
    ],
)
def test_what_it_refuses(api: APIClient, body: Any, errors: Any) -> None:
    answer = api.post(PATH, body)
    assert answer.status_code == 400
    assert answer.json() == errors
    assert Organization.objects.count() == 1


@pytest.mark.parametrize("body", [b"[]", b"1", b'"x"', b"null", b"{", b"\xff"])
def test_bodies_that_are_none(api: APIClient, body: bytes) -> None:
    assert api.post(PATH, body, content_type="application/json").status_code == 400


def test_an_api_key_cannot_own_one(api_as: Client, organization: Organization) -> None:
    answer = api_as(organization=organization).post(PATH, {})
    assert answer.status_code == 401
    assert answer.json() == {"detail": "This endpoint requires user info"}


def test_five_an_hour(api: APIClient, user: User, api_as: Client) -> None:
    for _ in range(5):
        assert api.post(PATH, {"name": "Nova"}).status_code == 201
    answer = api.post(PATH, {"name": "Nova"})
    assert answer.status_code == 429
    assert answer.json() == {
        "detail": "You are attempting to create too many organizations too quickly."
    }
    assert api_as(factories.UserFactory()).post(PATH, {"name": "Nova"}).status_code == 201
    AuditLogEntry.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert api.post(PATH, {"name": "Nova"}).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_one_slug_at_the_same_moment(api_as: Client) -> None:
    clients = [api_as(factories.UserFactory()) for _ in range(4)]
    barrier, statuses = Barrier(len(clients)), []

    def make(client: APIClient) -> None:
        try:
            barrier.wait()
            statuses.append(client.post(PATH, {"name": "Nova", "slug": "nova"}).status_code)
        finally:
            connection.close()

    threads = [Thread(target=make, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409, 409, 409]
    assert OrganizationMember.objects.filter(organization__slug="nova").count() == 1
