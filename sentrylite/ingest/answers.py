"""Answers of the SDK doors: bodies, and the headers that every answer carries."""

import time
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from xml.sax.saxutils import quoteattr

import orjson

from .refusals import Headers, Refusal

JSON = b"application/json"

# Browser SDKs read answers only with these, also what is refused (clients contract, section 9.8).
CROSS_ORIGIN: Headers = (
    (
        b"access-control-allow-headers",
        b"X-Sentry-Auth, X-Requested-With, X-Forwarded-For, Origin, Referer, Accept, Content-Type, "
        b"Authentication, Authorization, Content-Encoding, Transfer-Encoding",
    ),
    (b"access-control-expose-headers", b"X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After"),
)
NEVER_CACHED: Headers = (
    (b"cache-control", b"max-age=0, no-cache, no-store, must-revalidate"),
    (b"x-content-type-options", b"nosniff"),
)

# The smallest transparent GIF.
PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)

CROSS_DOMAIN_POLICY = """<?xml version="1.0"?>
<!DOCTYPE cross-domain-policy SYSTEM "http://www.adobe.com/xml/dtds/cross-domain-policy.dtd">
<cross-domain-policy>
  <site-control permitted-cross-domain-policies="all"/>
{}</cross-domain-policy>
"""
CROSS_DOMAIN = """\
  <allow-access-from domain={0} secure="false"/>
  <allow-http-request-headers-from domain={0} headers="*" secure="false"/>
"""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: bytes = JSON
    headers: Headers = ()


NOT_FOUND = Answer(404, b'{"detail":"The requested resource does not exist"}')
INTERNAL_ERROR = Answer(500, b'{"detail":"Internal Error"}')


def stored(event_id: str | None) -> Answer:
    """200 with the id of the event; an envelope may be without one."""
    return Answer(200, b'{"id":"%s"}' % event_id.encode() if event_id else b"{}")


def pixel(event_id: str) -> Answer:
    """What an `<img>` that sends an event in its URL wants to see."""
    return Answer(200, PIXEL, b"image/gif", ((b"x-sentry-id", event_id.encode()),))


def report_received() -> Answer:
    return Answer(201, content_type=b"application/javascript")


def cross_domain_policy(domains: tuple[str, ...]) -> Answer:
    """The policy file that lets Flash send events from these domains."""
    lines = "".join(CROSS_DOMAIN.format(quoteattr(domain)) for domain in domains)
    body = CROSS_DOMAIN_POLICY.format(lines).encode("utf-8", "replace")
    return Answer(200, body, b"application/xml")


def preflight(methods: bytes) -> Answer:
    return Answer(200, headers=((b"allow", methods), (b"access-control-max-age", b"3600")))


def refused(refusal: Refusal, *, with_causes: bool) -> Answer:
    """What a door refuses: the text, again in `X-Sentry-Error` (ingest contract, section 3).

    With causes it is the form of today's doors, `{"detail", "causes"}`; else the store door's
    `{"error"}`, with `error_name` where there is one.
    """
    body: dict[str, object] = {"error": refusal.text}
    if refusal.name is not None:
        body["error_name"] = refusal.name
    if with_causes:
        body = {"detail": refusal.text, "causes": refusal.causes}
    error = (b"x-sentry-error", _header_text(refusal.text))
    return Answer(refusal.status, orjson.dumps(body), headers=(error, *refusal.headers))


def method_not_allowed(method: str, methods: bytes) -> Answer:
    body = orjson.dumps({"detail": f'Method "{method}" not allowed.'})
    return Answer(405, body, headers=((b"allow", methods),))


def all_headers(answer: Answer, methods: bytes, origin: str | None) -> list[tuple[bytes, bytes]]:
    """The headers of an answer to a request from `origin` at a door that takes `methods`."""
    now = _http_date(int(time.time()))
    return [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
        (b"access-control-allow-origin", _allowed_origin(origin)),
        (b"access-control-allow-methods", methods),
        *CROSS_ORIGIN,
        *NEVER_CACHED,
        (b"expires", now),
        (b"last-modified", now),
        *answer.headers,
    ]


def _allowed_origin(origin: str | None) -> bytes:
    return b"*" if origin is None or origin == "null" else _header_text(origin)


def _header_text(text: str) -> bytes:
    """Part of what is refused is the sender's own text: one line, plain, and not endless."""
    return "".join(c if " " <= c <= "~" else "?" for c in text[:500]).encode()


@lru_cache(maxsize=1)
def _http_date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()
