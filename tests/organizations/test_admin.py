import re
from collections.abc import Sequence
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.organizations.access import ALL_SCOPES
from sentrylite.organizations.models import (
    ApiKey,
    ApiToken,
    Environment,
    EnvironmentProject,
    HookDelivery,
    Organization,
    OrganizationMember,
    Project,
    ProjectKey,
    ServiceHook,
    Team,
)
from tests import factories

pytestmark = pytest.mark.django_db


def url(model: type[Any], page: str = "changelist", pk: int | None = None) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    return reverse(name, args=[] if pk is None else [pk])


def run(client: Client, action: str, rows: Sequence[Any], **more: Any) -> str:
    """Run an action on rows of a list; returns what the page after it says."""
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return client.post(url(type(rows[0])), data, follow=True).content.decode()


def empty(*prefixes: str) -> dict[str, int]:
    """Inline rows of which none was touched."""
    return {f"{prefix}-{form}_FORMS": 0 for prefix in prefixes for form in ("TOTAL", "INITIAL")}


# Credentials --------------------------------------------------------------------------------------


def secret_in(page: str) -> str:
    [found] = re.findall(r"not shown again: <span[^>]*><code[^>]*>([^<]+)</code>", page)
    return unescape(found)


def test_a_tokens_secret_is_shown_once_and_works(
    admin_client: Client, member: OrganizationMember
) -> None:
    assert member.user is not None
    answer = admin_client.post(
        url(ApiToken, "add"),
        {"user": member.user.pk, "name": "CI", "scopes": ["org:read", "event:write"]},
        follow=True,
    )
    secret = secret_in(answer.content.decode())
    token = ApiToken.objects.get()
    assert (token.user, token.name, token.scopes) == (
        member.user,
        "CI",
        ["org:read", "event:write"],
    )

    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert api.get("/api/0/organizations/acme/stats/").status_code == 200

    for page in (url(ApiToken), url(ApiToken, "change", token.pk)):
        again = admin_client.get(page).content.decode()
        assert secret not in again
        assert secret[-4:] in again


def test_changing_a_token_keeps_its_secret_and_its_user(admin_client: Client) -> None:
    token = factories.ApiTokenFactory(scopes=["org:read"])
    answer = admin_client.post(
        url(ApiToken, "change", token.pk),
        {"user": factories.UserFactory().pk, "name": "CI", "scopes": ["event:admin"]},
        follow=True,
    )
    assert "not shown again" not in answer.content.decode()
    changed = ApiToken.objects.get()
    assert (changed.secret_hash, changed.user) == (token.secret_hash, token.user)
    assert (changed.name, changed.scopes) == ("CI", ["event:admin"])


@pytest.mark.parametrize("scopes", [[], ["org:read", "everything"]])
def test_a_token_has_scopes_that_exist(admin_client: Client, scopes: list[str]) -> None:
    answer = admin_client.post(
        url(ApiToken, "add"), {"user": factories.UserFactory().pk, "scopes": scopes}
    )
    assert answer.status_code == 200
    assert not ApiToken.objects.exists()


def test_every_scope_can_be_ticked(admin_client: Client) -> None:
    page = admin_client.get(url(ApiToken, "add")).content.decode()
    offered = re.findall(r'type="checkbox" name="scopes" value="([^"]+)"', page)
    assert (len(offered), set(offered)) == (len(ALL_SCOPES), ALL_SCOPES)


def test_an_api_keys_secret_is_shown_once_and_works(
    admin_client: Client, organization: Organization
) -> None:
    answer = admin_client.post(
        url(ApiKey, "add"),
        {
            "organization": organization.pk,
            "label": "CI",
            "is_active": "on",
            "scopes": ["org:read"],
            "allowed_origins": "https://a.example\r\n\r\n https://b.example ",
        },
        follow=True,
    )
    key = ApiKey.objects.get()
    assert key.allowed_origins == ["https://a.example", "https://b.example"]
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=factories.basic(secret_in(answer.content.decode())))
    assert api.get("/api/0/organizations/acme/stats/").status_code == 200
    assert "not shown again" not in admin_client.get(url(ApiKey)).content.decode()


