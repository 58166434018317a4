"""The OpenAPI document of the API, from its routes, operations, shapes and inputs.

Nobody needs this to serve it: `manage.py openapi` writes the document to a file, which is part of
the source, and a test says when it is not up to date. Only that command and the tests need
drf-spectacular.
"""

import inspect
import re
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import orjson
from django.conf import settings as django_settings
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, append_meta
from drf_spectacular.settings import patched_settings
from rest_framework.serializers import Field, Serializer

from .inputs import Input
from .operations import File, Keywords, Operation, Operations, Shape

Json = dict[str, Any]

PREFIX = "/api/0"
EXAMPLES = Path(django_settings.BASE_DIR.parent, "tests/shapes")
OLDER_NAMES = {"groups": "issues", "comments": "notes", "user-reports": "user-feedback"}
"""Parts of paths that mean the same as others; only those are described."""

# Which section of the reference an operation is in: the first that its path matches.
TAGS = {
    "Releases": r"/(releases|sessions|artifactbundle|chunk-upload|files/source-maps)/",
    "Statistics": r"/stats(_v2|-summary)?/$",
    "Issues and events": (
        r"^/(issues|shared|organizations/\{organization\}/(issues|issues-count|shared)"
        r"|projects/\{organization\}/\{project\}/(issues|events|tombstones))/"
    ),
    "Teams": r"^/teams/|^/organizations/\{organization\}/(teams|user-teams)/",
    "Projects": r"^/projects/",
    "Organizations": r"^/(organizations/|$)",
    "Callers": "",
}
DESCRIPTIONS = {
    "Ingestion": "Where SDKs send events to, with a DSN.",
    "Issues and events": "What broke, and every time it did.",
    "Statistics": "Counts over time.",
    "Organizations": "Who owns what.",
    "Teams": "Who looks after which projects.",
    "Projects": "What sends events, and how they are treated.",
    "Releases": "Versions, and what shipped in them.",
    "Callers": "Who the caller is, and credentials.",
}
NAMES = {
    "dashboard_id": "The id of a dashboard.",
    "environment": "The name of an environment.",
    "event_id": "The id of an event: 32 hexadecimal digits.",
    "file_id": "The id of a file of a release.",
    "filter": "The id of an inbound filter.",
    "hook_id": "The id of a service hook.",
    "issue_id": "The id of an issue; below an organization its short id will do too.",
    "key": "A tag key.",
    "key_id": "The id of an API key.",
    "member_id": "The id of a member, or `me`.",
    "note_id": "The id of a note.",
    "organization": "The slug or id of an organization.",
    "project": "The slug or id of a project.",
    "public_key": "The public half of a client key.",
    "repo_id": "The id of a repository.",
    "share_id": "The last part of an issue's public address.",
    "short_id": "The short id of an issue, such as `PUMP-STATION-1`.",
    "team": "The slug or id of a team.",
    "tombstone_id": "The id of a discarded issue.",
    "user_hash": "The hash of somebody events happened to.",
    "version": "The version of a release.",
    "widget_id": "The id of a widget.",
}
"""What the parts of a path that vary are."""

