"""The OpenAPI document: what is in it, and that it is true. Most of that is seen by the others: the
clients of `api` and `api_as` hold every answer against it."""

import gzip
import re
from typing import Any

import jsonschema_rs
import orjson
import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from issues.management.commands.openapi import document as write_document
from sentrylite.api.openapi import TAGS
from sentrylite.api.reference import DOCUMENT
from tests import described
from tests.test_access import METHODS, ROUTES, routes
from tests.test_readme import README, VALUES

Json = dict[str, Any]
DESCRIBED = described.document()
OPERATIONS = [
    (method.upper(), path, operation)
    for path, methods in DESCRIBED["paths"].items()
    for method, operation in methods.items()
]
SECTION = re.compile(
    r"^\*\*(?P<section>[^*]+)\*\*$|"
    r"^\| (?P<method>GET|POST|PUT|DELETE) \| `(?P<path>/[^`]*)` \| (?P<name>.*) "
    r"\| (?P<state>.+) \|$",
    re.MULTILINE,
)


def readme_rows() -> list[tuple[str, str, str, str]]:
    """Section, method, path and name of each operation that is served."""
    rows, section = [], ""
    for match in SECTION.finditer(README):
        section = match["section"] or section
        if match["method"] and match["state"] != "not yet":
            rows.append((section, match["method"], match["path"], match["name"]))
    return rows


class TestWhatIsInIt:
    def test_it_is_what_the_views_say(self) -> None:
        GENERATOR_STATS.reset()
        written = write_document()
        assert not GENERATOR_STATS
        assert written == DOCUMENT.read_bytes(), "run `make openapi`"

    def test_it_is_an_openapi_document(self) -> None:
        validate_schema(DESCRIBED)
        for schema in DESCRIBED["components"]["schemas"].values():
            jsonschema_rs.meta.validate(
                {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
            )

    @pytest.mark.parametrize("route", ROUTES)
    def test_every_route_is_in_it(self, route: str) -> None:
        view = dict(routes())[route]
        path = described.canonical("/api/0/" + re.sub(r"<str:(\w+)>", r"{\1}", route))
        methods = {name for name in ("get", "post", "put", "delete") if hasattr(view, name)}
        assert set(described.paths()[path]) == methods

    def test_an_operation_has_a_name_of_its_own(self) -> None:
        names = [operation["operationId"] for _, _, operation in OPERATIONS]
        assert len(set(names)) == len(names)

    @pytest.mark.parametrize("section, method, path, name", readme_rows())
    def test_an_operation_is_called_as_in_the_readme(
        self, section: str, method: str, path: str, name: str
    ) -> None:
        if path.startswith("/api/"):
            operation = DESCRIBED["paths"][path][method.lower()]
        else:
            address = re.sub(r"\{(\w+)\}", lambda match: VALUES.get(match[1], "x"), path)
            operation = described.operation(method, f"/api/0{address}") or {}
        assert operation["tags"] == [section]
        assert operation["summary"] in (name, re.sub(r" \(also /.*\)$", "", name))

    def test_every_section_is_explained(self) -> None:
        used = {tag for _, _, operation in OPERATIONS for tag in operation["tags"]}
        assert used <= {tag["name"] for tag in DESCRIBED["tags"]} == {*TAGS, "Ingestion"}

    @pytest.mark.parametrize("method, path, operation", OPERATIONS)
    def test_an_operation_says_what_it_answers(
        self, method: str, path: str, operation: Json
    ) -> None:
        answers = operation["responses"]
        assert any(status.startswith("2") for status in answers)
        if operation.get("security") and {} not in operation["security"]:
            assert "401" in answers
        if method == "GET":
            assert all("content" in each for status, each in answers.items() if status == "200")

    @pytest.mark.parametrize("route, method", METHODS)
    def test_it_names_the_scopes_of_an_operation(self, route: str, method: str) -> None:
        path = described.canonical("/api/0/" + re.sub(r"<str:(\w+)>", r"{\1}", route))
        text = described.paths()[path][method.lower()].get("description", "")
        scopes = getattr(dict(routes())[route], "scopes", {}).get(method, set())
        assert set(re.findall(r"`(\w+:\w+)`", text.rpartition("Scopes:")[2])) == set(scopes)

    def test_the_examples_are_answers(self) -> None:
        examples = [
            (media["schema"], media["example"])
            for _, _, operation in OPERATIONS
            for answer in operation["responses"].values()
            for media in answer.get("content", {}).values()
            if "example" in media
        ]
        assert len(examples) == 4
        for schema, example in examples:
            assert [*described.validator(schema).iter_errors(example)] == []


class TestWhereItIs:
    def test_anybody_may_read_it(self, client: Client) -> None:
        response = client.get("/api/0/openapi.json", headers={"origin": "https://docs.example"})
        assert response.status_code == 200
        assert response["Content-Type"] == "application/json"
        assert response["Access-Control-Allow-Origin"] == "https://docs.example"
        assert response.content == DOCUMENT.read_bytes()

    def test_it_is_sent_small_and_only_once(self, client: Client) -> None:
        response = client.get("/api/0/openapi.json", headers={"accept-encoding": "gzip"})
        assert orjson.loads(gzip.decompress(response.content)) == DESCRIBED
        assert len(response.content) < 100_000
        again = client.get("/api/0/openapi.json", headers={"if-none-match": response["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert response["Cache-Control"] == "no-cache"

    def test_its_page_holds_nothing_but_files_of_this_server(self, client: Client) -> None:
        response = client.get("/docs/")
        assert response.status_code == 200
        assert "script-src 'self'" in response["Content-Security-Policy"]
        assert "unsafe" not in response["Content-Security-Policy"]
        page = response.content.decode()
        assert re.findall(r'(?:src|href)="(?!/)', page) == []
        assert not re.search(r"<script(?![^>]*src=)|style=|<style", page)

    def test_only_reading_it_is_possible(self, client: Client) -> None:
        assert client.post("/docs/").status_code == 405
        assert client.post("/api/0/openapi.json").status_code == 405
