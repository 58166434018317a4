"""The doors of the SDKs in the OpenAPI document: they are no views of Django."""

from typing import Any

Json = dict[str, Any]

ERROR: Json = {"$ref": "#/components/schemas/Error"}
EVENT: Json = {"type": "object", "description": "An event, as SDKs send them."}
REPORT: Json = {"type": "object", "description": "A report, as browsers send them."}
STORED: Json = {
    "type": "object",
    "properties": {"id": {"type": "string", "description": "The event's."}},
}
LIMITS: Json = {
    name: {"description": text, "schema": {"type": "string"}}
    for name, text in {
        "Retry-After": "Seconds until there is room again.",
        "X-Sentry-Rate-Limits": "What must not be sent before then.",
    }.items()
}
FAILURES = {
    400: "What was sent is no event, or the key is of another project.",
    401: "There is no key, or none that is good.",
    403: "The project does not want it: its origin, or what a filter drops.",
    413: "It is too large.",
    415: "It is no report of a browser.",
    429: "The key's limit is used up, or the server has no room at the moment.",
    503: "It could not be stored. Send it again.",
}
EVERYWHERE = (400, 401, 403, 413, 429, 503)
PROJECT: Json = {
    "name": "project_id",
    "in": "path",
    "required": True,
    "description": "The id of the project, from the DSN.",
    "schema": {"type": "string"},
}
ENCODINGS = "It may be compressed: `Content-Encoding` gzip, deflate, br or zstd."


def _operation(
    name: str,
    summary: str,
    *,
    body: Json | None = None,
    success: tuple[int, str, Json | None],
    parameters: tuple[Json, ...] = (),
    failures: tuple[int, ...] = (),
) -> Json:
    status, text, content = success
    described: Json = {
        "operationId": name,
        "summary": summary,
        "parameters": [PROJECT, *parameters],
        "tags": ["Ingestion"],
        "security": [{"dsnKey": []}, {"sentryAuth": []}],
        "responses": {
            str(status): {"description": text, **({"content": content} if content else {})},
            **{
                str(each): {
                    "description": FAILURES[each],
                    **({"headers": LIMITS} if each == 429 else {}),
                    "content": {"application/json": {"schema": ERROR}},
                }
                for each in sorted((*EVERYWHERE, *failures))
            },
        },
    }
    if body:
        described["description"] = ENCODINGS
        described["requestBody"] = {"required": True, "content": body}
    return described


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


SENTRY_DATA: Json = {
    "name": "sentry_data",
    "in": "query",
    "required": True,
    "description": "The event: JSON, in base64 and compressed if need be.",
    "schema": {"type": "string"},
}
_STORED = (200, "It is on disk.", _json(STORED))
_REPORTED = (201, "It is on disk.", None)

DOORS: Json = {
    "/api/{project_id}/envelope/": {
        "post": _operation(
            "postEnvelope",
            "Envelope",
            body={
                "application/x-sentry-envelope": {
                    "schema": {
                        "type": "string",
                        "description": "A line of JSON about the envelope; for each item a line "
                        "of JSON with its `type` and `length`, and the item.",
                    }
                }
            },
            success=_STORED,
        )
    },
    "/api/{project_id}/store/": {
        "post": _operation("postStore", "Store event", body=_json(EVENT), success=_STORED),
        "get": _operation(
            "getStore",
            "Store event (query string)",
            parameters=(SENTRY_DATA,),
            success=(200, "It is on disk.", {"image/gif": {"schema": {"type": "string"}}}),
        ),
    },
    "/api/{project_id}/security/": {
        "post": _operation(
            "postSecurity",
            "Security report (also /csp-report/)",
            body={
                name: {"schema": REPORT}
                for name in (
                    "application/csp-report",
                    "application/expect-ct-report+json",
                    "application/expect-staple-report+json",
                    "application/json",
                )
            },
            success=_REPORTED,
            failures=(415,),
        )
    },
}
SECURITY: Json = {
    "dsnKey": {
        "type": "apiKey",
        "in": "query",
        "name": "sentry_key",
        "description": "The public half of a client key. Beside it `sentry_version=7`.",
    },
    "sentryAuth": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Sentry-Auth",
        "description": "`Sentry sentry_version=7, sentry_client=…, sentry_key=…`",
    },
}
