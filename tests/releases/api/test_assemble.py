import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from rest_framework.test import APIClient

from sentrylite.files import assembling
from sentrylite.organizations.models import Organization, Project
from sentrylite.releases.artifacts import find_artifacts, read_artifact
from sentrylite.releases.models import ArtifactBundle, BundledFile, Release
from tests import factories
from tests.bundles import DEBUG_ID, a_bundle, a_zip

pytestmark = pytest.mark.django_db

BUNDLES = "/api/0/organizations/acme/artifactbundle/assemble/"
RELEASE = "/api/0/organizations/acme/releases/shop@1.0/assemble/"
CHUNKS = "/api/0/organizations/acme/chunk-upload/"


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


class Upload:
    """A file that a client uploads in pieces."""

    def __init__(self, file: BytesIO, size: int = 100) -> None:
        content = file.getvalue()
        self.pieces = [content[at : at + size] for at in range(0, len(content), size)]
        self.body: dict[str, Any] = {
            "checksum": sha1(content),
            "chunks": [sha1(piece) for piece in self.pieces],
        }

    def send(self, api: APIClient, path: str = CHUNKS) -> None:
        files = [SimpleUploadedFile(sha1(piece), piece) for piece in self.pieces]
        assert api.post(path, {"file": files}, format="multipart").status_code == 200


def assemble(api: APIClient, upload: Upload, path: str = BUNDLES, **more: Any) -> Any:
    if path == BUNDLES:
        more = {"projects": ["pump-station"]} | more
    return api.post(path, {**upload.body, **more}, format="json")


def state(name: str, missing: Sequence[str] = (), detail: str | None = None) -> dict[str, Any]:
    return {"state": name, "missingChunks": list(missing), "detail": detail}


@pytest.fixture(autouse=True)
def release(project: Project) -> Release:
    made = factories.ReleaseFactory(organization=project.organization, version="shop@1.0")
    made.projects.add(project)
    return made


@pytest.fixture(params=[BUNDLES, RELEASE], ids=["bundle", "release"])
def path(request: Any) -> str:
    return request.param


def test_a_bundle_is_uploaded_in_pieces(api: APIClient, project: Project) -> None:
    upload = Upload(a_bundle())
    answer = assemble(api, upload)
    assert (answer.status_code, answer.json()) == (200, state("not_found", upload.body["chunks"]))
    upload.send(api)
    assert assemble(api, upload).json() == state("ok")
    found = find_artifacts(project.pk, debug_ids=[DEBUG_ID]).by_debug_id
    assert read_artifact(found[DEBUG_ID, "minified_source"], 100) == b"console.log(1)"


def test_a_bundle_of_a_release_is_for_all_its_projects(
    api: APIClient, project: Project, release: Release
) -> None:
    upload = Upload(a_bundle(dist="web"))
    assert assemble(api, upload, RELEASE).json()["state"] == "not_found"
    upload.send(api)
    assert assemble(api, upload, RELEASE).json() == state("ok")
    bundle = release.bundles.get()
    assert (bundle.dist, bundle.is_for_all_projects) == ("web", True)
    neighbour = factories.ProjectFactory(organization=project.organization)
    url = "https://example.com/main.min.js"
    for sender in (project, neighbour):
        assert find_artifacts(sender.pk, version="shop@1.0", dist="web", urls=[url]).by_url


def test_the_same_again_needs_no_upload(api: APIClient, path: str) -> None:
    upload = Upload(a_bundle())
    upload.send(api)
    for _ in range(3):
        assert assemble(api, upload, path).json() == state("ok")
    assert ArtifactBundle.objects.count() == 1
    assert BundledFile.objects.count() == 2


def test_what_is_there_is_ok_without_its_pieces(api: APIClient, path: str) -> None:
    upload = Upload(a_bundle())
    upload.send(api)
    assemble(api, upload, path)
    assert assemble(api, upload, path, chunks=[]).json() == state("ok")


def test_only_the_pieces_that_are_missing_are_asked_for(api: APIClient, path: str) -> None:
    upload = Upload(a_bundle())
    first, *others = upload.pieces
    file = SimpleUploadedFile(sha1(first), first)
    api.post(CHUNKS, {"file": file}, format="multipart")
    missing = [sha1(piece) for piece in others]
    assert assemble(api, upload, path).json() == state("not_found", missing)


def test_a_piece_may_come_twice_in_a_file(api: APIClient, path: str) -> None:
    file = a_zip({"manifest.json": b'{"files": {}}', "zeros": b""})
    content = bytes(400) + file.getvalue()
    upload = Upload(BytesIO(content))
    assert upload.body["chunks"][0] == upload.body["chunks"][1]
    assert len(assemble(api, upload, path).json()["missingChunks"]) == len(set(upload.pieces))
    upload.send(api)
    assert assemble(api, upload, path).json() == state("ok")


