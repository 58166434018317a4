"""Who is sending: from the credentials in a request to a client key and its project."""

import asyncio
import binascii
import hmac
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from issues.payload.event import FilterRules, ScrubRules, Uploads

from . import refusals
from .connection import Connection, Lost
from .quotas import RateLimit
from .refusals import Refused

Found = TypeVar("Found")

# Who names no protocol version speaks today's.
LATEST_VERSION = "7"

KEY = re.compile(r"[0-9a-f]{32}")

CACHE_SECONDS = 5.0
CACHED_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says about itself; nothing in it is checked yet."""

    public_key: str
    secret_key: str | None = None
    version: str = LATEST_VERSION
    client: str | None = None


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A client key with what ingestion needs to know of its project and organization."""

    key_id: int
    public_key: str
    secret_key: str
    is_active: bool
    project_id: int
    organization_id: int
    project_slug: str
    allowed_domains: tuple[str, ...]
    scrub: ScrubRules
    unwanted: FilterRules
    rate_limit: RateLimit | None
    hook_events: tuple[str, ...] = ()
    """What service hooks of the project are to be told of, sorted."""
    platforms: tuple[str, ...] = ()
    """What its project has events of, sorted."""
    uploads: Uploads = field(default_factory=Uploads)
    """Which kinds of files its events may be looked up in."""


# Credentials ----------------------------------------------------------------------------------


def read_credentials(
    headers: Mapping[bytes, bytes], query: Mapping[str, str]
) -> Credentials | None:
    """The credentials of a request, None without any (clients contract, section 9.2).

    They stand in `X-Sentry-Auth`, in `Authorization: Sentry …` or in the query; a header that
    cannot be read counts as absent. Raises `Refused` for more than one of these.
    `Authorization: Basic` is only looked at when there is nothing else: it may be a proxy's.
    """
    authorization = headers.get(b"authorization")
    found = [
        credentials
        for credentials in (
            _from_header(headers.get(b"x-sentry-auth")),
            _from_header(authorization),
            _from_fields(query),
        )
        if credentials is not None
    ]
    if len(found) > 1:
        raise Refused(refusals.TWO_CREDENTIALS)
    return found[0] if found else _from_basic(authorization)


def read_dsn(dsn: object) -> Credentials | None:
    """The credentials in the `dsn` of an envelope's headers, None if it has none."""
    if not isinstance(dsn, str):
        return None
    try:
        url = urlsplit(dsn)
    except ValueError:
        return None
    return Credentials(url.username, url.password or None) if url.username else None


def _from_header(header: bytes | None) -> Credentials | None:
    """`Sentry sentry_key=…, sentry_version=7, …`; one pair without `=` spoils it all."""
    if header is None:
        return None
    scheme, _, pairs = header.decode("latin-1").strip().partition(" ")
    if scheme.lower() != "sentry":
        return None
    fields = {}
    for pair in pairs.split(","):
        name, separator, value = pair.partition("=")
        if not separator:
            return None
        fields[name.strip()] = value.strip()
    return _from_fields(fields)


def _from_fields(fields: Mapping[str, str]) -> Credentials | None:
    public_key = fields.get("sentry_key")
    if not public_key:
        return None
    return Credentials(
        public_key,
        fields.get("sentry_secret") or None,
        fields.get("sentry_version") or LATEST_VERSION,
        fields.get("sentry_client") or None,
    )


def _from_basic(header: bytes | None) -> Credentials | None:
    """The key as user name. Another user name is meant for somebody else."""
    scheme, _, encoded = (header or b"").strip().partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, _, password = binascii.a2b_base64(encoded).decode("latin-1").partition(":")
    except binascii.Error:
        return None
    return Credentials(user, password or None) if KEY.fullmatch(user.lower()) else None


# Keys -----------------------------------------------------------------------------------------


async def find_sender_key(credentials: Credentials, keys: "ProjectKeys") -> KeyInfo:
    """The usable key that `credentials` name. Raises `Refused` (ingest contract, section 3)."""
    public_key = credentials.public_key.lower()
    if not KEY.fullmatch(public_key):
        raise Refused(refusals.MALFORMED_KEY)
    key = await keys.get(public_key)
    if key is None or not _is_secret_of(key, credentials.secret_key):
        raise Refused(refusals.UNKNOWN_KEY)
    if not key.is_active:
        raise Refused(refusals.DISABLED_KEY)
    return key


def _is_secret_of(key: KeyInfo, secret: str | None) -> bool:
    """Old SDKs send the secret. It opens nothing that the public key does not, but must match."""
    return secret is None or hmac.compare_digest(secret.encode(), key.secret_key.encode())


# An organization can switch scrubbing on for its projects, never off.
FIND_KEY = """
    SELECT key.id, key.public_key, key.secret_key, key.is_active,
           project.id, project.organization_id, project.slug, project.allowed_domains,
           organization.data_scrubber OR project.data_scrubber,
           organization.data_scrubber_defaults OR project.data_scrubber_defaults,
           organization.sensitive_fields || project.sensitive_fields,
           organization.safe_fields || project.safe_fields,
           organization.scrub_ip_addresses OR project.scrub_ip_addresses,
           ARRAY(SELECT DISTINCT unnest(events) FROM organizations_servicehook hook
                  WHERE hook.project_id = project.id AND hook.status = 'active' ORDER BY 1),
           ARRAY(SELECT platform FROM organizations_projectplatform seen
                  WHERE seen.project_id = project.id ORDER BY 1),
           key.rate_limit_count, key.rate_limit_window,
           project.filter_browser_extensions, project.filter_legacy_browsers,
           project.filter_localhost, project.filter_web_crawlers, project.blacklisted_ips,
           project.filtered_releases, project.filtered_error_messages,
           project.csp_ignored_sources_defaults, project.csp_ignored_sources,
           EXISTS (SELECT 1 FROM releases_artifactbundle bundle
                    WHERE bundle.organization_id = project.organization_id)
               OR EXISTS (SELECT 1 FROM releases_releasefile file
                            JOIN releases_release release ON release.id = file.release_id
                           WHERE release.organization_id = project.organization_id),
           EXISTS (SELECT 1 FROM symbols_debugfile file WHERE file.project_id = project.id)
      FROM organizations_projectkey key
      JOIN organizations_project project ON project.id = key.project_id
      JOIN organizations_organization organization ON organization.id = project.organization_id
     WHERE key.public_key = %s AND project.status = 'active' AND organization.status = 'active'
"""

