"""`/organizations/{org}/releases/` and `/projects/{org}/{project}/releases/` (releases contract,
sections 2, 3 and 5)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from issues.models import IssueRelease
from sentrylite.accounts.models import User
from sentrylite.organizations.access import ALL_SCOPES
from sentrylite.organizations.models import Organization, OrganizationMember, Project, Team
from sentrylite.releases import actions
from sentrylite.releases.models import Release, ReleaseProject
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("project")]

Client = Callable[..., APIClient]
PATH = "/api/0/organizations/acme/releases/"
OF_PROJECT = "/api/0/projects/acme/pump-station/releases/"
BOTH = pytest.mark.parametrize("path", [PATH, OF_PROJECT])
DAY = timedelta(days=1)


def versions(api: APIClient, path: str, **query: Any) -> list[str]:
    answer = api.get(path, query)
    assert answer.status_code == 200, answer.json()
    return [release["version"] for release in answer.json()]


@pytest.fixture
def releases(project: Project, boiler: Project) -> list[Release]:
    """Five, the newest last; of the second project too, and one of it only."""
    made = []
    now = timezone.now()
    for days, (version, of) in enumerate(
        [
            ("shop@1.0", [project]),
            ("shop@1.1", [project, boiler]),
            ("boiler@3", [boiler]),
            ("Shop@2.0", [project]),
            ("old", [project]),
        ]
    ):
        release = factories.ReleaseFactory(
            organization=project.organization,
            version=version,
            created_at=now - DAY * (10 - days),
        )
        release.projects.set(of)
        made.append(release)
    # What counts is when they came out.
    made[4].released_at = now - DAY * 30
    made[4].save()
    return made


# Listing ------------------------------------------------------------------------------------------


def test_the_newest_come_first(api: APIClient, releases: list[Release]) -> None:
    assert versions(api, PATH) == ["Shop@2.0", "boiler@3", "shop@1.1", "shop@1.0", "old"]
    assert versions(api, OF_PROJECT) == ["Shop@2.0", "shop@1.1", "shop@1.0", "old"]


@BOTH
def test_a_release_in_a_list_is_as_it_is_by_itself(
    api: APIClient, path: str, releases: list[Release]
) -> None:
    ReleaseProject.objects.update(new_issues=2)
    for listed in api.get(path).json():
        assert listed == api.get(f"{path}{listed['version']}/").json()


@pytest.mark.parametrize(
    "query, found",
    [
        ({"query": "shop"}, ["Shop@2.0", "shop@1.1", "shop@1.0"]),
        ({"query": "@1."}, ["shop@1.1", "shop@1.0"]),
        ({"query": "%"}, []),
        ({"query": ""}, ["Shop@2.0", "shop@1.1", "shop@1.0", "old"]),
        ({"status": "archived"}, []),
        ({"status": "open", "sort": "date"}, ["Shop@2.0", "shop@1.1", "shop@1.0", "old"]),
        ({"statsPeriod": "14d"}, ["Shop@2.0", "shop@1.1", "shop@1.0"]),
        ({"statsPeriod": "8d"}, ["Shop@2.0"]),
        ({"start": "2020-01-01T00:00:00", "end": "2020-02-01T00:00:00"}, []),
        ({"per_page": 2}, ["Shop@2.0", "shop@1.1"]),
        ({"per_page": 2, "cursor": "2:1:0"}, ["shop@1.0", "old"]),
        ({"nonsense": "1", "health": "0"}, ["Shop@2.0", "shop@1.1", "shop@1.0", "old"]),
    ],
)
def test_what_is_asked_for(
    api: APIClient, releases: list[Release], query: dict[str, Any], found: list[str]
) -> None:
    assert versions(api, OF_PROJECT, **query) == found
    if "per_page" not in query:
        assert [v for v in versions(api, PATH, **query) if v != "boiler@3"] == found


@BOTH
def test_an_archived_release_is_only_listed_when_asked_for(
    api: APIClient, path: str, releases: list[Release]
) -> None:
    Release.objects.filter(version="shop@1.1").update(status="archived")
    assert "shop@1.1" not in versions(api, path)
    assert versions(api, path, status="archived") == ["shop@1.1"]
    assert "shop@1.1" in versions(api, path, status="")


def test_of_some_projects_with_their_numbers(
    api: APIClient, project: Project, boiler: Project, releases: list[Release]
) -> None:
    ReleaseProject.objects.filter(project=boiler).update(new_issues=5)
    ReleaseProject.objects.filter(project=project).update(new_issues=3)
    answer = api.get(PATH, {"project": boiler.pk}).json()
    assert [(each["version"], each["newGroups"]) for each in answer] == [
        ("boiler@3", 5),
        ("shop@1.1", 5),
    ]
    both = api.get(PATH, {"project": [boiler.pk, project.pk], "query": "1.1"}).json()
    assert [each["newGroups"] for each in both] == [8]
    assert len(versions(api, PATH, project=-1)) == 5


@BOTH
def test_of_an_environment_where_it_was_seen_or_deployed(
    api: APIClient, path: str, project: Project, releases: list[Release]
) -> None:
    production = factories.EnvironmentFactory(organization=project.organization, name="production")
    factories.EnvironmentFactory(organization=project.organization, name="staging")
    assert versions(api, path, environment="production") == []
    IssueRelease.objects.create(
        project_id=project.pk,
        issue_id=1,
        environment_id=production.pk,
        release_id=releases[0].pk,
        times_seen=1,
        first_seen=timezone.now(),
        last_seen=timezone.now(),
    )
    actions.deploy(releases[3], [project], "production", {}, now=timezone.now())
    assert versions(api, path, environment="production") == ["Shop@2.0", "shop@1.0"]
    assert versions(api, path, environment=["staging", "production"]) == ["Shop@2.0", "shop@1.0"]
    assert versions(api, path, environment="staging") == []
    assert versions(api, path, environment="") == []


@BOTH
@pytest.mark.parametrize("name", ["nope", "a\0b", "x" * 10_000])
def test_an_environment_that_nobody_knows_is_404(api: APIClient, path: str, name: str) -> None:
    assert api.get(path, {"environment": name}).status_code == 404


@BOTH
@pytest.mark.parametrize(
    "query, error",
    [
        ({"sort": "nope"}, "invalid sort"),
        (
            {"sort": "crash_free_users"},
            "sorting by crash statistics requires flattening (flatten=1)",
        ),
        ({"status": "nope"}, "invalid value for status"),
        ({"query": "a\0"}, "Invalid query: it holds a NUL character."),
        ({"cursor": "x"}, "Invalid cursor parameter."),
        ({"per_page": "x"}, "Invalid per_page parameter."),
        (
            {"statsPeriod": "x"},
            "Invalid statsPeriod. It takes a number and a unit, such as 14d.",
        ),
        ({"start": "2026-01-01T00:00:00"}, "start and end are both required."),
    ],
)
def test_what_cannot_be_asked(api: APIClient, path: str, query: dict[str, str], error: str) -> None:
    answer = api.get(path, query)
    assert (answer.status_code, answer.json()) == (400, {"detail": error})


def test_only_of_projects_in_reach(
    api_as: Client, organization: Organization, boiler: Project, releases: list[Release]
) -> None:
    Organization.objects.update(open_membership=False)
    team = factories.TeamFactory(organization=organization)
    inside = factories.OrganizationMemberFactory(organization=organization, teams=[team])
    api = api_as(inside.user)
    assert versions(api, PATH) == []
    boiler.teams.add(team)
    assert versions(api, PATH) == ["boiler@3", "shop@1.1"]
    other = releases[0].projects.get()
    assert api.get(PATH, {"project": other.pk}).status_code == 403


@BOTH
def test_as_many_statements_for_many(
    api: APIClient, path: str, project: Project, count_queries: Callable[..., int]
) -> None:
    def add(number: int) -> None:
        for _ in range(number):
            release = factories.ReleaseFactory(organization=project.organization)
            release.projects.add(project)
            release.owner = factories.UserFactory()
            release.save()
            actions.deploy(release, [project], "production", {}, now=timezone.now())
            commit = {"id": f"{release.pk}", "author_email": f"{release.pk}@example.com"}
            body = {"version": release.version, "projects": [project.pk], "commits": [commit]}
            assert api.post(PATH, body, format="json").status_code == 208

    add(2)
    few = count_queries(api.get, path)
    add(18)
    # token, organization, project(s), ids, releases, commits, their releases, authors, platforms,
    # and which of them heard of sessions
    assert count_queries(api.get, path) == few == 10


# Making -------------------------------------------------------------------------------------------


def post(api: APIClient, path: str, body: Any) -> tuple[int, Any]:
    answer = api.post(path, body, format="json")
    return answer.status_code, answer.json()


def test_a_new_release(api: APIClient, project: Project) -> None:
    body = {
        "version": "2.0rc2",
        "ref": "6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb",
        "projects": ["pump-station"],
    }
    before = timezone.now()
    status, answer = post(api, PATH, body)
    assert status == 201
    release = Release.objects.get()
    assert before <= release.created_at <= timezone.now()
    assert answer == {
        "authors": [],
        "commitCount": 0,
        "data": {},
        "dateCreated": answer["dateCreated"],
        "dateReleased": None,
        "deployCount": 0,
        "firstEvent": None,
        "id": release.pk,
        "lastCommit": None,
        "lastDeploy": None,
        "lastEvent": None,
        "newGroups": 0,
        "owner": None,
        "projects": [
            {
                "id": project.pk,
                "name": "Pump Station",
                "platform": None,
                "platforms": [],
                "hasHealthData": False,
                "slug": "pump-station",
            }
        ],
        "ref": "6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb",
        "shortVersion": "2.0rc2",
        "status": "open",
        "url": None,
        "version": "2.0rc2",
        "versionInfo": {
            "buildHash": None,
            "description": "2.0rc2",
            "package": None,
            "version": {"raw": "2.0rc2"},
        },
    }
    assert answer == api.get(f"{PATH}2.0rc2/").json()


@BOTH
def test_the_same_again_is_known(api: APIClient, path: str) -> None:
    body = {"version": "1.0", "projects": ["pump-station"], "ref": "a"}
    first, second = post(api, path, body), post(api, path, body)
    assert (first[0], second) == (201, (208, first[1]))
    assert Release.objects.count() == 1


def test_a_project_more_is_news(api: APIClient, boiler: Project) -> None:
    assert post(api, PATH, {"version": "1.0", "projects": ["pump-station"]})[0] == 201
    status, answer = post(api, PATH, {"version": "1.0", "projects": ["boiler", "pump-station"]})
    assert (status, [each["slug"] for each in answer["projects"]]) == (
        201,
        ["boiler", "pump-station"],
    )
    assert post(api, PATH, {"version": "1.0", "projects": ["boiler"]})[0] == 208


def test_projects_by_slug_or_by_id(api: APIClient, project: Project, boiler: Project) -> None:
    for version, projects in enumerate(
        (
            [project.pk, boiler.pk],
            [str(project.pk), "boiler"],
            ["pump-station", boiler.pk, boiler.pk],
        )
    ):
        status, answer = post(api, PATH, {"version": f"{version}", "projects": projects})
        assert status == 201
        assert [each["id"] for each in answer["projects"]] == [boiler.pk, project.pk]


def test_told_again_its_fields_are_updated(api: APIClient, user: User) -> None:
    post(api, PATH, {"version": "1.0", "projects": ["pump-station"], "ref": "a"})
    body = {
        "version": "1.0",
        "projects": ["pump-station"],
        "ref": "b",
        "url": "https://example.com/1.0",
        "dateReleased": "2026-02-03T04:05:06.789+01:00",
        "dateStarted": "2026-02-03T04:05:06Z",
        "owner": user.email,
        "status": "archived",
    }
    status, answer = post(api, PATH, body)
    assert status == 208
    assert answer["ref"] == "b"
    assert answer["url"] == "https://example.com/1.0"
    assert answer["dateReleased"] == "2026-02-03T03:05:06.789Z"
    assert answer["owner"]["id"] == str(user.pk)
    assert answer["status"] == "archived"
    nothing = dict.fromkeys(("ref", "url", "dateReleased", "owner", "status"))
    assert post(api, PATH, {"version": "1.0", "projects": [], **nothing}) == (208, answer)


def test_a_known_release_is_archived_without_naming_projects(api: APIClient) -> None:
    post(api, PATH, {"version": "1.0", "projects": ["pump-station"]})
    status, answer = post(api, PATH, {"version": "1.0", "projects": [], "status": "archived"})
    assert (status, answer["status"], len(answer["projects"])) == (208, "archived", 1)
    status, answer = post(api, PATH, {"version": "1.0", "status": "open"})
    assert (status, answer["status"]) == (208, "open")


def test_a_release_of_no_project_is_made_and_is_not_there(api: APIClient) -> None:
    assert post(api, PATH, {"version": "1.0", "projects": []})[0] == 201
    assert api.get(f"{PATH}1.0/").status_code == 404
    assert post(api, PATH, {"version": "1.0", "projects": []})[0] == 208


def test_a_release_of_a_project_in_its_own_path(
    api: APIClient, project: Project, boiler: Project
) -> None:
    status, answer = post(api, OF_PROJECT, {"version": "1.0", "projects": ["boiler"]})
    assert (status, [each["slug"] for each in answer["projects"]]) == (
        201,
        ["boiler", "pump-station"],
    )
    assert post(api, OF_PROJECT, {"version": "2.0"})[0] == 201
    assert list(Release.objects.get(version="2.0").projects.all()) == [project]


@pytest.mark.parametrize("version", ["app@1.0+3", " 1.0 ", "x" * 200, "..1", "Latest2", "ü", 5])
def test_versions_are_kept_as_they_are(api: APIClient, version: Any) -> None:
    status, answer = post(api, PATH, {"version": version, "projects": ["pump-station"]})
    assert (status, answer["version"]) == (201, str(version))


@BOTH
@pytest.mark.parametrize(
    "body, error",
    [
        ({"projects": ["pump-station"]}, {"version": ["This field is required."]}),
        ({"version": None}, {"version": ["This field may not be null."]}),
        ({"version": ""}, {"version": ["This field may not be blank."]}),
        ({"version": ["1.0"]}, {"version": ["Not a valid string."]}),
        ({"version": "a/b"}, {"version": ["Release with name a/b is not allowed"]}),
        ({"version": "."}, {"version": ["Release with name . is not allowed"]}),
        ({"version": "LATEST"}, {"version": ["Release with name LATEST is not allowed"]}),
        ({"version": "a\nb"}, {"version": ["Release with name a\nb is not allowed"]}),
        ({"version": "a\tb"}, {"version": ["Release with name a\tb is not allowed"]}),
        ({"version": "   "}, {"version": ["Release with name     is not allowed"]}),
        ({"version": "a\0b"}, {"version": ["Null characters are not allowed."]}),
        (
            {"version": "x" * 201},
            {"version": ["Ensure this field has no more than 200 characters."]},
        ),
        (
            {"version": "x" * 10_000},
            {"version": ["Ensure this field has no more than 200 characters."]},
        ),
        ({"projects": ["nope"]}, {"projects": ["Invalid project slugs"]}),
        ({"projects": ["other"]}, {"projects": ["Invalid project slugs"]}),
        ({"projects": [True]}, {"projects": ["Invalid project slugs"]}),
        ({"projects": [None]}, {"projects": ["Invalid project slugs"]}),
        ({"projects": [{}]}, {"projects": ["Invalid project slugs"]}),
        ({"projects": [2**70]}, {"projects": ["Invalid project slugs"]}),
        ({"projects": ["a\0b"]}, {"projects": ["Invalid project slugs"]}),
        (
            {"projects": "pump-station"},
            {"projects": ['Expected a list of items but got type "str".']},
        ),
        ({"projects": None}, {"projects": ["This field may not be null."]}),
        (
            {"ref": "x" * 201},
            {"ref": ["Ensure this field has no more than 200 characters."]},
        ),
        ({"ref": {}}, {"ref": ["Not a valid string."]}),
        ({"url": "nope"}, {"url": ["Enter a valid URL."]}),
        ({"url": "javascript:alert(1)"}, {"url": ["Enter a valid URL."]}),
        (
            {"url": "https://example.com/" + "x" * 1000},
            {"url": ["Ensure this field has no more than 1000 characters."]},
        ),
        ({"owner": "nobody"}, {"owner": ["Unable to find user"]}),
        ({"owner": "stranger"}, {"owner": ["Unable to find user"]}),
        ({"owner": 2**63}, {"owner": ["Unable to find user"]}),
        ({"owner": {"a": 1}}, {"owner": ["Unable to find user"]}),
        ({"owner": "a\0"}, {"owner": ["Unable to find user"]}),
        ({"status": "gone"}, {"status": ['"gone" is not a valid choice.']}),
        ({"status": {}}, {"status": ['"{}" is not a valid choice.']}),
    ],
)
def test_what_is_refused(
    api: APIClient, path: str, project: Project, body: dict[str, Any], error: Any
) -> None:
    factories.UserFactory(username="stranger")
    factories.ProjectFactory(slug="other")
    sent = {"version": "1.0", "projects": ["pump-station"]} | body
    if "version" not in body and "projects" in body and error.get("version"):
        del sent["version"]
    assert post(api, path, sent) == (400, error)
    assert not Release.objects.exists()


@BOTH
@pytest.mark.parametrize("moment", ["nope", "0000-01-01", "10000-01-01T00:00:00Z", 2**70, [], {}])
def test_a_date_that_is_none_is_refused(api: APIClient, path: str, moment: Any) -> None:
    body = {"version": "1.0", "projects": ["pump-station"], "dateReleased": moment}
    status, answer = post(api, path, body)
    assert (status, list(answer)) == (400, ["dateReleased"])


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_date_at_the_end_of_time_is_refused(api: APIClient, moment: str) -> None:
    body = {"version": "1.0", "projects": ["pump-station"], "dateReleased": moment}
    assert post(api, PATH, body)[0] == 400


def test_a_new_release_needs_its_projects(api: APIClient) -> None:
    assert post(api, PATH, {"version": "1.0"}) == (400, {"projects": ["This field is required."]})


@BOTH
@pytest.mark.parametrize("body", [[], "x", 1, None])
def test_a_body_that_is_no_object(api: APIClient, path: str, body: Any) -> None:
    assert post(api, path, body)[0] == 400


@BOTH
def test_a_question_that_cannot_be_answered_changes_nothing(api: APIClient, path: str) -> None:
    asked = "?summaryStatsPeriod=x"
    body = {"version": "1.0", "projects": ["pump-station"]}
    assert api.post(f"{path}{asked}", body, format="json").status_code == 400
    assert not Release.objects.exists()
    api.post(path, body, format="json")
    assert api.put(f"{path}1.0/{asked}", {"ref": "main"}, format="json").status_code == 400
    assert Release.objects.get().ref == ""


def test_a_form_will_do(api: APIClient) -> None:
    body = {"version": "1.0", "projects": ["pump-station"]}
    assert api.post(PATH, body, format="multipart").status_code == 201
    encoded = "version=2.0&projects=pump-station"
    kind = "application/x-www-form-urlencoded"
    assert api.post(PATH, encoded, content_type=kind).status_code == 201


# Who may ------------------------------------------------------------------------------------------


@pytest.fixture
def outsider(organization: Organization, team: Team) -> OrganizationMember:
    """A member who reaches no project but his own, `own`."""
    Organization.objects.update(open_membership=False)
    own = factories.TeamFactory(organization=organization)
    factories.ProjectFactory(organization=organization, slug="own", teams=[own])
    return factories.OrganizationMemberFactory(organization=organization, teams=[own])


def test_only_for_projects_in_reach(api_as: Client, outsider: OrganizationMember) -> None:
    api = api_as(outsider.user)
    assert post(api, PATH, {"version": "1.0", "projects": ["pump-station"]}) == (
        400,
        {"projects": ["Invalid project slugs"]},
    )
    assert post(api, PATH, {"version": "1.0", "projects": ["own"]})[0] == 201


def test_who_reaches_none_of_its_projects_cannot_archive_it(
    api: APIClient, api_as: Client, outsider: OrganizationMember
) -> None:
    post(api, PATH, {"version": "1.0", "projects": ["pump-station"]})
    for body in ({}, {"projects": []}):
        status, _ = post(
            api_as(outsider.user), PATH, {"version": "1.0", "status": "archived", **body}
        )
        assert status == 403
    assert Release.objects.get().status == "open"


def test_an_api_key_makes_releases(api_as: Client, organization: Organization) -> None:
    api = api_as(organization=organization, scopes=["project:releases"])
    assert post(api, PATH, {"version": "1.0", "projects": ["pump-station"]})[0] == 201
    assert versions(api, PATH) == ["1.0"]


def test_a_member_makes_releases(api_as: Client, organization: Organization, team: Team) -> None:
    member = factories.OrganizationMemberFactory(organization=organization, teams=[team])
    api = api_as(member.user)
    assert post(api, PATH, {"version": "1.0", "projects": ["pump-station"]})[0] == 201
    reader = api_as(member.user, scopes=ALL_SCOPES - {"project:releases"})
    assert post(reader, PATH, {"version": "2.0", "projects": ["pump-station"]})[0] == 403
    assert versions(reader, PATH) == ["1.0"]


def test_a_release_that_events_made_first_is_told_the_rest(
    api: APIClient, project: Project
) -> None:
    release = factories.ReleaseFactory(
        organization=project.organization,
        version="1.0",
        created_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    release.projects.add(project)
    status, answer = post(api, PATH, {"version": "1.0", "projects": ["pump-station"], "ref": "a"})
    assert (status, answer["id"], answer["ref"]) == (208, release.pk, "a")
    assert answer["dateCreated"] == "2026-03-01T00:00:00Z"
