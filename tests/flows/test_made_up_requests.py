"""Requests made up from the OpenAPI document, good and bad ones, to a server of their own: whatever
is asked, the answer is one that the document names."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests import described, live

pytestmark = pytest.mark.live

schemathesis.serializer.alias("application/x-sentry-envelope", "text/plain")
schemathesis.serializer.alias("application/csp-report", "application/json")

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EVENT = {
    "message": "The pump is stuck",
    "level": "error",
    "platform": "python",
    "release": "pump@1.0",
    "environment": "production",
    "tags": {"area": "north"},
    "user": {"id": "1", "email": "somebody@example.com"},
}
UPLOAD = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="pump.js"\r\n\r\n1\r\n--x--\r\n',
    "multipart/form-data; boundary=x",
)


@dataclass
class Place:
    """A server with something in it, and how to get there."""

    server: live.Server
    token: str
    dsn_key: str
    values: dict[str, str]
    """Of what varies in paths."""

    def path(self, template: str) -> str:
        for name, value in self.values.items():
            template = template.replace(f"{{{name}}}", value)
        return template

    def ask(self, method: str, template: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        return self.send(method, template, data, "application/json")

    def send(self, method: str, template: str, data: bytes | None, content_type: str) -> Any:
        status, answer = live.fetch(
            self.server.url + self.path(template),
            method=method,
            token=self.token,
            data=data,
            content_type=content_type,
        )
        assert status < 300, (template, status, answer)
        return json.loads(answer) if answer else None


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with live.server() as server:
        found = server.setup(organization="acme", team="rockets", project="pump-station")
        key = found["dsn"].partition("://")[2].partition("@")[0]
        project_id = found["dsn"].rpartition("/")[2]
        place = Place(server, found["token"], key, {"project_id": project_id})
        for number in range(3):
            status, answer = server.send_event(
                found["dsn"], {**EVENT, "fingerprint": [str(number)]}
            )
            assert status == 200
        place.values |= {"organization": "acme", "project": "pump-station", "team": "rockets"}
        place.values["event_id"] = json.loads(answer)["id"]
        fill(place, key)
        yield place


def fill(place: Place, public_key: str) -> None:
    """One of everything, by ids where slugs may be changed on the way."""
    values, ask = place.values, place.ask
    organization = "/api/0/organizations/{organization}"
    project = "/api/0/projects/{organization}/{project}"
    issue, discarded, _ = ask("GET", f"{project}/issues/")
    ask("PUT", f"/api/0/issues/{discarded['id']}/", {"discard": True})
    shared = ask("PUT", f"/api/0/issues/{issue['id']}/", {"isPublic": True})
    values |= {
        "issue_id": issue["id"],
        "short_id": issue["shortId"],
        "share_id": shared["shareId"],
        "note_id": ask("POST", f"/api/0/issues/{issue['id']}/notes/", {"text": "Why?"})["id"],
        "tombstone_id": ask("GET", f"{project}/tombstones/")[0]["id"],
        "hook_id": ask("POST", f"{project}/hooks/", {"url": "https://example.com/"})["id"],
        "public_key": public_key,
        "key_id": ask("POST", f"{organization}/api-keys/", {"scope_list": ["org:read"]})["id"],
        "member_id": ask("GET", f"{organization}/members/")[0]["id"],
        "user_hash": ask("GET", f"{project}/users/")[0]["hash"],
        "dashboard_id": ask("POST", f"{organization}/dashboards/", {"title": "Pumps"})["id"],
        "environment": "production",
        "filter": "localhost",
        "key": "area",
    }
    widget = {"title": "Pressure", "displayType": "line"}
    values["widget_id"] = ask(
        "POST", f"{organization}/dashboards/{{dashboard_id}}/widgets/", widget
    )["id"]
    repository = {"name": "acme/pump", "provider": "github"}
    values["repo_id"] = ask("POST", f"{organization}/repos/", repository)["id"]
    values["version"] = EVENT["release"]
    upload = place.send("POST", f"{organization}/releases/{{version}}/files/", *UPLOAD)
    values["file_id"] = upload["id"]
    values["team"] = ask("GET", "/api/0/teams/{organization}/{team}/")["id"]
    values["organization"], values["project"] = (
        ask("GET", f"{organization}/")["id"],
        ask("GET", f"{project}/")["id"],
    )


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """What takes things away comes last, and the most of it at the very end."""
    found = [
        (method.upper(), path, operation)
        for path, methods in described.document()["paths"].items()
        for method, operation in methods.items()
    ]
    order = ("GET", "POST", "PUT", "DELETE")
    return sorted(found, key=lambda each: (order.index(each[0]), -each[1].count("/")))


def test_nobody_is_nobody(place: Place) -> None:
    for method, path, operation in operations():
        if operation.get("security") and {} not in operation["security"]:
            status, body = live.fetch(place.server.url + place.path(path), method=method)
            assert status in (401, 400 if is_door(path) else 401), (method, path, status, body)


def test_everything_can_be_read(place: Place) -> None:
    for method, path, operation in operations():
        if method == "GET" and not is_door(path):
            needed = {
                each["name"]: each["schema"]["items"]["enum"][0]
                for each in operation.get("parameters", ())
                if each["in"] == "query" and each.get("required")
            }
            place.ask("GET", f"{path}?{urlencode(needed)}")


def test_answers_are_as_described(place: Place) -> None:
    api = schemathesis.openapi.from_dict(described.document())
    api.config.update(base_url=place.server.url)
    problems = []
    for method, path, _ in operations():
        operation = api[path][method]
        try:
            ask_in_many_ways(place, operation, GenerationMode.POSITIVE, 4)
            if operation.query or operation.body:
                ask_in_many_ways(place, operation, GenerationMode.NEGATIVE, 3)
        except (Failure, FailureGroup) as problem:
            problems += getattr(problem, "exceptions", [problem])
    assert not problems, "\n\n".join(map(str, problems))


def is_door(path: str) -> bool:
    return not path.startswith("/api/0/")


def ask_in_many_ways(place: Place, operation: Any, mode: GenerationMode, times: int) -> None:
    values = {each.name: place.values[each.name] for each in operation.path_parameters}
    headers, params = {"Authorization": f"Bearer {place.token}"}, {}
    if is_door(operation.path):
        headers, params = {}, {"sentry_key": place.dsn_key, "sentry_version": "7"}

    @seed(1)
    @settings(
        max_examples=times,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode, path_parameters=values))
    def ask(case: Any) -> None:
        response = case.call(headers=headers, params=params)
        # A few refusals have no body.
        is_empty = response.status_code >= 400 and not response.content
        case.validate_response(response, checks=CHECKS[:2] if is_empty else CHECKS)

    ask()