FIND_DOMAINS = """
    SELECT project.allowed_domains
      FROM organizations_project project
      JOIN organizations_organization organization ON organization.id = project.organization_id
     WHERE project.id = %s AND project.status = 'active' AND organization.status = 'active'
"""


def find_key(cursor: Any, public_key: str) -> KeyInfo | None:
    """The key of an active project. `cursor` is psycopg2's own."""
    cursor.execute(FIND_KEY, [public_key])
    row = cursor.fetchone()
    if row is None:
        return None
    key_id, key, secret, active, project_id, organization_id, slug, domains = row[:8]
    enabled, defaults, sensitive, safe, addresses, hook_events, platforms = row[8:15]
    count, window = row[15:17]
    return KeyInfo(
        key_id=key_id,
        public_key=key,
        secret_key=secret,
        is_active=active,
        project_id=project_id,
        organization_id=organization_id,
        project_slug=slug,
        allowed_domains=_texts(domains),
        scrub=ScrubRules(enabled, defaults, _texts(sensitive), _texts(safe), addresses),
        hook_events=_texts(hook_events),
        platforms=_texts(platforms),
        unwanted=_filters(*row[17:-2]),
        uploads=Uploads(*row[-2:]),
        rate_limit=RateLimit(count, window) if count and window else None,
    )


def _filters(
    extensions: bool,
    browsers: Any,
    localhost: bool,
    crawlers: bool,
    addresses: Any,
    releases: Any,
    messages: Any,
    csp_defaults: bool,
    csp_sources: Any,
) -> FilterRules:
    return FilterRules(
        browser_extensions=extensions,
        legacy_browsers=frozenset(_texts(browsers)),
        localhost=localhost,
        web_crawlers=crawlers,
        addresses=_texts(addresses),
        releases=_texts(releases),
        error_messages=_texts(messages),
        csp_default_sources=csp_defaults,
        csp_sources=_texts(csp_sources),
    )


def find_domains(cursor: Any, project_id: int) -> tuple[str, ...] | None:
    """The allowed domains of an active project, None if there is no such project."""
    cursor.execute(FIND_DOMAINS, [project_id])
    row = cursor.fetchone()
    return None if row is None else _texts(row[0])


def _texts(values: Any) -> tuple[str, ...]:
    """A list of texts from a JSON column, which holds whatever was saved in it."""
    return tuple(v for v in values if isinstance(v, str)) if isinstance(values, list) else ()


class ProjectKeys:
    """The keys in use, kept for a few seconds: a key that is disabled is refused soon after.

    For one event loop. Unknown keys are not remembered, so a fresh key works at once. Lookups run
    in one thread with one database connection: a hit needs neither, and a miss is one short read.
    Both methods raise psycopg2's errors when the database is away.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._connection = Connection("keys")
        self._thread = ThreadPoolExecutor(1, "project-keys")
        self._cached: dict[str, tuple[float, KeyInfo]] = {}
        self._under_way: dict[str, asyncio.Task[KeyInfo | None]] = {}

    async def get(self, public_key: str) -> KeyInfo | None:
        """The key, or None if no active project has it.

        Requests that miss the same key at the same time share one lookup.
        """
        expires_at, key = self._cached.get(public_key, (0.0, None))
        if key is not None and self._clock() < expires_at:
            return key
        lookup = self._under_way.get(public_key)
        if lookup is None:
            lookup = asyncio.create_task(self._look_up(public_key))
            self._under_way[public_key] = lookup
        # A client that hangs up must not take the lookup from the others that wait for it.
        return await asyncio.shield(lookup)

    async def allowed_domains(self, project_id: int) -> tuple[str, ...] | None:
        """The allowed domains of a project that is only known by its id, None if it is not."""
        return await self._read(find_domains, project_id)

    def forget(self, key: KeyInfo) -> None:
        """Look this key up again when it is next asked for."""
        self._cached.pop(key.public_key, None)

    def close(self) -> None:
        """Finish the lookups that are under way and give the connection back."""
        self._thread.shutdown()
        self._connection.close()

    async def _look_up(self, public_key: str) -> KeyInfo | None:
        try:
            key = await self._read(find_key, public_key)
        finally:
            del self._under_way[public_key]
        self._cached.pop(public_key, None)
        if key is not None:
            if len(self._cached) >= CACHED_KEYS:
                del self._cached[next(iter(self._cached))]  # the oldest
            self._cached[public_key] = (self._clock() + CACHE_SECONDS, key)
        return key

    async def _read(self, find: Callable[[Any, Any], Found], wanted: object) -> Found:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._find, find, wanted)

    def _find(self, find: Callable[[Any, Any], Found], wanted: object) -> Found:
        """In the thread. A connection that was lost since the last lookup is opened again."""

        def look_up(cursor: Any) -> Found:
            return find(cursor, wanted)

        try:
            return self._connection.run(look_up)
        except Lost:
            return self._connection.run(look_up)
