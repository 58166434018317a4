import io
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from sentrylite.files import store
from sentrylite.organizations.models import Project
from sentrylite.releases import artifacts, bundles, uploads
from sentrylite.releases.artifacts import find_artifacts, forms_of, read_artifact
from sentrylite.releases.models import ArtifactBundle, BundledFile, ReleaseFile
from tests import factories
from tests.bundles import DEBUG_ID, FILES, a_bundle, a_zip

pytestmark = pytest.mark.django_db

Add = Callable[..., ArtifactBundle]


@pytest.fixture
def add(project: Project, now: datetime) -> Add:
    """`add(project, …)` or `add(version=…)`: a bundle of FILES, or of `file`."""

    def add(*projects: Project, file: BytesIO | None = None, **for_what: Any) -> ArtifactBundle:
        moment = for_what.pop("now", now)
        return uploads.add_bundle(
            project.organization,
            store.store(file or a_bundle(), moment),
            **{"version": None, "dist": None, "projects": projects, "now": moment, **for_what},
        )

    return add


def test_an_artifact_is_found_by_its_debug_id_and_kind(project: Project, add: Add) -> None:
    add(project)
    found = find_artifacts(project.pk, debug_ids=[DEBUG_ID]).by_debug_id
    assert set(found) == {(DEBUG_ID, "minified_source"), (DEBUG_ID, "source_map")}
    source = found[DEBUG_ID, "minified_source"]
    assert read_artifact(source, 100) == b"console.log(1)"
    assert source.headers == {"debug-id": str(DEBUG_ID), "sourcemap": "main.min.js.map"}
    assert read_artifact(found[DEBUG_ID, "source_map"], 100) == b'{"version":3}'


def test_an_artifact_is_found_by_its_url_in_a_release(project: Project, add: Add) -> None:
    add(project, version="shop@1", dist="web")
    url = "https://shop.example.com/main.min.js?v=2#top"

    def find(**where: Any) -> Any:
        asked = {"version": "shop@1", "dist": "web", "urls": [url, "~/other.js"], **where}
        return find_artifacts(asked.pop("project", project.pk), **asked).by_url

    found = find()
    assert list(found) == [url]
    assert read_artifact(found[url], 100) == b"console.log(1)"
    assert not find(dist="")
    assert not find(version="shop@2")
    neighbour = factories.ProjectFactory(organization=project.organization)
    assert not find(project=neighbour.pk)


def test_a_bundle_without_projects_is_for_all_that_send_its_release(
    project: Project, add: Add
) -> None:
    factories.ReleaseFactory(organization=project.organization, version="1.0")
    add(version="1.0")
    neighbour = factories.ProjectFactory(organization=project.organization)
    stranger = factories.ProjectFactory()
    asked: dict[str, Any] = {"version": "1.0", "urls": ["/main.min.js"]}
    assert find_artifacts(project.pk, **asked).by_url
    assert find_artifacts(neighbour.pk, **asked).by_url
    assert not find_artifacts(stranger.pk, **asked).by_url
    assert not find_artifacts(project.pk, debug_ids=[DEBUG_ID]).by_debug_id


def test_an_uploaded_file_is_found_by_its_name(project: Project, now: datetime) -> None:
    release = factories.ReleaseFactory(organization=project.organization, version="1.0")
    ReleaseFile.objects.create(
        release=release,
        name="~/app.js",
        headers={"Sourcemap": "app.js.map"},
        blob=store.store(BytesIO(b"alone"), now),
    )
    url = "http://shop.example.com/app.js"
    found = find_artifacts(project.pk, version="1.0", urls=[url]).by_url[url]
    assert (found.kind, found.headers) == ("", {"sourcemap": "app.js.map"})
    assert read_artifact(found, 5) == b"alone"


def test_a_bundle_says_itself_what_it_is_for(project: Project, add: Add) -> None:
    bundle = add(project, file=a_bundle(release="shop@2", dist="web", debug_id=str(DEBUG_ID)))
    assert bundle.release is not None
    assert (bundle.release.version, bundle.dist, bundle.debug_id) == ("shop@2", "web", DEBUG_ID)
    assert list(bundle.release.projects.all()) == [project]


def test_the_newest_wins(project: Project, add: Add, now: datetime) -> None:
    newer = {"main.js": (FILES["files/_/_/main.min.js"][0], b"newer")}
    add(project)
    add(project, file=a_bundle(newer), now=now + timedelta(minutes=1))
    key = DEBUG_ID, "minified_source"

    def read() -> bytes:
        return read_artifact(find_artifacts(project.pk, debug_ids=[DEBUG_ID]).by_debug_id[key], 99)

    assert read() == b"newer"
    add(project, now=now + timedelta(minutes=2))
    assert read() == b"console.log(1)"
    assert ArtifactBundle.objects.count() == 2
    assert BundledFile.objects.count() == 3