def test_a_bundle_for_a_version_makes_the_release(
    api: APIClient, project: Project, organization: Organization
) -> None:
    upload = Upload(a_bundle())
    more = {"version": "shop@2.0", "dist": "web"}
    assemble(api, upload, **more)
    assert not Release.objects.filter(version="shop@2.0").exists()
    upload.send(api)
    assert assemble(api, upload, **more).json() == state("ok")
    made = organization.releases.get(version="shop@2.0")
    assert list(made.projects.all()) == [project]
    bundle = made.bundles.get()
    assert (bundle.dist, list(bundle.projects.all())) == ("web", [project])
    assert not bundle.is_for_all_projects


def test_another_project_may_have_the_same_bundle(
    api: APIClient, project: Project, organization: Organization
) -> None:
    upload = Upload(a_bundle())
    upload.send(api)
    team = project.teams.get()
    other = factories.ProjectFactory(organization=organization, slug="boiler", teams=[team])
    assert assemble(api, upload).json() == state("ok")
    assert not find_artifacts(other.pk, debug_ids=[DEBUG_ID]).by_debug_id
    assert assemble(api, upload, projects=[str(other.pk)]).json() == state("ok")
    assert find_artifacts(other.pk, debug_ids=[DEBUG_ID]).by_debug_id
    assert find_artifacts(project.pk, debug_ids=[DEBUG_ID]).by_debug_id
    assert ArtifactBundle.objects.count() == 1


def test_a_bundle_for_two_releases_is_in_both(api: APIClient, release: Release) -> None:
    upload = Upload(a_bundle())
    upload.send(api)
    for version in ("shop@1.0", "shop@2.0"):
        assert assemble(api, upload, version=version).json() == state("ok")
    assert release.bundles.count() == 1
    assert ArtifactBundle.objects.count() == 2
    release.delete()
    assert ArtifactBundle.objects.count() == 1


@pytest.mark.parametrize(
    "file, detail",
    [
        (BytesIO(b"no zip"), "The bundle is not a zip file: File is not a zip file"),
        (BytesIO(a_bundle().getvalue()[:-30]), "The bundle is not a zip file"),
        (a_bundle({"../../etc/cron.d/x": ({"type": "source"}, b"")}), "a file outside of it"),
        (a_zip({"a": b""}), "The bundle has no manifest.json."),
    ],
)
def test_what_is_no_bundle_is_an_error(
    file: BytesIO, detail: str, api: APIClient, path: str
) -> None:
    upload = Upload(file)
    upload.send(api)
    answer = assemble(api, upload, path)
    assert answer.status_code == 200
    assert answer.json()["state"] == "error"
    assert detail in answer.json()["detail"]
    assert not ArtifactBundle.objects.exists()


def test_pieces_that_are_something_else_together_are_an_error(api: APIClient, path: str) -> None:
    upload = Upload(a_bundle())
    upload.send(api)
    upload.body["chunks"].reverse()
    answer = assemble(api, upload, path).json()
    assert answer["state"] == "error"
    assert answer["detail"].startswith("The checksum of the whole is ")
    assert not ArtifactBundle.objects.exists()


