"""The ASGI application for SDKs, beside Django: its routes, errors and headers.

Every request gets an answer, and every answer the headers a browser needs to read it (clients
contract, section 9.8).
"""

import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from issues.payload.feedback import BadReport
from issues.payload.filters import Filtered
from sentrylite.bodies import Disconnected, NoSpace, Receive, TooSlow

from . import answers, refusals
from .answers import Answer
from .authentication import ProjectKeys
from .buffer import Buffer, Full, NotStored, Unavailable
from .connection import Lost
from .decoding import BrokenBody, BrokenJSON, BrokenText, UnknownEncoding
from .doors import Doors
from .envelope import BrokenEnvelope
from .limits import DEFAULT_LIMITS, Limits, TooLarge
from .refusals import Refusal, Refused
from .request import Request, Scope

logger = logging.getLogger(__name__)

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handler = Callable[[Request, str | None], Awaitable[Answer]]

MATCHING = re.compile(
    r"/api/(?!0/)(?:[0-9]+/.*|(?:[^/]+/)?(?:store|envelope|security|csp-report)/?"
    r"|[^/]+/crossdomain\.xml)",
    re.DOTALL,
)
ROUTE = re.compile(
    r"/api/(?:(?P<legacy>store/)|(?P<project>[^/]+)/"
    r"(?P<door>store/|envelope/|security/|csp-report/|crossdomain\.xml))"
)

# What the rooms below raise, in the words of the contract. First match wins.
FAULTS: tuple[tuple[type[Exception], Callable[[Exception], Refusal]], ...] = (
    (TooLarge, refusals.too_large),
    (TooSlow, refusals.too_slow),
    (NoSpace, lambda _: refusals.NO_SPACE),
    (UnknownEncoding, refusals.unknown_encoding),
    (BrokenText, refusals.undecodable),
    (BrokenBody, lambda _: refusals.NO_DATA),  # as the old server saw it
    (BrokenEnvelope, refusals.broken_envelope),
    (BrokenJSON, refusals.not_an_event),
    (BadReport, refusals.bad_report),
    (Filtered, refusals.filtered),
    (Full, lambda _: refusals.QUEUE_FULL),
    (NotStored, lambda _: refusals.NOT_STORED),
    (Unavailable, lambda _: refusals.NO_DATABASE),
    *((lost, lambda _: refusals.NO_DATABASE) for lost in Lost),
)


def matches(path: str) -> bool:
    """Whether a path belongs to the SDK doors: all of `/api/<number>/`, and the doors by name.

    Nothing under `/api/0/` does: that is the API.
    """
    return MATCHING.fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class Route:
    handler: Handler
    methods: tuple[str, ...]
    refuses_with_causes: bool = False
    """In today's form, `{"detail", "causes"}`."""

    @property
    def allowed(self) -> bytes:
        return ", ".join((*self.methods, "OPTIONS")).encode()


class IngestApp:
    """Answers every path that `matches`. Belongs to one event loop."""

    def __init__(
        self,
        buffer: Buffer,
        keys: ProjectKeys,
        *,
        limits: Limits = DEFAULT_LIMITS,
        trust_proxy_headers: bool | None = None,
    ) -> None:
        self._limits = limits
        if trust_proxy_headers is None:
            trust_proxy_headers = settings.TRUST_PROXY_HEADERS
        self._trust_proxy_headers = trust_proxy_headers
        self._doors = doors = Doors(buffer, keys, limits)
        self._routes = {
            "store/": Route(doors.store, ("GET", "POST", "HEAD")),
            "envelope/": Route(doors.envelope, ("POST",), refuses_with_causes=True),
            "security/": Route(doors.security_report, ("POST",)),
            "csp-report/": Route(doors.security_report, ("POST",)),
            "crossdomain.xml": Route(doors.cross_domain_policy, ("GET", "HEAD")),
        }

    def close(self) -> None:
        """End the threads, when the last request has been answered."""
        self._doors.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, trust_proxy_headers=self._trust_proxy_headers)
        route, project = self._find_route(request.path)
        try:
            answer = await self._answer(request, route, project)
            await request.body.discard(limit=self._limits.body)
        except Disconnected:
            return
        headers = answers.all_headers(answer, route.allowed, request.origin)
        body = b"" if request.method == "HEAD" else answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _find_route(self, path: str) -> tuple[Route, str | None]:
        """The route of a path and the project in it."""
        match = ROUTE.fullmatch(path)
        if match is None:
            return NOWHERE, None
        return self._routes[match["legacy"] or match["door"]], match["project"]

    async def _answer(self, request: Request, route: Route, project: str | None) -> Answer:
        """What `route` answers, whatever happens behind it. Raises only `Disconnected`."""
        if request.method == "OPTIONS":
            return answers.preflight(route.allowed)
        if request.method not in route.methods and route is not NOWHERE:
            return answers.method_not_allowed(request.method, route.allowed)
        try:
            return await route.handler(request, project)
        except Disconnected:
            raise
        except Exception as error:
            refusal = _refusal_of(error)
            if refusal is None:
                logger.exception("internal error at %s", request.path)
                return answers.INTERNAL_ERROR
            if refusal.status >= 500:
                logger.warning("%s: %s", refusal.text, str(error).strip())
            return answers.refused(refusal, with_causes=route.refuses_with_causes)


async def _nothing_here(request: Request, project: str | None) -> Answer:
    return answers.NOT_FOUND


# A missing slash at the end, too: never a redirect.
NOWHERE = Route(_nothing_here, ("GET", "POST", "HEAD"))


def _refusal_of(error: Exception) -> Refusal | None:
    """The refusal that an error stands for; None for an error of our own."""
    if isinstance(error, Refused):
        return error.refusal
    for fault, refusal in FAULTS:
        if isinstance(error, fault):
            return refusal(error)
    return None
