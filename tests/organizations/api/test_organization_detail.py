"""One organization: /organizations/{organization}/"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from rest_framework.test import APIClient

from issues.models import UserReport
from sentrylite.accounts.models import User
from sentrylite.organizations.access import ALL_SCOPES, ROLE_SCOPES
from sentrylite.organizations.models import (
    AuditLogEntry,
    Organization,
    OrganizationMember,
    Project,
    ProjectKey,
    Team,
)
from tests import factories

from .test_organization_list import ACME, FEATURES

pytestmark = pytest.mark.django_db

PATH = "/api/0/organizations/acme/"
Client = Callable[..., APIClient]


def role(id: str, name: str, *, is_global: bool) -> dict[str, Any]:
    return {
        "id": id,
        "isAllowed": True,
        "isGlobal": is_global,
        "isRetired": False,
        "minimumTeamRole": "contributor",
        "name": name,
        "scopes": sorted(ROLE_SCOPES[id]),
    }


SETTINGS = {
    "allowJoinRequests": True,
    "allowSharedIssues": True,
    "attachmentsRole": "member",
    "availableRoles": [
        {"id": "member", "name": "Member"},
        {"id": "admin", "name": "Admin"},
        {"id": "manager", "name": "Manager"},
        {"id": "owner", "name": "Owner"},
    ],
    "dataScrubber": False,
    "dataScrubberDefaults": False,
    "defaultRole": "member",
    "enhancedPrivacy": False,
    "experiments": {},
    "isDefault": False,
    "onboardingTasks": [],
    "openMembership": True,
    "orgRoleList": [
        role("member", "Member", is_global=False),
        role("admin", "Admin", is_global=False),
        role("manager", "Manager", is_global=True),
        role("owner", "Owner", is_global=True),
    ],
    "pendingAccessRequests": 0,
    "quota": {"maxRate": 0, "maxRateInterval": 60, "accountLimit": 0, "projectLimit": 100},
    "relayPiiConfig": None,
    "safeFields": [],
    "scrapeJavaScript": True,
    "scrubIPAddresses": False,
    "sensitiveFields": [],
    "storeCrashReports": 0,
    "teamRoleList": [{"id": "contributor", "name": "Contributor"}],
    "trustedRelays": [],
}


def test_the_whole_answer(
    api: APIClient,
    settled: Organization,
    team: Team,
    project: Project,
    strangers: Organization,
) -> None:
    project.platform, project.first_event_at = "python", datetime(2026, 3, 2, tzinfo=UTC)
    project.save()
    for name in ("staging", "", "production"):
        factories.EnvironmentFactory(organization=settled, name=name).projects.add(project)
    for version, day in (("1.0", 2), ("2.0", 4), ("1.1", 3)):
        release = factories.ReleaseFactory(
            organization=settled, version=version, created_at=datetime(2026, 3, day, tzinfo=UTC)
        )
        release.projects.add(project)
    for platform in ("python", "javascript"):
        project.project_platforms.create(platform=platform)
    UserReport.objects.create(project=project, event_id="a" * 32, stands_alone=True, comments="Oh")
    answer = api.get(PATH)
    assert answer.status_code == 200
    assert answer["Allow"] == "GET, PUT, DELETE, HEAD, OPTIONS"
    teams = [{"id": str(team.pk), "name": "Rockets", "slug": "rockets"}]
    assert answer.json() == {
        **ACME,
        **SETTINGS,
        "id": str(settled.pk),
        "access": sorted(ALL_SCOPES),
        "role": "owner",
        "teams": [
            {
                "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
                "dateCreated": "2026-03-01T12:00:00.590Z",
                "hasAccess": True,
                "id": str(team.pk),
                "isMember": True,
                "isPending": False,
                "memberCount": 1,
                "name": "Rockets",
                "slug": "rockets",
            }
        ],
        "projects": [
            {
                "dateCreated": "2026-03-01T12:00:00.590Z",
                "environments": ["production", "staging"],
                "features": [*FEATURES, "releases"],
                "firstEvent": "2026-03-02T00:00:00Z",
                "hasAccess": True,
                "hasUserReports": True,
                "id": str(project.pk),
                "isBookmarked": False,
                "isMember": True,
                "latestDeploys": None,
                "latestRelease": {"version": "2.0"},
                "name": "Pump Station",
                "platform": "python",
                "platforms": ["javascript", "python"],
                "slug": "pump-station",
                "team": teams[0],
                "teams": teams,
            }
        ],
    }


def test_without_teams_and_projects(api: APIClient, project: Project) -> None:
    whole = api.get(PATH).json()
    assert api.get(PATH, {"detailed": "0"}).json() == {
        key: value for key, value in whole.items() if key not in ("teams", "projects")
    }


def test_an_api_key_has_scopes_and_no_role(api_as: Client, organization: Organization) -> None:
    answer = api_as(organization=organization, scopes=["org:read"]).get(PATH).json()
    assert answer["access"] == ["org:read"]
    assert "role" not in answer
    assert [each["isAllowed"] for each in answer["orgRoleList"]] == [False] * 4


def test_by_id(api: APIClient, organization: Organization) -> None:
    assert api.get(f"/api/0/organizations/{organization.pk}/").json() == api.get(PATH).json()


@pytest.mark.parametrize("address", ["nope", "ACME", "0", "9" * 30, "%00", "%F0%9F%98%80"])
def test_one_that_is_not_there(api: APIClient, organization: Organization, address: str) -> None:
    answer = api.get(f"/api/0/organizations/{address}/")
    assert answer.status_code == 404


def test_as_many_statements_for_many(
    api: APIClient, fill_up: Callable[[int], None], count_queries: Callable[..., int]
) -> None:
    fill_up(2)
    few = count_queries(api.get, PATH)
    fill_up(18)
    assert count_queries(api.get, PATH) == few == 12
    assert count_queries(api.get, f"{PATH}?detailed=0") == 2


# PUT ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key, value",
    [
        ("name", "Acme ✓"),
        ("slug", "nova-2"),
        ("isEarlyAdopter", True),
        ("openMembership", False),
        ("allowSharedIssues", False),
        ("allowJoinRequests", False),
        ("enhancedPrivacy", True),
        ("dataScrubber", True),
        ("dataScrubberDefaults", True),
        ("scrubIPAddresses", True),
        ("sensitiveFields", ["pin", "höhe"]),
        ("safeFields", ["x"]),
        ("scrapeJavaScript", False),
        ("storeCrashReports", -1),
        ("attachmentsRole", "owner"),
        ("relayPiiConfig", '{"rules": {}}'),
        ("defaultRole", "admin"),
    ],
)
def test_each_setting(
    api: APIClient, organization: Organization, user: User, key: str, value: Any
) -> None:
    before = api.get(PATH).json()
    answer = api.put(PATH, {key: value, "unknown": 1})
    assert answer.status_code == 200
    after = answer.json()
    assert after[key] == value
    assert {name for name in after if after[name] != before[name]} - {"features"} == {key}
    assert api.get(f"/api/0/organizations/{organization.pk}/").json() == after
    entry = AuditLogEntry.objects.get()
    assert (entry.event, entry.actor, list(entry.data.values())) == ("org.edit", user, [value])


def test_nothing_changes_nothing(api: APIClient, organization: Organization) -> None:
    before = api.get(PATH).json()
    assert api.put(PATH, {}).json() == before
    assert api.put(PATH, {"name": "Acme", "avatarType": "letter_avatar"}).json() == before
    assert api.put(PATH, {"relayPiiConfig": None, "trustedRelays": []}).json() == before
    assert not AuditLogEntry.objects.exists()


def test_the_old_slug_is_gone(api: APIClient, organization: Organization) -> None:
    api.put(PATH, {"slug": "nova"})
    assert api.get(PATH).status_code == 404
    assert api.get("/api/0/organizations/nova/").status_code == 200


@pytest.mark.parametrize(
    "key, value, error",
    [
        ("name", "", "This field may not be blank."),
        ("name", "x" * 65, "Ensure this field has no more than 64 characters."),
        ("slug", "a", 'This slug "a" is too short. Minimum of 3 characters.'),
        ("slug", "admin", 'This slug "admin" is reserved and not allowed.'),
        ("slug", "outer-rim", 'The slug "outer-rim" is already in use.'),
        ("slug", "No Good", "This value does not match the required pattern."),
        ("slug", None, "This field may not be null."),
        ("slug", "x" * 10_000, "Ensure this field has no more than 50 characters."),
        ("openMembership", "maybe", "Must be a valid boolean."),
        ("openMembership", {}, "Must be a valid boolean."),
        ("sensitiveFields", "pin", 'Expected a list of items but got type "str".'),
        ("sensitiveFields", ["a", ""], "Empty values are not allowed."),
        ("safeFields", ["a", None], "This field may not be null."),
        ("safeFields", [["a"]], "Not a valid string."),
        (
            "safeFields",
            ["a"] * 201,
            "Ensure this field has no more than 200 elements.",
        ),
        ("storeCrashReports", 21, "Ensure this value is less than or equal to 20."),
        ("storeCrashReports", -2, "Ensure this value is greater than or equal to -1."),
        ("storeCrashReports", 2**63, "Ensure this value is less than or equal to 20."),
        ("storeCrashReports", "x", "A valid integer is required."),
        ("attachmentsRole", "boss", "Invalid role"),
        ("defaultRole", "boss", '"boss" is not a valid choice.'),
        ("relayPiiConfig", "[]", "This is not the text of a JSON object."),
        ("relayPiiConfig", "{", "This is not the text of a JSON object."),
        ("avatarType", "upload", "Cannot set avatarType to upload without avatar"),
        ("avatarType", "gif", '"gif" is not a valid choice.'),
        (
            "require2FA",
            True,
            "Cannot require two-factor authentication without personal two-factor enabled.",
        ),
        (
            "trustedRelays",
            [{"name": "r"}],
            "Organization does not have the relay feature enabled",
        ),
        (
            "accountRateLimit",
            5,
            "The accountRateLimit option cannot be configured for this organization",
        ),
        (
            "projectRateLimit",
            60,
            "The projectRateLimit option cannot be configured for this organization",
        ),
        ("projectRateLimit", 10, "Ensure this value is greater than or equal to 50."),
    ],
)
def test_what_it_refuses(
    api: APIClient, strangers: Organization, key: str, value: Any, error: str
) -> None:
    before = api.get(PATH).json()
    answer = api.put(PATH, {key: value, "isEarlyAdopter": True})
    assert answer.status_code == 400
    assert answer.json() == {key: [error]}
    assert api.get(PATH).json() == before


def test_a_manager_does_not_set_what_takes_an_owner(
    api_as: Client, organization: Organization
) -> None:
    manager = factories.OrganizationMemberFactory(organization=organization, role="manager")
    body = {"defaultRole": "owner", "cancelDeletion": True, "name": "Nova"}
    answer = api_as(manager.user).put(PATH, body)
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["defaultRole"]) == ("Nova", "member")


# DELETE -------------------------------------------------------------------------------------------


def test_deleting_and_keeping_it_after_all(
    api: APIClient, organization: Organization, key: ProjectKey, user: User
) -> None:
    answer = api.delete(PATH)
    assert answer.status_code == 202
    assert answer.json()["status"] == {"id": "pending_deletion", "name": "pending deletion"}
    assert answer.json()["slug"] == "acme"
    first = Organization.objects.get()
    assert first.deleted_at is not None
    assert api.delete(PATH).status_code == 202
    assert Organization.objects.get().deleted_at == first.deleted_at
    assert api.get(PATH).json() == answer.json()

    restored = api.put(PATH, {"cancelDeletion": True})
    assert restored.json()["status"] == {"id": "active", "name": "active"}
    assert Organization.objects.get().deleted_at is None
    events = AuditLogEntry.objects.order_by("id").values_list("event", "actor")
    assert list(events) == [("org.remove", user.pk), ("org.restore", user.pk)]


def test_its_owners_are_told(
    api: APIClient, organization: Organization, user: User, run_tasks: Callable[[datetime], int]
) -> None:
    second = factories.OrganizationMemberFactory(organization=organization, role="owner")
    factories.OrganizationMemberFactory(organization=organization, role="manager")
    factories.OrganizationMemberFactory(
        organization=organization, role="owner", user=None, email="x@example.com"
    )
    api.delete(PATH)
    api.delete(PATH)
    assert run_tasks(datetime.now(UTC) + timedelta(seconds=1)) == 1
    (sent,) = mail.outbox
    assert sorted(sent.to) == sorted([user.email, second.user.email])
    assert sent.subject == "Acme was deleted"
    assert f"Acme (acme) was deleted by {user}." in sent.body
    assert "PUT http://testserver/api/0/organizations/acme/" in sent.body


def test_nobody_is_told_of_a_deletion_that_was_taken_back(
    api: APIClient, user: User, run_tasks: Callable[[datetime], int]
) -> None:
    api.delete(PATH)
    api.put(PATH, {"cancelDeletion": True})
    assert run_tasks(datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert mail.outbox == []


def test_an_api_key_does_not_delete_it(api_as: Client, organization: Organization) -> None:
    answer = api_as(organization=organization).delete(PATH)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "This request requires an authenticated user."}
    assert Organization.objects.active().exists()


@pytest.mark.parametrize("role", ["member", "admin", "manager"])
def test_only_an_owner_deletes_it(api_as: Client, member: OrganizationMember, role: str) -> None:
    OrganizationMember.objects.update(role=role)
    assert api_as(member.user).delete(PATH).status_code == 403
