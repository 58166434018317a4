from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from rest_framework.test import APIClient

from sentrylite.files import store
from sentrylite.files.models import Blob
from sentrylite.organizations.models import Organization, Project
from sentrylite.releases.models import Release, ReleaseFile
from tests import factories

pytestmark = pytest.mark.django_db

ORGANIZATION = "/api/0/organizations/acme/releases/1.0/files/"
PROJECT = "/api/0/projects/acme/pump-station/releases/1.0/files/"
SHA1 = "040f06fd774092478d450774f5ba30c5da78acc8"  # of b"content"


@pytest.fixture
def release(project: Project) -> Release:
    made = factories.ReleaseFactory(organization=project.organization, version="1.0")
    made.projects.add(project)
    return made


@pytest.fixture(params=[ORGANIZATION, PROJECT], ids=["organization", "project"])
def path(request: Any, release: Release) -> str:
    return request.param


def upload(api: APIClient, path: str, content: bytes = b"content", **fields: Any) -> Any:
    file = SimpleUploadedFile("app.js", content, "application/javascript")
    return api.post(path, {"file": file, **fields}, format="multipart")


def test_a_file_is_uploaded(api: APIClient, path: str, release: Release) -> None:
    answer = upload(
        api,
        path,
        name="http://example.com/app.js",
        dist="web",
        header=["X-SourceMap: app.js.map", "Content-Language:en"],
    )
    assert answer.status_code == 201
    file = release.files.get()
    assert answer.json() == {
        "id": str(file.pk),
        "name": "http://example.com/app.js",
        "dist": "web",
        "headers": {
            "Content-Type": "application/javascript",
            "X-SourceMap": "app.js.map",
            "Content-Language": "en",
        },
        "size": 7,
        "sha1": SHA1,
        "dateCreated": answer.json()["dateCreated"],
    }
    age = datetime.now(UTC) - datetime.fromisoformat(answer.json()["dateCreated"])
    assert age.total_seconds() < 60
    assert api.get(f"{path}{file.pk}/").json() == answer.json()
    assert api.get(path).json() == [answer.json()]


def test_the_name_is_that_of_the_upload_unless_given(api: APIClient, path: str) -> None:
    answer = upload(api, path)
    assert (answer.json()["name"], answer.json()["dist"]) == ("app.js", None)


def test_a_name_is_there_once_for_each_dist(api: APIClient, path: str) -> None:
    assert upload(api, path, name="~/a.js").status_code == 201
    assert upload(api, path, name="~/a.js", dist="web").status_code == 201
    answer = upload(api, path, b"other", name="~/a.js", dist="web")
    assert answer.status_code == 409
    assert answer.json() == {
        "detail": "A file matching this name already exists for the given release"
    }
    assert ReleaseFile.objects.count() == 2


@pytest.mark.parametrize(
    "fields, reason",
    [
        ({"file": ""}, "Missing uploaded file"),
        ({"file": "text"}, "Missing uploaded file"),
        ({"name": "file"}, "File name must be specified"),
        ({"name": " "}, "File name must be specified"),
        *(
            ({"name": f"~/a{special}b"}, "File name must not contain special whitespace characters")
            for special in "\n\t\r\f\v\\"
        ),
        ({"name": "a\0b"}, "name is no text of at most 2000 characters."),
        ({"name": "n" * 10_000}, "name is no text of at most 2000 characters."),
        ({"dist": "d" * 65}, "dist is no text of at most 64 characters."),
        ({"dist": "a\0b"}, "dist is no text of at most 64 characters."),
        ({"header": "no colon"}, "header value was not formatted correctly"),
        ({"header": " : no name"}, "header value was not formatted correctly"),
        ({"header": "a\nb:c"}, "header value must not contain special whitespace characters"),
        ({"header": "a:b\nc"}, "header value must not contain special whitespace characters"),
        ({"header": "a:b\0"}, "header value must not contain special whitespace characters"),
        ({"header": "a:" + "b" * 9000}, "The headers are longer than 8000 characters."),
    ],
)
def test_what_cannot_be_kept_is_refused(
    fields: dict[str, Any], reason: str, api: APIClient, path: str
) -> None:
    answer = upload(api, path, **fields)
    assert (answer.status_code, answer.json()) == (400, {"detail": reason})
    assert not ReleaseFile.objects.exists()
    assert not Blob.objects.exists()


