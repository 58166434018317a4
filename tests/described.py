"""The OpenAPI document as a judge of answers: whoever asks the API in a test is told when an answer
is not as the document says, and when a parameter is read that it does not name."""

import re
from contextlib import suppress
from functools import cache
from typing import Any

import jsonschema_rs
import orjson
from django.core.exceptions import TooManyFieldsSent
from django.http import QueryDict
from django.urls import Resolver404, resolve
from rest_framework.test import APIClient, ForceAuthClientHandler

from sentrylite.api.openapi import OLDER_NAMES
from sentrylite.api.reference import DOCUMENT

Json = dict[str, Any]


class NotAsDescribed(AssertionError):
    pass


@cache
def document() -> Json:
    return orjson.loads(DOCUMENT.read_bytes())


def canonical(path: str) -> str:
    return "/".join(OLDER_NAMES.get(part, part) for part in path.rstrip("/").split("/"))


@cache
def paths() -> dict[str, Json]:
    return {canonical(path): methods for path, methods in document()["paths"].items()}


def operation(method: str, path: str) -> Json | None:
    """What the document says of a method of an address; None for an address without a view."""
    try:
        route = resolve(path).route
    except Resolver404:
        return None
    if route.startswith("^"):
        return None
    template = canonical("/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route))
    found = paths().get(template, {}).get(method.lower())
    if found is None and hasattr(resolve(path).func, "view_class"):
        view = resolve(path).func.view_class
        assert not hasattr(view, method.lower()), f"{method} {template} is not in the document"
    return found


@cache
def closed() -> Json:
    """The components, so that no object may have other keys than they name."""

    def close(schema: Any) -> Any:
        if isinstance(schema, list):
            return [close(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        found = {key: close(value) for key, value in schema.items()}
        if isinstance(schema.get("properties"), dict):
            found.setdefault("additionalProperties", False)
        return found

    return close(document()["components"])


VALIDATORS: dict[str, Any] = {}


def validator(schema: Json) -> Any:
    text = orjson.dumps(schema).decode()
    if text not in VALIDATORS:
        whole = {**schema, "components": closed()}
        VALIDATORS[text] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return VALIDATORS[text]


def check(method: str, path: str, status: int, content_type: str, body: bytes | None) -> None:
    """Raises NotAsDescribed for an answer that the document does not allow. The body of a file is
    None: it is not read."""
    described = operation(method, path)
    if described is None or status >= 500 or status == 405:
        return
    place = f"{method} {path}: {status}"
    answers = described["responses"]
    if str(status) not in answers:
        raise NotAsDescribed(f"{place} is none of {', '.join(answers)}")
    answer = answers[str(status)]
    if "$ref" in answer:
        answer = document()["components"]["responses"][answer["$ref"].rsplit("/", 1)[-1]]
    content = answer.get("content")
    if content is None or body == b"":
        if body or (content and status < 300):
            raise NotAsDescribed(f"{place} has {'a' if body else 'no'} body")
        return
    media_type = content_type.partition(";")[0]
    if media_type not in content:
        raise NotAsDescribed(f"{place} is {media_type}, none of {', '.join(content)}")
    if media_type == "application/json" and body:
        judge = validator(content[media_type]["schema"])
        errors = [
            f"{'/'.join(map(str, error.instance_path))}: {error.message[:300]}"
            for error in judge.iter_errors(orjson.loads(body))
        ]
        if errors:
            raise NotAsDescribed("\n".join([place, *errors[:10]]))


def check_parameters(method: str, path: str, looked_for: set[str]) -> None:
    """Raises NotAsDescribed for a parameter that is read and that the document does not name."""
    if (described := operation(method, path)) is None:
        return
    named = {each["name"] for each in described.get("parameters", ()) if each["in"] == "query"}
    if unknown := looked_for - named:
        raise NotAsDescribed(f"{method} {path} reads {', '.join(sorted(unknown))}")


class Watched(QueryDict):
    """A query string that remembers which parameters were looked for."""

    @property
    def looked_for(self) -> set[str]:
        return self.__dict__.setdefault("_looked_for", set())

    def get(self, key: Any, default: Any = None) -> Any:
        self.looked_for.add(key)
        return super().get(key, default)

    def getlist(self, key: Any, default: Any = None) -> Any:
        self.looked_for.add(key)
        return super().getlist(key, default)

    def __contains__(self, key: object) -> bool:
        self.looked_for.add(str(key))
        return super().__contains__(key)


class WatchingHandler(ForceAuthClientHandler):
    looked_for: set[str]

    def get_response(self, request: Any) -> Any:
        self.looked_for = set()
        with suppress(TooManyFieldsSent):
            request.GET = Watched(request.META["QUERY_STRING"])
            self.looked_for = request.GET.looked_for
        self.looked_for.clear()  # it looked at itself while it was made
        return super().get_response(request)


class DescribedClient(APIClient):
    """An APIClient that holds each answer of the API, and what was asked for it, against the
    document."""

    handler: WatchingHandler
    is_strict = True
    """Off where a test stores what ingestion never would."""

    def __init__(self, enforce_csrf_checks: bool = False, **defaults: Any) -> None:
        super().__init__(enforce_csrf_checks, **defaults)
        self.handler = WatchingHandler(enforce_csrf_checks)

    def request(self, **kwargs: Any) -> Any:
        response = super().request(**kwargs)
        method, path = kwargs["REQUEST_METHOD"], kwargs["PATH_INFO"]
        if self.is_strict and path.startswith("/api/0/"):
            content_type = response.headers.get("Content-Type", "")
            body = None if response.streaming else response.content
            check(method, path, response.status_code, content_type, body)
            check_parameters(method, path, self.handler.looked_for)
        return response
