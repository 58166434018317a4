"""Requests as no client library would send them, through all of the server."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from sentrylite.accounts.models import User
from sentrylite.organizations.access import ALL_SCOPES
from sentrylite.organizations.models import ProjectKey
from tests import factories
from tests.flows.stack import Answer, Stack

LIST = "/api/0/projects/acme/pump-station/issues/"
HALF_A_PAIR = b"\xed\xa0\x80".decode("utf-8", "surrogateescape")

Send = Callable[..., Answer]


@pytest.fixture
def send(stack: Stack, user: User, key: ProjectKey) -> Send:
    """`send(statuses, method, path, …)`: an answer as JSON with one of these."""
    factories.IssueFactory(project=key.project)
    token = factories.ApiTokenFactory(user=user, scopes=sorted(ALL_SCOPES)).secret

    def send(statuses: set[int], method: str = "GET", path: str = LIST, **parts: Any) -> Answer:
        headers = {"authorization": f"Bearer {token}"} | parts.pop("headers", {})
        answer = stack.request(method, path, headers=headers, **parts)
        assert answer.status in statuses, (answer, path, headers, parts)
        assert answer.headers["content-type"] == "application/json"
        assert answer.json is not None
        return answer

    return send


def test_any_target(send: Send) -> None:
    for path in (
        "/api/0",
        "/api/0/\0/",
        "/api/0/issues/\0/",
        "/api/0/issues/\udcff\udcfe/",
        f"/api/0/issues/{HALF_A_PAIR}/",
        "/api/0/issues/1\n/",
        "/api/0/issues/1\r\nX: y/",
        "/api/0/issues/" + "é" * 40_000 + "/",
        "/api/0/issues/1/?query=is:unresolved",
        "/api/0/projects/acme/pump-station/events/\udc80/",
        "/api/0/issues/1/tags/\udc80\0/",
    ):
        send({404}, path=path)


def test_any_target_that_is_none_of_the_api(stack: Stack) -> None:
    for path in ("*", "", "//api/0/", "http://testserver/api/0/", "\0", "/\udcff"):
        assert stack.request("GET", path).status == 404


def test_any_query(send: Send) -> None:
    for query in (
        b"\xff\xfe",
        b"\0",
        b"%",
        b"%ED%A0%80=%ED%A0%80",
        b"query=\xc3",
        b"query=%",
        b"#",
    ):
        send({200}, query=query)


def test_any_header(send: Send) -> None:
    names = ("authorization", "cookie", "origin", "referer", "accept", "content-type")
    values = ("\0", "\x7f", "é", "\xff" * 9000, "a\tb", ",")
    for name, value in product(names, values):
        send({401} if name == "authorization" else {200}, headers={name: value})


def test_any_other_host(send: Send) -> None:
    for host in ("nope.example", "a b", "[", "x" * 9000, "\0", "testserver:x", "é"):
        send({400}, headers={"host": host})


# Python knows them as encodings; `hex` of no text, and `idna` cannot replace what it cannot read.
def test_any_charset(send: Send) -> None:
    types = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain")
    for kind, charset in product(types, ("hex", "idna", "undefined", "\0", "utf-8\0")):
        headers = {"content-type": f"{kind}; charset={charset}"}
        answer = send({400}, query=b"sort=%C3%A9", headers=headers)
        assert answer.json["detail"].startswith("Invalid sort.")


def test_any_parameter_of_a_content_type(send: Send) -> None:
    types = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
    parameters = (
        *("charset*=nope''x", "charset*=utf-8''%00", "boundary*=idna''%ff", "x*=\0''x"),
        *("é*=é'é'%zz", "boundary*0*=nope''x; boundary*1=y"),
    )
    for kind, parameter in product(types, parameters):
        headers = {"content-type": f"{kind}; {parameter}"}
        send({200, 400, 415}, "PUT", body=b'{"status": "nope"}', headers=headers)


def test_any_content_length(send: Send) -> None:
    """What came is what is read."""
    for length in ("-1", "x", "99999999999999999999", ""):
        headers = {"content-type": "application/json", "content-length": length}
        answer = send({400}, "PUT", body=b'{"status": "nope"}', headers=headers)
        assert "status" in answer.json


def test_a_session_with_a_nul_character(stack: Stack, send: Send) -> None:
    cookie = "sessionid=" + '"' + r"\000" * 32 + '"'
    send({401}, headers={"authorization": "", "cookie": cookie})
    assert stack.request("GET", "/admin/", headers={"cookie": cookie}).status == 302
