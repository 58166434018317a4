"""Credentials (401), their scopes (403), what the path names (404), the method (405), what was sent
(400): in this order on every route (conventions contract, section 5)."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from issues.models import Issue
from sentrylite.accounts.models import User
from sentrylite.api.views import METHODS
from sentrylite.organizations.api.base import CallerView
from sentrylite.organizations.models import Project
from tests import factories
from tests.test_access import ROUTES, routes

pytestmark = pytest.mark.django_db

Fill = Callable[[str], str]
Client = Callable[..., APIClient]

NOT_JSON = b"{"
NOT_FOUND = {"detail": "The requested resource does not exist"}


def guarded() -> Iterator[tuple[str, type[CallerView]]]:
    """The routes that take credentials."""
    return ((route, view) for route, view in routes() if ROUTES[route] is not None)


def missing(route: str) -> str:
    """The route to something that is not there."""
    first = "<str:organization>" if "<str:organization>" in route else "<str:issue_id>"
    return route.replace(first, "404404")


def send(api: APIClient, method: str, path: str) -> Any:
    return api.generic(method, path, NOT_JSON, "application/json", QUERY_STRING="cursor=x")


def has(view: type[CallerView], method: str) -> bool:
    return hasattr(view, "get" if method == "HEAD" else method.lower())


def test_without_credentials_nothing_else_is_said(fill: Fill) -> None:
    api = APIClient()
    others = {
        (method, path, answer.status_code)
        for route, _ in guarded()
        for method in (*METHODS[:-1], "TRACE")
        for path in (fill(route), fill(missing(route)))
        if (answer := send(api, method, path)).status_code != 401
    }
    assert others == set()


def test_without_a_scope_nobody_learns_what_there_is(
    fill: Fill, user: User, api_as: Client
) -> None:
    api = api_as(user, scopes=[])
    others = {
        (method, path, answer.status_code)
        for route, view in guarded()
        for method in view.scopes
        for path in (fill(route), fill(missing(route)))
        if (answer := send(api, method, path)).status_code != 403
    }
    assert others == set()


def test_what_is_not_there_is_not_found_by_any_method_and_body(fill: Fill, api: APIClient) -> None:
    others = {
        (method, path, answer.status_code)
        for route, _ in guarded()
        if "<" in route
        for method in (*METHODS[:-1], "TRACE")
        for path in [fill(missing(route))]
        if (answer := send(api, method, path)).status_code != 404
        or (method != "HEAD" and answer.json() != NOT_FOUND)
    }
    assert others == set()


def test_a_method_that_a_path_lacks_is_said_before_the_body_is_read(
    fill: Fill, api: APIClient
) -> None:
    for route, view in routes():
        path = fill(route)
        allowed = ", ".join(method for method in METHODS if has(view, method))
        for method in (*METHODS, "TRACE"):
            if not has(view, method):
                answer = send(api, method, path)
                assert answer.status_code == 405, (method, path)
                assert answer.headers["Content-Type"] == "application/json"
                assert answer.headers["Allow"] == allowed
                if method != "HEAD":
                    assert answer.json() == {"detail": f'Method "{method}" not allowed.'}


# All that these say is in the path.
WITHOUT_BODY = {
    "projects/<str:organization>/<str:project>/files/dsyms/associate/",
    "projects/<str:organization>/<str:project>/reprocessing/",
    "projects/<str:organization>/<str:project>/teams/<str:team>/",
}


def test_what_cannot_be_read_is_refused_last(fill: Fill, api: APIClient) -> None:
    for route, view in guarded():
        for method in ("POST", "PUT"):
            if has(view, method) and route not in WITHOUT_BODY:
                answer = send(api, method, fill(route))
                # A note that is not there is only looked for by the method; files come in forms.
                assert answer.status_code in (400, 404, 415), (method, route)


def test_head_is_get_without_the_body(fill: Fill, api: APIClient, project: Project) -> None:
    issue = Issue.objects.get(project=project)
    factories.make_event(issue, {"message": "it broke"}, event_id="0" * 32)
    for route, view in routes():
        if has(view, "GET"):
            whole, head = api.get(fill(route)), api.head(fill(route))
            assert head.status_code == whole.status_code, route
            assert head.content == b""
            assert dict(head.headers) == dict(whole.headers)


def test_a_preflight_looks_nothing_up(fill: Fill) -> None:
    for route, _ in guarded():
        answer = APIClient().options(fill(missing(route)))
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["Access-Control-Max-Age"] == "3600"
        assert "Content-Type" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/api/0/organizations/acme/stats",
        "/api/0//organizations/acme/stats/",
        "/api/0/organizations//acme/stats/",
        "/api/0/organizations/acme/stats//",
        "/api/0/organizations//stats/",
        "/api/0/organizations/ac%2Fme/stats/",
        "/api/0/organizations/acme/stats/%00",
        "/api/0/organizations/ACME/stats/",
        "/api/0/organizations/acme%20/stats/",
        "/api/0/organizations/" + "acme" * 5000 + "/stats/",
        "/api/0/./organizations/acme/stats/",
        "/api/0/nope/../organizations/acme/stats/",
    ],
)
def test_a_path_that_is_nearly_one_is_not_found(
    api: APIClient, project: Project, path: str
) -> None:
    for method in ("GET", "PUT"):
        answer = api.generic(method, path)
        assert answer.status_code == 404
        assert json.loads(answer.content) == NOT_FOUND
