"""What ingestion hands on: one event, read, cleaned and described, ready to be written."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ScrubRules:
    """A project's data scrubbing settings, joined with its organization's (ingest contract,
    section 14)."""

    enabled: bool = True
    defaults: bool = True
    sensitive_fields: tuple[str, ...] = ()
    safe_fields: tuple[str, ...] = ()
    scrub_ip_addresses: bool = False


@dataclass(frozen=True, slots=True)
class FilterRules:
    """Which events a project does not want (ingest contract, section 12)."""

    browser_extensions: bool = False
    legacy_browsers: frozenset[str] = frozenset()
    """Of `issues.payload.filters.LEGACY_BROWSERS`."""
    localhost: bool = False
    web_crawlers: bool = True
    addresses: tuple[str, ...] = ()
    """IP addresses and networks of senders."""
    releases: tuple[str, ...] = ()
    """Patterns, as the next ones: `*` is any text, `?` any character, case does not matter."""
    error_messages: tuple[str, ...] = ()
    csp_default_sources: bool = True
    csp_sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Uploads:
    """In which kinds of uploaded files a project's events may be looked up."""

    artifacts: bool = False
    """Its organization has artifacts of releases."""
    debug_files: bool = False
    """It has debug information files."""


@dataclass(frozen=True, slots=True)
class Sender:
    """What the request says about who sent an event, beside the body."""

    ip_address: str | None = None
    user_agent: str | None = None
    """The User-Agent header."""
    client: str | None = None
    """`sentry_client`, as `name/version`."""
    from_browser: bool = False
    """The request had an origin (an Origin or a Referer header)."""


@dataclass(frozen=True, slots=True)
class EventUser:
    """Who an event happened to (ingest contract, section 9)."""

    hash: int
    """Signed 64-bit: the first eight bytes, big endian, of the md5 of the identifying value."""
    tag_value: str
    """`id:1`, `username:x`, `email:x@y` or `ip:1.2.3.4`."""
    ident: str | None = None
    username: str | None = None
    email: str | None = None
    name: str | None = None
    ip_address: str | None = None


@dataclass(slots=True)
class PreparedEvent:
    """One event as the digest writes it. Text holds no NUL and no lone surrogate."""

    event_id: UUID
    timestamp: float
    """Epoch seconds, UTC: when it happened, as the SDK says or else when it was received."""
    received_at: float
    platform: str
    level: int
    """0 sample, 10 debug, 20 info, 30 warning, 40 error, 50 fatal."""
    type: str
    title: str
    culprit: str
    location: str | None
    logger: str
    metadata: dict[str, str]
    message: str
    """Search text: message, metadata values and culprit, at most 8192 characters."""
    release: str | None
    dist: str | None
    environment: str
    """`""` when the event names none."""
    hashes: list[UUID]
    """Grouping hashes, in the order in which they decide."""
    tags: list[tuple[str, str]]
    """Without duplicates, sorted by key. `release`, `dist` and `user` by their bare names."""
    user: EventUser | None
    payload: bytes
    """The normalized, scrubbed event: zstd of JSON (`issues.payload.codec`)."""
    size: int = 0
    """Bytes of that JSON."""
    project_id: int = field(default=0)
    organization_id: int = field(default=0)
    key_id: int = field(default=0)
    is_new_platform: bool = False
    """Its project may not have had events of this platform before."""
    hook_events: tuple[str, ...] = ()
    """What service hooks of the project are to be told of."""