def test_only_a_form_with_a_file_is_taken(api: APIClient, path: str) -> None:
    answer = api.generic("POST", path, "name=a&file=b", "application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()) == (400, {"detail": "Missing uploaded file"})
    for body in ('{"name": "a", "file": "b"}', "[]"):
        answer = api.generic("POST", path, body, "application/json")
        assert answer.status_code == 415
        assert answer.json() == {"detail": 'Unsupported media type "application/json" in request.'}


@pytest.mark.parametrize("body", [b"", b"--x\r\n", b"--x--\r\n", b"\xff" * 100])
def test_a_broken_form_is_refused(body: bytes, api: APIClient, path: str) -> None:
    answer = api.generic("POST", path, body, "multipart/form-data; boundary=x")
    assert (answer.status_code, answer.json()) == (400, {"detail": "Missing uploaded file"})


def test_the_list_is_sorted_by_name_and_paged(api: APIClient, path: str, release: Release) -> None:
    for name in ("c", "a", "b"):
        factories.ReleaseFileFactory(release=release, name=name)
    factories.ReleaseFileFactory(name="of another release")
    answer = api.get(path, {"per_page": "2"})
    assert [file["name"] for file in answer.json()] == ["a", "b"]
    assert 'rel="next"; results="true"; cursor="2:1:0"' in answer.headers["Link"]
    answer = api.get(path, {"cursor": "2:1:0"})
    assert [file["name"] for file in answer.json()] == ["c"]
    assert 'rel="previous"; results="true"; cursor="2:0:1"' in answer.headers["Link"]


def test_the_list_is_searched(api: APIClient, path: str, release: Release) -> None:
    one = factories.ReleaseFileFactory(release=release, name="~/App.js")
    two = factories.ReleaseFileFactory(release=release, name="~/other.js")
    factories.ReleaseFileFactory(release=release, name="~/third.css")

    def names(query: str) -> list[str]:
        return [file["name"] for file in api.get(f"{path}?{query}").json()]

    assert names("query=app") == ["~/App.js"]
    assert names("query=.js") == ["~/App.js", "~/other.js"]
    assert names("query=%25") == []
    assert names(f"checksum={one.blob.checksum}") == ["~/App.js"]
    both = [one.blob.checksum, two.blob.checksum.upper()]
    assert names("checksum={}&checksum={}".format(*both)) == ["~/App.js", "~/other.js"]
    assert names("checksum%5B%5D={}&checksum%5B%5D={}".format(*both)) == ["~/App.js", "~/other.js"]
    assert names("checksum=nonsense") == []
    assert names("checksum=%00") == []


@pytest.mark.parametrize(
    "query, reason",
    [
        ("cursor=100:201:0", "Pagination offset too large"),
        ("cursor=x", "Invalid cursor parameter."),
        ("per_page=0", "Invalid per_page parameter."),
        ("query=%00", "Invalid query: it holds a NUL character."),
    ],
)
def test_a_list_that_cannot_be_given_is_refused(
    query: str, reason: str, api: APIClient, path: str
) -> None:
    answer = api.get(f"{path}?{query}")
    assert (answer.status_code, answer.json()) == (400, {"detail": reason})


def test_a_file_is_downloaded(api: APIClient, path: str) -> None:
    file = upload(api, path, name="http://example.com/js/my  app.js").json()
    answer = api.get(f"{path}{file['id']}/?download")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == b"content"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Length"] == "7"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my app.js"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name, disposition",
    [
        ('a"b.js', 'attachment; filename="a\\"b.js"'),
        ("é.js", "attachment; filename*=utf-8''%C3%A9.js"),
        ("~/", 'attachment; filename="file"'),
    ],
)
def test_any_name_can_be_downloaded(
    name: str, disposition: str, api: APIClient, path: str, release: Release
) -> None:
    blob = store.store(BytesIO(b"content"), datetime.now(UTC))
    file = factories.ReleaseFileFactory(release=release, name=name, blob=blob)
    answer = api.get(f"{path}{file.pk}/?download=1")
    assert answer.headers["Content-Disposition"] == disposition
    answer.close()


def test_a_download_takes_more_than_reading(
    path: str, api_as: Callable[..., APIClient], release: Release
) -> None:
    member = factories.OrganizationMemberFactory(organization=release.organization, role="member")
    blob = store.store(BytesIO(b"content"), datetime.now(UTC))
    file = factories.ReleaseFileFactory(release=release, blob=blob)
    api = api_as(member.user)
    assert api.get(f"{path}{file.pk}/").status_code == 200
    answer = api.get(f"{path}{file.pk}/?download")
    assert (answer.status_code, answer.content) == (403, b"")


def test_a_file_is_renamed(api: APIClient, path: str) -> None:
    file = upload(api, path, name="~/old.js", dist="web").json()
    answer = api.put(f"{path}{file['id']}/", {"name": "~/new.js", "dist": "other"}, format="json")
    assert (answer.status_code, answer.json()) == (200, {**file, "name": "~/new.js"})
    answer = api.put(f"{path}{file['id']}/", {"name": " ~/new.js "}, format="json")
    assert answer.json()["name"] == " ~/new.js "  # as when it is uploaded


