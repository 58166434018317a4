"""`/organizations/{org}/repos/` and below (organizations contract, section 9)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from sentrylite.organizations.models import Organization, Project
from sentrylite.releases.models import Commit, Repository
from tests import factories

pytestmark = pytest.mark.django_db

Client = Callable[..., APIClient]
PATH = "/api/0/organizations/acme/repos/"


@pytest.fixture
def repository(organization: Organization) -> Repository:
    return factories.RepositoryFactory(
        organization=organization,
        name="acme/shop",
        provider="github",
        url="https://github.com/acme/shop",
        created_at=datetime(2026, 3, 1, 1, 2, 3, 456789, tzinfo=UTC),
    )


def whole(repository: Repository, **changes: Any) -> dict[str, Any]:
    return {
        "dateCreated": "2026-03-01T01:02:03.456Z",
        "externalSlug": None,
        "id": str(repository.pk),
        "integrationId": None,
        "name": "acme/shop",
        "provider": {"id": "github", "name": "GitHub"},
        "status": "active",
        "url": "https://github.com/acme/shop",
    } | changes


# Listing ------------------------------------------------------------------------------------------


def test_the_repositories_by_name(api: APIClient, repository: Repository) -> None:
    factories.RepositoryFactory()
    factories.RepositoryFactory(organization=repository.organization, name="acme/boiler")
    answer = api.get(PATH)
    assert answer.status_code == 200
    assert [each["name"] for each in answer.json()] == ["acme/boiler", "acme/shop"]
    assert answer.json()[1] == whole(repository)
    assert answer.json()[0]["provider"] == {"id": "unknown", "name": "Unknown Provider"}
    assert 'rel="next"; results="false"' in answer.headers["Link"]


@pytest.mark.parametrize(
    "query, found",
    [
        ({}, 2),
        ({"status": "active"}, 2),
        ({"status": "deleted"}, 1),
        ({"status": "pending_deletion"}, 1),
        ({"status": "hidden"}, 0),
        ({"status": "unmigratable"}, 0),
        ({"status": "nope"}, 0),
        ({"status": ""}, 3),
        ({"per_page": 1}, 1),
    ],
)
def test_those_of_a_status(
    api: APIClient, organization: Organization, query: dict[str, Any], found: int
) -> None:
    for status in ("active", "active", "pending_deletion"):
        factories.RepositoryFactory(organization=organization, status=status)
    assert len(api.get(PATH, query).json()) == found


def test_as_many_statements_for_many(
    api: APIClient, organization: Organization, count_queries: Callable[..., int]
) -> None:
    factories.RepositoryFactory.create_batch(2, organization=organization)
    few = count_queries(api.get, PATH)
    factories.RepositoryFactory.create_batch(18, organization=organization)
    assert count_queries(api.get, PATH) == few == 3


def test_a_status_with_a_nul(api: APIClient, organization: Organization) -> None:
    assert api.get(PATH, {"status": "a\0"}).status_code == 400


# Its commits --------------------------------------------------------------------------------------


def test_the_commits_of_a_repository(api: APIClient, repository: Repository) -> None:
    author = factories.CommitAuthorFactory(organization=repository.organization, name="Ada")
    for day in (2, 3, 1):
        factories.CommitFactory(
            repository=repository,
            key=f"{day}",
            message=f"Day {day}",
            author=author,
            created_at=datetime(2026, 3, day, tzinfo=UTC),
        )
    factories.CommitFactory(repository__organization=repository.organization)
    answer = api.get(f"{PATH}{repository.pk}/commits/")
    assert [commit["id"] for commit in answer.json()] == ["3", "2", "1"]
    assert answer.json()[0] == {
        "author": {"email": author.email, "name": "Ada"},
        "dateCreated": "2026-03-03T00:00:00Z",
        "id": "3",
        "message": "Day 3",
        "releases": [],
        "repository": whole(repository),
    }
    second = api.get(f"{PATH}{repository.pk}/commits/", {"per_page": 2, "cursor": "2:1:0"})
    assert [commit["id"] for commit in second.json()] == ["1"]


def test_as_many_statements_for_many_commits(
    api: APIClient, project: Project, repository: Repository, count_queries: Callable[..., int]
) -> None:
    def add(number: int) -> None:
        for _ in range(number):
            author = factories.CommitAuthorFactory(organization=repository.organization)
            factories.CommitFactory(repository=repository, author=author)

    path = f"{PATH}{repository.pk}/commits/"
    add(2)
    few = count_queries(api.get, path)
    add(18)
    assert count_queries(api.get, path) == few == 6


# Adding, changing, removing -----------------------------------------------------------------------


def test_a_repository_is_added(api: APIClient, organization: Organization) -> None:
    body = {"name": "acme/shop", "provider": "gitlab", "url": "https://gitlab.com/acme/shop"}
    answer = api.post(PATH, body, format="json")
    assert answer.status_code == 201
    repository = Repository.objects.get(organization=organization)
    assert answer.json() == whole(
        repository,
        dateCreated=answer.json()["dateCreated"],
        provider={"id": "gitlab", "name": "GitLab"},
        url="https://gitlab.com/acme/shop",
    )
    again = api.post(PATH, body, format="json")
    assert (again.status_code, again.json()) == (
        400,
        {"name": ["A repository with that name already exists"]},
    )


NO_PROVIDER = {"error_type": "validation"}


@pytest.mark.parametrize(
    "body, error",
    [
        ({"name": "a"}, NO_PROVIDER | {"provider": ["This field is required."]}),
        ({"provider": "github"}, {"name": ["This field is required."]}),
        (
            {"name": "a", "provider": "nope"},
            NO_PROVIDER | {"provider": ['"nope" is not a valid choice.']},
        ),
        (
            {"name": "a", "provider": {}},
            NO_PROVIDER | {"provider": ['"{}" is not a valid choice.']},
        ),
        ({"name": "", "provider": "github"}, {"name": ["This field may not be blank."]}),
        ({"name": [], "provider": "github"}, {"name": ["Not a valid string."]}),
        ({"name": "a\0", "provider": "github"}, {"name": ["Null characters are not allowed."]}),
        (
            {"name": "x" * 201, "provider": "github"},
            {"name": ["Ensure this field has no more than 200 characters."]},
        ),
        (
            {"name": "a", "provider": "github", "url": "javascript:x"},
            {"url": ["Enter a valid URL."]},
        ),
    ],
)
def test_what_is_refused(api: APIClient, organization: Organization, body: Any, error: Any) -> None:
    answer = api.post(PATH, body, format="json")
    assert (answer.status_code, answer.json()) == (400, error)


def test_an_api_key_adds_none(api_as: Client, organization: Organization) -> None:
    answer = api_as(organization=organization).post(PATH, {}, format="json")
    assert (answer.status_code, answer.content) == (401, b"")


def test_a_repository_is_changed(api: APIClient, repository: Repository) -> None:
    path = f"{PATH}{repository.pk}/"
    answer = api.put(path, {"status": "hidden", "integrationId": "5"}, format="json")
    assert (answer.status_code, answer.json()) == (200, whole(repository, status="hidden"))
    answer = api.put(path, {"status": "visible", "name": "acme/store", "url": None}, format="json")
    assert answer.json() == whole(repository, name="acme/store", url=None)
    assert api.put(path, {}, format="json").json() == answer.json()


@pytest.mark.parametrize(
    "body, error",
    [
        ({"status": "nope"}, {"status": ['"nope" is not a valid choice.']}),
        ({"status": "pending_deletion"}, {"status": ['"pending_deletion" is not a valid choice.']}),
        ({"status": None}, {"status": ["This field may not be null."]}),
        ({"name": "taken"}, {"name": ["A repository with that name already exists"]}),
    ],
)
def test_changes_that_are_refused(
    api: APIClient, repository: Repository, body: Any, error: Any
) -> None:
    factories.RepositoryFactory(organization=repository.organization, name="taken")
    answer = api.put(f"{PATH}{repository.pk}/", body, format="json")
    assert (answer.status_code, answer.json()) == (400, error)


def test_a_repository_is_removed_and_added_again(api: APIClient, repository: Repository) -> None:
    factories.CommitFactory(repository=repository)
    path = f"{PATH}{repository.pk}/"
    answer = api.delete(path)
    assert (answer.status_code, answer.json()) == (
        202,
        whole(repository, status="pending_deletion"),
    )
    assert api.get(PATH).json() == []
    assert Commit.objects.count() == 1
    body = {"name": "acme/shop", "provider": "gitlab"}
    again = api.post(PATH, body, format="json")
    assert (again.status_code, again.json()["id"]) == (201, str(repository.pk))
    assert again.json()["status"] == "active"


def test_a_removed_repository_is_there_again_with_its_next_commit(
    api: APIClient, project: Project, repository: Repository
) -> None:
    api.delete(f"{PATH}{repository.pk}/")
    body = {
        "version": "1.0",
        "projects": ["pump-station"],
        "commits": [{"id": "a", "repository": "acme/shop"}],
    }
    api.post("/api/0/organizations/acme/releases/", body, format="json")
    assert api.get(PATH).json() == [whole(repository)]


@pytest.mark.parametrize("repo_id", ["0", "x", "9" * 30, "%00", "-1", "1.5"])
def test_one_that_is_not_there(api: APIClient, repository: Repository, repo_id: str) -> None:
    for call, below in ((api.put, ""), (api.delete, ""), (api.get, "commits/")):
        assert call(f"{PATH}{repo_id}/{below}").status_code == 404


def test_one_of_another_organization_is_404(api: APIClient, repository: Repository) -> None:
    foreign = factories.RepositoryFactory()
    for call, below in ((api.put, ""), (api.delete, ""), (api.get, "commits/")):
        assert call(f"{PATH}{foreign.pk}/{below}").status_code == 404
