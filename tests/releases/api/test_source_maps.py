from datetime import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from sentrylite.files import store
from sentrylite.organizations.models import Project
from sentrylite.releases import uploads
from sentrylite.releases.models import ArtifactBundle, Release, ReleaseFile
from tests import factories
from tests.bundles import a_bundle

pytestmark = pytest.mark.django_db

PATH = "/api/0/projects/acme/pump-station/files/source-maps/"


@pytest.fixture
def release(project: Project, now: datetime) -> Release:
    made = factories.ReleaseFactory(
        organization=project.organization, version="shop@1.0", created_at=now
    )
    made.projects.add(project)
    return made


def add_bundle(release: Release, *projects: Project, now: datetime) -> ArtifactBundle:
    return uploads.add_bundle(
        release.organization,
        store.store(a_bundle(), now),
        version=release.version,
        dist=None,
        projects=projects,
        now=now,
    )


def test_releases_with_files_are_listed_the_newest_first(
    api: APIClient, project: Project, release: Release, now: datetime
) -> None:
    factories.ReleaseFileFactory(release=release)
    add_bundle(release, project, now=now)
    newer = factories.ReleaseFactory(organization=project.organization, version="shop@2.0")
    add_bundle(newer, project, now=now)
    without = factories.ReleaseFactory(organization=project.organization)
    without.projects.add(project)
    elsewhere = factories.ProjectFactory(organization=project.organization)
    add_bundle(factories.ReleaseFactory(organization=project.organization), elsewhere, now=now)
    answer = api.get(PATH)
    assert [row["name"] for row in answer.json()] == ["shop@2.0", "shop@1.0"]
    assert answer.json()[1] == {
        "type": "release",
        "id": release.pk,
        "name": "shop@1.0",
        "date": "2026-03-04T05:06:07Z",
        "fileCount": 3,
    }
    assert 'rel="next"; results="false"' in answer.headers["Link"]
    assert [row["name"] for row in api.get(PATH, {"query": "@2"}).json()] == ["shop@2.0"]
    assert api.get(f"{PATH}?query=%00").status_code == 400


def test_what_was_uploaded_for_a_release_is_removed(
    api: APIClient, project: Project, release: Release, now: datetime
) -> None:
    other = factories.ReleaseFactory(organization=project.organization, version="shop@2.0")
    for each in (release, other):
        factories.ReleaseFileFactory(release=each)
        add_bundle(each, project, now=now)
    answer = api.delete(f"{PATH}?name=shop@1.0")
    assert (answer.status_code, answer.content) == (204, b"")
    assert ReleaseFile.objects.get().release == other
    assert ArtifactBundle.objects.get().release == other
    assert api.delete(f"{PATH}?name=shop@1.0").status_code == 204


def test_what_another_project_has_stays(
    api: APIClient, project: Project, release: Release, now: datetime
) -> None:
    other = factories.ProjectFactory(organization=project.organization)
    bundle = add_bundle(release, project, other, now=now)
    assert api.delete(f"{PATH}?name=shop@1.0").status_code == 204
    assert list(bundle.projects.all()) == [other]


@pytest.mark.parametrize("query", ["", "?name=", "?name=nope", "?name=shop@2.0", "?name=a/b"])
def test_a_release_that_the_project_has_not_is_404(
    query: str, api: APIClient, release: Release
) -> None:
    factories.ReleaseFactory(organization=release.organization, version="shop@2.0")
    assert api.delete(PATH + query).status_code == 404


def test_as_many_statements_for_twenty_releases_as_for_two(
    api: APIClient, project: Project, django_assert_num_queries: Any
) -> None:
    api.get(PATH)  # which prepares statements
    for count in (2, 18):
        for made in factories.ReleaseFactory.create_batch(count, organization=project.organization):
            made.projects.add(project)
            factories.ReleaseFileFactory(release=made)
        with django_assert_num_queries(5):
            assert api.get(PATH).status_code == 200


def test_the_meta_data_of_a_release_count_its_files(
    api: APIClient, project: Project, release: Release, now: datetime
) -> None:
    factories.ReleaseFileFactory(release=release)
    add_bundle(release, project, now=now)
    meta = api.get("/api/0/organizations/acme/releases/shop@1.0/meta/").json()
    assert meta["releaseFileCount"] == 3


def test_bundles_go_when_all_their_projects_are_gone(
    project: Project, release: Release, now: datetime
) -> None:
    add_bundle(release, project, now=now)
    of_all = add_bundle(factories.ReleaseFactory(organization=project.organization), now=now)
    uploads.remove_abandoned_bundles()
    assert ArtifactBundle.objects.count() == 2
    project.delete()
    uploads.remove_abandoned_bundles()
    assert ArtifactBundle.objects.get() == of_all