@pytest.mark.parametrize(
    "body, errors",
    [
        ({}, {"name": ["This field is required."]}),
        ({"name": ""}, {"name": ["This field may not be blank."]}),
        ({"name": None}, {"name": ["This field may not be null."]}),
        ({"name": ["a"]}, {"name": ["Not a valid string."]}),
        ({"name": "n" * 201}, {"name": ["Ensure this field has no more than 200 characters."]}),
        ({"name": "a\0b"}, {"name": ["Null characters are not allowed."]}),
        ({"name": " "}, {"name": ["File name must be specified"]}),
        ({"name": "file"}, {"name": ["File name must be specified"]}),
        *(
            ({"name": name}, {"name": ["File name must not contain special whitespace characters"]})
            for name in ("~/a\nb", "~/a\\b")
        ),
        ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
    ],
)
def test_a_name_that_cannot_be_is_refused(
    body: Any, errors: dict[str, Any], api: APIClient, path: str, release: Release
) -> None:
    file = factories.ReleaseFileFactory(release=release)
    answer = api.put(f"{path}{file.pk}/", body, format="json")
    assert (answer.status_code, answer.json()) == (400, errors)


def test_a_file_cannot_take_the_name_of_another(
    api: APIClient, path: str, release: Release
) -> None:
    factories.ReleaseFileFactory(release=release, name="taken")
    file = factories.ReleaseFileFactory(release=release, name="own")
    assert api.put(f"{path}{file.pk}/", {"name": "taken"}, format="json").status_code == 409
    file.refresh_from_db()
    assert file.name == "own"


def test_a_file_is_deleted(api: APIClient, path: str, release: Release) -> None:
    file = factories.ReleaseFileFactory(release=release)
    answer = api.delete(f"{path}{file.pk}/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(f"{path}{file.pk}/").status_code == 404


@pytest.mark.parametrize("method", ["get", "put", "delete"])
@pytest.mark.parametrize("file_id", ["0", "x", "9" * 30, "-1", "%00", "1.5"])
def test_what_is_no_file_is_404(method: str, file_id: str, api: APIClient, path: str) -> None:
    assert getattr(api, method)(f"{path}{file_id}/").status_code == 404


def test_a_file_of_another_release_is_404(api: APIClient, path: str, release: Release) -> None:
    other = factories.ReleaseFactory(organization=release.organization, version="2.0")
    file = factories.ReleaseFileFactory(release=other)
    assert api.get(f"{path}{file.pk}/").status_code == 404


def test_files_go_with_their_release(release: Release) -> None:
    factories.ReleaseFileFactory(release=release)
    release.delete()
    assert not ReleaseFile.objects.exists()


def test_another_organization_reads_nothing_by_the_same_content(
    api: APIClient, path: str, api_as: Callable[..., APIClient]
) -> None:
    mine = upload(api, path, b"secret").json()
    organization: Organization = factories.OrganizationFactory(slug="other")
    owner = factories.OrganizationMemberFactory(organization=organization, role="owner")
    project = factories.ProjectFactory(organization=organization, slug="p")
    factories.ReleaseFactory(organization=organization, version="1.0").projects.add(project)
    stranger = api_as(owner.user)
    theirs = "/api/0/organizations/other/releases/1.0/files/"
    assert stranger.get(f"{theirs}?checksum={mine['sha1']}").json() == []
    assert stranger.get(f"{theirs}{mine['id']}/?download").status_code == 404
    assert stranger.get(f"{path}{mine['id']}/?download").status_code == 403


def test_as_many_statements_for_twenty_files_as_for_two(
    api: APIClient, path: str, release: Release, django_assert_num_queries: Any
) -> None:
    api.get(path)  # which prepares statements
    for count in (2, 18):
        factories.ReleaseFileFactory.create_batch(count, release=release)
        with django_assert_num_queries(5):
            api.get(path)


@pytest.mark.django_db(transaction=True)
def test_twenty_uploads_of_one_name_at_once_are_one_file(api: APIClient, release: Release) -> None:
    def send(number: int) -> int:
        try:
            return upload(api, ORGANIZATION, b"%d" % (number % 3), name="~/a.js").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        statuses = sorted(threads.map(send, range(20)))
    assert statuses == [201] + [409] * 19
    file = release.files.get()
    with store.open_blob(file.blob) as content:
        assert content.read() in (b"0", b"1", b"2")


@pytest.mark.django_db(transaction=True)
def test_twenty_uploads_of_one_content_at_once_are_twenty_files(
    api: APIClient, release: Release
) -> None:
    def send(number: int) -> int:
        try:
            return upload(api, ORGANIZATION, b"same" * 10_000, name=f"~/{number}.js").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        assert set(threads.map(send, range(20))) == {201}
    assert release.files.count() == 20
    assert Blob.objects.count() == 1
