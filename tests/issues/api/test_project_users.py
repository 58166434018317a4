"""/projects/{organization}/{project}/users/ and /users/{user_hash}/"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any

import pytest
from rest_framework.test import APIClient

from issues.models import EventUser
from issues.payload.users import hash_of
from sentrylite.organizations.models import Project
from tests import factories

pytestmark = pytest.mark.django_db

PATH = "/api/0/projects/acme/pump-station/users/"
FIRST_SEEN = datetime(2026, 3, 1, 12, 0, 0, 590_000, tzinfo=UTC)


def make_person(project: Project, identity: str = "1", kind: str = "id", **columns: Any) -> str:
    """Somebody an event of the project happened to; returns his hash."""
    EventUser.objects.create(
        project_id=project.pk,
        hash=hash_of(identity),
        tag_value=f"{kind}:{identity}",
        **{"first_seen": FIRST_SEEN, **columns},
    )
    return md5(identity.encode()).hexdigest()


def answer(api: APIClient, **query: Any) -> list[str]:
    found = api.get(PATH, query)
    assert found.status_code == 200, found.content
    return [row["tagValue"] for row in found.json()]


def test_all_that_is_known_of_somebody(api: APIClient, project: Project) -> None:
    hash = make_person(
        project,
        ident="1",
        username="jane",
        email="jane@example.com",
        name="Jane",
        ip_address="10.0.0.1",
    )
    make_person(factories.ProjectFactory(), "2")
    found = api.get(PATH)
    expected = {
        "id": str(hash_of("1") % 2**64),
        "hash": hash,
        "tagValue": "id:1",
        "identifier": "1",
        "username": "jane",
        "email": "jane@example.com",
        "name": "Jane",
        "ipAddress": "10.0.0.1",
        "dateCreated": "2026-03-01T12:00:00.590Z",
        "avatarUrl": "https://secure.gravatar.com/avatar/"
        "9e26471d35a78862c17e467d87cddedf?s=32&d=mm",
    }
    assert found.json() == [expected]
    assert 'rel="next"; results="false"' in found["Link"]
    assert found["Allow"] == "GET, HEAD, OPTIONS"
    assert api.get(f"{PATH}{hash}/").json() == expected
    assert api.get(f"{PATH}{hash.upper()}/").json() == expected


def test_the_newest_first_page_by_page(api: APIClient, project: Project) -> None:
    for number, minutes in ((1, 0), (2, 9), (3, 5), (4, 5)):
        moment = FIRST_SEEN + timedelta(minutes=minutes)
        make_person(project, str(number), first_seen=moment)
    everybody = answer(api)
    assert everybody[0] == "id:2" and everybody[-1] == "id:1"
    walked: list[str] = []
    cursor = ""
    for _ in range(4):
        page = api.get(PATH, {"per_page": 1, "cursor": cursor})
        walked += [row["tagValue"] for row in page.json()]
        cursor = page["Link"].rpartition('cursor="')[2].rstrip('"')
    assert walked == everybody
    assert 'results="false"; cursor' in page["Link"].rpartition('rel="next"')[2]


@pytest.mark.parametrize(
    "query, expected",
    [
        ("email:JANE@", ["id:1"]),
        ("email:nobody", []),
        ("username:jo", ["username:joe"]),
        ("id:1", ["id:1"]),
        ("ip:10.0.0", ["ip:10.0.0.2"]),
        ("email:%", []),
        ("email:_", []),
        ("email:", ["id:1", "ip:10.0.0.2", "username:joe"]),
        ("", ["id:1", "ip:10.0.0.2", "username:joe"]),
        ("jane", []),
        ("bogus:1", []),
    ],
)
def test_searching(api: APIClient, project: Project, query: str, expected: list[str]) -> None:
    make_person(project, "1", ident="1", email="jane@example.com")
    make_person(project, "joe", "username", username="joe")
    make_person(project, "10.0.0.2", "ip", ip_address="10.0.0.2")
    assert sorted(answer(api, query=query)) == expected


@pytest.mark.parametrize(
    "hash", ["0" * 32, "1", "g" * 32, "f" * 9999, "%00", "c4ca4238a0b92382" * 2]
)
def test_somebody_who_is_not_there(api: APIClient, project: Project, hash: str) -> None:
    make_person(project, "1")
    make_person(factories.ProjectFactory(), "2")
    assert api.get(f"{PATH}{hash}/").status_code == 404


@pytest.mark.parametrize("query", ["cursor=x", "per_page=0", "query=email%3A%00"])
def test_bad_parameters(api: APIClient, project: Project, query: str) -> None:
    assert api.get(f"{PATH}?{query}").status_code == 400


def test_as_many_statements_for_many(
    api: APIClient, project: Project, django_assert_num_queries: Callable
) -> None:
    for number in range(2):
        make_person(project, str(number))
    with django_assert_num_queries(4):
        assert len(answer(api)) == 2
    for number in range(2, 20):
        make_person(project, str(number))
    with django_assert_num_queries(4):
        assert len(answer(api)) == 20
