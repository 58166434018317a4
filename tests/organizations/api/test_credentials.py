"""The caller and his credentials: /auth/, /users/me/, /api-tokens/,
/organizations/{organization}/api-keys/…"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.organizations.access import ALL_SCOPES
from sentrylite.organizations.models import ApiKey, ApiToken, AuditLogEntry, Organization
from sentrylite.organizations.models.token import hash_secret
from tests import factories

pytestmark = pytest.mark.django_db

TOKENS = "/api/0/api-tokens/"
KEYS = "/api/0/organizations/acme/api-keys/"
Client = Callable[..., APIClient]


@pytest.mark.parametrize("path", ["/api/0/auth/", "/api/0/users/me/"])
def test_who_the_caller_is(api: APIClient, user: User, api_as: Client, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 200
    assert answer.json() == api.get("/api/0/").json()["user"]
    assert answer.json()["id"] == str(user.pk)
    assert api_as(user, scopes=[]).get(path).json() == answer.json()
    session = APIClient()
    session.force_login(user)
    assert session.get(path).json()["id"] == str(user.pk)


@pytest.mark.parametrize("path", ["/api/0/auth/", "/api/0/users/me/", TOKENS])
def test_an_api_key_is_nobody(api_as: Client, organization: Organization, path: str) -> None:
    answer = api_as(organization=organization).get(path)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "This endpoint requires user info"}


# Tokens -------------------------------------------------------------------------------------------


def test_a_new_token(api: APIClient, user: User) -> None:
    answer = api.post(TOKENS, {"scopes": ["org:read", "event:read", "org:read"], "name": "CI"})
    made = ApiToken.objects.latest("id")
    assert answer.status_code == 201
    body = answer.json()
    secret = body.pop("token")
    assert secret.startswith("sntryu_") and len(secret) == 71
    assert made.secret_hash == hash_secret(secret)
    assert body.pop("dateCreated")
    assert body == {
        "application": None,
        "expiresAt": None,
        "id": str(made.pk),
        "name": "CI",
        "refreshToken": None,
        "scopes": ["event:read", "org:read"],
        "state": None,
        "tokenLastCharacters": secret[-4:],
    }
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert client.get("/api/0/organizations/acme/").json()["access"] == ["event:read", "org:read"]
    listed = api.get(TOKENS)
    assert listed.json()[0] == {**body, "dateCreated": listed.json()[0]["dateCreated"]}
    assert secret not in listed.content.decode()


def test_a_token_makes_none_that_can_do_more(api_as: Client, user: User) -> None:
    weak = api_as(user, scopes=["org:read", "event:read"])
    answer = weak.post(TOKENS, {"scopes": ["org:read", "org:admin"]})
    assert answer.status_code == 400
    assert answer.json() == {"scopes": ["This token cannot give what it lacks: org:admin"]}
    assert weak.post(TOKENS, {"scopes": ["org:read"]}).status_code == 201


def test_nor_one_that_lasts_longer(user: User) -> None:
    ends = datetime(2099, 1, 1, tzinfo=UTC)
    token = factories.ApiTokenFactory(user=user, scopes=["org:read"], expires_at=ends)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token.secret}")
    answer = client.post(TOKENS, {"scopes": ["org:read"]})
    assert answer.json()["expiresAt"] == "2099-01-01T00:00:00Z"


def test_a_token_sees_none_that_can_do_more(api_as: Client, user: User) -> None:
    strong = factories.ApiTokenFactory(user=user, scopes=["org:admin"])
    factories.ApiTokenFactory(scopes=["org:read"])
    weak = api_as(user, scopes=["org:read"])
    assert [row["scopes"] for row in weak.get(TOKENS).json()] == [["org:read"]]
    assert weak.delete(TOKENS, {"tokenId": str(strong.pk)}).status_code == 404
    assert ApiToken.objects.filter(pk=strong.pk).exists()


def test_a_session_sees_all_of_ones_own(user: User) -> None:
    factories.ApiTokenFactory(user=user, scopes=sorted(ALL_SCOPES))
    factories.ApiTokenFactory()
    session = APIClient(enforce_csrf_checks=True)
    session.force_login(user)
    assert len(session.get(TOKENS).json()) == 1
    assert session.post(TOKENS, {"scopes": ["org:read"]}).status_code == 403


@pytest.mark.parametrize("key", ["secret", "id", "tokenId"])
def test_revoking_a_token(api: APIClient, user: User, key: str) -> None:
    token = factories.ApiTokenFactory(user=user)
    body = {
        "secret": {"token": token.secret},
        "id": {"token": token.pk},
        "tokenId": {"tokenId": str(token.pk)},
    }[key]
    answer = api.delete(TOKENS, body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not ApiToken.objects.filter(pk=token.pk).exists()
    assert api.delete(TOKENS, body).status_code == 404


def test_others_tokens_are_not_there(api: APIClient) -> None:
    other = factories.ApiTokenFactory()
    assert api.delete(TOKENS, {"token": other.secret}).status_code == 404
    assert api.delete(TOKENS, {"tokenId": other.pk}).status_code == 404


@pytest.mark.parametrize(
    "body, errors",
    [
        ({}, {"scopes": ["This field is required."]}),
        ({"scopes": []}, {"scopes": ["This list may not be empty."]}),
        ({"scopes": ["org:boss"]}, {"scopes": ['"org:boss" is not a valid choice.']}),
        ({"scopes": "org:read"}, {"scopes": ['Expected a list of items but got type "str".']}),
        ({"scopes": [["org:read"]]}, None),
        ({"scopes": [{}]}, None),
        ({"scopes": ["org:read"], "name": "x" * 65}, None),
        ({"scopes": ["org:read"], "name": "a\0"}, None),
    ],
)
def test_tokens_it_refuses(api: APIClient, body: Any, errors: Any) -> None:
    answer = api.post(TOKENS, body)
    assert answer.status_code == 400
    if errors:
        assert answer.json() == errors


@pytest.mark.parametrize("body", [{}, {"tokenId": "x"}, {"token": []}, {"token": "a\0"}, []])
def test_revocations_it_refuses(api: APIClient, body: Any) -> None:
    assert api.delete(TOKENS, body).status_code == 400


# Keys ---------------------------------------------------------------------------------------------


def test_a_new_key(api: APIClient, organization: Organization) -> None:
    body = {
        "label": "CI",
        "scope_list": ["project:read", "org:read"],
        "allowed_origins": "https://a.example\nhttps://b.example",
    }
    answer = api.post(KEYS, body)
    made = ApiKey.objects.get()
    assert answer.status_code == 201
    shown = answer.json()
    secret = shown.pop("key")
    assert made.secret_hash == hash_secret(secret)
    assert shown.pop("dateCreated")
    assert shown == {
        "allowed_origins": "https://a.example\nhttps://b.example",
        "id": str(made.pk),
        "keyLastCharacters": secret[-4:],
        "label": "CI",
        "scope_list": ["org:read", "project:read"],
        "status": 0,
    }
    one = api.get(f"{KEYS}{made.pk}/").json()
    assert one == {**shown, "dateCreated": one["dateCreated"]}
    assert api.get(KEYS).json() == [one]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=factories.basic(secret))
    assert client.get("/api/0/organizations/acme/").status_code == 200
    entry = AuditLogEntry.objects.get()
    assert (entry.event, entry.target_id) == ("api-key.create", made.pk)
    assert secret not in str(entry.data)


def test_a_key_that_nobody_described(api: APIClient) -> None:
    made = api.post(KEYS, {}).json()
    assert (made["label"], made["scope_list"], made["allowed_origins"]) == ("Default", [], "")


def test_changing_and_revoking_a_key(api: APIClient, organization: Organization) -> None:
    key = factories.ApiKeyFactory(organization=organization, scopes=["org:read"])
    path = f"{KEYS}{key.pk}/"
    answer = api.put(path, {"label": "old", "scope_list": ["team:read"], "status": 1})
    assert answer.status_code == 200
    assert answer.json() == api.get(path).json()
    assert (answer.json()["label"], answer.json()["status"]) == ("old", 1)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=factories.basic(key.secret))
    assert client.get("/api/0/organizations/").json() == {"detail": "Key is disabled"}
    assert api.put(path, {}).status_code == 200
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    events = AuditLogEntry.objects.order_by("id").values_list("event", flat=True)
    assert list(events) == ["api-key.edit", "api-key.remove"]


def test_nobody_makes_a_key_that_can_do_more(
    api_as: Client, user: User, organization: Organization
) -> None:
    weak = api_as(user, scopes=["org:admin"])
    answer = weak.post(KEYS, {"scope_list": ["org:admin", "event:read"]})
    assert answer.status_code == 400
    assert answer.json() == {"scope_list": ["You cannot give what you lack: event:read"]}
    strong = factories.ApiKeyFactory(organization=organization, scopes=["event:read"])
    path = f"{KEYS}{strong.pk}/"
    assert weak.put(path, {"label": "x"}).status_code == 403
    assert weak.put(path, {"scope_list": ["org:admin"]}).status_code == 403
    assert weak.delete(path).status_code == 403
    assert weak.get(path).status_code == 200


def test_other_organizations_keys_are_not_there(api: APIClient, strangers: Organization) -> None:
    key = factories.ApiKeyFactory(organization=strangers)
    for address in (key.pk, "0", "x", "9" * 40):
        for method in (api.get, api.put, api.delete):
            assert method(f"{KEYS}{address}/").status_code == 404
    assert api.get(KEYS).json() == []


@pytest.mark.parametrize(
    "body",
    [
        {"label": ""},
        {"label": "x" * 65},
        {"scope_list": ["x"]},
        {"scope_list": "x"},
        {"status": 7},
        {"allowed_origins": {}},
        {"allowed_origins": "x" * 10_001},
        [],
    ],
)
def test_keys_it_refuses(api: APIClient, body: Any) -> None:
    answer = api.post(KEYS, body)
    assert answer.status_code == 400


def test_as_many_statements_for_many(
    api: APIClient, organization: Organization, user: User, count_queries: Callable[..., int]
) -> None:
    few = count_queries(api.get, KEYS), count_queries(api.get, TOKENS)
    for _ in range(20):
        factories.ApiKeyFactory(organization=organization)
        factories.ApiTokenFactory(user=user)
    assert (count_queries(api.get, KEYS), count_queries(api.get, TOKENS)) == few == (3, 2)
