"""The commits of releases: sent with a release, and listed (releases contract, sections 3 to 6)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, Project
from sentrylite.releases.models import (
    Commit,
    CommitFileChange,
    Release,
    ReleaseCommit,
    ReleaseHeadCommit,
    Repository,
)
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("project")]

Client = Callable[..., APIClient]
LIST = "/api/0/organizations/acme/releases/"
PATH = f"{LIST}1.0/"
OF_PROJECT = "/api/0/projects/acme/pump-station/releases/1.0/"
BOTH = pytest.mark.parametrize("path", [PATH, OF_PROJECT])

OLD = {
    "id": "a" * 40,
    "repository": "acme/shop",
    "message": "Open the valve",
    "author_name": "Ada",
    "author_email": "ada@example.com",
    "timestamp": "2026-02-01T00:00:02.123456+01:00",
    "patch_set": [
        {"path": "valve.py", "type": "M"},
        {"path": "docs/valve.md", "type": "A"},
    ],
}
NEW = {
    "id": "b" * 40,
    "repository": "acme/shop",
    "message": "Shut the valve",
    "author_name": "No Mail!",
    "timestamp": "2026-02-02T00:00:00Z",
    "patch_set": [{"path": "valve.py", "type": "D"}],
}


@pytest.fixture
def release(project: Project) -> Release:
    release = factories.ReleaseFactory(
        organization=project.organization,
        version="1.0",
        ref="main",
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    release.projects.add(project)
    return release


def put(api: APIClient, **body: Any) -> tuple[int, Any]:
    answer = api.put(PATH, body, format="json")
    return answer.status_code, answer.json()


def listed(api: APIClient, path: str = PATH) -> list[str]:
    return [commit["id"] for commit in api.get(f"{path}commits/").json()]


# Listing ------------------------------------------------------------------------------------------


@BOTH
def test_the_commits_of_a_release(api: APIClient, release: Release, path: str) -> None:
    assert put(api, commits=[OLD, NEW])[0] == 200
    answer = api.get(f"{path}commits/")
    assert answer.status_code == 200
    assert 'rel="next"; results="false"' in answer.headers["Link"]
    repository = Repository.objects.get()
    of_release = {
        "dateCreated": "2026-03-01T00:00:00Z",
        "dateReleased": None,
        "ref": "main",
        "shortVersion": "1.0",
        "url": None,
        "version": "1.0",
    }
    from_shop = {
        "dateCreated": answer.json()[0]["repository"]["dateCreated"],
        "externalSlug": None,
        "id": str(repository.pk),
        "integrationId": None,
        "name": "acme/shop",
        "provider": {"id": "unknown", "name": "Unknown Provider"},
        "status": "active",
        "url": None,
    }
    assert answer.json() == [
        {
            "author": {"email": "nomail@localhost", "name": "No Mail!"},
            "dateCreated": "2026-02-02T00:00:00Z",
            "id": "b" * 40,
            "message": "Shut the valve",
            "releases": [of_release],
            "repository": from_shop,
        },
        {
            "author": {"email": "ada@example.com", "name": "Ada"},
            "dateCreated": "2026-01-31T23:00:02.123Z",
            "id": "a" * 40,
            "message": "Open the valve",
            "releases": [of_release],
            "repository": from_shop,
        },
    ]


def test_the_release_says_what_its_commits_come_to(
    api: APIClient, user: User, release: Release
) -> None:
    by_user = OLD | {"author_email": user.email.upper()}
    status, answer = put(api, commits=[by_user, NEW, OLD | {"id": "c" * 40, "author_email": None}])
    assert (status, answer["commitCount"], answer["lastCommit"]["id"]) == (200, 3, "b" * 40)
    assert answer["lastCommit"] == api.get(f"{PATH}commits/").json()[0]
    assert [author["name"] for author in answer["authors"]] == ["No Mail!", user.email, "Ada"]
    assert answer["authors"][1]["id"] == str(user.pk)
    assert answer["authors"][2] == {"email": "ada@localhost", "name": "Ada"}


@pytest.mark.parametrize(
    "name, email",
    [
        ("花子 山田", "花子山田@localhost"),
        ("Zoë", "zoë@localhost"),
        ("İ" * 128, "i̇" * 64 + "@localhost"),
    ],
)
def test_names_of_any_letters_make_an_address(
    api: APIClient, release: Release, name: str, email: str
) -> None:
    _, answer = put(api, commits=[OLD | {"author_email": None, "author_name": name}])
    assert answer["authors"] == [{"email": email, "name": name}]


def test_an_address_is_one_author_however_it_is_written(api: APIClient, release: Release) -> None:
    by_ada = OLD | {"id": "d", "author_email": "Ada@Example.COM"}
    _, answer = put(api, commits=[OLD, by_ada])
    assert answer["authors"] == [{"email": "ada@example.com", "name": "Ada"}]


def test_only_members_are_people(api: APIClient, release: Release) -> None:
    factories.UserFactory(email="ada@example.com")
    other = factories.OrganizationMemberFactory(user__email="ada2@example.com")
    assert other.user is not None
    _, answer = put(api, commits=[OLD, OLD | {"id": "d", "author_email": "ada2@example.com"}])
    assert {"email", "name"} == {*answer["authors"][0]} == {*answer["authors"][1]}


@BOTH
def test_the_files_that_its_commits_changed(api: APIClient, release: Release, path: str) -> None:
    put(api, commits=[OLD, NEW])
    answer = api.get(f"{path}commitfiles/")
    assert "Link" not in answer.headers
    changes = answer.json()
    assert [change["filename"] for change in changes] == ["docs/valve.md", "valve.py", "valve.py"]
    assert changes[0] == {
        "author": {"email": "ada@example.com", "name": "Ada"},
        "commitMessage": "Open the valve",
        "filename": "docs/valve.md",
        "id": str(CommitFileChange.objects.get(filename="docs/valve.md").pk),
        "orgId": release.organization_id,
        "repoName": "acme/shop",
        "type": "A",
    }
    assert api.get(f"{PATH}meta/").json()["commitFilesChanged"] == 2


@BOTH
def test_as_many_statements_for_many(
    api: APIClient, release: Release, path: str, count_queries: Callable[..., int]
) -> None:
    def send(number: int) -> None:
        commits = [
            NEW | {"id": f"{each}", "author_email": f"{each}@example.com"} for each in range(number)
        ]
        put(api, commits=commits)

    for below, most in (("commits/", 7), ("commitfiles/", 7), ("", 10)):
        send(2)
        few = count_queries(api.get, f"{path}{below}")
        send(20)
        assert count_queries(api.get, f"{path}{below}") == few <= most


# Sending ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [LIST, "/api/0/projects/acme/pump-station/releases/"])
def test_commits_come_with_a_new_release(api: APIClient, path: str) -> None:
    body = {"version": "1.0", "projects": ["pump-station"], "commits": [OLD, NEW]}
    answer = api.post(path, body, format="json")
    assert (answer.status_code, answer.json()["commitCount"]) == (201, 2)
    assert listed(api) == ["b" * 40, "a" * 40]


def test_a_list_replaces_the_one_before(api: APIClient, release: Release) -> None:
    put(api, commits=[OLD, NEW])
    _, answer = put(api, commits=[OLD])
    assert (listed(api), answer["commitCount"]) == (["a" * 40], 1)
    assert [author["email"] for author in answer["authors"]] == ["ada@example.com"]
    assert put(api, commits=[])[1]["commitCount"] == 1  # an empty one says nothing
    assert Commit.objects.count() == 2


def test_commits_without_a_date_keep_their_order(api: APIClient, release: Release) -> None:
    put(api, commits=[{"id": "1"}, {"id": "3"}, {"id": "2"}])
    assert listed(api) == ["1", "3", "2"]
    commit = api.get(f"{PATH}commits/").json()[0]
    assert (commit["author"], commit["message"]) == ({}, None)
    assert commit["repository"]["name"] == f"organization-{release.organization_id}"


def test_a_commit_twice_in_a_list_is_there_once(api: APIClient, release: Release) -> None:
    put(api, commits=[OLD, OLD, NEW, OLD | {"repository": "other"}])
    assert listed(api) == ["b" * 40, "a" * 40, "a" * 40]


def test_a_commit_that_asks_to_be_skipped_is(api: APIClient, release: Release) -> None:
    put(api, commits=[OLD | {"message": "Bump\n\n#skipsentry"}, NEW])
    assert listed(api) == ["b" * 40]
    assert not Commit.objects.filter(key="a" * 40).exists()


def test_what_is_told_again_is_corrected_and_nothing_forgotten(
    api: APIClient, release: Release
) -> None:
    put(api, commits=[OLD])
    put(api, commits=[{"id": "a" * 40, "repository": "acme/shop"}])
    commit = Commit.objects.get()
    assert (commit.message, commit.created_at.year) == ("Open the valve", 2026)
    assert commit.author is not None and commit.author.name == "Ada"
    assert commit.file_changes.count() == 2
    put(api, commits=[OLD | {"message": "Better", "author_name": "Ada L."}])
    commit = Commit.objects.get()
    assert (commit.message, commit.author and commit.author.name) == ("Better", "Ada L.")


def test_a_commit_is_shared_by_releases(api: APIClient, release: Release) -> None:
    put(api, commits=[OLD])
    body = {"version": "2.0", "projects": ["pump-station"], "commits": [OLD, NEW]}
    api.post(LIST, body, format="json")
    first, shared = api.get(f"{LIST}2.0/commits/").json()
    assert [each["version"] for each in first["releases"]] == ["2.0"]
    assert [each["version"] for each in shared["releases"]] == ["2.0", "1.0"]
    assert Commit.objects.count() == 2


def test_the_newest_of_each_repository_is_its_head(api: APIClient, release: Release) -> None:
    put(api, commits=[OLD, NEW, OLD | {"repository": "other"}])
    heads = ReleaseHeadCommit.objects.values_list("repository__name", "commit__key")
    assert dict(heads) == {"acme/shop": "b" * 40, "other": "a" * 40}


@pytest.mark.parametrize(
    "commits, error",
    [
        ([{}], "id: This field is required."),
        ([{"id": None}], "id: This field may not be null."),
        ([{"id": ""}], "id: This field may not be blank."),
        ([{"id": "x" * 65}], "id: Ensure this field has no more than 64 characters."),
        ([{"id": "a\0"}], "id: Null characters are not allowed."),
        ([{"id": []}], "id: Not a valid string."),
        (
            [{"id": "a"}, {"id": "b", "author_email": "nope"}],
            "author_email: Enter a valid email address.",
        ),
        (
            [{"id": "a", "repository": "x" * 65}],
            "repository: Ensure this field has no more than 64 characters.",
        ),
        ([{"id": "a", "message": 1.5, "author_name": {}}], "author_name: Not a valid string."),
        ([{"id": "a", "patch_set": [{"path": "a"}]}], "patch_set: type: This field is required."),
        (
            [{"id": "a", "patch_set": [{"path": "a", "type": "Z"}]}],
            "patch_set: type: Commit patch_set type Z is not supported.",
        ),
        (
            [{"id": "a", "patch_set": [{"path": "x" * 256, "type": "A"}]}],
            "patch_set: path: Ensure this field has no more than 255 characters.",
        ),
        (
            [{"id": "a", "patch_set": "x"}],
            'patch_set: Expected a list of items but got type "str".',
        ),
        (
            [{"id": "a", "patch_set": [1]}],
            "patch_set: Invalid data. Expected a dictionary, but got int.",
        ),
        (
            [{"id": "a", "patch_set": [{"path": 5, "type": "A"}]}],
            "patch_set: path: Not a valid string.",
        ),
        (
            [{"id": "a", "patch_set": [{"path": "", "type": "A"}]}],
            "patch_set: path: This field may not be blank.",
        ),
        (
            [{"id": "a", "patch_set": [{"path": "a\0", "type": "A"}]}],
            "patch_set: path: Null characters are not allowed.",
        ),
        (["x"], "Invalid data. Expected a dictionary, but got str."),
        ([None], "This field may not be null."),
        ("x", 'Expected a list of items but got type "str".'),
        (None, "This field may not be null."),
    ],
)
def test_commits_that_are_refused(
    api: APIClient, release: Release, commits: Any, error: str
) -> None:
    assert put(api, commits=commits) == (400, {"commits": [error]})
    body = {"version": "2.0", "projects": ["pump-station"], "commits": commits}
    answer = api.post(LIST, body, format="json")
    assert (answer.status_code, answer.json()) == (400, {"commits": [error]})
    assert not Commit.objects.exists()
    assert Release.objects.count() == 1


def test_a_bad_date_of_a_commit_is_refused(api: APIClient, release: Release) -> None:
    for moment in ("nope", 1, "0001-01-01T00:00:00+14:00", {}):
        status, answer = put(api, commits=[{"id": "a", "timestamp": moment}])
        assert status == 400
        assert answer["commits"][0].startswith("timestamp: ")


def test_dates_are_of_all_commits_or_of_none(api: APIClient, release: Release) -> None:
    assert put(api, commits=[OLD, {"id": "c"}]) == (
        400,
        {"commits": ["timestamp: Either all commits have one or none has."]},
    )


def test_any_text_arrives_whole(api: APIClient, release: Release) -> None:
    odd = {
        "id": "{,\"\\'}",
        "repository": "NULL",
        "message": 'Fix "it", {all}\\\nNULL\n%s ☃',
        "author_name": "{}",
        "author_email": "a'b@example.com",
        "patch_set": [{"path": ' a,"b"\\{} ', "type": "A"}],
    }
    assert put(api, commits=[odd])[0] == 200
    (commit,) = api.get(f"{PATH}commits/").json()
    assert (commit["id"], commit["message"]) == (odd["id"], odd["message"])
    assert commit["author"] == {"email": "a'b@example.com", "name": "{}"}
    assert commit["repository"]["name"] == "NULL"
    assert api.get(f"{PATH}commitfiles/").json()[0]["filename"] == ' a,"b"\\{} '


# Refs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"refs": [{"repository": "acme/shop", "commit": "a" * 40, "previousCommit": "b" * 40}]},
        {"refs": [{"repository": "acme/shop", "commit": f"{'b' * 40}..{'a' * 40}"}]},
        {"headCommits": [{"repository": "acme/shop", "currentId": "a" * 40, "previousId": None}]},
    ],
)
def test_a_release_says_which_commit_it_was_built_from(
    api: APIClient, release: Release, body: dict[str, Any]
) -> None:
    repository = factories.RepositoryFactory(organization=release.organization, name="acme/shop")
    assert put(api, **body)[0] == 200
    head = ReleaseHeadCommit.objects.get()
    assert (head.release, head.repository, head.commit.key) == (release, repository, "a" * 40)
    assert listed(api) == []
    assert put(api, refs=[{"repository": "acme/shop", "commit": "c"}])[0] == 200
    assert ReleaseHeadCommit.objects.get().commit.key == "c"


@pytest.mark.parametrize(
    "refs, error",
    [
        (
            [{"repository": "b", "commit": "1"}, {"repository": "a", "commit": "1"}],
            "Invalid repository names: a,b",
        ),
        ([{"repository": "removed", "commit": "1"}], "Invalid repository names: removed"),
        ([{"repository": "foreign", "commit": "1"}], "Invalid repository names: foreign"),
        ([{"commit": "1"}], "repository: This field is required."),
        ([{"repository": "a"}], "commit: This field is required."),
        ([{"repository": "a", "commit": "..1"}], "commit: Commit cannot begin or end with .."),
        ([{"repository": "a", "commit": "1.."}], "commit: Commit cannot begin or end with .."),
        ([{"repository": "a", "commit": "x" * 65}], "commit: Commit too long - max is 64 chars"),
        ([{"repository": "a", "commit": "x" * 999}], "commit: Commit too long - max is 64 chars"),
        (
            [{"repository": "a", "commit": "1.." + "x" * 65}],
            "commit: Start or end commit too long - max is 64 chars each",
        ),
        ("x", 'Expected a list of items but got type "str".'),
    ],
)
def test_refs_that_are_refused(api: APIClient, release: Release, refs: Any, error: str) -> None:
    factories.RepositoryFactory(name="foreign")
    factories.RepositoryFactory(
        organization=release.organization, name="removed", status="pending_deletion"
    )
    assert put(api, refs=refs) == (400, {"refs": [error]})
    assert not Commit.objects.exists()


def test_an_api_key_cannot_send_refs(
    api_as: Client, organization: Organization, release: Release
) -> None:
    factories.RepositoryFactory(organization=organization, name="a")
    answer = put(api_as(organization=organization), refs=[{"repository": "a", "commit": "1"}])
    text = "You must use an authenticated API token to fetch refs"
    assert answer == (400, {"refs": [text]})
    assert put(api_as(organization=organization), refs=[], headCommits=None)[0] == 200


# The release before -------------------------------------------------------------------------------


@BOTH
def test_the_release_before_with_commits(
    api: APIClient, project: Project, release: Release, path: str
) -> None:
    assert api.get(f"{path}previous-with-commits/").json() == {}
    for version, day, commits in (
        ("0.8", 1, [OLD]),
        ("0.9", 2, [NEW]),
        ("0.95", 3, []),
        ("1.1", 28, [OLD]),
    ):
        body = {
            "version": version,
            "projects": ["pump-station"],
            "dateReleased": f"2026-02-{day:02}T00:00:00Z",
            "commits": commits,
        }
        api.post(LIST, body, format="json")
    Release.objects.filter(version="1.1").update(released_at=datetime(2026, 3, 2, tzinfo=UTC))
    foreign = factories.ProjectFactory(organization=project.organization)
    other = factories.ReleaseFactory(
        organization=project.organization, created_at=datetime(2026, 2, 20, tzinfo=UTC)
    )
    other.projects.add(foreign)
    Release.objects.filter(pk=other.pk).update(commit_count=1)
    answer = api.get(f"{path}previous-with-commits/")
    assert answer.json() == api.get(f"{path.replace('1.0', '0.9')}").json()
    assert answer.json()["version"] == "0.9"


# Gone ---------------------------------------------------------------------------------------------


def test_deleting_a_release_leaves_its_commits(api: APIClient, release: Release) -> None:
    put(api, commits=[OLD, NEW])
    assert api.delete(PATH).status_code == 204
    assert not ReleaseCommit.objects.exists()
    assert Commit.objects.count() == 2
