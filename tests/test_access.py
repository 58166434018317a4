"""Every route of the API, from everybody who might knock.

A new route fails here until it is in the table with the scopes that its methods ask for.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.organizations.access import ADMIN_SCOPES, ALL_SCOPES
from sentrylite.organizations.api.base import CallerView
from sentrylite.organizations.api.views import absent
from sentrylite.organizations.models import Organization, Project, ProjectRedirect, Team
from tests import factories

pytestmark = pytest.mark.django_db

Client = Callable[..., APIClient]


def of(area: str) -> dict[str, set[str]]:
    """The usual scopes of an area by method (conventions contract, section 6)."""
    read, write, admin = f"{area}:read", f"{area}:write", f"{area}:admin"
    return {
        "GET": {read, write, admin},
        "POST": {write, admin},
        "PUT": {write, admin},
        "DELETE": {admin},
    }


# Build tools hold a scope that is good for releases alone.
RELEASES = {method: scopes | {"project:releases"} for method, scopes in of("project").items()}

# These take two scopes: one for the issue and one for the event behind it (conventions contract,
# section 6, as measured). No scope alone will do.
PAIRS = [
    f"{prefix}{issues}/<str:issue_id>/events/{which}/"
    for prefix in ("", "organizations/<str:organization>/")
    for issues in ("issues", "groups")
    for which in ("latest", "oldest", "recommended", "<str:event_id>")
]

# Route → scopes by method; None is open to everybody.
ROUTES: dict[str, Mapping[str, Set[str]] | None] = {
    "": None,
    "openapi.json": None,
    "auth/": {"GET": ALL_SCOPES},
    "users/me/": {"GET": ALL_SCOPES},
    "api-tokens/": dict.fromkeys(("GET", "POST", "DELETE"), ALL_SCOPES),
    **{
        f"{prefix}{issues}/<str:issue_id>/{below}": of("event")
        for prefix in ("", "organizations/<str:organization>/")
        for issues in ("issues", "groups")
        for below in (
            "",
            "activities/",
            "external-issues/",
            "notes/",
            "notes/<str:note_id>/",
            "comments/",
            "comments/<str:note_id>/",
            "events/",
            "hashes/",
            "participants/",
            "reprocessing/",
            "stats/",
            "tags/",
            "tags/<str:key>/",
            "tags/<str:key>/values/",
            "user-feedback/",
            "user-reports/",
        )
    },
    "shared/issues/<str:share_id>/": None,
    "organizations/<str:organization>/shared/issues/<str:share_id>/": None,
    "organizations/<str:organization>/shortids/<str:short_id>/": of("org"),
    "organizations/<str:organization>/eventids/<str:event_id>/": of("org"),
    **{route: {"GET": set()} for route in PAIRS},
    # Who may read one issue may read them all, and nobody else: an `org` scope alone will not do.
    "organizations/<str:organization>/issues/": of("event"),
    "organizations/<str:organization>/groups/": of("event"),
    "organizations/<str:organization>/issues-count/": of("event"),
    "projects/<str:organization>/<str:project>/issues/": of("event"),
    "projects/<str:organization>/<str:project>/groups/": of("event"),
    "projects/<str:organization>/<str:project>/tombstones/": of("project"),
    "projects/<str:organization>/<str:project>/tombstones/<str:tombstone_id>/": of("project"),
    "projects/<str:organization>/<str:project>/events/": of("project"),
    "projects/<str:organization>/<str:project>/events/<str:event_id>/": of("project"),
    "projects/<str:organization>/<str:project>/filters/": of("project"),
    "projects/<str:organization>/<str:project>/filters/<str:filter>/": of("project"),
    "projects/<str:organization>/<str:project>/events/<str:event_id>/json/": of("project"),
    "projects/<str:organization>/<str:project>/events/<str:event_id>/attachments/": of("project"),
    "projects/<str:organization>/<str:project>/tags/": of("project"),
    "projects/<str:organization>/<str:project>/tags/<str:key>/": of("project"),
    "projects/<str:organization>/<str:project>/tags/<str:key>/values/": of("project"),
    "projects/<str:organization>/<str:project>/hooks/": of("project"),
    "projects/<str:organization>/<str:project>/hooks/<str:hook_id>/": of("project"),
    "projects/<str:organization>/<str:project>/hooks/<str:hook_id>/stats/": of("project"),
    "projects/<str:organization>/<str:project>/user-feedback/": of("project"),
    "projects/<str:organization>/<str:project>/user-reports/": of("project"),
    "organizations/<str:organization>/user-feedback/": of("project"),
    "projects/<str:organization>/<str:project>/stats/": of("project"),
    "projects/": of("project"),
    "projects/<str:organization>/<str:project>/": of("project") | {"PUT": of("project")["GET"]},
    "projects/<str:organization>/<str:project>/environments/": of("project"),
    "projects/<str:organization>/<str:project>/environments/<str:environment>/": of("project"),
    "projects/<str:organization>/<str:project>/keys/": of("project"),
    "projects/<str:organization>/<str:project>/keys/<str:public_key>/": of("project"),
    "projects/<str:organization>/<str:project>/keys/<str:public_key>/stats/": of("project"),
    "projects/<str:organization>/<str:project>/members/": of("project"),
    "projects/<str:organization>/<str:project>/ownership/": of("project"),
    "projects/<str:organization>/<str:project>/ownership": of("project"),
    "projects/<str:organization>/<str:project>/teams/": of("project"),
    "projects/<str:organization>/<str:project>/teams/<str:team>/": of("project")
    | {"DELETE": of("project")["POST"]},
    "projects/<str:organization>/<str:project>/users/": of("project"),
    "projects/<str:organization>/<str:project>/users/<str:user_hash>/": of("project"),
    **{
        f"{scope}/releases/{below}": RELEASES
        for scope in (
            "organizations/<str:organization>",
            "projects/<str:organization>/<str:project>",
        )
        for below in (
            "",
            "<str:version>/",
            "<str:version>/assemble/",
            "<str:version>/commitfiles/",
            "<str:version>/commits/",
            "<str:version>/deploys/",
            "<str:version>/files/",
            "<str:version>/files/<str:file_id>/",
            "<str:version>/meta/",
            "<str:version>/previous-with-commits/",
        )
    },
    "projects/<str:organization>/<str:project>/releases/<str:version>/stats/": RELEASES,
    "organizations/<str:organization>/releases/<str:version>/resolved/": RELEASES,
    "projects/<str:organization>/<str:project>/releases/<str:version>/resolved/": of("project"),
    "organizations/<str:organization>/repos/": {
        method: scopes | {"org:integrations"} for method, scopes in of("org").items()
    },
    "organizations/<str:organization>/repos/<str:repo_id>/": of("org"),
    "organizations/<str:organization>/repos/<str:repo_id>/commits/": of("org"),
    "organizations/<str:organization>/artifactbundle/assemble/": RELEASES,
    "organizations/<str:organization>/chunk-upload/": RELEASES,
    **{
        f"projects/<str:organization>/<str:project>/{below}": RELEASES
        for below in (
            "files/dsyms/",
            "files/dsyms/associate/",
            "files/dsyms/unknown/",
            "files/difs/assemble/",
            "files/proguard-artifact-releases",
            "files/proguard-artifact-releases/",
            "reprocessing/",
        )
    },
    "projects/<str:organization>/<str:project>/files/source-maps/": RELEASES,
    "organizations/<str:organization>/environments/": of("org"),
    "organizations/<str:organization>/data-scrubbing-selector-suggestions/": of("org"),
    "organizations/<str:organization>/sessions/": of("org"),
    "organizations/<str:organization>/stats/": of("org"),
    "organizations/<str:organization>/stats_v2/": of("org"),
    "organizations/<str:organization>/stats-summary/": of("org"),
    "organizations/": of("org"),
    "organizations/<str:organization>/": of("org"),
    "organizations/<str:organization>/api-keys/": dict.fromkeys(
        ("GET", "POST"), frozenset({"org:admin"})
    ),
    "organizations/<str:organization>/api-keys/<str:key_id>/": dict.fromkeys(
        ("GET", "PUT", "DELETE"), frozenset({"org:admin"})
    ),
    "organizations/<str:organization>/audit-logs/": {"GET": {"org:write", "org:admin"}},
    **{
        f"organizations/<str:organization>/dashboards/{below}": of("org")
        for below in (
            "",
            "<str:dashboard_id>/",
            "<str:dashboard_id>/widgets/",
            "<str:dashboard_id>/widgets/<str:widget_id>",
            "<str:dashboard_id>/widgets/<str:widget_id>/",
        )
    },
    **{f"organizations/<str:organization>/{below}": of("org") for below in absent.PATHS},
    "organizations/<str:organization>/members/": of("member"),
    "organizations/<str:organization>/members/<str:member_id>/": of("member")
    | {"DELETE": of("member")["GET"]},
    "organizations/<str:organization>/members/<str:member_id>/teams/<str:team>/": dict.fromkeys(
        ("POST", "DELETE"), of("org")["GET"] | of("member")["GET"]
    ),
    "organizations/<str:organization>/projects/": of("org"),
    "organizations/<str:organization>/sent-first-event/": of("org"),
    "organizations/<str:organization>/teams/": of("org")
    | {"POST": {"org:write", "org:admin", "team:write"}},
    "organizations/<str:organization>/users/": of("org"),
    "organizations/<str:organization>/user-teams/": of("org"),
    "teams/<str:organization>/<str:team>/": of("team"),
    "teams/<str:organization>/<str:team>/members/": of("team"),
    "teams/<str:organization>/<str:team>/projects/": of("project"),
    "teams/<str:organization>/<str:team>/stats/": of("team"),
}


def routes() -> Iterator[tuple[str, type[CallerView]]]:
    """What the URL configuration has below /api/0/."""

    def walk(patterns: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern) and route.startswith("api/0/"):
                yield route.removeprefix("api/0/"), pattern.callback.view_class

    yield from walk(get_resolver().url_patterns, "")


# These are about the caller alone: there is no organization to be a stranger in.
OWN = {"organizations/", "projects/", "auth/", "users/me/", "api-tokens/"}
# An API key has no person behind it, whom these need.
PERSONAL = {
    ("organizations/", "POST"),
    ("organizations/<str:organization>/", "DELETE"),
    ("auth/", "GET"),
    ("users/me/", "GET"),
    *(("api-tokens/", method) for method in ("GET", "POST", "DELETE")),
    ("organizations/<str:organization>/repos/", "POST"),
    ("projects/<str:organization>/<str:project>/hooks/", "POST"),
    *(
        ("projects/<str:organization>/<str:project>/hooks/<str:hook_id>/", method)
        for method in ("PUT", "DELETE")
    ),
}

METHODS = [
    (route, method)
    for route, view in routes()
    for method in ("GET", "POST", "PUT", "DELETE")
    if hasattr(view, method.lower()) and ROUTES.get(route) is not None
]
METHODS_OF_OTHERS = [(route, method) for route, method in METHODS if route not in OWN]


@pytest.fixture
def fill(organization: Organization, project: Project, team: Team) -> Callable[[str], str]:
    """A route with what it names: an issue, a project, … of `organization`."""
    issue = factories.IssueFactory(project=project, share_id=uuid4())
    widget = factories.WidgetFactory(dashboard__organization=organization)
    production = factories.EnvironmentFactory(organization=organization, name="production")
    production.projects.add(project)
    factories.ProjectKeyFactory(project=project, public_key="0" * 32)
    hook = factories.ServiceHookFactory(project=project)
    repository = factories.RepositoryFactory(organization=organization)
    factories.ReleaseFactory(organization=organization, version="1.0").projects.add(project)
    file = factories.ReleaseFileFactory(release=project.releases.get())

    def fill(route: str) -> str:
        return "/api/0/" + (
            route.replace("<str:issue_id>", str(issue.pk))
            .replace("<str:organization>", organization.slug)
            .replace("<str:project>", project.slug)
            .replace("<str:team>", team.slug)
            .replace("<str:event_id>", "0" * 32)
            .replace("<str:hook_id>", hook.guid)
            .replace("<str:file_id>", str(file.pk))
            .replace("<str:note_id>", "1")
            .replace("<str:tombstone_id>", "1")
            .replace("<str:version>", "1.0")
            .replace("<str:repo_id>", str(repository.pk))
            .replace("<str:member_id>", "0")
            .replace("<str:key_id>", "0")
            .replace("<str:dashboard_id>", str(widget.dashboard_id))
            .replace("<str:widget_id>", str(widget.pk))
            .replace("<str:public_key>", "0" * 32)
            .replace("<str:environment>", "production")
            .replace("<str:user_hash>", "0" * 32)
            .replace("<str:short_id>", issue.short_id)
            .replace("<str:key>", "area")
            .replace("<str:filter>", "localhost")
            .replace("<str:share_id>", issue.share_id.hex)
        )

    return fill


def status(api: APIClient, method: str, path: str) -> int:
    return getattr(api, method.lower())(path).status_code


def test_every_route_is_in_the_table() -> None:
    assert {route for route, _ in routes()} == set(ROUTES)


@pytest.mark.parametrize("route, method", METHODS)
def test_without_credentials(route: str, method: str, fill: Callable[[str], str]) -> None:
    assert status(APIClient(), method, fill(route)) == 401


@pytest.mark.parametrize("route, method", METHODS)
def test_with_an_unknown_token(route: str, method: str, fill: Callable[[str], str]) -> None:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION="Bearer nope")
    assert status(api, method, fill(route)) == 401


@pytest.mark.parametrize("route, method", METHODS)
def test_each_scope_alone(
    route: str, method: str, fill: Callable[[str], str], user: User, api_as: Client
) -> None:
    scopes = ROUTES[route]
    assert scopes
    api, path, refused = api_as(user, scopes=[]), fill(route), set()
    for scope in ALL_SCOPES:
        user.api_tokens.update(scopes=[scope])
        if status(api, method, path) == 403:
            refused.add(scope)
    assert refused == ALL_SCOPES - scopes[method]


@pytest.mark.parametrize("route", PAIRS)
def test_each_pair_of_scopes(
    route: str, fill: Callable[[str], str], user: User, api_as: Client
) -> None:
    path = fill(route)
    for event_scope in of("event")["GET"]:
        refused = {
            scope
            for scope in ALL_SCOPES
            if status(api_as(user, scopes=[event_scope, scope]), "GET", path) == 403
        }
        assert refused == ALL_SCOPES - of("project")["GET"]


@pytest.mark.parametrize("route, method", METHODS_OF_OTHERS)
def test_from_another_organization(
    route: str, method: str, fill: Callable[[str], str], api_as: Client
) -> None:
    other = factories.OrganizationMemberFactory(role="owner")
    path = fill(route)
    assert status(api_as(other.user), method, path) == 403
    assert status(api_as(organization=other.organization), method, path) == 403


@pytest.mark.parametrize("route, method", METHODS_OF_OTHERS)
def test_from_a_person_without_a_membership(
    route: str, method: str, fill: Callable[[str], str], api_as: Client
) -> None:
    assert status(api_as(factories.UserFactory()), method, fill(route)) == 403


@pytest.mark.parametrize("route, method", METHODS_OF_OTHERS)
def test_from_a_member_without_the_team_when_membership_is_closed(
    route: str,
    method: str,
    fill: Callable[[str], str],
    organization: Organization,
    api_as: Client,
) -> None:
    Organization.objects.update(open_membership=False)
    outside = factories.OrganizationMemberFactory(organization=organization, role="admin")
    expected = status(api_as(outside.user), method, fill(route))
    if route.startswith("organizations/"):
        needed = (ROUTES[route] or {})[method]
        assert (expected == 403) == (bool(needed) and needed.isdisjoint(ADMIN_SCOPES))
    else:
        assert expected == 403


@pytest.mark.parametrize("route, method", METHODS)
def test_from_an_api_key(
    route: str,
    method: str,
    fill: Callable[[str], str],
    organization: Organization,
    api_as: Client,
) -> None:
    answer = status(api_as(organization=organization), method, fill(route))
    if route.endswith("<str:note_id>/"):
        assert answer == 403  # a key has no notes of its own
    elif (route, method) in PERSONAL:
        assert answer == 401
    else:
        assert answer not in (401, 403)


@pytest.mark.parametrize("route", [route for route in ROUTES if ROUTES[route]])
def test_a_preflight_needs_nothing(route: str, fill: Callable[[str], str]) -> None:
    answer = APIClient().options(fill(route))
    assert (answer.status_code, answer.content) == (200, b"")
    assert "OPTIONS" in answer.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("route", [route for route in ROUTES if ROUTES[route] is None])
def test_what_is_open_is_so_to_everybody(
    route: str, fill: Callable[[str], str], api_as: Client
) -> None:
    path = fill(route)
    assert status(APIClient(), "GET", path) == 200
    assert status(api_as(factories.UserFactory(), scopes=[]), "GET", path) == 200
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert status(APIClient(), method, path) == 405


PROJECT_METHODS = [(route, method) for route, method in METHODS if "<str:project>" in route]


@pytest.mark.parametrize("route, method", PROJECT_METHODS)
def test_the_slug_that_a_project_had_leads_to_it(
    route: str,
    method: str,
    fill: Callable[[str], str],
    project: Project,
    user: User,
    api_as: Client,
) -> None:
    ProjectRedirect.objects.create(
        organization=project.organization, slug="boiler", project=project
    )
    path = fill(route)
    old = path.replace("/pump-station/", "/boiler/")
    scopes = ROUTES[route]
    assert scopes is not None
    api = api_as(user)
    answer = getattr(api, method.lower())(f"{old}?cursor=a/b")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"http://testserver{path}?cursor=a/b"
    stranger = factories.OrganizationMemberFactory(role="owner")
    assert status(api_as(stranger.user), method, old) == 403
    if lacking := ALL_SCOPES - scopes[method]:
        assert status(api_as(user, scopes=lacking), method, old) == 403


def test_the_index_is_open(api: APIClient, user: User) -> None:
    assert APIClient().get("/api/0/").json() == {"version": "0", "auth": None, "user": None}
    answer = api.get("/api/0/").json()
    assert answer["auth"] == {"scopes": sorted(ALL_SCOPES)}
    assert answer["user"]["id"] == str(user.pk)
    assert "identities" in answer["user"]


def test_the_index_refuses_bad_credentials() -> None:
    assert APIClient().get("/api/0/", HTTP_AUTHORIZATION="Bearer nope").status_code == 401


@pytest.mark.parametrize("path", ["/api/0/nope/", "/api/0/issues/1", "/api/1", "/api/0"])
def test_an_unknown_path_is_404_as_json(path: str) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = APIClient(enforce_csrf_checks=True).generic(method, path)
        assert answer.status_code == 404
        assert answer.json() == {"detail": "The requested resource does not exist"}
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
