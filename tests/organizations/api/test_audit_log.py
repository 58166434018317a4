"""The audit log: /organizations/{organization}/audit-logs/"""

from collections.abc import Callable
from copy import copy
from datetime import datetime
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from rest_framework.test import APIClient

from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.accounts.models import User
from sentrylite.organizations import credentials, hooks, keys, teams
from sentrylite.organizations.access import ALL_SCOPES, Access, Caller
from sentrylite.organizations.audit import Author
from sentrylite.organizations.models import (
    AuditLogEntry,
    Organization,
    OrganizationMember,
    Project,
)
from tests import factories

from .conftest import CREATED

pytestmark = pytest.mark.django_db

PATH = "/api/0/organizations/acme/audit-logs/"
Client = Callable[..., APIClient]


def log(organization: Organization, **columns: Any) -> AuditLogEntry:
    return AuditLogEntry.objects.create(
        **{
            "organization": organization,
            "event": "team.create",
            "actor_label": "Nova",
            "created_at": CREATED,
            **columns,
        }
    )


def test_an_entry(api: APIClient, user: User, member: OrganizationMember) -> None:
    entry = log(
        member.organization,
        actor=user,
        event="member.edit",
        ip_address="192.0.2.1",
        target_id=member.pk,
        target_user=user,
        data={"role": "admin"},
    )
    me = UserSerializer(user, context={"user": user}).data
    answer = api.get(PATH)
    assert answer.json() == [
        {
            "actor": me,
            "data": {"role": "admin"},
            "dateCreated": "2026-03-01T12:00:00.590Z",
            "event": "member.edit",
            "id": str(entry.pk),
            "ipAddress": "192.0.2.1",
            "targetObject": member.pk,
            "targetUser": me,
        }
    ]
    assert answer["Allow"] == "GET, HEAD, OPTIONS"


def test_who_is_gone_leaves_a_name(api: APIClient, organization: Organization) -> None:
    log(organization)
    (entry,) = api.get(PATH).json()
    assert (entry["actor"], entry["targetUser"]) == ({"name": "Nova"}, None)


def test_newest_first_page_by_page(
    api: APIClient, organization: Organization, strangers: Organization
) -> None:
    ids = [str(log(organization).pk) for _ in range(3)]
    log(strangers)
    assert [row["id"] for row in api.get(PATH).json()] == ids[::-1]
    first = api.get(PATH, {"per_page": 2})
    rest = api.get(first["Link"].split("<")[2].split(">")[0])
    assert [row["id"] for row in rest.json()] == ids[:1]


def test_one_event_or_one_person(api: APIClient, organization: Organization, user: User) -> None:
    log(organization, event="org.edit", actor=user)
    log(organization, event="team.edit")
    assert [row["event"] for row in api.get(PATH, {"event": "org.edit"}).json()] == ["org.edit"]
    assert [row["event"] for row in api.get(PATH, {"user": user.pk}).json()] == ["org.edit"]
    assert api.get(PATH, {"user": "0"}).json() == []
    assert len(api.get(PATH, {"event": ""}).json()) == 2


@pytest.mark.parametrize("query", ["event=x", "user=x", "user=", "cursor=x", "event=%00"])
def test_bad_parameters(api: APIClient, organization: Organization, query: str) -> None:
    assert api.get(f"{PATH}?{query}").status_code == 400


def test_what_was_done_is_there(api: APIClient, organization: Organization) -> None:
    made = api.post("/api/0/organizations/acme/teams/", {"name": "Nova"}).json()
    (entry,) = api.get(PATH).json()
    assert (entry["event"], entry["targetObject"]) == ("team.create", int(made["id"]))
    assert (entry["data"], entry["ipAddress"]) == ({"name": "Nova", "slug": "nova"}, "127.0.0.1")


@pytest.mark.parametrize("role, status", [("admin", 403), ("manager", 200)])
def test_who_may_read_it(
    api_as: Client, organization: Organization, role: str, status: int
) -> None:
    member = factories.OrganizationMemberFactory(organization=organization, role=role)
    assert api_as(member.user).get(PATH).status_code == status


def test_what_several_remove_at_once_is_removed_once(
    api: APIClient, organization: Organization, project: Project, user: User, now: datetime
) -> None:
    author = Author(user, None)
    team = factories.TeamFactory(organization=organization)
    key = factories.ProjectKeyFactory(project=project)
    hook = factories.ServiceHookFactory(project=project)
    api_key = factories.ApiKeyFactory(organization=organization, scopes=[])
    access = Access(Caller(ALL_SCOPES, organization_id=organization.pk), organization)
    for _ in range(2):  # as two who have both found it there
        teams.delete_team(copy(team), by=author, now=now)
        keys.delete_key(copy(key), by=author, now=now)
        hooks.remove(copy(hook), by=author, now=now)
        credentials.delete_key(copy(api_key), access=access, by=author, now=now)
    assert sorted(organization.audit_log.values_list("event", "target_id")) == sorted(
        [
            ("team.remove", team.pk),
            ("projectkey.remove", key.pk),
            ("servicehook.remove", hook.pk),
            ("api-key.remove", api_key.pk),
        ]
    )


def test_as_many_statements_for_many(
    api: APIClient, organization: Organization, user: User, count_queries: Callable[..., int]
) -> None:
    log(organization, actor=user)
    few = count_queries(api.get, PATH)
    for _ in range(19):
        log(organization, actor=factories.UserFactory(), target_user=factories.UserFactory())
    assert count_queries(api.get, PATH) == few == 3


def test_the_back_office_shows_it_and_changes_nothing(
    admin_client: Browser, organization: Organization
) -> None:
    entry = log(organization)
    listed = admin_client.get(reverse("admin:organizations_auditlogentry_changelist"))
    assert listed.status_code == 200 and "team.create" in listed.text
    page = admin_client.get(reverse("admin:organizations_auditlogentry_change", args=[entry.pk]))
    assert page.status_code == 200 and "Nova" in page.text
    assert 'name="_save"' not in page.text
    add = admin_client.get(reverse("admin:organizations_auditlogentry_add"))
    assert add.status_code == 403
