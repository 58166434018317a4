"""Whether a request may send to the project it names, asked in the documented order."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from issues.payload.event import Sender

from . import origins, refusals
from .authentication import Credentials, KeyInfo, ProjectKeys, find_sender_key
from .buffer import Buffer
from .refusals import Refusal, Refused
from .request import Request

VERSIONS = frozenset({"2.0", "3", "4", "5", "6", "7"})

# As many digits as surely fit the column.
PROJECT_ID = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Rules:
    """What doors differ in."""

    no_credentials: Refusal = refusals.NO_CREDENTIALS
    other_project: Refusal = refusals.OTHER_PROJECT
    needs_client: bool = True
    """Who names neither a `sentry_client` nor a User-Agent is refused."""


class Admitted(NamedTuple):
    """Who may send, and what is known of the sender."""

    key: KeyInfo
    sender: Sender


class Admission:
    def __init__(self, keys: ProjectKeys, buffer: Buffer) -> None:
        self._keys = keys
        self._buffer = buffer

    async def admit(
        self,
        request: Request,
        credentials: Credentials | None,
        project: str | None,
        rules: Rules,
    ) -> Admitted:
        """Let `request` in with the key that its credentials name.

        `project` is the path's; None where the key alone decides. Raises `Refused`: the project is
        looked at first, then the origin, the protocol and the key (ingest contract, section 3).
        """
        project_id = None if project is None else project_id_of(project)
        try:
            if credentials is None:
                raise Refused(rules.no_credentials)
            key = await self._find_key(request, credentials, project_id, rules)
        except Refused:
            # A good key knows its project. Without one it takes a lookup to tell what comes first.
            if project is not None and project_id is not None:
                await self._look_at_project(request, project, project_id)
            raise
        if request.origin is not None and not origins.is_allowed(
            request.origin, key.allowed_domains
        ):
            self._buffer.count(key, "invalid_origin")
            raise Refused(refusals.invalid_origin(request.origin))
        return Admitted(key, request.sender(credentials.client))

    async def _find_key(
        self,
        request: Request,
        credentials: Credentials,
        project_id: int | None,
        rules: Rules,
    ) -> KeyInfo:
        if credentials.version not in VERSIONS:
            raise Refused(refusals.unsupported_version(credentials.version))
        if rules.needs_client and not (credentials.client or request.user_agent):
            raise Refused(refusals.NO_CLIENT)
        key = await find_sender_key(credentials, self._keys)
        if project_id is not None and key.project_id != project_id:
            raise Refused(rules.other_project)
        return key

    async def _look_at_project(self, request: Request, project: str, project_id: int) -> None:
        domains = await self._keys.allowed_domains(project_id)
        if domains is None:
            raise Refused(refusals.unknown_project(project))
        if request.origin is not None and not origins.is_allowed(request.origin, domains):
            raise Refused(refusals.invalid_origin(request.origin))


def project_id_of(project: str) -> int:
    """The number in a path. Raises `Refused` for what is none."""
    if not PROJECT_ID.fullmatch(project):
        raise Refused(refusals.unknown_project(project))
    return int(project)
