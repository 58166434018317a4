"""`/projects/{org}/{project}/hooks/` and below (projects contract, section 7)."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.organizations import hooks
from sentrylite.organizations.models import (
    AuditLogEntry,
    HookDelivery,
    Organization,
    Project,
    ServiceHook,
)
from stats import counters
from stats.models import Kind
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("project")]

PATH = "/api/0/projects/acme/pump-station/hooks/"
URL = "https://hooks.example.com/told?a=b"

Client = Callable[..., APIClient]


@pytest.fixture
def hook(project: Project) -> ServiceHook:
    return factories.ServiceHookFactory(
        project=project,
        guid="d" * 32,
        secret="5" * 64,
        events=["event.created", "event.alert"],
        created_at=datetime.fromisoformat("2026-03-04T05:06:07.890Z"),
    )


WHOLE = {
    "dateCreated": "2026-03-04T05:06:07.890Z",
    "events": ["event.alert", "event.created"],
    "id": "d" * 32,
    "secret": "5" * 64,
    "status": "active",
    "url": "https://hooks.example.com/told",
}


# Listing ------------------------------------------------------------------------------------------


def test_the_hooks_of_a_project(api: APIClient, hook: ServiceHook) -> None:
    newer = factories.ServiceHookFactory(project=hook.project, status="disabled")
    factories.ServiceHookFactory()
    answer = api.get(PATH)
    assert answer.status_code == 200
    assert [each["id"] for each in answer.json()] == [newer.guid, hook.guid]
    assert answer.json()[1] == WHOLE
    assert 'rel="next"; results="false"' in answer.headers["Link"]


@pytest.mark.parametrize(
    "query, found",
    [
        ("", 3),
        ("?status=", 3),
        ("?status=active", 2),
        ("?status=disabled", 1),
        ("?status=nope", 0),
        ("?per_page=1", 1),
    ],
)
def test_those_of_a_status(api: APIClient, project: Project, query: str, found: int) -> None:
    for status in ("active", "active", "disabled"):
        factories.ServiceHookFactory(project=project, status=status)
    assert len(api.get(PATH + query).json()) == found


def test_pages_follow_one_another(api: APIClient, project: Project) -> None:
    made = [factories.ServiceHookFactory(project=project).guid for _ in range(5)]
    found, url = [], f"{PATH}?per_page=2"
    while url:
        answer = api.get(url)
        found += [each["id"] for each in answer.json()]
        following = re.search(
            r'<http://testserver([^>]+)>; rel="next"; results="true"', answer.headers["Link"]
        )
        url = following[1] if following else ""
    assert found == made[::-1]


@pytest.mark.parametrize("query", ["?per_page=x", "?cursor=x", "?status=%00"])
def test_what_a_list_refuses(api: APIClient, query: str) -> None:
    answer = api.get(PATH + query)
    assert answer.status_code == 400
    assert "detail" in answer.json()


@pytest.mark.parametrize("many", [2, 20])
def test_a_list_costs_the_same_however_long(
    api: APIClient, project: Project, many: int, django_assert_num_queries: Any
) -> None:
    for _ in range(many):
        factories.ServiceHookFactory(project=project)
    with django_assert_num_queries(4):
        assert len(api.get(PATH).json()) == many


# Registering --------------------------------------------------------------------------------------


def test_a_hook_is_registered(api: APIClient, user: User, project: Project) -> None:
    body = {"url": URL, "events": ["issue.resolved", "event.alert", "event.alert"], "version": 0}
    answer = api.post(PATH, body)
    hook = ServiceHook.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "dateCreated": answer.json()["dateCreated"],
        "events": ["event.alert", "issue.resolved"],
        "id": hook.guid,
        "secret": hook.secret,
        "status": "active",
        "url": URL,
    }
    assert re.fullmatch("[0-9a-f]{32}", hook.guid)
    assert re.fullmatch("[0-9a-f]{64}", hook.secret)
    assert (hook.project, hook.created_by, hook.version) == (project, user, 0)
    assert api.get(f"{PATH}{hook.guid}/").json() == answer.json()


def test_only_the_address_is_required(api: APIClient) -> None:
    answer = api.post(PATH, {"url": URL, "isActive": False})
    assert (answer.status_code, answer.json()["events"]) == (201, [])
    assert answer.json()["status"] == "disabled"


@pytest.mark.parametrize(
    "body, errors",
    [
        ({}, {"url": ["This field is required."]}),
        ({"events": []}, {"url": ["This field is required."]}),
        ({"url": ""}, {"url": ["This field may not be blank."]}),
        ({"url": None}, {"url": ["This field may not be null."]}),
        ({"url": ["x"]}, {"url": ["Not a valid string."]}),
        ({"url": "nope"}, {"url": ["The address has to begin with http:// or https://."]}),
        ({"url": "http://a b/"}, {"url": ["Enter a valid URL."]}),
        ({"url": "http://a\0b/"}, {"url": ["Enter a valid URL."]}),
        ({"url": "http://me@example.com"}, {"url": ["The address must not hold credentials."]}),
        ({"url": "http://127.0.0.1/"}, {"url": ["127.0.0.1 is not a public address."]}),
        (
            {"url": f"http://example.com/{'x' * 10_000}"},
            {"url": ["An address has at most 512 characters."]},
        ),
        ({"url": URL, "events": ["x"]}, {"events": ["Invalid event name: x"]}),
        ({"url": URL, "events": ["event.alert", "nope", "x"]},
         {"events": ["Invalid event name: nope"]}),
        ({"url": URL, "events": "event.alert"},
         {"events": ['Expected a list of items but got type "str".']}),
        ({"url": URL, "events": [None]}, {"events": ["Invalid event name: None"]}),
        ({"url": URL, "events": ["event.alert", {"a": 1}]},
         {"events": ["Invalid event name: {'a': 1}"]}),
        ({"url": URL, "version": 1}, {"version": ['"1" is not a valid choice.']}),
        ({"url": URL, "isActive": "x"}, {"isActive": ["Must be a valid boolean."]}),
        ({"url": URL, "isActive": None}, {"isActive": ["This field may not be null."]}),
    ],
)  # fmt: skip
def test_what_cannot_be_registered(api: APIClient, body: Any, errors: Any) -> None:
    answer = api.post(PATH, body)
    assert (answer.status_code, answer.json()) == (400, errors)
    assert not ServiceHook.objects.exists()


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"{", b"\xff"])
def test_a_body_that_is_no_object(api: APIClient, body: bytes) -> None:
    assert api.post(PATH, body, content_type="application/json").status_code == 400


def test_where_private_addresses_are_allowed(api: APIClient, settings: Any) -> None:
    settings.HOOKS_ALLOW_PRIVATE = True
    assert api.post(PATH, {"url": "http://127.0.0.1:3000/"}).status_code == 201


def test_a_project_has_so_many_hooks_and_no_more(
    api: APIClient, hook: ServiceHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "MAX_HOOKS", 2)
    assert api.post(PATH, {"url": URL}).status_code == 201
    answer = api.post(PATH, {"url": URL})
    assert answer.status_code == 400
    assert answer.json() == {"detail": "A project has at most 2 service hooks."}


# One hook -----------------------------------------------------------------------------------------


def test_a_hook(api: APIClient, hook: ServiceHook) -> None:
    answer = api.get(f"{PATH}{hook.guid}/")
    assert (answer.status_code, answer.json()) == (200, WHOLE)


@pytest.mark.parametrize(
    "changes, changed",
    [
        ({}, {}),
        ({"url": URL}, {"url": URL}),
        ({"events": ["issue.ignored"]}, {"events": ["issue.ignored"]}),
        ({"events": []}, {"events": []}),
        ({"isActive": False}, {"status": "disabled"}),
        ({"isActive": True}, {}),
        ({"version": 0}, {}),
        ({"id": "x", "secret": "x", "status": "disabled", "nope": 1}, {}),
    ],
)
def test_a_hook_is_changed(api: APIClient, hook: ServiceHook, changes: Any, changed: Any) -> None:
    answer = api.put(f"{PATH}{hook.guid}/", changes)
    assert (answer.status_code, answer.json()) == (200, WHOLE | changed)
    assert api.get(f"{PATH}{hook.guid}/").json() == WHOLE | changed


@pytest.mark.parametrize(
    "body, errors",
    [
        ({"url": "http://10.0.0.1/"}, {"url": ["10.0.0.1 is not a public address."]}),
        ({"events": ["nope"]}, {"events": ["Invalid event name: nope"]}),
        ({"events": None}, {"events": ["This field may not be null."]}),
    ],
)
def test_what_a_hook_cannot_become(
    api: APIClient, hook: ServiceHook, body: Any, errors: Any
) -> None:
    answer = api.put(f"{PATH}{hook.guid}/", body)
    assert (answer.status_code, answer.json()) == (400, errors)
    assert api.get(f"{PATH}{hook.guid}/").json() == WHOLE


def wait(hook: ServiceHook) -> HookDelivery:
    return HookDelivery.objects.create(hook=hook, event="event.alert", data={})


def test_a_hook_that_is_switched_off_is_not_told_what_waited(
    api: APIClient, hook: ServiceHook
) -> None:
    wait(hook)
    told = HookDelivery.objects.create(hook=hook, event="event.alert", data={}, status="delivered")
    api.put(f"{PATH}{hook.guid}/", {"isActive": False})
    assert list(HookDelivery.objects.all()) == [told]


def test_another_address_ends_a_pause(api: APIClient, hook: ServiceHook, now: datetime) -> None:
    ServiceHook.objects.update(failures=3, resumes_at=now)
    api.put(f"{PATH}{hook.guid}/", {"url": hook.url})
    assert ServiceHook.objects.get().failures == 3
    api.put(f"{PATH}{hook.guid}/", {"url": URL})
    hook.refresh_from_db()
    assert (hook.failures, hook.resumes_at) == (0, None)


def test_a_hook_is_removed(api: APIClient, hook: ServiceHook) -> None:
    wait(hook)
    answer = api.delete(f"{PATH}{hook.guid}/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not ServiceHook.objects.exists()
    assert api.delete(f"{PATH}{hook.guid}/").status_code == 404


@pytest.mark.parametrize("guid", ["f" * 32, "1", "D" * 32, "x%00", "d" * 10_000])
def test_a_hook_that_is_not_there(api: APIClient, hook: ServiceHook, guid: str) -> None:
    for method in ("get", "put", "delete"):
        assert getattr(api, method)(f"{PATH}{guid}/").status_code == 404


def test_the_hook_of_another_project(api: APIClient, organization: Organization) -> None:
    other = factories.ServiceHookFactory(project__organization=organization)
    assert api.get(f"{PATH}{other.guid}/").status_code == 404
    assert api.get(f"{PATH}{other.guid}/stats/").status_code == 404
    assert api.delete(f"{PATH}{other.guid}/").status_code == 404


# Who ----------------------------------------------------------------------------------------------


def test_an_api_key_only_reads(
    hook: ServiceHook, organization: Organization, api_as: Client
) -> None:
    key = api_as(organization=organization)
    assert key.get(PATH).json() == [WHOLE]
    assert key.get(f"{PATH}{hook.guid}/").json() == WHOLE
    for answer in (
        key.post(PATH, {"url": URL}),
        key.post(PATH, {"url": "nope"}),
        key.put(f"{PATH}{hook.guid}/", {"isActive": False}),
        key.delete(f"{PATH}{hook.guid}/"),
    ):
        assert (answer.status_code, answer.content) == (401, b"")
        assert "WWW-Authenticate" not in answer.headers
        assert "Content-Type" not in answer.headers
    assert ServiceHook.objects.get().status == "active"


def test_a_mere_member_only_reads(
    hook: ServiceHook, organization: Organization, team: Any, api_as: Client
) -> None:
    member = factories.OrganizationMemberFactory(
        organization=organization, role="member", teams=[team]
    )
    api = api_as(member.user)
    assert api.get(PATH).json() == [WHOLE]
    assert api.get(f"{PATH}{hook.guid}/").json() == WHOLE
    for answer in (
        api.post(PATH, {"url": URL}),
        api.put(f"{PATH}{hook.guid}/", {}),
        api.delete(f"{PATH}{hook.guid}/"),
    ):
        assert answer.status_code == 403


# Its statistics -----------------------------------------------------------------------------------


def test_how_often_a_hook_was_told_something(api: APIClient, hook: ServiceHook) -> None:
    moment = timezone.now().timestamp()
    counts: counters.Counts = {}
    for kind, quantity in ((Kind.HOOK_FIRED, 3), (Kind.HOOK_FAILED, 1), (Kind.HOOK_DROPPED, 9)):
        counters.count(counts, hook.project_id, kind, hook.pk, moment, quantity, now=moment)
    counters.count(counts, hook.project_id, Kind.HOOK_FIRED, hook.pk + 1, moment, now=moment)
    with connection.cursor() as cursor:
        counters.add_series_counts(cursor, counts)
    path = f"{PATH}{hook.guid}/stats/"
    answer = api.get(f"{path}?since={moment - 86400}&until={moment + 86400}&resolution=1d")
    assert answer.status_code == 200
    day = int(moment // 86400) * 86400
    assert answer.json() == [
        {"ts": day - 86400, "total": 0},
        {"ts": day, "total": 3},
        {"ts": day + 86400, "total": 0},
    ]
    assert all(type(point["ts"]) is int for point in answer.json())
    assert len(api.get(path).json()) == 24


@pytest.mark.parametrize("query", ["?since=x", "?until=x", "?resolution=7m"])
def test_what_statistics_refuse(api: APIClient, hook: ServiceHook, query: str) -> None:
    answer = api.get(f"{PATH}{hook.guid}/stats/{query}")
    assert answer.status_code == 400
    assert "detail" in answer.json()


def test_the_audit_log_knows_who_it_was(api: APIClient, user: User, project: Project) -> None:
    path = f"{PATH}{api.post(PATH, {'url': URL}).json()['id']}/"
    hook = ServiceHook.objects.get()
    api.put(path, {"events": ["event.alert"]})
    api.put(path, {"events": ["event.alert"], "isActive": True, "url": URL})  # changes nothing
    api.delete(path)
    entries = AuditLogEntry.objects.order_by("id")
    facts = {"url": URL, "status": "active"}
    assert [(entry.event, entry.actor, entry.target_id, entry.data) for entry in entries] == [
        ("servicehook.add", user, hook.pk, facts | {"events": []}),
        ("servicehook.edit", user, hook.pk, facts | {"events": ["event.alert"]}),
        ("servicehook.remove", user, hook.pk, facts | {"events": ["event.alert"]}),
    ]
