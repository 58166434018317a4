"""How requests are read, whatever they ask for."""

import gzip
from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from sentrylite.handler import Handler
from sentrylite.organizations.models import Organization, Project
from tests import factories

pytestmark = pytest.mark.django_db

PATH = "/api/0/projects/acme/pump-station/issues/"
FORM = b"status=resolved%C3%A9"
PARTS = (
    '--x\r\nContent-Disposition: form-data; name="status"\r\n\r\nresolvedé\r\n--x--\r\n'.encode()
)


@pytest.fixture
def issue(project: Project) -> object:
    return factories.IssueFactory(project=project)


@pytest.fixture(autouse=True)
def as_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.test.client.WSGIRequest", Handler.request_class)


# Some of these are no encodings of text, others cannot replace what they cannot read.
@pytest.mark.parametrize("charset", ["hex", "idna", "punycode", "undefined", "utf-16", "nope"])
@pytest.mark.parametrize(
    "body, content_type",
    [(FORM, "application/x-www-form-urlencoded"), (PARTS, "multipart/form-data; boundary=x")],
)
def test_forms_and_queries_are_utf_8_whatever_charset_is_named(
    api: APIClient, issue: object, charset: str, body: bytes, content_type: str
) -> None:
    content_type = f"{content_type}; charset={charset}"
    answer = api.generic("PUT", PATH, body, content_type)
    assert answer.status_code == 400
    assert answer.json() == {"status": ['"resolvedé" is not a valid choice.']}
    answer = api.generic("GET", PATH, body, content_type, QUERY_STRING="sort=%C3%A9")
    assert answer.status_code == 400


@pytest.mark.parametrize("encoding", ["gzip", "br", "nope", "gzip, identity"])
def test_a_compressed_body_is_refused_as_such(api: APIClient, issue: object, encoding: str) -> None:
    answer = api.generic(
        "PUT", PATH, gzip.compress(b"{}"), "application/json", HTTP_CONTENT_ENCODING=encoding
    )
    assert answer.status_code == 415
    assert answer.json() == {"detail": f'Unsupported content encoding "{encoding}" in request.'}


@pytest.mark.parametrize(
    "body, reason",
    [
        (b"[" * 100_000, "depth limit exceeded"),
        (b'{"ignoreCount":' + b"9" * 5000 + b"}", "number is infinity"),
    ],
)
def test_json_beyond_all_bounds_is_said_to_be(
    api: APIClient, issue: object, body: bytes, reason: str
) -> None:
    answer = api.generic("PUT", PATH, body, "application/json")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"JSON parse error - {reason}")


@pytest.mark.parametrize("path", [PATH, "/admin/", "/api/0/"])
def test_a_session_with_a_nul_character_is_none(organization: Organization, path: str) -> None:
    client = Client()
    client.cookies["sessionid"] = "\0" * 32
    assert client.get(path).status_code in (200, 302, 401)


@pytest.mark.parametrize("credentials", ["é", "\x80", "====", "/zo="])
def test_credentials_that_are_no_base64(db: None, credentials: str) -> None:
    answer = Client().get(PATH, HTTP_AUTHORIZATION=f"Basic {credentials}")
    assert answer.status_code == 401
    assert answer.json() == {
        "detail": "Invalid basic header. Credentials not correctly base64 encoded."
    }


def test_a_form_or_a_header_cannot_stand_for_another_method(
    api: APIClient, project: Project, api_as: Callable[..., APIClient]
) -> None:
    issue = factories.IssueFactory(project=project)
    answer = api.generic(
        "POST",
        f"/api/0/issues/{issue.pk}/",
        b"_method=DELETE",
        "application/x-www-form-urlencoded",
        QUERY_STRING="_method=DELETE",
        HTTP_X_HTTP_METHOD_OVERRIDE="DELETE",
    )
    assert answer.status_code == 405
    assert api.get(f"/api/0/issues/{issue.pk}/").status_code == 200