HEADERS = {
    "Link": "The pages before and after: addresses with `rel`, `results` and `cursor`.",
    "X-Hits": "How many rows there are, counted up to `X-Max-Hits`.",
    "X-Max-Hits": "How far rows are counted.",
    "X-Sentry-Direct-Hit": "`1` when what was searched for is the one row.",
}
SUCCESSES = {
    200: "Done.",
    201: "Made.",
    202: "Accepted: it is being done.",
    208: "It was there already.",
    204: "Done; there is nothing to say.",
    304: "It is still as `If-None-Match` says.",
}
FAILURES = {
    302: "The project has another slug now; `Location` is where it is.",
    400: "What was sent cannot be used; the body says what and why.",
    401: "There are no credentials, or none that are good.",
    403: "The credentials do not allow it.",
    404: "There is no such thing, or none that the caller may know of.",
    409: "What was sent is right by itself, but does not go with what there is already.",
    413: "It is too large.",
    415: "It is in a form that is not read here.",
    429: "That was too often.",
}
SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of a person. It does what its scopes and the person's role allow.",
    },
    "apiKey": {
        "type": "http",
        "scheme": "basic",
        "description": "An organization's API key as the user's name, with an empty password.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "Of somebody signed in to the admin. Changes need the CSRF token too.",
    },
    "dsn": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`DSN` and the DSN of the project.",
    },
}
SCHEMES = {
    "TokenAuthentication": "token",
    "ApiKeyAuthentication": "apiKey",
    "SessionAuthentication": "session",
    "DsnAuthentication": "dsn",
}
ERROR: Json = {
    "type": "object",
    "description": "Why something was refused: in a `detail`, or by the names of what was sent.",
    "properties": {"detail": {"anyOf": [{"type": "string"}, {"type": "object"}]}},
    "additionalProperties": {},
}
INFO = """\
Error tracking that speaks the Sentry API.

Lists come in pages of up to 100 rows: the `Link` header of each names the ones before and after,
with their `cursor`. Times are UTC. Ids are strings. What cannot be used is refused with a `detail`,
or with messages by the name of each field.

Any one of the scopes that an operation names is enough, where the caller's role allows it too.
"""


def canonical(path: str) -> str:
    """What a path has in common with all that mean the same: older names of its parts, and with or
    without a slash at the end."""
    return "/".join(OLDER_NAMES.get(part, part) for part in path.rstrip("/").split("/"))


class Routes(EndpointEnumerator):
    """Those of the API; of paths that mean the same, the first one without an older name."""

    def get_api_endpoints(self, patterns: Any = None, prefix: str = "") -> list[Any]:
        first: dict[str, str] = {}
        return [
            endpoint
            for endpoint in super().get_api_endpoints(patterns, prefix)
            if (path := endpoint[0]).startswith(PREFIX)
            and path.rstrip("/") == canonical(path)
            and path == first.setdefault(canonical(path), path)
        ]


class Document(SchemaGenerator):
    """`Document(…).get_schema(public=True)` is the document."""

    endpoint_inspector_cls = Routes

    def create_view(self, callback: Any, method: str, request: Any = None) -> Any:
        view = super().create_view(callback, method, request)
        self._set_schema_to_view(view, Described(self.operations.get(type(view), {})))
        return view

    def __init__(self, operations: Operations, doors: Json, security: Json) -> None:
        """`doors` are paths that are none of Django's, and `security` their schemes, as they are to
        be in the document."""
        super().__init__()
        self.operations, self.doors, self.security = operations, doors, SECURITY | security

    def get_schema(self, request: Any = None, public: bool = False) -> Json:
        """Raises TypeError for an operation or a shape that says nothing."""
        settings: Json = {
            "OAS_VERSION": "3.1.0",
            "TITLE": "sentrylite",
            "VERSION": "0",
            "DESCRIPTION": INFO,
            "LICENSE": {"name": "MIT", "identifier": "MIT"},
            "SERVERS": [{"url": "/", "description": "This server"}],
            "TAGS": [{"name": name, "description": text} for name, text in DESCRIPTIONS.items()],
            "SCHEMA_PATH_PREFIX": PREFIX,
            "SORT_OPERATIONS": False,
            "SORT_OPERATION_PARAMETERS": False,
            "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
            "ENFORCE_NON_BLANK_FIELDS": True,
            "POSTPROCESSING_HOOKS": [],
            "APPEND_PATHS": self.doors,
            "APPEND_COMPONENTS": {
                "responses": FAILED,
                "schemas": {"Error": ERROR},
                "securitySchemes": self.security,
            },
        }
        with patched_settings(settings):
            document: Json = super().get_schema(request, public)
        return document