# Keys and their DSNs ------------------------------------------------------------------------------


def test_a_keys_dsn_is_ready_to_copy(admin_client: Client, key: ProjectKey) -> None:
    dsn = f"http://{key.public_key}@testserver/{key.project_id}"
    for page in (
        url(ProjectKey),
        url(ProjectKey, "change", key.pk),
        url(Project, "change", key.project_id),
    ):
        assert dsn in admin_client.get(page).content.decode()


def test_the_dsn_names_the_public_address(
    admin_client: Client, key: ProjectKey, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://errors.example.com/base"
    dsn = f"https://{key.public_key}@errors.example.com/base/{key.project_id}"
    assert dsn in admin_client.get(url(ProjectKey)).content.decode()


def test_keys_are_enabled_and_disabled(admin_client: Client, project: Project) -> None:
    keys = [factories.ProjectKeyFactory(project=project, is_active=n > 0) for n in range(3)]
    assert "2 keys disabled." in run(admin_client, "disable", keys)
    assert not ProjectKey.objects.filter(is_active=True).exists()
    assert "1 key enabled." in run(admin_client, "enable", keys[:1])
    assert ProjectKey.objects.get(is_active=True) == keys[0]


def test_an_action_is_a_button_on_the_page_of_one(admin_client: Client, key: ProjectKey) -> None:
    page = url(ProjectKey, "change", key.pk)
    assert 'value="disable"' in admin_client.get(page).content.decode()
    answer = admin_client.post(url(ProjectKey, "run", key.pk), {"action": "disable"}, follow=True)
    assert answer.redirect_chain == [(page, 302)]
    assert "1 key disabled." in answer.content.decode()
    key.refresh_from_db()
    assert not key.is_active


def test_a_key_is_made_for_the_project_it_was_asked_for(
    admin_client: Client, project: Project
) -> None:
    add = f"{url(ProjectKey, 'add')}?project={project.pk}"
    assert add in admin_client.get(url(Project, "change", project.pk)).content.decode()
    assert f'<option value="{project.pk}" selected>' in admin_client.get(add).content.decode()
    admin_client.post(add, {"project": project.pk, "label": "Web", "is_active": "on"})
    assert ProjectKey.objects.get().label == "Web"


# Projects, teams, organizations -------------------------------------------------------------------


def test_a_new_project_has_a_key_and_its_page_shows_it(
    admin_client: Client, organization: Organization
) -> None:
    answer = admin_client.post(
        url(Project, "add"),
        {
            "organization": organization.pk,
            "name": "Pump Station",
            "slug": "pump-station",
            "resolve_age": 0,
            "allowed_domains": "*",
        },
        follow=True,
    )
    project = Project.objects.get()
    assert project.organization == organization
    assert answer.redirect_chain == [(url(Project, "change", project.pk), 302)]
    assert project.keys.get().public_key in answer.content.decode()


@pytest.mark.parametrize(
    ("model", "slug"),
    [(Organization, "about"), (Organization, "Upper"), (Project, "settings"), (Team, "Upper")],
)
def test_a_slug_can_be_used_in_addresses(
    admin_client: Client, organization: Organization, model: type[Any], slug: str
) -> None:
    before = model.objects.count()
    data = {
        "organization": organization.pk,
        "name": "Some name",
        "slug": slug,
        "default_role": "member",
        "attachments_role": "member",
        "store_crash_reports": 0,
        "resolve_age": 0,
    }
    answer = admin_client.post(url(model, "add"), data)
    assert answer.context["adminform"].form.errors.keys() == {"slug"}
    assert model.objects.count() == before


@pytest.mark.parametrize(
    ("make", "inlines"),
    [
        (factories.TeamFactory, ("memberships", "project_teams")),
        (factories.ProjectFactory, ("keys", "project_teams")),
    ],
)
def test_a_slug_is_not_taken_twice_in_an_organization(
    admin_client: Client, organization: Organization, make: Any, inlines: Sequence[str]
) -> None:
    make(organization=organization, slug="taken")
    row, elsewhere = make(organization=organization, slug="own"), make(slug="own")
    model = type(row)
    data = {"name": "Some name", "slug": "taken", "resolve_age": 0, "allowed_domains": "*"}
    for page, more in (
        (url(model, "change", row.pk), empty(*inlines)),
        (url(model, "add"), {"organization": organization.pk}),
    ):
        answer = admin_client.post(page, data | more)
        assert "of the organization has this slug." in answer.content.decode()
    row.refresh_from_db()
    assert row.slug == "own"

    answer = admin_client.post(url(model, "change", elsewhere.pk), data | empty(*inlines))
    assert answer.status_code == 302
    elsewhere.refresh_from_db()
    assert elsewhere.slug == "taken"


def test_lists_are_edited_as_lines(admin_client: Client, project: Project) -> None:
    page = url(Project, "change", project.pk)
    data = {
        "name": project.name,
        "slug": project.slug,
        "resolve_age": 0,
        "allowed_domains": "example.com\r\n*.example.org\r\nexample.com",
        "sensitive_fields": "",
        **empty("keys", "project_teams"),
    }
    assert admin_client.post(page, data).status_code == 302
    project.refresh_from_db()
    assert project.allowed_domains == ["example.com", "*.example.org"]
    assert project.sensitive_fields == []
    assert "example.com\n*.example.org</textarea>" in admin_client.get(page).content.decode()

    answer = admin_client.post(page, {**data, "allowed_domains": "nul\x00"})
    assert answer.context["adminform"].form.errors.keys() == {"allowed_domains"}


@pytest.mark.parametrize(
    ("factory", "name"),
    [
        (factories.OrganizationFactory, "organization"),
        (factories.TeamFactory, "team"),
        (factories.ProjectFactory, "project"),
    ],
)
def test_what_events_hang_on_is_marked_for_deletion(
    admin_client: Client, factory: Any, name: str
) -> None:
    rows = [factory(), factory(), factory()]
    model = type(rows[0])

    asked = run(admin_client, "delete", rows[:2])
    assert f"Delete 2 {name}s?" in asked
    assert "It can be restored" in asked
    assert model.objects.filter(pk__in=[row.pk for row in rows], status="active").count() == 3

    assert f"2 {name}s marked for deletion." in run(
        admin_client, "delete", rows[:2], confirmed="yes"
    )
    assert model.objects.filter(status="pending_deletion").count() == 2
    assert LogEntry.objects.filter(change_message="Marked for deletion.").count() == 2
    assert f"0 {name}s marked for deletion." in run(
        admin_client, "delete", rows[:2], confirmed="yes"
    )

    assert f"1 {name} restored." in run(admin_client, "restore", rows[:1])
    assert model.objects.get(status="pending_deletion").pk == rows[1].pk
    for row, action in zip(rows[:2], ("delete", "restore"), strict=True):
        page = admin_client.get(url(model, "change", row.pk))
        assert page.context["object_actions"] == [action]

    delete = url(model, "delete", rows[0].pk)
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403


def test_a_deletion_is_confirmed_on_the_page_of_one(admin_client: Client, project: Project) -> None:
    button = url(Project, "run", project.pk)
    asked = admin_client.post(button, {"action": "delete"})
    assert "Delete 1 project?" in asked.content.decode()
    done = admin_client.post(button, {"action": "delete", "confirmed": "yes"}, follow=True)
    assert "1 project marked for deletion." in done.content.decode()
    project.refresh_from_db()
    assert project.status == "pending_deletion"


def test_a_project_is_joined_to_teams_of_its_organization(
    admin_client: Client, project: Project, team: Team
) -> None:
    page = url(Project, "change", project.pk)
    own = factories.TeamFactory(organization=project.organization, slug="welders")
    stranger = factories.TeamFactory(slug="strangers")
    shown = admin_client.get(page).content.decode()
    assert "#welders" in shown
    assert "#strangers" not in shown

    def join(other: Team) -> Any:
        joined = project.project_teams.get(team=team)
        return admin_client.post(
            page,
            {
                "name": project.name,
                "slug": project.slug,
                "resolve_age": 0,
                **empty("keys"),
                "project_teams-TOTAL_FORMS": 2,
                "project_teams-INITIAL_FORMS": 1,
                "project_teams-0-id": joined.pk,
                "project_teams-0-project": project.pk,
                "project_teams-1-project": project.pk,
                "project_teams-1-team": other.pk,
            },
        )

    assert join(stranger).status_code == 200
    assert set(project.teams.all()) == {team}
    assert join(own).status_code == 302
    assert set(project.teams.all()) == {team, own}


def test_an_environment_is_hidden_in_a_project(admin_client: Client, project: Project) -> None:
    environment = factories.EnvironmentFactory(organization=project.organization, name="staging")
    seen = EnvironmentProject.objects.create(environment=environment, project=project)
    prefix = "environment_projects"
    admin_client.post(
        url(Environment, "change", environment.pk),
        {
            f"{prefix}-TOTAL_FORMS": 1,
            f"{prefix}-INITIAL_FORMS": 1,
            f"{prefix}-0-id": seen.pk,
            f"{prefix}-0-environment": environment.pk,
            f"{prefix}-0-is_hidden": "on",
        },
    )
    seen.refresh_from_db()
    assert seen.is_hidden


def test_an_invitation_is_a_member_without_a_user(
    admin_client: Client, organization: Organization
) -> None:
    add = url(OrganizationMember, "add")
    data = {"organization": organization.pk, "role": "member"}
    assert admin_client.post(add, data).status_code == 200  # neither a user nor an address
    admin_client.post(add, {**data, "email": "ada@example.com"})
    assert "ada@example.com (invited)" in admin_client.get(url(OrganizationMember)).content.decode()


def test_lists_lead_to_their_neighbours(admin_client: Client, project: Project) -> None:
    organization = url(Organization, "change", project.organization_id)
    assert organization in admin_client.get(url(Project)).content.decode()
    projects = f"{url(Project)}?organization__id__exact={project.organization_id}"
    assert projects in admin_client.get(url(Organization)).content.decode()
    other = factories.ProjectFactory(slug="other")
    found = admin_client.get(projects).content.decode()
    assert url(Project, "change", project.pk) in found
    assert url(Project, "change", other.pk) not in found


def test_neighbours_are_completed(admin_client: Client, project: Project) -> None:
    factories.ProjectFactory(name="Other")
    query = {"app_label": "organizations", "model_name": "projectkey", "field_name": "project"}
    answer = admin_client.get(reverse("admin:autocomplete"), {**query, "term": "pump"})
    assert answer.json() == {
        "results": [{"id": str(project.pk), "text": "Pump Station"}],
        "pagination": {"more": False},
    }


def join(rows: int, organization: Organization) -> dict[type[Any], Any]:
    """One of each that has rows joined to it on its page, with this many of them."""
    project = factories.ProjectFactory(organization=organization)
    team = factories.TeamFactory(organization=organization)
    member = factories.OrganizationMemberFactory(organization=organization)
    environment = factories.EnvironmentFactory(organization=organization)
    user = factories.UserFactory()
    for _ in range(rows):
        factories.ProjectKeyFactory(project=project)
        factories.ServiceHookFactory(project=project)
        project.teams.add(factories.TeamFactory(organization=organization))
        team.projects.add(factories.ProjectFactory(organization=organization))
        team.members.add(factories.OrganizationMemberFactory(organization=organization))
        member.teams.add(factories.TeamFactory(organization=organization))
        environment.projects.add(factories.ProjectFactory(organization=organization))
        factories.OrganizationMemberFactory(user=user)
    return {type(row): row for row in (project, team, member, environment, user)}


@pytest.mark.parametrize("model", [Project, Team, OrganizationMember, Environment, User])
def test_a_page_costs_the_same_with_2_rows_joined_and_with_20(
    admin_client: Client, organization: Organization, model: type[Any]
) -> None:
    few, many = (url(model, "change", join(rows, organization)[model].pk) for rows in (2, 20))
    admin_client.get(few)
    with CaptureQueriesContext(connection) as of_few:
        admin_client.get(few)
    with CaptureQueriesContext(connection) as of_many:
        assert admin_client.get(many).status_code == 200
    assert len(of_few) == len(of_many)


# Service hooks ------------------------------------------------------------------------------------


@pytest.fixture
def hook(project: Project) -> ServiceHook:
    return factories.ServiceHookFactory(
        project=project, secret="5" * 64, events=["event.alert"], failures=2
    )


def test_a_hook_is_on_the_page_of_its_project(
    admin_client: Client, project: Project, hook: ServiceHook
) -> None:
    page = admin_client.get(url(Project, "change", project.pk)).content.decode()
    assert hook.url in page
    assert hook.secret in page
    assert url(ServiceHook, "change", hook.pk) in page
    assert f"{url(ServiceHook, 'add')}?project={project.pk}" in page


def test_a_hook_is_made(admin_client: Client, admin_user: User, project: Project) -> None:
    data = {
        "project": project.pk,
        "url": "https://hooks.example.com/x",
        "events": ["event.alert", "issue.created"],
        "status": "active",
    }
    refused = admin_client.post(url(ServiceHook, "add"), data | {"url": "http://10.0.0.1/"})
    assert "10.0.0.1 is not a public address." in refused.content.decode()
    admin_client.post(url(ServiceHook, "add"), data)
    hook = ServiceHook.objects.get()
    assert (hook.project, hook.created_by) == (project, admin_user)
    assert hook.events == ["event.alert", "issue.created"]
    assert len(hook.secret) == 64


def test_a_hook_is_changed_as_the_api_does(admin_client: Client, hook: ServiceHook) -> None:
    HookDelivery.objects.create(hook=hook, event="event.alert", data={})
    data = {"url": hook.url, "events": ["issue.created"], "status": "disabled"}
    answer = admin_client.post(url(ServiceHook, "change", hook.pk), data)
    assert answer.status_code == 302
    hook.refresh_from_db()
    assert (hook.events, hook.status, hook.failures) == (["issue.created"], "disabled", 0)
    assert not HookDelivery.objects.exists()


def test_the_page_of_a_hook_says_how_it_went(admin_client: Client, hook: ServiceHook) -> None:
    facts = {"hook": hook, "event": "event.alert", "data": {}}
    HookDelivery.objects.create(**facts, attempts=3, answer="503")
    HookDelivery.objects.create(**facts, status="failed", attempts=1, answer="<b>404</b>")
    page = admin_client.get(url(ServiceHook, "change", hook.pk)).content.decode()
    for words in ("Waiting", "503", "Told, or given up", "&lt;b&gt;404&lt;/b&gt;", hook.secret):
        assert words in page


def test_names_are_escaped(admin_client: Client, project: Project, key: ProjectKey) -> None:
    hostile = "<script>alert(1)</script>"
    Project.objects.update(name=hostile)
    Organization.objects.update(name=hostile)
    ProjectKey.objects.update(label=hostile)
    for page in (
        url(Project),
        url(Project, "change", project.pk),
        url(ProjectKey),
        url(ProjectKey, "change", key.pk),
        url(Organization),
        reverse("admin:stats_usage"),
    ):
        assert b"<script>alert" not in admin_client.get(page).content
    assert "<script>alert" not in run(admin_client, "delete", [project])


def test_the_roles_of_staff_decide(client: Client, project: Project) -> None:
    user = factories.UserFactory(is_staff=True)
    client.force_login(user)
    assert client.get(url(Project)).status_code == 403

    member = factories.OrganizationMemberFactory(organization=project.organization, user=user)
    page = client.get(url(Project, "change", project.pk)).content.decode()
    assert 'name="action"' not in page
    assert client.get(url(Project, "add")).status_code == 403
    client.post(url(Project, "run", project.pk), {"action": "delete", "confirmed": "yes"})
    project.refresh_from_db()
    assert project.status == "active"

    OrganizationMember.objects.filter(pk=member.pk).update(role="admin")
    client.post(url(Project, "run", project.pk), {"action": "delete", "confirmed": "yes"})
    project.refresh_from_db()
    assert project.status == "pending_deletion"


# What becomes of events ---------------------------------------------------------------------------


def project_data(project: Project, **more: Any) -> dict[str, Any]:
    """The form of a project as its page sends it."""
    return {
        "organization": project.organization_id,
        "name": project.name,
        "slug": project.slug,
        "resolve_age": 0,
        "allowed_domains": "*",
        "filter_web_crawlers": "on",
        "csp_ignored_sources_defaults": "on",
        **empty("keys", "project_teams"),
        **more,
    }


def test_inbound_filters_are_set_on_the_projects_page(
    admin_client: Client, project: Project
) -> None:
    page = url(Project, "change", project.pk)
    answer = admin_client.post(
        page,
        project_data(
            project,
            filter_localhost="on",
            filter_legacy_browsers=["ie9", "safari_pre_6"],
            blacklisted_ips="10.0.0.0/8\n192.0.2.1",
            filtered_releases="1.*",
            filtered_error_messages="*timeout*",
            csp_ignored_sources="*.ads.example",
        ),
    )
    assert answer.status_code == 302
    project.refresh_from_db()
    assert (project.filter_localhost, project.filter_browser_extensions) == (True, False)
    assert project.filter_legacy_browsers == ["ie9", "safari_pre_6"]
    assert project.blacklisted_ips == ["10.0.0.0/8", "192.0.2.1"]
    assert project.filtered_releases == ["1.*"]
    assert project.filtered_error_messages == ["*timeout*"]
    assert project.csp_ignored_sources == ["*.ads.example"]
    shown = admin_client.get(page).content.decode()
    assert re.search(r'value="ie9"[^>]* checked', shown)
    assert "10.0.0.0/8" in shown


def test_what_is_no_address_is_not_blacklisted(admin_client: Client, project: Project) -> None:
    data = project_data(project, blacklisted_ips="10.0.0.1\nnonsense")
    answer = admin_client.post(url(Project, "change", project.pk), data)
    assert "Neither an address nor a network: nonsense" in answer.content.decode()
    assert Project.objects.get().blacklisted_ips == []


@pytest.mark.parametrize(
    ("count", "window", "stored"),
    [("10", "60", (10, 60)), ("", "", (None, None))],
)
def test_a_key_is_given_a_rate_limit(
    admin_client: Client, key: ProjectKey, count: str, window: str, stored: Any
) -> None:
    data = {"label": "CI", "is_active": "on"}
    data |= {"rate_limit_count": count, "rate_limit_window": window}
    assert admin_client.post(url(ProjectKey, "change", key.pk), data).status_code == 302
    key.refresh_from_db()
    assert (key.rate_limit_count, key.rate_limit_window) == stored


@pytest.mark.parametrize(
    ("count", "window", "said"),
    [
        ("10", "", "A rate limit has both a count and a window."),
        ("10", "86401", "less than or equal to 86400"),
        ("-1", "60", "greater than or equal to 0"),
    ],
)
def test_a_rate_limit_is_whole(
    admin_client: Client, key: ProjectKey, count: str, window: str, said: str
) -> None:
    data = {"label": "CI", "is_active": "on"}
    data |= {"rate_limit_count": count, "rate_limit_window": window}
    answer = admin_client.post(url(ProjectKey, "change", key.pk), data)
    assert said in answer.content.decode()
    assert ProjectKey.objects.get().rate_limit_count is None
