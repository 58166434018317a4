"""Members: /organizations/{organization}/members/… , /organizations/{organization}/users/,
/teams/{organization}/{team}/members/"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from rest_framework.test import APIClient

from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.accounts.models import User
from sentrylite.organizations.models import (
    AuditLogEntry,
    Organization,
    OrganizationMember,
    Project,
    Team,
)
from tests import factories

from .conftest import CREATED

pytestmark = pytest.mark.django_db

PATH = "/api/0/organizations/acme/members/"
USERS = "/api/0/organizations/acme/users/"
OF_TEAM = "/api/0/teams/acme/rockets/members/"
Client = Callable[..., APIClient]

NO_ROLE = {"detail": "You do not have permission to give or take that role."}
ONLY_OWNER = {"detail": "This is the only owner of the organization."}
FORBIDDEN = {"detail": "You do not have permission to perform this action."}


def shape(member: OrganizationMember, caller: User, **changes: Any) -> dict[str, Any]:
    """The whole answer for a member who is in the team `rockets` only."""
    assert member.user is not None
    return {
        "dateCreated": "2026-03-01T12:00:00.590Z",
        "email": member.user.email,
        "expired": False,
        "flags": {"sso:invalid": False, "sso:linked": False},
        "id": str(member.pk),
        "inviteStatus": "approved",
        "inviterName": None,
        "name": member.user.email,
        "orgRole": "owner",
        "pending": False,
        "role": "owner",
        "roleName": "Owner",
        "teamRoles": [{"role": "contributor", "teamSlug": "rockets"}],
        "teams": ["rockets"],
        "user": UserSerializer(member.user, context={"user": caller}).data,
    } | changes


@pytest.fixture
def owner(member: OrganizationMember) -> OrganizationMember:
    member.created_at = CREATED
    member.save()
    return member


def join(organization: Organization, role: str = "member", **columns: Any) -> OrganizationMember:
    return factories.OrganizationMemberFactory(organization=organization, role=role, **columns)


def path(member: OrganizationMember) -> str:
    return f"{PATH}{member.pk}/"


# Lists --------------------------------------------------------------------------------------------


def test_members_and_invitations_by_address(
    api: APIClient, owner: OrganizationMember, user: User, strangers: Any
) -> None:
    organization = owner.organization
    join(organization, user=None, email="Aaron@example.com", inviter=user, created_at=CREATED)
    join(organization, user__is_active=False)
    answer = api.get(PATH)
    assert [row["email"] for row in answer.json()] == ["Aaron@example.com", user.email]
    assert answer.json()[1] == shape(owner, user)
    assert answer.json()[0] == shape(
        owner,
        user,
        email="Aaron@example.com",
        id=answer.json()[0]["id"],
        inviterName=user.email,
        name="Aaron@example.com",
        orgRole="member",
        pending=True,
        role="member",
        roleName="Member",
        teamRoles=[],
        teams=[],
        user=None,
    )
    assert 'rel="next"; results="false"' in answer["Link"]


@pytest.mark.parametrize(
    "query, found",
    [
        ("ann", ["ann@x.org"]),
        ("email:ANN@X.org", ["ann@x.org"]),
        ("email:ann", []),
        ("name:Bob", ["bob@x.org"]),
        ("role:admin", ["bob@x.org"]),
        ("role:admin role:member", ["ann@x.org", "bob@x.org"]),
        ("role:nonsense", []),
        ("id:x", []),
        ("user.id:0", []),
        ("bogus:1", []),
    ],
)
def test_searching(api: APIClient, owner: Any, query: str, found: list[str]) -> None:
    join(owner.organization, "admin", user__email="bob@x.org", user__name="Bob Z")
    join(owner.organization, user=None, email="ann@x.org")
    assert [row["email"] for row in api.get(PATH, {"query": query}).json()] == found


def test_page_by_page(api: APIClient, owner: Any) -> None:
    for name in ("a", "b"):
        join(owner.organization, user=None, email=f"{name}@x.org")
    assert [row["email"] for row in api.get(PATH, {"per_page": 2}).json()] == ["a@x.org", "b@x.org"]
    assert len(api.get(PATH, {"per_page": 2, "cursor": "2:1:0"}).json()) == 1


def test_members_of_a_team(api: APIClient, owner: OrganizationMember, user: User) -> None:
    join(owner.organization)
    answer = api.get(OF_TEAM)
    assert answer.json() == [shape(owner, user)]
    assert "Link" in answer


def test_people_who_share_projects(
    api: APIClient, api_as: Client, owner: OrganizationMember, user: User, project: Project
) -> None:
    organization = owner.organization
    nova = factories.TeamFactory(organization=organization, slug="nova")
    both = factories.ProjectFactory(
        organization=organization, slug="both", teams=[nova, *project.teams.all()]
    )
    other = factories.ProjectFactory(organization=organization, slug="other", teams=[nova])
    colleague = join(organization, user__email="z@x.org", teams=[nova])
    join(organization, user=None, email="x@x.org", teams=[nova])
    join(organization)

    def seen(caller: APIClient, **query: Any) -> list[tuple[str, list[str]]]:
        answer = caller.get(USERS, query)
        assert "Link" not in answer
        return [(row["id"], row["projects"]) for row in answer.json()]

    assert api.get(USERS).json()[0] == {
        **shape(owner, user),
        "projects": ["both", "pump-station"],
    }
    assert seen(api) == [
        (str(owner.pk), ["both", "pump-station"]),
        (str(colleague.pk), ["both"]),
    ]
    assert seen(api, project=other.pk) == [(str(colleague.pk), ["other"])]
    assert seen(api, project=both.pk) == [(str(owner.pk), ["both"]), (str(colleague.pk), ["both"])]
    assert seen(api_as(organization=organization)) == [
        (str(owner.pk), ["both", "pump-station"]),
        (str(colleague.pk), ["both", "other"]),
    ]
    assert api.get(USERS, {"project": "x"}).status_code == 400
    assert api.get(USERS, {"project": 0}).status_code == 403


@pytest.mark.parametrize("path", [PATH, USERS, OF_TEAM])
def test_as_many_statements_for_many(
    api: APIClient,
    owner: OrganizationMember,
    project: Project,
    count_queries: Callable[..., int],
    path: str,
) -> None:
    teams = list(project.teams.all())
    join(owner.organization, teams=teams)
    few = count_queries(api.get, path)
    for _ in range(18):
        join(owner.organization, teams=teams, inviter=owner.user)
    assert len(api.get(path).json()) == 20
    assert count_queries(api.get, path) == few <= 6


# One member ---------------------------------------------------------------------------------------


def test_one_member(api: APIClient, owner: OrganizationMember, user: User) -> None:
    answer = api.get(f"{PATH}me/")
    roles = ("member", "admin", "manager", "owner")
    assert answer.json() == {
        **shape(owner, user),
        "isOnlyOwner": True,
        "roles": [{"allowed": True, "id": role, "name": role.title()} for role in roles],
    }
    assert api.get(path(owner)).json() == answer.json()
    assert answer["Allow"] == "GET, PUT, DELETE, HEAD, OPTIONS"


@pytest.mark.parametrize("address", ["0", "x", "9" * 40, "%00", "-1"])
def test_a_member_who_is_not_there(api: APIClient, address: str) -> None:
    assert api.get(f"{PATH}{address}/").status_code == 404


def test_other_organizations_members_are_not_there(
    api: APIClient, strangers: Organization, api_as: Client, organization: Organization
) -> None:
    stranger = strangers.members.get()
    for method in (api.get, api.put, api.delete):
        assert method(path(stranger)).status_code == 404
    assert api.post(f"{path(stranger)}teams/rockets/").status_code == 404
    assert api_as(organization=organization).get(f"{PATH}me/").status_code == 404


# Invitations --------------------------------------------------------------------------------------


def test_inviting_somebody(
    api: APIClient,
    user: User,
    team: Team,
    run_tasks: Callable[[datetime], int],
) -> None:
    answer = api.post(PATH, {"email": "New@example.com", "role": "admin", "teams": ["rockets"]})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["email"], body["pending"], body["expired"]) == ("New@example.com", True, False)
    assert (body["orgRole"], body["teams"], body["user"]) == ("admin", ["rockets"], None)
    assert body["inviterName"] == user.email
    assert body == api.get(f"{PATH}{body['id']}/").json()
    assert mail.outbox == []
    assert run_tasks(datetime.now(UTC) + timedelta(seconds=1)) == 1
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["New@example.com"], "Join Acme on sentrylite")
    assert f"http://testserver/accept/{body['id']}/" in sent.body
    secret = sent.body.split("/accept/")[1].split("/")[1]
    assert len(secret) == 64
    invited = OrganizationMember.objects.get(pk=body["id"])
    assert invited.token_hash and invited.token_hash != secret
    assert secret not in answer.content.decode()
    entry = AuditLogEntry.objects.get()
    assert (entry.event, entry.target_id, entry.data["role"]) == (
        "member.invite",
        invited.pk,
        "admin",
    )


def test_the_names_that_todays_clients_use(api: APIClient, team: Team) -> None:
    body = {
        "email": "new@example.com",
        "orgRole": "manager",
        "teamRoles": [{"teamSlug": "rockets", "role": None}],
        "sendInvite": False,
    }
    answer = api.post(PATH, body).json()
    assert (answer["role"], answer["teams"]) == ("manager", ["rockets"])


def test_the_default_role(api: APIClient, organization: Organization) -> None:
    Organization.objects.update(default_role="admin")
    assert api.post(PATH, {"email": "new@example.com"}).json()["role"] == "admin"


@pytest.mark.parametrize(
    "body, errors",
    [
        ({}, {"email": ["This field is required."]}),
        ({"email": "x"}, {"email": ["Enter a valid email address."]}),
        ({"email": "a\n@b.org"}, {"email": ["Enter a valid email address."]}),
        (
            {"email": "x" * 10_000 + "@x.org"},
            {
                "email": [
                    "Ensure this field has no more than 75 characters.",
                    "Enter a valid email address.",
                ]
            },
        ),
        ({"email": "a@b.org", "role": "boss"}, {"role": ['"boss" is not a valid choice.']}),
        ({"email": "a@b.org", "teams": ["nope"]}, {"teams": ["Invalid team"]}),
        (
            {"email": "a@b.org", "teams": "rockets"},
            {"teams": ['Expected a list of items but got type "str".']},
        ),
        (
            {"email": "a@b.org", "teamRoles": [{"teamSlug": "nope"}]},
            {"teamRoles": ["Invalid team"]},
        ),
        (
            {"email": "a@b.org", "teamRoles": ["rockets"]},
            {
                "teamRoles": {
                    "non_field_errors": ["Invalid data. Expected a dictionary, but got str."]
                }
            },
        ),
    ],
)
def test_invitations_it_refuses(api: APIClient, body: Any, errors: Any) -> None:
    answer = api.post(PATH, body)
    assert (answer.status_code, answer.json()) == (400, errors)


def test_nobody_is_invited_twice(api: APIClient, user: User) -> None:
    assert api.post(PATH, {"email": "new@example.com"}).status_code == 201
    for email in ("NEW@example.com", user.email.upper()):
        answer = api.post(PATH, {"email": email})
        assert answer.status_code == 409
        assert answer.json() == {
            "detail": "Somebody with this e-mail address is a member or invited."
        }


@pytest.mark.parametrize(
    "role, given, status",
    [
        ("member", "member", 403),
        ("admin", "member", 403),
        ("manager", "manager", 201),
        ("manager", "owner", 403),
        ("owner", "owner", 201),
    ],
)
def test_nobody_gives_more_than_he_has(
    api_as: Client, organization: Organization, role: str, given: str, status: int
) -> None:
    inviter = join(organization, role)
    answer = api_as(inviter.user).post(PATH, {"email": "new@example.com", "role": given})
    assert answer.status_code == status


def test_an_api_key_gives_no_role_beyond_its_scopes(
    api_as: Client, organization: Organization
) -> None:
    weak = api_as(organization=organization, scopes=["member:write", "member:admin"])
    answer = weak.post(PATH, {"email": "new@example.com", "role": "member"})
    assert (answer.status_code, answer.json()) == (403, NO_ROLE)
    strong = api_as(organization=organization)
    answer = strong.post(PATH, {"email": "new@example.com", "role": "owner"})
    assert answer.status_code == 201
    assert answer.json()["inviterName"] is None


def test_inviting_anew(api: APIClient, organization: Organization, run_tasks: Any) -> None:
    invited = join(organization, user=None, email="new@example.com", token_hash="x" * 64)
    OrganizationMember.objects.filter(pk=invited.pk).update(
        token_expires_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert api.get(path(invited)).json()["expired"] is True
    answer = api.put(path(invited), {"reinvite": True})
    assert (answer.status_code, answer.json()["expired"]) == (200, False)
    assert OrganizationMember.objects.get(pk=invited.pk).token_hash == ""
    run_tasks(datetime.now(UTC) + timedelta(seconds=1))
    assert len(mail.outbox) == 1
    answer = api.put(f"{PATH}me/", {"reinvite": True})
    assert answer.status_code == 400
    assert answer.json() == {"detail": "This member has accepted already."}


def test_an_invitation_that_was_taken_back_is_not_mailed(
    api: APIClient, organization: Organization, run_tasks: Any
) -> None:
    invited = api.post(PATH, {"email": "new@example.com"}).json()
    assert api.delete(f"{PATH}{invited['id']}/").status_code == 204
    assert run_tasks(datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert mail.outbox == []


# Changes ------------------------------------------------------------------------------------------


def test_another_role_and_other_teams(api: APIClient, team: Team) -> None:
    nova = factories.TeamFactory(organization=team.organization, slug="nova")
    somebody = join(team.organization, teams=[team])
    answer = api.put(path(somebody), {"orgRole": "admin", "teams": ["nova"], "x": 1})
    assert answer.status_code == 200
    assert (answer.json()["role"], answer.json()["teams"]) == ("admin", ["nova"])
    assert answer.json() == api.get(path(somebody)).json()
    assert list(somebody.teams.all()) == [nova]
    entry = AuditLogEntry.objects.get()
    assert entry.event == "member.edit"
    assert entry.data == {"email": str(somebody), "role": "admin", "teams": ["nova"]}
    assert api.put(path(somebody), {}).json() == answer.json()
    assert AuditLogEntry.objects.count() == 1


def test_changes_it_refuses(api: APIClient, organization: Organization) -> None:
    somebody = join(organization)
    for body in ({"role": "boss"}, {"role": None}, {"teams": ["nope"]}, {"reinvite": "x"}, []):
        assert api.put(path(somebody), body).status_code == 400


@pytest.mark.parametrize(
    "role, theirs, given, status",
    [
        ("admin", "member", "admin", 403),
        ("manager", "member", "manager", 200),
        ("manager", "member", "owner", 403),
        ("manager", "owner", "member", 403),
        ("owner", "owner", "member", 200),
    ],
)
def test_roles_that_are_out_of_reach(
    api_as: Client, organization: Organization, role: str, theirs: str, given: str, status: int
) -> None:
    caller, somebody = join(organization, role), join(organization, theirs)
    answer = api_as(caller.user).put(path(somebody), {"role": given})
    assert answer.status_code == status
    expected = given if status == 200 else theirs
    assert OrganizationMember.objects.get(pk=somebody.pk).role == expected


def test_the_only_owner_stays_one(api: APIClient, owner: OrganizationMember) -> None:
    join(owner.organization, "owner", user=None, email="x@example.com")
    join(owner.organization, "owner", user__is_active=False)
    answer = api.put(f"{PATH}me/", {"role": "admin"})
    assert (answer.status_code, answer.json()) == (403, ONLY_OWNER)
    answer = api.delete(f"{PATH}me/")
    assert (answer.status_code, answer.json()) == (403, ONLY_OWNER)
    join(owner.organization, "owner")
    assert api.put(f"{PATH}me/", {"role": "admin"}).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method, body", [("put", {"role": "member"}), ("delete", None)])
def test_two_owners_do_not_undo_each_other(
    api_as: Client, organization: Organization, method: str, body: Any
) -> None:
    first, second = join(organization, "owner"), join(organization, "owner")
    barrier, statuses = Barrier(2), []

    def undo(api: APIClient, other: OrganizationMember) -> None:
        try:
            barrier.wait()
            statuses.append(getattr(api, method)(path(other), body).status_code)
        finally:
            connection.close()

    threads = [
        Thread(target=undo, args=[api_as(one.user), other])
        for one, other in ((first, second), (second, first))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(status < 300 for status in statuses) == 1
    assert OrganizationMember.objects.filter(role="owner").count() == 1


@pytest.mark.parametrize(
    "role, theirs, status",
    [
        ("member", "member", 403),
        ("admin", "member", 403),
        ("manager", "admin", 204),
        ("manager", "owner", 403),
        ("owner", "owner", 204),
    ],
)
def test_removing_somebody(
    api_as: Client, organization: Organization, role: str, theirs: str, status: int
) -> None:
    caller, somebody = join(organization, role), join(organization, theirs)
    join(organization, "owner")
    answer = api_as(caller.user).delete(path(somebody))
    assert answer.status_code == status
    assert OrganizationMember.objects.filter(pk=somebody.pk).exists() == (status == 403)
    assert AuditLogEntry.objects.filter(event="member.remove").exists() == (status == 204)


def test_anybody_may_leave(api_as: Client, organization: Organization) -> None:
    somebody = join(organization)
    api = api_as(somebody.user, scopes=["member:read"])
    assert api.delete(f"{PATH}me/").status_code == 204
    assert api.get(PATH).status_code == 403


# Teams --------------------------------------------------------------------------------------------


def test_joining_and_leaving_a_team(api_as: Client, team: Team, with_project: Project) -> None:
    somebody = join(team.organization)
    api = api_as(somebody.user)
    own = f"{PATH}me/teams/rockets/"
    answer = api.post(own)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["isMember"], body["memberCount"], body["slug"]) == (True, 1, "rockets")
    assert [project["isMember"] for project in body["projects"]] == [True]
    again = api.post(own)
    assert (again.status_code, again.content) == (204, b"")
    answer = api.delete(own)
    assert (answer.status_code, answer.json()["isMember"]) == (200, False)
    assert answer.json()["memberCount"] == 0
    assert api.delete(own).status_code == 404
    events = AuditLogEntry.objects.order_by("id").values_list("event", flat=True)
    assert list(events) == ["member.join-team", "member.leave-team"]


@pytest.fixture
def with_project(project: Project) -> Project:
    return project


@pytest.mark.parametrize(
    "role, status", [("member", 403), ("admin", 403), ("manager", 201), ("owner", 201)]
)
def test_closed_teams_are_for_managers_to_fill(
    api_as: Client, team: Team, role: str, status: int
) -> None:
    Organization.objects.update(open_membership=False)
    caller, somebody = join(team.organization, role), join(team.organization)
    api = api_as(caller.user)
    assert api.post(f"{PATH}me/teams/rockets/").status_code == status
    assert api.post(f"{path(somebody)}teams/rockets/").status_code == status


def test_a_member_does_not_move_others(api_as: Client, team: Team) -> None:
    caller, somebody = join(team.organization), join(team.organization, teams=[team])
    api = api_as(caller.user)
    for method in (api.post, api.delete):
        answer = method(f"{path(somebody)}teams/rockets/")
        assert (answer.status_code, answer.json()) == (403, FORBIDDEN)


def test_a_team_that_is_not_there(api: APIClient, organization: Organization) -> None:
    assert api.post(f"{PATH}me/teams/nope/").status_code == 404
    assert api.delete(f"{PATH}me/teams/nope/").status_code == 404
