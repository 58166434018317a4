"""/projects/{organization}/{project}/keys/ and /keys/{public_key}/"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.ingest.authentication import find_key
from sentrylite.organizations.models import (
    AuditLogEntry,
    OrganizationMember,
    Project,
    ProjectKey,
)
from tests import factories

from .conftest import CREATED

pytestmark = pytest.mark.django_db

PATH = "/api/0/projects/acme/pump-station/keys/"
PUBLIC, SECRET = "a" * 32, "b" * 32
ONE = f"{PATH}{PUBLIC}/"
Client = Callable[..., APIClient]


@pytest.fixture
def key(project: Project) -> ProjectKey:
    return factories.ProjectKeyFactory(
        project=project,
        label="Fabulous Key",
        public_key=PUBLIC,
        secret_key=SECRET,
        created_at=CREATED,
    )


@pytest.fixture
def fabulous(key: ProjectKey) -> dict[str, Any]:
    number = key.project_id
    return {
        "browserSdk": {"choices": [["latest", "latest"], ["5.x", "5.x"], ["4.x", "4.x"]]},
        "browserSdkVersion": "5.x",
        "dateCreated": "2026-03-01T12:00:00.590Z",
        "dsn": {
            "cdn": f"http://testserver/js-sdk-loader/{PUBLIC}.min.js",
            "crons": f"http://testserver/api/{number}/cron/___MONITOR_SLUG___/{PUBLIC}/",
            "csp": f"http://testserver/api/{number}/csp-report/?sentry_key={PUBLIC}",
            "minidump": f"http://testserver/api/{number}/minidump/?sentry_key={PUBLIC}",
            "nel": f"http://testserver/api/{number}/nel/?sentry_key={PUBLIC}",
            "public": f"http://{PUBLIC}@testserver/{number}",
            "secret": f"http://{PUBLIC}:{SECRET}@testserver/{number}",
            "security": f"http://testserver/api/{number}/security/?sentry_key={PUBLIC}",
            "unreal": f"http://testserver/api/{number}/unreal/{PUBLIC}/",
        },
        "dynamicSdkLoaderOptions": {
            "hasDebug": False,
            "hasPerformance": False,
            "hasReplay": False,
        },
        "id": PUBLIC,
        "isActive": True,
        "label": "Fabulous Key",
        "name": "Fabulous Key",
        "projectId": number,
        "public": PUBLIC,
        "rateLimit": None,
        "secret": SECRET,
    }


def is_usable(public_key: str) -> bool:
    """Whether SDKs can send events with it."""
    with connection.cursor() as cursor:
        key = find_key(cursor.cursor, public_key)
    return key is not None and key.is_active


# Reading ------------------------------------------------------------------------------------------


def test_all_of_them(
    api: APIClient, fabulous: dict[str, Any], key: ProjectKey, strangers: Any
) -> None:
    factories.ProjectKeyFactory(project=strangers.projects.get())
    answer = api.get(PATH)
    assert answer.json() == [fabulous]
    assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"
    assert f"keys/?&cursor={key.pk}:0:1" in answer["Link"]


def test_one_of_them(api: APIClient, fabulous: dict[str, Any]) -> None:
    answer = api.get(ONE)
    assert answer.json() == fabulous
    assert answer["Allow"] == "GET, PUT, DELETE, HEAD, OPTIONS"
    assert api.get(ONE.replace(PUBLIC, PUBLIC.upper())).json() == fabulous


def test_the_newest_first_by_status_and_page_by_page(api: APIClient, key: ProjectKey) -> None:
    def labels(**query: Any) -> list[str]:
        return [row["label"] for row in api.get(PATH, query).json()]

    factories.ProjectKeyFactory(project=key.project, label="Off", is_active=False)
    assert labels() == labels(status="") == ["Off", "Fabulous Key"]
    assert labels(status="active") == ["Fabulous Key"]
    assert labels(status="inactive") == ["Off"]
    assert labels(status="nope") == []
    assert labels(per_page=1) == ["Off"]
    assert labels(per_page=1, cursor=f"{key.pk}:0:0") == ["Fabulous Key"]


@pytest.mark.parametrize("public", ["c" * 32, "1", "x" * 9999, "%00", "%ff"])
def test_one_that_is_not_there(
    api: APIClient, key: ProjectKey, strangers: Any, public: str
) -> None:
    factories.ProjectKeyFactory(project=strangers.projects.get(), public_key="c" * 32)
    for method in (api.get, api.put, api.delete):
        assert method(f"{PATH}{public}/").status_code == 404


def test_as_many_statements_for_many(
    api: APIClient, project: Project, count_queries: Callable[..., int]
) -> None:
    factories.ProjectKeyFactory.create_batch(2, project=project)
    few = count_queries(api.get, PATH)
    factories.ProjectKeyFactory.create_batch(18, project=project)
    assert count_queries(api.get, PATH) == few == 4


# Making -------------------------------------------------------------------------------------------


def test_a_new_key(api: APIClient, project: Project, user: User) -> None:
    answer = api.post(PATH)
    assert answer.status_code == 201, answer.content
    made = answer.json()
    key = ProjectKey.objects.get()
    assert (made["id"], made["secret"]) == (key.public_key, key.secret_key)
    assert len(made["name"].split()) == 2 and made["name"].istitle()
    assert is_usable(made["public"])
    entry = AuditLogEntry.objects.get()
    assert (entry.event, entry.target_id, entry.actor) == ("projectkey.create", key.pk, user)
    assert entry.data == {"project": "pump-station", "public_key": key.public_key}


def test_a_new_key_as_it_was_wanted(api: APIClient, project: Project) -> None:
    answer = api.post(
        PATH,
        {
            "name": " Mine ✓ ",
            "public": PUBLIC,
            "secret": SECRET,
            "rateLimit": {"count": 100, "window": 60},
            "browserSdkVersion": "latest",
        },
    )
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["name"], made["public"], made["secret"]) == ("Mine ✓", PUBLIC, SECRET)
    assert made["rateLimit"] == {"count": 100, "window": 60}
    assert made["browserSdkVersion"] == "latest"


def test_what_is_empty_is_made_up(api: APIClient, project: Project) -> None:
    for value in (None, ""):
        body = dict.fromkeys(("name", "public", "secret", "browserSdkVersion"), value)
        made = api.post(PATH, body).json()
        assert made["name"] and len(made["public"]) == len(made["secret"]) == 32
        assert made["browserSdkVersion"] == "5.x"


HALF = ["This value does not match the required pattern."]
BAD = [
    ({"name": "x" * 65}, {"name": ["Ensure this field has no more than 64 characters."]}),
    ({"name": []}, {"name": ["Not a valid string."]}),
    ({"name": "a\0b"}, {"name": ["Null characters are not allowed."]}),
    ({"isActive": "x"}, {"isActive": ["Must be a valid boolean."]}),
    ({"browserSdkVersion": "3.x"}, {"browserSdkVersion": ['"3.x" is not a valid choice.']}),
    (
        {"rateLimit": {"count": -1, "window": 86401}},
        {
            "rateLimit": {
                "count": ["Ensure this value is greater than or equal to 0."],
                "window": ["Ensure this value is less than or equal to 86400."],
            }
        },
    ),
    ({"rateLimit": {"count": 1}}, {"rateLimit": {"window": ["This field is required."]}}),
    (
        {"rateLimit": {"count": 2**63, "window": 1}},
        {"rateLimit": {"count": ["Ensure this value is less than or equal to 2147483647."]}},
    ),
    (
        {"rateLimit": 5},
        {"rateLimit": {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]}},
    ),
    ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
]


@pytest.mark.parametrize(
    "body, errors",
    [
        *BAD,
        ({"public": "A" * 32}, {"public": HALF}),
        ({"secret": "a" * 31}, {"secret": HALF}),
        ({"public": PUBLIC}, {"public": ["There is a key with this public half already."]}),
    ],
)
def test_new_keys_it_refuses(
    api: APIClient, project: Project, strangers: Any, body: Any, errors: Any
) -> None:
    factories.ProjectKeyFactory(project=strangers.projects.get(), public_key=PUBLIC)
    answer = api.post(PATH, body)
    assert (answer.status_code, answer.json()) == (400, errors)
    assert not project.keys.exists()


# Changing -----------------------------------------------------------------------------------------


def test_what_can_be_changed(api: APIClient, fabulous: dict[str, Any]) -> None:
    body = {
        "name": "Better",
        "isActive": False,
        "rateLimit": {"count": 5, "window": 10},
        "browserSdkVersion": "4.x",
    }
    answer = api.put(ONE, {**body, "public": "c" * 32})
    assert answer.status_code == 200
    assert answer.json() == {**fabulous, **body, "label": "Better"}
    assert api.get(ONE).json() == answer.json()
    assert AuditLogEntry.objects.get().event == "projectkey.edit"


def test_a_key_that_is_off_sends_no_events(api: APIClient, key: ProjectKey) -> None:
    assert is_usable(PUBLIC)
    api.put(ONE, {"isActive": False})
    assert not is_usable(PUBLIC)
    api.put(ONE, {"isActive": True})
    assert is_usable(PUBLIC)


@pytest.mark.parametrize(
    "limit, expected",
    [
        (None, None),
        ({"count": None, "window": 60}, None),
        ({"count": 5, "window": ""}, None),
        ({"count": 0, "window": 0}, None),
        ({"count": "7", "window": 60.0}, {"count": 7, "window": 60}),
    ],
)
def test_limits(api: APIClient, key: ProjectKey, limit: Any, expected: Any) -> None:
    api.put(ONE, {"rateLimit": {"count": 1, "window": 1}})
    assert api.put(ONE, {"name": "x"}).json()["rateLimit"] == {"count": 1, "window": 1}
    answer = api.put(ONE, {"rateLimit": limit})
    assert (answer.status_code, answer.json()["rateLimit"]) == (200, expected)


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": None, "isActive": None}, {"x": 1}])
def test_what_changes_nothing(api: APIClient, fabulous: dict[str, Any], body: Any) -> None:
    answer = api.put(ONE, body)
    assert (answer.status_code, answer.json()) == (200, fabulous)
    assert not AuditLogEntry.objects.exists()


@pytest.mark.parametrize("body, errors", BAD)
def test_changes_it_refuses(
    api: APIClient, fabulous: dict[str, Any], body: Any, errors: Any
) -> None:
    answer = api.put(ONE, body)
    assert (answer.status_code, answer.json()) == (400, errors)
    assert api.get(ONE).json() == fabulous


def test_removing_one(api: APIClient, key: ProjectKey) -> None:
    answer = api.delete(ONE)
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(ONE).status_code == 404
    assert not is_usable(PUBLIC)
    entry = AuditLogEntry.objects.get()
    assert (entry.event, entry.target_id) == ("projectkey.remove", key.pk)


@pytest.mark.parametrize("role, status", [("member", 403), ("admin", 200)])
def test_which_roles_change_keys(
    api_as: Client, key: ProjectKey, member: Any, role: str, status: int
) -> None:
    OrganizationMember.objects.update(role=role)
    api = api_as(member.user)
    assert api.get(PATH).status_code == 200
    assert api.put(ONE, {"name": "x"}).status_code == status
