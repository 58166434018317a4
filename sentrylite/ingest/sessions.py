"""Sessions as SDKs send them, in the items `session` and `sessions` (clients contract, section
9.5)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from issues.payload.attributes import read_environment, read_release
from issues.payload.problems import Problems
from issues.payload.values import clean, read_timestamp, scalar_text
from sentrylite.releases import sketches
from sentrylite.releases.sessions import MAX_AGE, Session, Status

from .authentication import KeyInfo
from .decoding import BrokenJSON, parse_json

SESSION, SESSIONS = "session", "sessions"

# Clocks that are ahead are forgiven so much: the session has begun just now.
MAX_AHEAD = 3600.0
MAX_DURATION = float(MAX_AGE)
# SDKs send up to a hundred items at once, and a line of an aggregate for each minute.
MAX_SESSIONS = 1_000
MAX_OF_AGGREGATE = 1_000_000

STATUSES = {
    "ok": Status.HEALTHY,
    "exited": Status.HEALTHY,
    "errored": Status.ERRORED,
    "degraded": Status.ERRORED,
    "unhandled": Status.UNHANDLED,
    "abnormal": Status.ABNORMAL,
    "crashed": Status.CRASHED,
}
RUNNING = "ok"
COUNTED = ("exited", "errored", "unhandled", "abnormal", "crashed")
"""The numbers of an aggregate, in the order of Status."""


class BadSession(ValueError):
    """Nothing that could be counted; the text says what is wrong."""


@dataclass(slots=True)
class PreparedSessions:
    """What an envelope says of sessions, in `items` items."""

    sessions: list[Session]
    items: int
    received_at: float
    project_id: int
    organization_id: int
    key_id: int


@dataclass(slots=True)
class SessionReader:
    """Reads the items of one envelope, which are written together."""

    now: float
    sessions: list[Session] = field(default_factory=list)
    items: int = 0
    invalid: int = 0

    def read(self, item_type: str, data: bytes | memoryview) -> None:
        """Take an item, or count it as invalid."""
        try:
            found = READERS[item_type](_object(clean(parse_json(data))), self.now)
            if len(self.sessions) + len(found) > MAX_SESSIONS:
                raise BadSession("too many sessions in one envelope")
        except (BrokenJSON, BadSession):
            self.invalid += 1
        else:
            self.sessions += found
            self.items += 1

    def prepared(self, key: KeyInfo) -> PreparedSessions:
        return PreparedSessions(
            self.sessions,
            self.items,
            self.now,
            project_id=key.project_id,
            organization_id=key.organization_id,
            key_id=key.key_id,
        )


def read_session(raw: Mapping[str, Any], now: float) -> list[Session]:
    """An update of one session, which says all there is to know of it.

    Whether it is the first one (`init`), and which one (`seq`), does not matter: of what all say,
    the worst counts. Raises BadSession.
    """
    release, environment = _read_attributes(raw)
    name = raw.get("status", RUNNING)
    status = STATUSES.get(name, Status.HEALTHY) if isinstance(name, str) else Status.HEALTHY
    if status is Status.HEALTHY and _read_count(raw.get("errors")):
        status = Status.ERRORED
    is_over = name != RUNNING
    return [
        Session(
            _read_session_id(raw.get("sid")),
            _read_start(raw.get("started"), now),
            release,
            environment,
            status=status,
            is_over=is_over,
            duration=_read_duration(raw.get("duration")) if is_over else None,
            user=_read_user(raw.get("did")),
        )
    ]


def read_aggregates(raw: Mapping[str, Any], now: float) -> list[Session]:
    """Numbers of sessions that are over, by when they began. Lines that cannot be right are left
    out. Raises BadSession when none is."""
    release, environment = _read_attributes(raw)
    lines = raw.get("aggregates")
    if not isinstance(lines, list) or len(lines) > MAX_SESSIONS:
        raise BadSession("aggregates are no list, or a long one")
    found = []
    for line in lines:
        try:
            found.append(_read_aggregate(_object(line), release, environment, now))
        except BadSession:
            continue
    if not found:
        raise BadSession("no aggregates")
    return found


READERS: Mapping[str, Callable[[Mapping[str, Any], float], list[Session]]] = {
    SESSION: read_session,
    SESSIONS: read_aggregates,
}


def _read_aggregate(line: Mapping[str, Any], release: str, environment: str, now: float) -> Session:
    counts = tuple(_read_counts(line))
    if not 0 < sum(counts) <= MAX_OF_AGGREGATE:
        raise BadSession("no sessions, or too many")
    return Session(
        uuid4(),
        _read_start(line.get("started"), now),
        release,
        environment,
        is_over=True,
        user=_read_user(line.get("did")),
        aggregate=counts,
    )


def _read_counts(line: Mapping[str, Any]) -> Iterable[int]:
    for name in COUNTED:
        count = _read_count(line.get(name))
        if count is None:
            raise BadSession(f"{name} is no number")
        yield count


def _read_attributes(raw: Mapping[str, Any]) -> tuple[str, str]:
    """The release and the environment. Raises BadSession without a release."""
    attributes = raw.get("attrs")
    if not isinstance(attributes, dict):
        raise BadSession("attrs are missing")
    release = read_release(attributes.get("release"), "release", Problems())
    if release is None:
        raise BadSession("release is missing")
    environment = read_environment(attributes.get("environment"), "environment", Problems())
    return release, environment or ""


def _read_start(value: Any, now: float) -> float:
    moment = read_timestamp(value)
    if moment is None or not now - MAX_AGE <= moment <= now + MAX_AHEAD:
        raise BadSession("started is missing, too old or in the future")
    return min(moment, now)


def _read_session_id(value: Any) -> UUID:
    """The id; a new one for a session without, which is then never updated."""
    if value is None:
        return uuid4()
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise BadSession("sid is no UUID") from None


def _read_duration(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MAX_DURATION else None


def _read_count(value: Any) -> int | None:
    """A number from 0 up; 0 when it is missing, None when it is something else."""
    if value is None:
        return 0
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and value >= 0 else None


def _read_user(value: Any) -> int | None:
    user = (scalar_text(value) or "").strip()
    return sketches.place_of(user) if user else None


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadSession("expected an object")
    return value
