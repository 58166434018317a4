"""`/organizations/{org}/releases/{version}/` and the same below a project (releases contract,
sections 4 and 5)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from rest_framework.test import APIClient

from issues import actions
from issues.models import Issue
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Organization, Project
from sentrylite.releases.models import Deploy, Release, ReleaseProject
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
    for platform in ("python", "native"):
        boiler.project_platforms.create(platform=platform)
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
                "platforms": ["native", "python"],
                "hasHealthData": False,
                "slug": "boiler",
            },
            {
                "id": pump_station.pk,
                "name": "Pump Station",
                "platform": None,
                "platforms": [],
                "hasHealthData": False,
                "slug": "pump-station",
            },
        ],
        "ref": "6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb",
        "shortVersion": "2.0rc2",
        "status": "open",
        "url": "https://example.com/2.0rc2",
        "version": "com.example.pump-2.0rc2",
        "versionInfo": {
            "buildHash": None,
            "description": "com.example.pump-2.0rc2",
            "package": None,
            "version": {"raw": "com.example.pump-2.0rc2"},
        },
    } | changes


def test_the_whole_answer(api: APIClient, release: Release) -> None:
    answer = api.get(f"{OF_ORGANIZATION}{release.version}/")
    assert answer.status_code == 200
    assert answer.json() == whole(release)


def test_of_a_project_it_counts_what_is_the_projects(api: APIClient, release: Release) -> None:
    assert api.get(f"{OF_PROJECT}{release.version}/").json() == whole(
        release, newGroups=3, lastEvent="2026-03-07T00:00:00Z"
    )


def test_of_a_chosen_project_it_counts_the_same(
    api: APIClient, project: Project, release: Release
) -> None:
    path = f"{OF_ORGANIZATION}{release.version}/"
    assert api.get(path, {"project": project.pk}).json() == whole(
        release, newGroups=3, lastEvent="2026-03-07T00:00:00Z"
    )
    assert api.get(path, {"project": "-1"}).json()["newGroups"] == 7
    assert api.get(path, {"project": "x"}).status_code == 400
    assert api.get(path, {"project": factories.ProjectFactory().pk}).status_code == 403


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
        # Token, organization, release, its projects, all of it, platforms, which heard of sessions.
        with django_assert_num_queries(7):
            api.get(f"{OF_ORGANIZATION}{release.version}/")
        release.projects.add(
            *factories.ProjectFactory.create_batch(18, organization=release.organization)
        )


# Changing -----------------------------------------------------------------------------------------

BOTH = pytest.mark.parametrize("base", [OF_ORGANIZATION, OF_PROJECT])


@BOTH
def test_what_was_sent_is_changed(api: APIClient, release: Release, user: User, base: str) -> None:
    path = f"{base}{release.version}/"
    before = api.get(path).json()
    assert api.put(path, {}, format="json").json() == before
    nothing = dict.fromkeys(("ref", "url", "dateReleased", "status", "owner", "refs"))
    assert api.put(path, nothing, format="json").json() == before
    body = {
        "version": "other",
        "ref": "main",
        "url": "https://example.com/",
        "dateReleased": "2026-02-03T04:05:07+01:00",
        "status": "archived",
        "owner": user.pk,
    }
    answer = api.put(path, body, format="json")
    assert answer.status_code == 200
    changed = answer.json()
    assert changed.pop("owner")["id"] == str(user.pk)
    assert changed == {key: value for key, value in before.items() if key != "owner"} | {
        "dateReleased": "2026-02-03T03:05:07Z",
        "ref": "main",
        "status": "archived",
        "url": "https://example.com/",
    }


def test_projects_are_added(api: APIClient, release: Release) -> None:
    added = factories.ProjectFactory(organization=release.organization, slug="added")
    path = f"{OF_ORGANIZATION}{release.version}/"
    answer = api.put(path, {"projects": [added.pk]}, format="json")
    assert [each["slug"] for each in answer.json()["projects"]] == [
        "added",
        "boiler",
        "pump-station",
    ]


@BOTH
@pytest.mark.parametrize(
    "body, error",
    [
        ({"ref": "x" * 201}, {"ref": ["Ensure this field has no more than 200 characters."]}),
        ({"url": "nope"}, {"url": ["Enter a valid URL."]}),
        ({"status": "nope"}, {"status": ['"nope" is not a valid choice.']}),
        ({"owner": "nobody"}, {"owner": ["Unable to find user"]}),
        ({"projects": ["nope"]}, {"projects": ["Invalid project slugs"]}),
        ({"commits": None}, {"commits": ["This field may not be null."]}),
        ([], {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]}),
    ],
)
def test_changes_that_are_refused(
    api: APIClient, release: Release, base: str, body: Any, error: Any
) -> None:
    answer = api.put(f"{base}{release.version}/", body, format="json")
    assert (answer.status_code, answer.json()) == (400, error)


# Deleting -----------------------------------------------------------------------------------------


@BOTH
def test_a_release_is_deleted_with_what_is_its_own(
    api: APIClient, release: Release, project: Project, base: str, now: datetime
) -> None:
    path = f"{base}{release.version}/"
    api.put(path, {"commits": [{"id": "a", "patch_set": []}]}, format="json")
    api.post(f"{path}deploys/", {"environment": "production"}, format="json")
    issue = factories.IssueFactory(project=project, status=Issue.Status.RESOLVED)
    actions.resolve_issues_in_release([issue], release, is_next=False, by=None, now=now)
    gone = factories.IssueFactory(
        project=project, first_release=release, status=Issue.Status.PENDING_DELETION
    )
    answer = api.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Release.objects.exists()
    assert not Deploy.objects.exists()
    issue.refresh_from_db()
    gone.refresh_from_db()
    assert (issue.status, gone.first_release) == (Issue.Status.RESOLVED, None)
    assert api.get(f"/api/0/issues/{issue.pk}/").json()["statusDetails"] == {}
    assert api.delete(path).status_code == 404


@BOTH
def test_the_first_release_of_an_issue_stays(
    api: APIClient, release: Release, project: Project, base: str
) -> None:
    factories.IssueFactory(project=project, first_release=release)
    answer = api.delete(f"{base}{release.version}/")
    text = "This release is referenced by active issues and cannot be removed."
    assert (answer.status_code, answer.json()) == (400, {"detail": text})
    assert Release.objects.exists()


# In numbers ---------------------------------------------------------------------------------------


@BOTH
def test_a_release_in_numbers(api: APIClient, release: Release, base: str) -> None:
    path = f"{base}{release.version}/"
    change = {"path": "a.py", "type": "M"}
    commits = [{"id": each, "patch_set": [change]} for each in ("a", "b")]
    api.put(path, {"commits": commits}, format="json")
    api.post(f"{path}deploys/", {"environment": "production"}, format="json")
    boiler, pump_station = release.projects.order_by("slug")
    assert api.get(f"{path}meta/").json() == {
        "version": release.version,
        "versionInfo": whole(release)["versionInfo"],
        "projects": [
            {
                "id": boiler.pk,
                "slug": "boiler",
                "name": "Boiler",
                "newGroups": 4,
                "platform": "python",
                "platforms": ["native", "python"],
            },
            {
                "id": pump_station.pk,
                "slug": "pump-station",
                "name": "Pump Station",
                "newGroups": 3,
                "platform": None,
                "platforms": [],
            },
        ],
        "newGroups": 7,
        "deployCount": 1,
        "commitCount": 2,
        "commitFilesChanged": 1,
        "releaseFileCount": 0,
    }