def test_another_organizations_artifacts_are_not_found(project: Project, add: Add) -> None:
    add(project)
    stranger = factories.ProjectFactory()
    assert not find_artifacts(stranger.pk, debug_ids=[DEBUG_ID]).by_debug_id


def test_one_statement_finds_however_much_is_asked(
    project: Project, add: Add, django_assert_num_queries: Any
) -> None:
    add(project, version="1")
    find_artifacts(project.pk, debug_ids=[DEBUG_ID])  # which prepares it
    for count in (2, 20):
        with django_assert_num_queries(1):
            find_artifacts(
                project.pk,
                debug_ids=[UUID(int=number) for number in range(count)],
                version="1",
                urls=[f"~/{number}.js" for number in range(count)],
            )
    with django_assert_num_queries(0):
        find_artifacts(project.pk, version="1")


@pytest.mark.parametrize(
    "url, forms",
    [
        (
            "https://a.example/b/c.js?d=1#e",
            [
                "https://a.example/b/c.js?d=1",
                "https://a.example/b/c.js",
                "~/b/c.js?d=1",
                "~/b/c.js",
            ],
        ),
        ("/b/c.js", ["/b/c.js", "~/b/c.js"]),
        ("~/b/c.js", ["~/b/c.js"]),
        ("app:///main.js", ["app:///main.js", "~/main.js"]),
        ("webpack:main.js", ["webpack:main.js", "~/main.js"]),
        ("main.js", ["main.js"]),
        ("http://[broken", ["http://[broken"]),
        ("", [""]),
    ],
)
def test_the_names_that_a_url_may_have(url: str, forms: list[str]) -> None:
    assert forms_of(url) == forms


def test_an_artifact_larger_than_the_limit_is_not_read(project: Project, add: Add) -> None:
    add(project)
    found = find_artifacts(project.pk, debug_ids=[DEBUG_ID]).by_debug_id
    with pytest.raises(artifacts.Unreadable, match="larger than 13 bytes"):
        read_artifact(found[DEBUG_ID, "minified_source"], 13)


def test_an_artifact_may_be_larger_than_the_directory_of_its_bundle(
    project: Project, add: Add
) -> None:
    content = random.Random(1).randbytes(bundles.MAX_DIRECTORY + 1)
    file = {"a.js": (FILES["files/_/_/main.min.js"][0], content)}
    add(project, file=a_bundle(file))
    found = find_artifacts(project.pk, debug_ids=[DEBUG_ID]).by_debug_id
    assert read_artifact(found[DEBUG_ID, "minified_source"], 2**30) == content


def test_an_artifact_that_the_storage_has_lost_is_unreadable(project: Project, add: Add) -> None:
    add(project)
    found = find_artifacts(project.pk, debug_ids=[DEBUG_ID]).by_debug_id
    artifact = found[DEBUG_ID, "minified_source"]
    store.storage().delete(artifact.blob.name)
    with pytest.raises(artifacts.Unreadable, match="cannot be read"):
        read_artifact(artifact, 100)


DESCRIBED = {"url": "~/a.js", "type": "source"}


def with_size(size: int) -> BytesIO:
    """A zip whose manifest says that it has this size."""
    content = bytearray(a_zip({"manifest.json": b"{}" * 50}).getvalue())
    place = content.rindex(b"PK\x01\x02") + 24
    content[place : place + 4] = size.to_bytes(4, "little")
    return BytesIO(bytes(content))


def with_broken_content() -> BytesIO:
    content = bytearray(a_bundle().getvalue())
    place = content.index(b"manifest.json") + len(b"manifest.json")
    content[place : place + 8] = b"\xff" * 8
    return BytesIO(bytes(content))