def test_what_is_larger_than_a_file_may_be_is_an_error(
    api: APIClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = Upload(a_bundle())
    upload.send(api)
    monkeypatch.setattr(assembling, "MAX_FILE_SIZE", 150)
    answer = assemble(api, upload, path).json()
    assert answer == state("error", detail="The whole is larger than 150 bytes.")


def test_an_organization_cannot_use_the_pieces_of_another(
    api: APIClient, api_as: Callable[..., APIClient]
) -> None:
    upload = Upload(a_bundle())
    upload.send(api)
    assemble(api, upload)
    other = factories.OrganizationFactory(slug="other")
    owner = factories.OrganizationMemberFactory(organization=other, role="owner")
    project = factories.ProjectFactory(organization=other, slug="theirs")
    stranger = api_as(owner.user)
    theirs = "/api/0/organizations/other/artifactbundle/assemble/"
    body = {**upload.body, "projects": ["theirs"]}
    answer = stranger.post(theirs, body, format="json")
    assert answer.json() == state("not_found", upload.body["chunks"])
    assert not find_artifacts(project.pk, debug_ids=[DEBUG_ID]).by_debug_id
    upload.send(stranger, "/api/0/organizations/other/chunk-upload/")
    assert stranger.post(theirs, body, format="json").json() == state("ok")
    assert find_artifacts(project.pk, debug_ids=[DEBUG_ID]).by_debug_id


A_SUM = "a" * 40
NO_SUM = ["A checksum is a SHA-1 in 40 hexadecimal digits."]


@pytest.mark.parametrize(
    "more, errors",
    [
        ({"checksum": None}, {"checksum": ["This field may not be null."]}),
        ({"checksum": "x"}, {"checksum": NO_SUM}),
        ({"checksum": 7}, {"checksum": NO_SUM}),
        ({"checksum": "\0" * 40}, {"checksum": NO_SUM}),
        ({"checksum": "é" * 40}, {"checksum": NO_SUM}),
        ({"chunks": None}, {"chunks": ["This field may not be null."]}),
        ({"chunks": "x"}, {"chunks": ['Expected a list of items but got type "str".']}),
        ({"chunks": {}}, {"chunks": ['Expected a list of items but got type "dict".']}),
        ({"chunks": ["x"]}, {"chunks": NO_SUM}),
        ({"chunks": [A_SUM, []]}, {"chunks": ["Not a valid string."]}),
        (
            {"chunks": [A_SUM] * 10_001},
            {"chunks": ["Ensure this field has no more than 10000 elements."]},
        ),
    ],
)
def test_sums_that_are_none_are_refused(
    more: dict[str, Any], errors: dict[str, Any], api: APIClient, path: str
) -> None:
    answer = assemble(api, Upload(a_bundle()), path, **more)
    assert (answer.status_code, answer.json()) == (400, errors)


@pytest.mark.parametrize(
    "more, field",
    [
        ({"projects": []}, "projects"),
        ({"projects": None}, "projects"),
        ({"projects": ["nope"]}, "projects"),
        ({"projects": ["pump-station", "nope"]}, "projects"),
        ({"projects": [{}]}, "projects"),
        ({"projects": "pump-station"}, "projects"),
        ({"version": "a/b"}, "version"),
        ({"version": "v" * 201}, "version"),
        ({"version": "a\0b"}, "version"),
        ({"version": []}, "version"),
        ({"version": "1", "dist": "d" * 65}, "dist"),
        ({"version": "1", "dist": {}}, "dist"),
        ({"dist": "web"}, "dist"),
    ],
)
def test_what_a_bundle_cannot_be_for_is_refused(
    more: dict[str, Any], field: str, api: APIClient
) -> None:
    answer = assemble(api, Upload(a_bundle()), **more)
    assert answer.status_code == 400
    assert list(answer.json()) == [field]


def test_version_and_dist_may_be_null(api: APIClient) -> None:
    answer = assemble(api, Upload(a_bundle()), version=None, dist=None)
    assert answer.json()["state"] == "not_found"


@pytest.mark.parametrize("body", [[], "x", 7, None])
def test_a_body_that_is_no_object_is_refused(body: Any, api: APIClient, path: str) -> None:
    assert api.post(path, body, format="json").status_code == 400


def test_a_project_out_of_reach_is_refused(
    api_as: Callable[..., APIClient], organization: Organization
) -> None:
    Organization.objects.update(open_membership=False)
    outside = factories.OrganizationMemberFactory(organization=organization, role="member")
    answer = assemble(api_as(outside.user), Upload(a_bundle()))
    assert (answer.status_code, list(answer.json())) == (400, ["projects"])


def test_as_many_statements_for_twenty_pieces_as_for_two(
    api: APIClient, path: str, django_assert_num_queries: Any
) -> None:
    content = len(a_bundle().getvalue())
    budgets = set()
    for count in (2, 20):
        upload = Upload(a_bundle(release=f"{count:02}"), content // (count - 1))
        upload.send(api)
        assemble(api, upload, path, chunks=[])
        with django_assert_num_queries(29 if path == BUNDLES else 28):
            assert assemble(api, upload, path).json() == state("ok")
        budgets.add(len(upload.pieces) > 2)
    assert budgets == {False, True}


def test_while_it_is_made_others_are_told_so(
    api: APIClient, path: str, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = Upload(a_bundle())
    upload.send(api)
    monkeypatch.setattr(assembling, "_alone", lambda *_: Taken())
    assert assemble(api, upload, path).json() == state("assembling")
    assert not ArtifactBundle.objects.exists()


class Taken:
    def __enter__(self) -> bool:
        return False

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.django_db(transaction=True)
def test_twenty_uploads_of_one_bundle_at_once_are_one_bundle(
    api: APIClient, path: str, project: Project
) -> None:
    files = {f"{number}.js": ({"type": "source"}, b"x") for number in range(99)}
    upload = Upload(a_bundle(files), 1000)

    def run(_: int) -> list[str]:
        try:
            upload.send(api)
            return [assemble(api, upload, path).json()["state"] for _ in range(2)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        states = {state for states in threads.map(run, range(20)) for state in states}
    assert states <= {"ok", "assembling"}
    assert assemble(api, upload, path).json() == state("ok")
    assert ArtifactBundle.objects.count() == 1
    assert BundledFile.objects.count() == 99
