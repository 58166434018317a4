"""`/organizations/{org}/releases/{version}/deploys/` (releases contract, section 8)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from sentrylite.organizations.models import Environment, Organization, Project
from sentrylite.releases import actions
from sentrylite.releases.models import Deploy, Release
from tests import factories

pytestmark = [pytest.mark.django_db]

Client = Callable[..., APIClient]
RELEASE = "/api/0/organizations/acme/releases/1.0/"
PATH = f"{RELEASE}deploys/"
OF_PROJECT = "/api/0/projects/acme/pump-station/releases/1.0/deploys/"
BOTH = pytest.mark.parametrize("path", [PATH, OF_PROJECT])


@pytest.fixture
def release(project: Project, boiler: Project) -> Release:
    release = factories.ReleaseFactory(organization=project.organization, version="1.0")
    release.projects.add(project, boiler)
    return release


def post(api: APIClient, body: Any, path: str = PATH) -> tuple[int, Any]:
    answer = api.post(path, body, format="json")
    return answer.status_code, answer.json()


def latest(api: APIClient, slug: str) -> Any:
    projects = api.get("/api/0/organizations/acme/projects/").json()
    return {project["slug"]: project["latestDeploys"] for project in projects}[slug]


@BOTH
def test_a_deploy_is_noted(api: APIClient, release: Release, path: str) -> None:
    body = {
        "environment": "production",
        "name": "Friday",
        "url": "https://example.com/friday",
        "dateStarted": "2026-03-01T01:00:00+01:00",
        "dateFinished": "2026-03-01T00:05:00.250Z",
    }
    status, answer = post(api, body, path)
    whole = {
        "dateFinished": "2026-03-01T00:05:00.250Z",
        "dateStarted": "2026-03-01T00:00:00Z",
        "environment": "production",
        "id": str(Deploy.objects.get().pk),
        "name": "Friday",
        "url": "https://example.com/friday",
    }
    assert (status, answer) == (201, whole)
    listed = api.get(path)
    assert listed.json() == [whole]
    assert 'rel="next"; results="false"' in listed.headers["Link"]
    of_release = api.get(RELEASE).json()
    assert (of_release["deployCount"], of_release["lastDeploy"]) == (1, whole)


@pytest.mark.parametrize(
    "more", [{}, {"dateFinished": None, "dateStarted": None, "name": None, "url": ""}]
)
def test_it_has_just_finished_unless_it_says_otherwise(
    api: APIClient, release: Release, more: dict[str, Any]
) -> None:
    before = timezone.now()
    _, answer = post(api, {"environment": "production", **more})
    assert before <= Deploy.objects.get().finished_at <= timezone.now()
    assert answer["dateFinished"] is not None
    assert (answer["dateStarted"], answer["name"], answer["url"]) == (None, None, None)


def test_the_last_to_finish_come_first_and_the_last_made_is_the_last(
    api: APIClient, release: Release
) -> None:
    for name, day in (("a", 2), ("b", 3), ("c", 1)):
        finished = f"2026-03-0{day}T00:00:00Z"
        post(api, {"environment": "production", "name": name, "dateFinished": finished})
    assert [deploy["name"] for deploy in api.get(PATH).json()] == ["b", "a", "c"]
    assert [deploy["name"] for deploy in api.get(PATH, {"per_page": 2}).json()] == ["b", "a"]
    assert api.get(RELEASE).json()["lastDeploy"]["name"] == "c"


def test_a_new_environment_is_one_of_the_releases_projects(
    api: APIClient, project: Project, boiler: Project, release: Release
) -> None:
    post(api, {"environment": "production"})
    post(api, {"environment": "production"})
    post(api, {"environment": "qa"}, OF_PROJECT)
    production = Environment.objects.get(name="production")
    assert {*production.projects.all()} == {project, boiler}
    assert {*Environment.objects.get(name="qa").projects.all()} == {project}
    environments = api.get("/api/0/projects/acme/pump-station/environments/").json()
    assert [environment["name"] for environment in environments] == ["production", "qa"]


def test_projects_know_what_was_deployed_last_where(
    api: APIClient, project: Project, boiler: Project, release: Release
) -> None:
    assert latest(api, "boiler") is None
    newer = factories.ReleaseFactory(organization=project.organization, version="2.0")
    newer.projects.add(project)
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    actions.deploy(newer, [project], "production", {"finished_at": moment}, now=timezone.now())
    for environment, day in (("production", "02-01"), ("staging", "02-02")):
        post(api, {"environment": environment, "dateFinished": f"2026-{day}T00:00:00Z"})
    assert latest(api, "pump-station") == {
        "production": {"dateFinished": "2026-03-01T00:00:00Z", "version": "2.0"},
        "staging": {"dateFinished": "2026-02-02T00:00:00Z", "version": "1.0"},
    }
    assert latest(api, "boiler")["production"]["version"] == "1.0"
    newer.delete()
    assert latest(api, "pump-station")["production"]["version"] == "1.0"


def test_a_deploy_of_some_projects(api: APIClient, boiler: Project, release: Release) -> None:
    assert post(api, {"environment": "production", "projects": ["boiler"]})[0] == 201
    assert latest(api, "boiler") is not None
    assert latest(api, "pump-station") is None


def test_only_projects_in_reach_hear_of_it(
    api: APIClient, api_as: Client, organization: Organization, boiler: Project, release: Release
) -> None:
    Organization.objects.update(open_membership=False)
    team = factories.TeamFactory(organization=organization)
    boiler.teams.add(team)
    inside = factories.OrganizationMemberFactory(organization=organization, teams=[team])
    assert post(api_as(inside.user), {"environment": "production"})[0] == 201
    assert latest(api, "boiler") is not None
    assert latest(api, "pump-station") is None
    status, _ = post(api_as(inside.user), {"environment": "a", "projects": ["pump-station"]})
    assert status == 400


@BOTH
@pytest.mark.parametrize(
    "body, error",
    [
        ({}, {"environment": ["This field is required."]}),
        ({"environment": None}, {"environment": ["This field may not be null."]}),
        ({"environment": ""}, {"environment": ["This field may not be blank."]}),
        ({"environment": "a/b"}, {"environment": ["Invalid value for environment"]}),
        ({"environment": "a\nb"}, {"environment": ["Invalid value for environment"]}),
        ({"environment": ["a"]}, {"environment": ["Not a valid string."]}),
        ({"environment": "a\0"}, {"environment": ["Null characters are not allowed."]}),
        (
            {"environment": "x" * 65},
            {"environment": ["Ensure this field has no more than 64 characters."]},
        ),
        (
            {"environment": "a", "name": "x" * 65},
            {"name": ["Ensure this field has no more than 64 characters."]},
        ),
        ({"environment": "a", "url": "x"}, {"url": ["Enter a valid URL."]}),
        ({"environment": "a", "projects": ["nope"]}, {"projects": ["Invalid project slugs"]}),
        ({"environment": "a", "projects": ["other"]}, {"projects": ["Invalid project slugs"]}),
    ],
)
def test_what_is_refused(
    api: APIClient, release: Release, path: str, body: Any, error: Any
) -> None:
    factories.ProjectFactory(organization=release.organization, slug="other")
    assert post(api, body, path) == (400, error)
    assert not Deploy.objects.exists()


@pytest.mark.parametrize("name", ["dateStarted", "dateFinished"])
def test_a_bad_date_is_refused(api: APIClient, release: Release, name: str) -> None:
    for moment in ("nope", 2**70, [], "9999-12-31T23:59:59-14:00"):
        status, answer = post(api, {"environment": "a", name: moment})
        assert (status, list(answer)) == (400, [name])


@BOTH
def test_as_many_statements_for_many(
    api: APIClient, release: Release, path: str, count_queries: Callable[..., int]
) -> None:
    def add(number: int) -> None:
        for each in range(number):
            post(api, {"environment": f"environment-{each}"})

    add(2)
    few = count_queries(api.get, path)
    add(18)
    assert count_queries(api.get, path) == few <= 5


def test_a_deploy_costs_the_same_for_many_projects(
    release: Release, django_assert_max_num_queries: Any
) -> None:
    for number in (2, 20):
        projects = factories.ProjectFactory.create_batch(number, organization=release.organization)
        release.projects.set(projects)
        with django_assert_max_num_queries(8):
            actions.deploy(release, projects, f"{number}", {}, now=timezone.now())
