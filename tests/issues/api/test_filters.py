from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from issues.payload.filters import LEGACY_VERSIONS
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Project
from tests import factories

pytestmark = pytest.mark.django_db

URL = "/api/0/projects/acme/pump-station/filters/"


def put(api: APIClient, name: str, body: Any) -> Any:
    return api.put(f"{URL}{name}/", body, format="json")


def active(api: APIClient) -> dict[str, Any]:
    return {row["id"]: row["active"] for row in api.get(URL).json()}


def test_the_filters_are_listed_with_what_is_on(api: APIClient, project: Project) -> None:
    answer = api.get(URL)
    assert answer.status_code == 200
    assert "Link" not in answer
    rows = answer.json()
    assert [set(row) for row in rows] == [{"id", "active", "description", "name"}] * 4
    assert all(row["description"] and row["name"] for row in rows)
    assert active(api) == {
        "browser-extensions": False,
        "legacy-browsers": False,
        "localhost": False,
        "web-crawlers": True,
    }


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("browser-extensions", "filter_browser_extensions"),
        ("localhost", "filter_localhost"),
        ("web-crawlers", "filter_web_crawlers"),
    ],
)
def test_a_filter_is_switched_on_and_off(
    api: APIClient, project: Project, name: str, field: str
) -> None:
    others = {key: value for key, value in active(api).items() if key != name}
    for state in (True, False, True):
        answer = put(api, name, {"active": state})
        assert (answer.status_code, answer.content) == (204, b"")
        project.refresh_from_db()
        assert getattr(project, field) is state
        assert active(api) == others | {name: state}


@pytest.mark.parametrize(
    ("body", "stored", "shown"),
    [
        ({"subfilters": ["safari_pre_6", "ie9", "ie9"]}, ["ie9", "safari_pre_6"], None),
        ({"subfilters": []}, [], False),
        ({"subfilters": list(LEGACY_VERSIONS)}, list(LEGACY_VERSIONS), True),
        ({"active": True}, list(LEGACY_VERSIONS), True),
        ({"active": False}, [], False),
        ({"active": True, "subfilters": ["ie9"]}, ["ie9"], None),
    ],
)
def test_legacy_browsers_are_chosen_by_their_parts(
    api: APIClient, project: Project, body: Any, stored: list[str], shown: bool | None
) -> None:
    assert put(api, "legacy-browsers", body).status_code == 204
    project.refresh_from_db()
    assert project.filter_legacy_browsers == stored
    assert active(api)["legacy-browsers"] == (stored if shown is None else shown)


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("localhost", {}, {"active": ["This field is required."]}),
        ("localhost", {"active": "perhaps"}, {"active": ["Must be a valid boolean."]}),
        ("localhost", {"active": None}, {"active": ["This field may not be null."]}),
        ("localhost", {"active": ["x"]}, {"active": ["Must be a valid boolean."]}),
        ("legacy-browsers", {}, {"subfilters": ["This field is required."]}),
        (
            "legacy-browsers",
            {"subfilters": "ie9"},
            {"subfilters": ['Expected a list of items but got type "str".']},
        ),
        (
            "legacy-browsers",
            {"subfilters": ["netscape"]},
            {"subfilters": ['"netscape" is not a valid choice.']},
        ),
        (
            "legacy-browsers",
            {"subfilters": [["ie9"], 5]},
            {"subfilters": ["\"['ie9']\" is not a valid choice."]},
        ),
    ],
)
def test_what_a_filter_cannot_be(
    api: APIClient, project: Project, name: str, body: Any, said: Any
) -> None:
    answer = put(api, name, body)
    assert (answer.status_code, answer.json()) == (400, said)
    fresh = Project.objects.get()
    assert (fresh.filter_localhost, fresh.filter_legacy_browsers) == (False, [])


@pytest.mark.parametrize("body", [[], 5, "x", None])
def test_a_body_that_is_no_object(api: APIClient, project: Project, body: Any) -> None:
    assert put(api, "localhost", body).status_code == 400


@pytest.mark.parametrize("name", ["nothing", "error-message", "Localhost", "a%00b"])
def test_a_filter_that_is_not_there(api: APIClient, project: Project, name: str) -> None:
    assert put(api, name, {"active": True}).status_code == 404


def test_filters_are_only_read_and_put(api: APIClient, project: Project) -> None:
    assert api.post(URL, {}, format="json").status_code == 405
    assert api.get(f"{URL}localhost/").status_code == 405


def test_members_may_look_and_not_touch(
    api_as: Callable[..., APIClient], project: Project, team: Any
) -> None:
    member = factories.OrganizationMemberFactory(
        organization=project.organization, role="member", teams=[team]
    )
    api = api_as(member.user)
    assert api.get(URL).status_code == 200
    assert put(api, "localhost", {"active": True}).status_code == 403


def test_strangers_find_nothing(api_as: Callable[..., APIClient], project: Project) -> None:
    stranger = factories.OrganizationMemberFactory(role="owner").user
    assert isinstance(stranger, User)
    api = api_as(stranger)
    assert api.get(URL).status_code in (403, 404)
    assert put(api, "localhost", {"active": True}).status_code in (403, 404)
    assert not Project.objects.get(pk=project.pk).filter_localhost


def test_what_they_cost(
    api: APIClient, project: Project, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        api.get(URL)
    with django_assert_max_num_queries(7):
        put(api, "localhost", {"active": True})