@pytest.mark.parametrize(
    "file, reason",
    [
        (BytesIO(b""), "not a zip file"),
        (BytesIO(b"no zip at all"), "not a zip file"),
        (BytesIO(a_bundle().getvalue()[:-30]), "not a zip file"),
        (with_broken_content(), "is broken"),
        (a_zip({"main.js": b"x"}), r"no manifest\.json"),
        (a_zip({"manifest.json": b"{"}), "is not JSON"),
        (a_zip({"manifest.json": b'{"files": []}'}), "describes no files"),
        (a_zip({"manifest.json": b"[]"}), "describes no files"),
        (a_zip({"manifest.json": b'{"files": {"a": {}}}'}), "names a, which is not in the bundle"),
        (a_bundle({"a": (7, b"")}), "does not describe a"),
        (a_bundle({"a": ({**DESCRIBED, "url": "a" * 3000}, b"")}), "url in manifest.json"),
        (a_bundle({"a": ({**DESCRIBED, "url": "a\0b"}, b"")}), "url in manifest.json"),
        (a_bundle({"a": ({**DESCRIBED, "type": 7}, b"")}), "type in manifest.json"),
        (a_bundle({"a": ({**DESCRIBED, "headers": {"a": 1}}, b"")}), "headers of a are not text"),
        (a_bundle({"a": ({**DESCRIBED, "headers": [1]}, b"")}), "headers of a are not text"),
        (a_bundle({"a": ({**DESCRIBED, "headers": {"a": "\0"}}, b"")}), "NUL"),
        (a_bundle({"a": ({**DESCRIBED, "headers": {"a": "b" * 9000}}, b"")}), "too long"),
        (a_bundle({"../a": (DESCRIBED, b"")}), "outside of it"),
        (a_bundle({"/etc/passwd": (DESCRIBED, b"")}), "outside of it"),
        (a_bundle({"a\\..\\..\\b": (DESCRIBED, b"")}), "outside of it"),
        (a_bundle({"C:\\a": (DESCRIBED, b"")}), "outside of it"),
        (a_bundle(release=7), "release in manifest.json"),
        (a_bundle(dist="d" * 100), "dist in manifest.json"),
        (a_bundle(release="a/b"), "Release with name a/b is not allowed"),
        (with_size(2**31), "is larger than"),
    ],
)
def test_what_is_no_bundle_is_refused(
    file: BytesIO, reason: str, project: Project, add: Add
) -> None:
    with pytest.raises(bundles.BadBundle, match=reason):
        add(project, file=file)
    assert not ArtifactBundle.objects.exists()


def test_a_bundle_with_too_many_files_is_refused(
    project: Project, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "MAX_FILES", 2)
    with pytest.raises(bundles.BadBundle, match="more than 2 files"):
        add(project)


def test_files_that_say_they_are_too_large_together_are_refused(
    project: Project, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "MAX_TOTAL", 100)
    with pytest.raises(bundles.BadBundle, match="larger than 100 bytes together"):
        add(project)


def test_a_directory_that_is_too_large_is_not_read(
    project: Project, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "MAX_DIRECTORY", 150)
    with pytest.raises(bundles.BadBundle, match="its directory is too large"):
        add(project)


def test_a_bundle_with_a_prefix_is_a_zip_too(project: Project, add: Add) -> None:
    """As debug information tools write theirs."""
    add(project, file=io.BytesIO(b"SYSB\1\0\0\0" + a_bundle().getvalue()))
    found = find_artifacts(project.pk, debug_ids=[DEBUG_ID]).by_debug_id
    assert read_artifact(found[DEBUG_ID, "source_map"], 100) == b'{"version":3}'


def test_a_bundle_costs_as_many_statements_with_two_files_as_with_two_hundred(
    project: Project, add: Add, now: datetime, django_assert_num_queries: Any
) -> None:
    for count in (2, 200):
        files = {f"{number}.js": (DESCRIBED, b"x") for number in range(count)}
        file = a_bundle(files)
        store.store(file, now)
        with django_assert_num_queries(12):
            bundle = add(project, file=file)
        assert bundle.file_count == bundle.files.count() == count


def test_the_files_of_releases_are_counted(
    project: Project, add: Add, now: datetime, django_assert_num_queries: Any
) -> None:
    one, other = factories.ReleaseFactory.create_batch(2, organization=project.organization)
    add(version=one.version)
    blob = store.store(BytesIO(b"x"), now)
    ReleaseFile.objects.create(release=one, name="a", blob=blob)
    with django_assert_num_queries(1):
        assert uploads.count_files([one.pk, other.pk]) == {one.pk: 3, other.pk: 0}


def test_indexes_serve_the_search(project: Project, add: Add) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        artifacts._find(project.pk, [DEBUG_ID], "1.0", "", ["~/a.js"])
        cursor.execute(
            f"EXPLAIN EXECUTE find_artifacts ({project.pk}, '{{{DEBUG_ID}}}', '1.0', '', '{{abc}}')"
        )
        plan = "\n".join(line for [line] in cursor.fetchall())
    assert "releases_bundledfile_debug_id" in plan
    assert "releases_bundledfile_url" in plan
    assert "releases_file_name" in plan