class Described(AutoSchema):
    """One operation, as it is described."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        super().__init__()
        self.operations = operations

    @property
    def operation(self) -> Operation:
        if self.method not in self.operations:
            name = type(self.view).__name__
            raise TypeError(f"Nothing is said of {name}'s {self.method} in api/operations.py.")
        return self.operations[self.method]

    @property
    def place(self) -> str:
        return self.path.removeprefix(PREFIX)

    def get_operation_id(self) -> str:
        """Of the method and the path, so that it is stable: `getIssuesEventsByEventId`."""
        *parts, last = ["index", *self.place.strip("/").split("/")]
        parts = [part for part in parts[1:] if not part.startswith("{")]
        words = re.findall(r"[A-Za-z0-9]+", " ".join([*parts, last.replace("{", "by ")]))
        name = "".join(word[0].upper() + word[1:] for word in words)
        return self.method.lower() + (name or "Index")

    def get_summary(self) -> str:
        is_below = self.place.startswith("/projects/{organization}/{project}/")
        return (is_below and self.operation.in_project) or self.operation.summary

    def get_description(self) -> str:  # type: ignore[override]
        scopes = getattr(self.view, "scopes", {}).get(self.method, ())
        needed = f"Scopes: {', '.join(f'`{scope}`' for scope in sorted(scopes))}." if scopes else ""
        return "\n\n".join(filter(None, (self.operation.text, needed)))

    def get_tags(self) -> list[str]:
        return [next(tag for tag, pattern in TAGS.items() if re.search(pattern, self.place))]

    def get_auth(self) -> list[Json]:
        schemes: list[Json] = [
            {SCHEMES[type(each).__name__]: []} for each in self.view.get_authenticators()
        ]
        return schemes if not schemes or self.view.permission_classes else [*schemes, {}]

    def _get_parameters(self) -> list[Json]:
        return [
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": NAMES[name],
                "schema": {"type": "string"},
            }
            for name in re.findall(r"{(\w+)}", self.path)
        ] + list(self._query())

    def _query(self) -> Iterator[Json]:
        if self.operation.query is None:
            return
        shape = self._properties(self.operation.query)
        for name, schema in shape["properties"].items():
            parameter: Json = {"name": name, "in": "query"}
            if text := schema.pop("description", None):
                parameter["description"] = text
            if name in shape.get("required", ()):
                parameter["required"] = True
            yield {**parameter, "schema": schema}

    # Bodies ---------------------------------------------------------------------------------------

    def get_request_serializer(self) -> Any:
        return self.operation.body

    def _get_request_body(self, direction: Any = "request") -> Json | None:
        body = self.operation.body
        if body is None:
            return None
        if inspect.isclass(body) and issubclass(body, Serializer):
            component = self.resolve_serializer(body, "request")
            is_required = bool(component.schema.get("required"))
            content = {"schema": component.ref}
        else:
            is_required, content = True, {"schema": self.schema_of(body)}
        found: Json = {"content": dict.fromkeys(self.operation.body_types, content)}
        return {**found, "required": True} if is_required else found

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Json:
        schema: Json = super()._map_basic_serializer(serializer, direction)
        schema.pop("description", None)  # it is for those who read it here
        if isinstance(serializer, Input) and serializer.is_partial:
            schema.pop("required", None)
            if serializer.must_have:
                schema["required"] = sorted(serializer.must_have)
        return schema

    def _map_serializer_field(
        self, field: Field, direction: Any, bypass_extensions: bool = False
    ) -> Json:
        accepts = getattr(field, "accepts", None)
        if accepts is None:
            schema: Json = super()._map_serializer_field(field, direction, bypass_extensions)
            schema.pop("x-spec-enum-id", None)
            return schema
        if inspect.isclass(accepts) and issubclass(accepts, Input):
            schema = self.resolve_serializer(accepts, direction).ref
        else:
            schema = self.schema_of(accepts)
        described: Json = append_meta(schema, self._get_serializer_field_meta(field, direction))
        return described

    # Answers --------------------------------------------------------------------------------------

    def _get_response_bodies(self, direction: Any = "response") -> Json:
        operation = self.operation
        is_below = self.place.startswith("/organizations/{organization}/")
        answer = operation.in_organization if is_below else None
        answers = {operation.success: answer or operation.answer, **operation.also}
        found = {str(status): self._answer(status, answers[status]) for status in sorted(answers)}
        return found | {
            str(status): {"$ref": f"#/components/responses/{status}"}
            for status in sorted(frozenset((*self._failures(), *operation.fails)))
            if status not in answers
        }

    def _answer(self, status: int, shape: Shape) -> Json:
        answer: Json = {"description": SUCCESSES[status]}
        if status == self.operation.success and (headers := self._headers()):
            answer["headers"] = headers
        if shape is not None:
            content = {"schema": self.schema_of(shape), **self._example(shape)}
            answer["content"] = {"application/json": content}
            if self.operation.downloads and status == self.operation.success:
                answer["content"]["application/octet-stream"] = {"schema": self.schema_of(File)}
        return answer

    def _example(self, shape: Shape) -> Json:
        name = self.operation.example
        if not name or shape is not self.operation.answer:
            return {}
        return {"example": orjson.loads(EXAMPLES.joinpath(f"{name}.json").read_bytes())}

    def _headers(self) -> Json:
        query = self.operation.query
        names = ["Link"] if query is not None and "cursor" in get_type_hints(query) else []
        return {
            name: {"description": HEADERS[name], "schema": {"type": "string"}}
            for name in (*names, *self.operation.headers)
        }

    def _failures(self) -> Iterator[int]:
        if self.view.authentication_classes:
            yield 401
            if self.view.permission_classes:
                yield 403
        if "{project}" in self.path:
            yield 302
        if "{" in self.path:
            yield 404
        if self.operation.query is not None or self.operation.body is not None:
            yield 400
        if self.operation.body is not None:
            yield 415

    # Shapes ---------------------------------------------------------------------------------------

    def schema_of(self, shape: Shape) -> Json:
        """The JSON Schema of a shape; TypedDicts become components. Raises TypeError."""
        if is_typeddict(shape):
            return self._component(shape)
        if shape in SIMPLE:
            return dict(SIMPLE[shape])
        origin, arguments = get_origin(shape), get_args(shape)
        if origin is Annotated:
            return self._annotated(arguments[0], shape.__metadata__)
        if origin in (NotRequired, Required):
            return self.schema_of(arguments[0])
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin is list:
            return {"type": "array", "items": self.schema_of(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.schema_of(arguments[1])}
        if origin in (Union, types.UnionType):
            return self._union(arguments)
        raise TypeError(f"{shape!r} is no shape.")

    def _annotated(self, shape: Shape, metadata: tuple[Any, ...]) -> Json:
        schema = self.schema_of(shape)
        for each in metadata:
            schema |= each.keywords if isinstance(each, Keywords) else {"description": each}
        return schema

    def _union(self, shapes: tuple[Shape, ...]) -> Json:
        parts = [self.schema_of(shape) for shape in shapes]
        if len(parts) == 2 and parts[1] == NULL and isinstance(parts[0].get("type"), str):
            nullable = {**parts[0], "type": [parts[0]["type"], "null"]}
            if "enum" in nullable:
                nullable["enum"] = [*nullable["enum"], None]
            return nullable
        return {"anyOf": parts}

    def _component(self, shape: Shape) -> Json:
        component = ResolvedComponent(shape.__name__, ResolvedComponent.SCHEMA, object=shape)
        if component not in self.registry:
            self.registry.register(component)
            component.schema = self._properties(shape)
        elif self.registry[component].object is not shape:
            raise TypeError(f"There are two shapes of the name {shape.__name__}.")
        return component.ref

    def _properties(self, shape: Shape) -> Json:
        schema: Json = {"type": "object"}
        if shape.__doc__ and not shape.__doc__.startswith("dict("):
            schema["description"] = inspect.cleandoc(shape.__doc__)
        schema["properties"] = {
            name: self.schema_of(each)
            for name, each in get_type_hints(shape, include_extras=True).items()
        }
        required = [name for name in schema["properties"] if name in shape.__required_keys__]
        return schema | ({"required": required} if required else {})


NULL = {"type": "null"}
SIMPLE: dict[Any, Json] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): NULL,
    None: NULL,
    Any: {},
}


FAILED: Json = {
    str(status): {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for status, text in FAILURES.items()
}
