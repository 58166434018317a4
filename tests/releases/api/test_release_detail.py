"""`/organizations/{org}/releases/{version}/` and the same below a project (releases contract,
sections 4 and 5)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from rest_framework.test import APIClient

from sentrylite.organizations.models import Organization, Project
from sentrylite.releases.models import Release, ReleaseProject
from tests import factories

pytestmark = pytest.mark.django_db

Client = Callable[..., APIClient]
OF_ORGANIZATION = "/api/0/organizations/acme/releases/"
OF_PROJECT = "/api/0/projects/acme/pump-station/releases/"


@pytest.fixture
def release(project: Project) -> Release:
    """A release of two projects, with all that events and people have said of it."""
    release = factories.ReleaseFactory(
        organization=project.organization,
        version="com.example.pump-2.0rc2",
        ref="6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb",
        url="https://example.com/2.0rc2",
        created_at=datetime(2026, 3, 1, 1, 2, 3, 456789, tzinfo=UTC),
        released_at=datetime(2026, 3, 2, tzinfo=UTC),
    )
    boiler = factories.ProjectFactory(
        organization=project.organization,
        slug="boiler",
        name="Boiler",
        platform="python",
        teams=list(project.teams.all()),
    )
    for shipped, new_issues, day in ((project, 3, 5), (boiler, 4, 6)):
        ReleaseProject.objects.create(
            release=release,
            project=shipped,
            new_issues=new_issues,
            first_event_at=datetime(2026, 3, day, tzinfo=UTC),
            last_event_at=datetime(2026, 3, day + 2, tzinfo=UTC),
        )
    return release


def whole(release: Release, **changes: Any) -> dict[str, Any]:
    boiler, pump_station = release.projects.order_by("slug")
    return {
        "authors": [],
        "commitCount": 0,
        "data": {},
        "dateCreated": "2026-03-01T01:02:03.456Z",
        "dateReleased": "2026-03-02T00:00:00Z",
        "deployCount": 0,
        "firstEvent": "2026-03-05T00:00:00Z",
        "id": release.pk,
        "lastCommit": None,
        "lastDeploy": None,
        "lastEvent": "2026-03-08T00:00:00Z",
        "newGroups": 7,
        "owner": None,
        "projects": [
            {
                "id": boiler.pk,
                "name": "Boiler",
                "platform": "python",
                "platforms": [],
                "slug": "boiler",
            },
            {
                "id": pump_station.pk,
                "name": "Pump Station",
                "platform": None,
                "platforms": [],
                "slug": "pump-station",
            },
        ],
        "ref": "6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb",
        "shortVersion": "2.0rc2",
        "status": "open",
        "url": "https://example.com/2.0rc2",
        "version": "com.example.pump-2.0rc2",
        "versionInfo": None,
    } | changes


def test_the_whole_answer(api: APIClient, release: Release) -> None:
    answer = api.get(f"{OF_ORGANIZATION}{release.version}/")
    assert answer.status_code == 200
    assert answer.json() == whole(release)


def test_of_a_project_it_counts_what_is_the_projects(api: APIClient, release: Release) -> None:
    assert api.get(f"{OF_PROJECT}{release.version}/").json() == whole(
        release, newGroups=3, lastEvent="2026-03-07T00:00:00Z"
    )


@pytest.mark.parametrize("base", [OF_ORGANIZATION, OF_PROJECT])
@pytest.mark.parametrize("version", ["app@1.0+3", "1.0 rc 2", " 1.0 ", "%41", "é%", "commits"])
def test_versions_are_percent_encoded_or_not(
    api: APIClient, project: Project, base: str, version: str
) -> None:
    release = factories.ReleaseFactory(organization=project.organization, version=version)
    release.projects.add(project)
    for spelling in {quote(version, safe=""), quote(version, safe="@+")}:
        assert api.get(f"{base}{spelling}/").json()["version"] == version


@pytest.mark.parametrize("base", [OF_ORGANIZATION, OF_PROJECT])
@pytest.mark.parametrize("version", ["nope", "2.0", "a%2Fb", "%2E%2E", "a%00b", "x" * 10_000])
def test_an_unknown_version_is_404(
    api: APIClient, release: Release, base: str, version: str
) -> None:
    answer = api.get(f"{base}{version}/")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "The requested resource does not exist"}


def test_a_release_of_nobodys_project_is_404(api: APIClient, organization: Organization) -> None:
    release = factories.ReleaseFactory(organization=organization)
    assert api.get(f"{OF_ORGANIZATION}{release.version}/").status_code == 404


def test_a_release_of_another_organization_is_404(api: APIClient, project: Project) -> None:
    other = factories.ProjectFactory()
    release = factories.ReleaseFactory(organization=other.organization)
    release.projects.add(other)
    assert api.get(f"{OF_ORGANIZATION}{release.version}/").status_code == 404
    assert api.get(f"{OF_PROJECT}{release.version}/").status_code == 404


def test_a_release_of_another_project_is_404(api: APIClient, project: Project) -> None:
    other = factories.ProjectFactory(organization=project.organization)
    release = factories.ReleaseFactory(organization=project.organization)
    release.projects.add(other)
    assert api.get(f"{OF_ORGANIZATION}{release.version}/").status_code == 200
    assert api.get(f"{OF_PROJECT}{release.version}/").status_code == 404


def test_who_reaches_none_of_its_projects_gets_404(
    api_as: Client, release: Release, organization: Organization
) -> None:
    Organization.objects.update(open_membership=False)
    team = factories.TeamFactory(organization=organization)
    outside = factories.OrganizationMemberFactory(organization=organization, teams=[team])
    api = api_as(outside.user)
    path = f"{OF_ORGANIZATION}{release.version}/"
    assert api.get(path).status_code == 404
    team.projects.add(release.projects.get(slug="boiler"))
    assert api.get(path).status_code == 200
    assert api.get(f"{OF_PROJECT}{release.version}/").status_code == 403


def test_it_costs_the_same_with_many_projects(
    api: APIClient, release: Release, django_assert_num_queries: Any
) -> None:
    for _ in range(2):
        with django_assert_num_queries(5):  # token, organization, release, its projects, all of it
            api.get(f"{OF_ORGANIZATION}{release.version}/")
        release.projects.add(
            *factories.ProjectFactory.create_batch(18, organization=release.organization)
        )
