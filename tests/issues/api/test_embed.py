"""The dialog for visitors: /api/embed/error-page/"""

import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from issues.api.views.embed import LABELS
from issues.models import UserReport
from sentrylite.ingest.app import matches
from sentrylite.organizations import dsn
from sentrylite.organizations.models import Project, ProjectKey
from tests import factories

pytestmark = pytest.mark.django_db

PATH = "/api/embed/error-page/"
EVENT_ID = "cc0fcc4147914646a75d95f62f344cbe"
FORM = {"name": "Jane Smith", "email": "jane@example.com", "comments": "It broke!"}
HOSTILE = "</script><script>alert('1')</script>\"'`${1}\\ \u2028\u2029<!--"


@pytest.fixture
def query(key: ProjectKey) -> dict[str, str]:
    return {"dsn": dsn.build(key.public_key, key.project_id), "eventId": EVENT_ID}


def address(query: dict[str, str]) -> str:
    return f"{PATH}?{urlencode(query)}"


def options_of(answer: Any) -> dict[str, Any]:
    found = re.search(r"^showWhenReady\((.*)\);$", answer.content.decode(), re.MULTILINE)
    assert found
    return json.loads(found[1])


def submit(query: dict[str, str], form: Any = FORM, **headers: str) -> Any:
    # Browsers send no cookies and no CSRF token with it.
    return Client(enforce_csrf_checks=True).post(address(query), form, headers=headers)


def test_the_path_is_not_a_door_for_sdks() -> None:
    assert not matches(PATH)


def test_the_script(client: Client, query: dict[str, str]) -> None:
    """SDKs ask for it across origins, and it is refused without the header."""
    answer = client.get(address(query), headers={"Origin": "https://shop.example"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert options_of(answer) == {
        **query,
        "name": "",
        "email": "",
        "lang": "",
        "labels": LABELS,
    }


def test_what_the_sdk_knows_and_wants_said(client: Client, query: dict[str, str]) -> None:
    labels = {name: f"my {name}" for name in LABELS}
    person = {"name": "Jane", "email": "jane@example.com", "lang": "pt-BR"}
    options = options_of(client.get(address(query | labels | person)))
    assert options == query | person | {"labels": labels}


def test_hostile_texts_stay_texts(client: Client, query: dict[str, str]) -> None:
    hostile = dict.fromkeys([*LABELS, "name", "email", "lang"], HOSTILE)
    answer = client.get(address(query | hostile))
    options = options_of(answer)
    assert (options["name"], options["email"]) == (HOSTILE, HOSTILE)
    assert set(options["labels"].values()) == {HOSTILE}
    assert options["lang"] == ""
    script = answer.content.decode().rpartition("showWhenReady(")[2]
    assert not set(script) & set("<>&\u2028\u2029")


def test_texts_are_of_bounded_length(client: Client, query: dict[str, str]) -> None:
    texts = dict.fromkeys(["title", "name", "email"], "x\0" * 2000)
    options = options_of(client.get(address(query | texts)))
    lengths = (len(options["labels"]["title"]), len(options["name"]), len(options["email"]))
    assert lengths == (500, 128, 75)


@pytest.mark.parametrize(
    "change, status",
    [
        ({"eventId": ""}, 400),
        ({"eventId": "abc"}, 400),
        ({"eventId": "x" * 32}, 400),
        ({"eventId": "a\0" * 16}, 400),
        ({"dsn": ""}, 404),
        ({"dsn": "nonsense"}, 404),
        ({"dsn": "http://[::1"}, 404),
        ({"dsn": f"https://{'0' * 32}@localhost/1"}, 404),
    ],
)
def test_a_query_that_names_nothing(
    client: Client, query: dict[str, str], change: dict[str, str], status: int
) -> None:
    for answer in (client.get(address(query | change)), submit(query | change)):
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert "X-Sentry-Context" not in answer.headers
        assert b"nonsense" not in answer.content
    assert not UserReport.objects.exists()


def test_a_key_that_is_not_in_use(client: Client, query: dict[str, str]) -> None:
    ProjectKey.objects.update(is_active=False)
    assert client.get(address(query)).status_code == 404


@pytest.mark.parametrize(
    "headers, is_allowed",
    [
        ({"Origin": "https://shop.example"}, True),
        ({"Referer": "https://shop.example/cart?x=1"}, True),
        ({}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Referer": "https://evil.example/"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.example", "Referer": "https://shop.example/"}, False),
    ],
)
def test_only_from_the_projects_origins(
    client: Client, query: dict[str, str], headers: dict[str, str], is_allowed: bool
) -> None:
    Project.objects.update(allowed_domains=["shop.example", 1])
    expected = 200 if is_allowed else 403
    assert client.get(address(query), headers=headers).status_code == expected
    assert submit(query, **headers).status_code == expected
    assert UserReport.objects.exists() == is_allowed


def test_the_form(query: dict[str, str], key: ProjectKey, api: Any) -> None:
    issue = factories.IssueFactory(project=key.project)
    # The page may have been open for a while.
    when = timezone.now() - timedelta(hours=2)
    factories.make_event(issue, event_id=EVENT_ID, timestamp=when)
    answer = submit(query, Origin="https://shop.example")
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    report = UserReport.objects.get()
    assert report.issue == issue
    assert {name: getattr(report, name) for name in FORM} == FORM
    listed = api.get("/api/0/projects/acme/pump-station/user-feedback/").json()
    assert [each["comments"] for each in listed] == ["It broke!"]
    assert submit(query, FORM | {"comments": "Twice!"}).status_code == 200
    UserReport.objects.update(created_at=when)
    assert submit(query).status_code == 409
    assert UserReport.objects.get().comments == "Twice!"


@pytest.mark.parametrize(
    "change, wrong",
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 129}, "name"),
        ({"email": "nobody"}, "email"),
        ({"comments": " "}, "comments"),
        ({"comments": "a\0b"}, "comments"),
    ],
)
def test_a_form_that_is_not_filled_in(query: dict[str, str], change: Any, wrong: str) -> None:
    answer = submit(query, FORM | change)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {wrong}
    assert not UserReport.objects.exists()


def test_a_preflight_needs_nothing(client: Client) -> None:
    answer = client.options(PATH, headers={"Origin": "https://shop.example"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_other_methods_are_refused(client: Client, query: dict[str, str]) -> None:
    assert client.put(address(query)).status_code == 405


def test_what_it_costs(
    query: dict[str, str], client: Client, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        client.get(address(query))
