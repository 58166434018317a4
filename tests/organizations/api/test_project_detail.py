"""/projects/{organization}/{project}/"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from issues.models import Issue
from sentrylite.accounts.models import User
from sentrylite.organizations.models import (
    AuditLogEntry,
    EnvironmentProject,
    Organization,
    OrganizationMember,
    Project,
    ProjectPreference,
    ProjectRedirect,
    ProjectSettings,
    Team,
)
from tests import factories

from .test_organization_list import ACME, FEATURES

pytestmark = pytest.mark.django_db

PATH = "/api/0/projects/acme/pump-station/"
Client = Callable[..., APIClient]

LETTERS = {"avatarType": "letter_avatar", "avatarUuid": None}
OPTIONS = {
    "feedback:branding": True,
    "filters:blacklisted_ips": "",
    "filters:error_messages": "",
    "filters:releases": "",
    "sentry:csp_ignored_sources": "",
    "sentry:csp_ignored_sources_defaults": True,
    "sentry:reprocessing_active": False,
}


@pytest.fixture
def pump_station(
    settled: Organization, project: Project, team: Team, member: OrganizationMember
) -> dict[str, Any]:
    ProjectSettings.objects.create(project=project, security_token="f" * 32)
    rockets = {"id": str(team.pk), "name": "Rockets", "slug": "rockets"}
    return {
        "allowedDomains": ["*"],
        "avatar": LETTERS,
        "builtinSymbolSources": [],
        "color": "#3fbf7f",
        "dataScrubber": True,
        "dataScrubberDefaults": True,
        "dateCreated": "2026-03-01T12:00:00.590Z",
        "defaultEnvironment": None,
        "digestsMaxDelay": 1800,
        "digestsMinDelay": 300,
        "features": FEATURES,
        "fingerprintingRules": "",
        "firstEvent": None,
        "groupingConfig": "newstyle:2019-10-29",
        "groupingEnhancements": "",
        "groupingEnhancementsBase": "common:2019-03-23",
        "hasAccess": True,
        "id": str(project.pk),
        "isBookmarked": False,
        "isInternal": False,
        "isMember": True,
        "isPublic": False,
        "latestRelease": None,
        "name": "Pump Station",
        "options": OPTIONS,
        "organization": {**ACME, "id": str(settled.pk)},
        "platform": None,
        "platforms": [],
        "plugins": [],
        "processingIssues": 0,
        "relayPiiConfig": None,
        "resolveAge": 0,
        "safeFields": [],
        "scrapeJavaScript": True,
        "scrubIPAddresses": False,
        "securityToken": "f" * 32,
        "securityTokenHeader": None,
        "sensitiveFields": [],
        "slug": "pump-station",
        "status": "active",
        "storeCrashReports": 0,
        "subjectPrefix": "[Sentry] ",
        "subjectTemplate": "$shortID - $title",
        "symbolSources": None,
        "team": rockets,
        "teams": [rockets],
        "verifySSL": False,
    }


# GET ----------------------------------------------------------------------------------------------


def test_all_of_it(api: APIClient, pump_station: dict[str, Any], project: Project) -> None:
    answer = api.get(PATH)
    assert answer.status_code == 200
    assert answer.json() == pump_station
    assert list(answer.json()) == sorted(answer.json())
    assert answer["Allow"] == "GET, PUT, DELETE, HEAD, OPTIONS"
    assert api.get(PATH, {"collapse": "organization"}).json() == pump_station
    by_ids = f"/api/0/projects/{project.organization_id}/{project.pk}/"
    assert api.get(by_ids).json() == pump_station


def test_a_token_for_its_hooks_is_made_when_it_is_first_asked_for(
    api: APIClient, project: Project
) -> None:
    token = api.get(PATH).json()["securityToken"]
    assert len(token) == 32
    assert api.get(PATH).json()["securityToken"] == token


def test_its_release_that_came_out_last(api: APIClient, project: Project) -> None:
    for version in ("2.0", "1.0"):
        release = factories.ReleaseFactory(organization=project.organization, version=version)
        release.projects.add(project)
    answer = api.get(PATH).json()
    assert answer["features"] == [*FEATURES, "releases"]
    latest = answer["latestRelease"]
    assert (latest["version"], latest["projects"]) == (
        "1.0",
        [{"name": "Pump Station", "slug": "pump-station"}],
    )


def test_the_platforms_of_its_events(api: APIClient, project: Project) -> None:
    for platform in ("python", "javascript"):
        project.project_platforms.create(platform=platform)
    assert api.get(PATH).json()["platforms"] == ["javascript", "python"]


def test_how_many_issues_are_left(api: APIClient, project: Project) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=9)
    for columns in (
        {"last_seen": datetime.now(UTC)},
        {"last_seen": long_ago},
        {"status": Issue.Status.RESOLVED},
        {"status": Issue.Status.IGNORED},
        {"status": Issue.Status.PENDING_DELETION},
    ):
        factories.IssueFactory(project=project, **columns)
    assert "stats" not in api.get(PATH).json()
    assert api.get(PATH, {"include": "stats"}).json()["stats"] == {"unresolved": 2}
    Project.objects.update(resolve_age=24)
    assert api.get(PATH, {"include": "stats"}).json()["stats"] == {"unresolved": 1}


def test_for_an_api_key(
    api_as: Client, organization: Organization, pump_station: dict[str, Any]
) -> None:
    answer = api_as(organization=organization, scopes=["project:read"]).get(PATH)
    assert answer.json() == {**pump_station, "isMember": False}


@pytest.mark.parametrize("slug", ["nope", "0", "9" * 40, "%00", "theirs"])
def test_what_is_not_there(api: APIClient, strangers: Organization, slug: str) -> None:
    factories.ProjectFactory(organization=strangers, slug="theirs")
    answer = api.get(f"/api/0/projects/acme/{slug}/")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "The requested resource does not exist"}


def test_as_many_statements_for_many_teams_and_releases(
    api: APIClient, project: Project, fill_up: Callable[[int], None], count_queries: Any
) -> None:
    def get() -> int:
        project.teams.set(Team.objects.all())
        for _ in range(5):
            release = factories.ReleaseFactory(organization=project.organization)
            release.projects.add(project)
        return count_queries(api.get, PATH)

    api.get(PATH)
    fill_up(2)
    few = get()
    fill_up(18)
    assert get() == few == 9


# PUT ----------------------------------------------------------------------------------------------

SETTINGS = {
    "name": "Boiler ✓",
    "platform": "python-django",
    "resolveAge": 24,
    "allowedDomains": ["example.com", "*.example.org", "https://example.net:8000"],
    "dataScrubber": False,
    "dataScrubberDefaults": False,
    "sensitiveFields": ["iban"],
    "safeFields": ["zip"],
    "scrubIPAddresses": True,
    "digestsMinDelay": 60,
    "digestsMaxDelay": 3600,
    "subjectPrefix": "[Boiler] ",
    "subjectTemplate": "$title",
    "securityToken": "c2VjcmV0",
    "securityTokenHeader": "X-Token",
    "verifySSL": True,
    "scrapeJavaScript": False,
    "storeCrashReports": 5,
    "defaultEnvironment": "production",
    "relayPiiConfig": '{"rules": {}}',
    "groupingConfig": "legacy:2019-03-12",
    "groupingEnhancements": "family:native -app",
    "groupingEnhancementsBase": "legacy:2019-03-12",
    "fingerprintingRules": "type:Boom -> boom",
}


def test_every_setting(api: APIClient, pump_station: dict[str, Any], user: User) -> None:
    answer = api.put(PATH, SETTINGS)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {**pump_station, **SETTINGS}
    assert api.get(PATH).json() == answer.json()
    entry = AuditLogEntry.objects.get()
    assert (entry.event, entry.actor) == ("project.edit", user)
    assert entry.data["name"] == "Boiler ✓"
    assert "c2VjcmV0" not in str(entry.data)


def test_as_many_statements_for_one_setting_and_for_all(
    api: APIClient, pump_station: Any, count_queries: Any
) -> None:
    one = count_queries(api.put, PATH, {"name": "x", "verifySSL": True})
    assert count_queries(api.put, PATH, SETTINGS) == one


def test_options_by_their_older_names(api: APIClient, pump_station: dict[str, Any]) -> None:
    answer = api.put(
        PATH,
        {
            "options": {
                "sentry:origins": "Example.com\n\n *.example.org ",
                "sentry:resolve_age": 48,
                "sentry:scrub_data": False,
                "sentry:scrub_defaults": False,
                "sentry:sensitive_fields": "IBAN\nphone",
                "sentry:safe_fields": "zip",
                "sentry:scrub_ip_address": True,
                "sentry:default_environment": "staging",
                "sentry:reprocessing_active": True,
                "sentry:csp_ignored_sources_defaults": False,
                "sentry:csp_ignored_sources": "Example.com\n*.example.org",
                "mail:subject_prefix": "[x] ",
                "feedback:branding": False,
                "filters:blacklisted_ips": "127.0.0.1\n10.0.0.0/8",
                "filters:releases": "1.*\nBETA-*",
                "filters:error_messages": "TypeError*\n*Boom*",
                "nobody:knows": 1,
            }
        },
    )
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        **pump_station,
        "allowedDomains": ["example.com", "*.example.org"],
        "resolveAge": 48,
        "dataScrubber": False,
        "dataScrubberDefaults": False,
        "sensitiveFields": ["iban", "phone"],
        "safeFields": ["zip"],
        "scrubIPAddresses": True,
        "defaultEnvironment": "staging",
        "subjectPrefix": "[x] ",
        "options": {
            "feedback:branding": False,
            "filters:blacklisted_ips": "127.0.0.1\n10.0.0.0/8",
            "filters:error_messages": "TypeError*\n*Boom*",
            "filters:releases": "1.*\nbeta-*",
            "sentry:csp_ignored_sources": "example.com\n*.example.org",
            "sentry:csp_ignored_sources_defaults": False,
            "sentry:reprocessing_active": True,
        },
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "", "slug": ""},
        {"name": None, "slug": None},
        {"options": "x"},
        {"options": None},
        {"nobody": "knows"},
        {"slug": "pump-station", "name": "Pump Station"},
    ],
)
def test_what_changes_nothing(api: APIClient, pump_station: dict[str, Any], body: Any) -> None:
    answer = api.put(PATH, body)
    assert (answer.status_code, answer.json()) == (200, pump_station)
    assert not AuditLogEntry.objects.exists()
    assert not ProjectRedirect.objects.exists()


def test_what_may_be_taken_back(api: APIClient, pump_station: dict[str, Any]) -> None:
    api.put(PATH, SETTINGS)
    nothing = dict.fromkeys(
        ("platform", "resolveAge", "securityTokenHeader", "defaultEnvironment", "relayPiiConfig")
    )
    answer = api.put(PATH, nothing).json()
    assert {key: answer[key] for key in nothing} == {**nothing, "resolveAge": 0}


def test_a_form_will_do(api: APIClient, project: Project) -> None:
    form = "application/x-www-form-urlencoded"
    answer = api.put(PATH, "name=Boiler&resolveAge=3", content_type=form)
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["resolveAge"]) == ("Boiler", 3)


BLANK = ["This field may not be blank."]
PATTERN = ["This value does not match the required pattern."]


@pytest.mark.parametrize(
    "body, errors",
    [
        ({"team": "rockets"}, {"detail": "Editing a team via this endpoint has been deprecated."}),
        ({"name": "x" * 201}, {"name": ["Ensure this field has no more than 200 characters."]}),
        ({"slug": "No"}, {"slug": PATTERN}),
        ({"slug": "x" * 51}, {"slug": ["Ensure this field has no more than 50 characters."]}),
        (
            {"slug": "settings"},
            {"slug": ['The slug "settings" is reserved and not allowed.']},
        ),
        (
            {"slug": "taken"},
            {"slug": ["Another project (Taken) is already using that slug"]},
        ),
        ({"platform": "nope"}, {"platform": ["Invalid platform"]}),
        ({"platform": "python-" + "x" * 99}, {"platform": ["Invalid platform"]}),
        ({"resolveAge": "x"}, {"resolveAge": ["A valid integer is required."]}),
        (
            {"resolveAge": 2**63},
            {"resolveAge": ["Ensure this value is less than or equal to 8760."]},
        ),
        (
            {"digestsMinDelay": 59},
            {"digestsMinDelay": ["Ensure this value is greater than or equal to 60."]},
        ),
        (
            {"digestsMinDelay": 1801},
            {"digestsMinDelay": ["The minimum delay on digests must be lower than the maximum."]},
        ),
        ({"securityToken": ""}, {"securityToken": BLANK}),
        ({"securityToken": "ä"}, {"securityToken": PATTERN}),
        ({"securityTokenHeader": "X Y"}, {"securityTokenHeader": PATTERN}),
        (
            {"storeCrashReports": 21},
            {"storeCrashReports": ["Ensure this value is less than or equal to 20."]},
        ),
        ({"verifySSL": "perhaps"}, {"verifySSL": ["Must be a valid boolean."]}),
        (
            {"allowedDomains": []},
            {
                "allowedDomains": [
                    "Empty value will block all requests, use * to accept from all domains"
                ]
            },
        ),
        (
            {"allowedDomains": ["example.com", "a b"]},
            {"allowedDomains": ["a b is not an acceptable domain"]},
        ),
        (
            {"allowedDomains": [{"a": 1}]},
            {"allowedDomains": ["{'a': 1} is not an acceptable domain"]},
        ),
        (
            {"allowedDomains": "example.com"},
            {"allowedDomains": ['Expected a list of items but got type "str".']},
        ),
        ({"sensitiveFields": [""]}, {"sensitiveFields": ["Empty values are not allowed."]}),
        ({"relayPiiConfig": "{"}, {"relayPiiConfig": ["This is not the text of a JSON object."]}),
        ({"groupingConfig": "nope"}, {"groupingConfig": ['"nope" is not a valid choice.']}),
        (
            {"options": {"sentry:resolve_age": []}},
            {"options": {"sentry:resolve_age": ["A valid integer is required."]}},
        ),
        (
            {"options": {"filters:blacklisted_ips": "10.0.0.0/8\nnope"}},
            {"options": {"filters:blacklisted_ips": ["nope is not an acceptable IP address"]}},
        ),
        ({"name": "a\0b"}, {"name": ["Null characters are not allowed."]}),
        ({"isBookmarked": "x"}, {"isBookmarked": ["Must be a valid boolean."]}),
        (
            {"copy_from_project": 0},
            {"copy_from_project": ["Ensure this value is greater than or equal to 1."]},
        ),
        (
            {"copy_from_project": 2**63 - 1},
            {"copy_from_project": ["Project to copy settings from not found."]},
        ),
        (
            [{}],
            {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]},
        ),
    ],
)
def test_what_it_refuses(
    api: APIClient, pump_station: dict[str, Any], project: Project, body: Any, errors: Any
) -> None:
    factories.ProjectFactory(organization=project.organization, slug="taken")
    answer = api.put(PATH, body)
    assert (answer.status_code, answer.json()) == (400, errors)
    assert api.get(PATH).json() == pump_station


def test_a_member_may_only_say_what_he_wants_of_it(
    api_as: Client, project: Project, team: Team
) -> None:
    member = factories.OrganizationMemberFactory(organization=project.organization, teams=[team])
    api = api_as(member.user)
    answer = api.put(PATH, {"isBookmarked": True, "isSubscribed": False})
    assert (answer.status_code, answer.json()["isBookmarked"]) == (200, True)
    preference = ProjectPreference.objects.get(user=member.user, project=project)
    assert (preference.is_bookmarked, preference.is_subscribed) == (True, False)
    assert api.put(PATH, {"isBookmarked": False}).json()["isBookmarked"] is False
    preference.refresh_from_db()
    assert (preference.is_bookmarked, preference.is_subscribed) == (False, False)
    for body in ({"name": "x", "isBookmarked": True}, {"options": {}}, {"team": "x"}):
        refused = api.put(PATH, body)
        assert refused.status_code == 403
        assert refused.json() == {"detail": "You do not have permission to perform this action."}
    assert api.get(PATH).json()["isBookmarked"] is False
    assert api.put(PATH, {}).status_code == 200


def test_bookmarks_are_ones_own_and_shown_in_lists(
    api: APIClient, api_as: Client, project: Project
) -> None:
    other = factories.OrganizationMemberFactory(organization=project.organization, role="owner")
    api.put(PATH, {"isBookmarked": True})
    lists = ("/api/0/organizations/acme/projects/", "/api/0/teams/acme/rockets/projects/")
    for path in lists:
        assert [row["isBookmarked"] for row in api.get(path).json()] == [True]
        assert [row["isBookmarked"] for row in api_as(other.user).get(path).json()] == [False]
    key = api_as(organization=project.organization)
    assert key.put(PATH, {"isBookmarked": True}).json()["isBookmarked"] is False


def test_settings_taken_over_from_another_project(
    api: APIClient, project: Project, pump_station: dict[str, Any]
) -> None:
    nova = factories.TeamFactory(organization=project.organization, slug="nova")
    source = factories.ProjectFactory(
        organization=project.organization,
        slug="source",
        platform="go",
        teams=[nova],
        blacklisted_ips=["10.0.0.1"],
    )
    ProjectSettings.objects.create(project=source, digests_min_delay=90, security_token="x")
    shown, hidden = (factories.EnvironmentFactory(organization=nova.organization) for _ in "ab")
    EnvironmentProject.objects.create(project=source, environment=hidden, is_hidden=True)
    EnvironmentProject.objects.create(project=project, environment=shown)
    answer = api.put(PATH, {"copy_from_project": source.pk, "name": "New"})
    assert answer.status_code == 200, answer.content
    reference = {"id": str(nova.pk), "name": "Nova", "slug": "nova"}
    assert answer.json() == {
        **pump_station,
        "digestsMinDelay": 90,
        "isMember": False,
        "name": "New",
        "options": {**OPTIONS, "filters:blacklisted_ips": "10.0.0.1"},
        "platform": "go",
        "team": reference,
        "teams": [reference],
    }
    links = EnvironmentProject.objects.filter(project=project)
    assert set(links.values_list("environment", "is_hidden")) == {
        (shown.pk, False),
        (hidden.pk, True),
    }


def test_settings_of_others_are_not_taken_over(
    api_as: Client, project: Project, team: Team, strangers: Organization
) -> None:
    Organization.objects.update(open_membership=False)
    admin = factories.OrganizationMemberFactory(
        organization=project.organization, role="admin", teams=[team]
    )
    nova = factories.TeamFactory(organization=project.organization)
    out_of_reach = factories.ProjectFactory(organization=project.organization, teams=[nova])
    shared = factories.ProjectFactory(organization=project.organization, teams=[nova, team])
    api = api_as(admin.user)
    for source, error in (
        (out_of_reach, "Project to copy settings from not found."),
        (strangers.projects.get(), "Project to copy settings from not found."),
        (
            shared,
            "Project settings cannot be copied from a project with a team you do not have write "
            "access to.",
        ),
    ):
        answer = api.put(PATH, {"copy_from_project": source.pk})
        assert (answer.status_code, answer.json()) == (400, {"copy_from_project": [error]})


# Renaming -----------------------------------------------------------------------------------------


def rename(api: APIClient, old: str, new: str) -> None:
    answer = api.put(f"/api/0/projects/acme/{old}/", {"slug": new})
    assert (answer.status_code, answer.json()["slug"]) == (200, new)


def test_the_old_slug_leads_to_the_new_one(api: APIClient, project: Project) -> None:
    rename(api, "pump-station", "boiler")
    answer = api.get(f"{PATH}?include=stats")
    url = "/api/0/projects/acme/boiler/?include=stats"
    assert answer.status_code == 302
    assert answer.json() == {
        "slug": "boiler",
        "detail": {
            "code": "resource-moved",
            "message": "Resource has been moved",
            "extra": {"url": url, "slug": "boiler"},
        },
    }
    assert answer["Location"] == f"http://testserver{url}"
    assert api.get(url).status_code == 200
    escaped = api.put("/api/0/projects/%61cme/%70ump-station/", {"name": "x"})
    assert escaped["Location"] == "http://testserver/api/0/projects/acme/boiler/"


def test_through_several_names_and_back(api: APIClient, project: Project) -> None:
    rename(api, "pump-station", "boiler")
    rename(api, "boiler", "furnace")
    for old in ("pump-station", "boiler"):
        answer = api.get(f"/api/0/projects/acme/{old}/")
        assert (answer.status_code, answer.json()["slug"]) == (302, "furnace")
    rename(api, "furnace", "pump-station")
    assert api.get(PATH).status_code == 200
    assert api.get("/api/0/projects/acme/furnace/").json()["slug"] == "pump-station"


def test_a_project_of_that_slug_wins_over_a_redirect(api: APIClient, project: Project) -> None:
    rename(api, "pump-station", "boiler")
    made = api.post("/api/0/teams/acme/rockets/projects/", {"name": "Pump Station"})
    assert (made.status_code, made.json()["slug"]) == (201, "pump-station")
    assert api.get(PATH).json()["id"] == made.json()["id"]
    assert api.delete(PATH).status_code == 204
    assert api.get(PATH).status_code == 404


def test_nobody_is_led_to_what_he_may_not_see(
    api: APIClient, api_as: Client, project: Project
) -> None:
    rename(api, "pump-station", "boiler")
    Organization.objects.update(open_membership=False)
    outside = factories.OrganizationMemberFactory(organization=project.organization)
    assert api_as(outside.user).get(PATH).status_code == 403
    assert api.delete("/api/0/projects/acme/boiler/").status_code == 204
    assert api.get(PATH).status_code == 404


# DELETE -------------------------------------------------------------------------------------------


def test_a_deleted_project_is_gone_at_once_and_its_slug_is_free(
    api: APIClient, project: Project, user: User
) -> None:
    answer = api.delete(PATH)
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(PATH).status_code == api.delete(PATH).status_code == 404
    assert api.get(f"/api/0/projects/acme/{project.pk}/").status_code == 404
    assert api.get("/api/0/projects/").json() == []
    assert api.get("/api/0/organizations/acme/projects/").json() == []
    made = api.post("/api/0/teams/acme/rockets/projects/", {"name": "x", "slug": "pump-station"})
    assert made.status_code == 201
    removed = AuditLogEntry.objects.get(event="project.remove")
    assert (removed.actor, removed.target_id) == (user, project.pk)


@pytest.mark.parametrize("role, status", [("member", 403), ("admin", 204), ("manager", 204)])
def test_which_roles_delete_it(
    api_as: Client, project: Project, member: Any, role: str, status: int
) -> None:
    OrganizationMember.objects.update(role=role)
    assert api_as(member.user).delete(PATH).status_code == status


# POST /teams/{organization}/{team}/projects/ ------------------------------------------------------

MAKE = "/api/0/teams/acme/rockets/projects/"


def test_a_new_project_with_a_key(
    api: APIClient, settled: Organization, user: User, team: Team
) -> None:
    answer = api.post(
        MAKE, {"name": "Prime Mover", "platform": "node-express", "default_rules": False}
    )
    assert answer.status_code == 201, answer.content
    project = Project.objects.get(slug="prime-mover")
    body = answer.json()
    assert body.pop("dateCreated")
    assert body == {
        "avatar": LETTERS,
        "color": "#bf5b3f",
        "features": FEATURES,
        "firstEvent": None,
        "hasAccess": True,
        "id": str(project.pk),
        "isBookmarked": False,
        "isInternal": False,
        "isMember": True,
        "isPublic": False,
        "name": "Prime Mover",
        "platform": "node-express",
        "slug": "prime-mover",
        "status": "active",
    }
    assert list(project.teams.all()) == [team]
    assert [key.label for key in project.keys.all()] == ["Default"]
    entry = AuditLogEntry.objects.get()
    assert (entry.event, entry.target_id, entry.actor) == ("project.create", project.pk, user)


def test_slugs_of_new_projects(api: APIClient, project: Project, strangers: Any) -> None:
    def slug(**body: Any) -> str:
        answer = api.post(MAKE, body)
        assert answer.status_code == 201, answer.content
        return answer.json()["slug"]

    assert slug(name="x", slug="own_slug-1") == "own_slug-1"
    assert slug(name="x", slug="settings") == "settings"
    assert slug(name="Pump Station").startswith("pump-station-")
    assert len(slug(name="Settings")) == 12
    assert slug(name="2026").startswith("2026-")
    assert len(slug(name="漢字")) == 12
    assert slug(name="Ünïcödé ✓", slug="") == "unicode"
    assert len(slug(name="long " * 12)) <= 30


def test_a_slug_that_is_taken(api: APIClient, project: Project) -> None:
    answer = api.post(MAKE, {"name": "x", "slug": "pump-station"})
    assert answer.status_code == 409
    assert answer.json() == {"detail": "A project with this slug already exists."}
    assert Project.objects.count() == 1


@pytest.mark.parametrize(
    "body, errors",
    [
        ({}, {"name": ["This field is required."]}),
        ({"name": ""}, {"name": BLANK}),
        ({"name": "x" * 65}, {"name": ["Ensure this field has no more than 64 characters."]}),
        ({"name": "x", "platform": "nope"}, {"platform": ["Invalid platform"]}),
        ({"name": "x", "platform": "python\n"}, None),
        (
            {"name": "x", "slug": "No"},
            {
                "slug": [
                    "Enter a valid slug consisting of lowercase letters, numbers, underscores or "
                    "hyphens."
                ]
            },
        ),
        ({"name": "x", "default_rules": []}, {"default_rules": ["Must be a valid boolean."]}),
    ],
)
def test_new_projects_it_refuses(
    api: APIClient, team: Team, body: dict[str, Any], errors: Any
) -> None:
    answer = api.post(MAKE, body)
    if errors is None:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, answer.json()) == (400, errors)


@pytest.mark.parametrize("role, status", [("member", 403), ("admin", 201), ("manager", 201)])
def test_which_roles_make_projects(api_as: Client, member: Any, role: str, status: int) -> None:
    OrganizationMember.objects.update(role=role)
    assert api_as(member.user).post(MAKE, {"name": "x"}).status_code == status


def at_once(calls: list[Callable[[], int]]) -> list[int]:
    """The statuses of calls that are made at the same moment, sorted."""
    barrier, statuses = Barrier(len(calls)), []

    def run(call: Callable[[], int]) -> None:
        try:
            barrier.wait()
            statuses.append(call())
        finally:
            connection.close()

    threads = [Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


@pytest.mark.django_db(transaction=True)
def test_one_slug_at_the_same_moment(api_as: Client, user: User) -> None:
    def make(client: APIClient) -> Callable[[], int]:
        return lambda: client.post(MAKE, {"name": "Nova", "slug": "nova"}).status_code

    assert at_once([make(api_as(user)) for _ in range(4)]) == [201, 409, 409, 409]
    project = Project.objects.get(slug="nova")
    assert project.keys.count() == project.teams.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_new_names_at_the_same_moment(api_as: Client, user: User, project: Project) -> None:
    def give(client: APIClient, slug: str) -> Callable[[], int]:
        return lambda: client.put(PATH, {"slug": slug}).status_code

    statuses = at_once([give(api_as(user), slug) for slug in ("boiler", "furnace", "kiln")])
    assert set(statuses) <= {200, 302}
    project.refresh_from_db()
    former = {"pump-station", "boiler", "furnace", "kiln"} - {project.slug}
    known = set(ProjectRedirect.objects.values_list("slug", flat=True))
    assert known <= former
    assert len(known) == statuses.count(200)
