"""Sessions: how they go, and what is counted of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Self
from uuid import UUID

from stats.periods import DAY, HOUR, bucket

from . import sketches

WIDTHS = (HOUR, DAY)
"""Of the buckets that sessions are counted in; kept as long as `stats.periods.SAMPLES` says."""

# A session is updated for five days. What is known of older ones may be forgotten already, and they
# would count again.
MAX_AGE = 5 * DAY


class Status(IntEnum):
    """How a session goes: the worst that was heard of it."""

    HEALTHY = 0
    ERRORED = 1
    UNHANDLED = 2
    ABNORMAL = 3
    CRASHED = 4


@dataclass(slots=True)
class Session:
    """What an update says of a session, or a line of an aggregate of many."""

    session_id: UUID
    """Of an aggregate it is made up, so that it counts once."""
    started_at: float
    """Epoch seconds; the same in every update."""
    release: str
    environment: str
    status: Status = Status.HEALTHY
    is_over: bool = False
    duration: float | None = None
    """Seconds, of one that is over."""
    user: int | None = None
    """Their bit, `sketches.place_of`."""
    aggregate: tuple[int, ...] | None = None
    """How many sessions went how, by Status."""

    @property
    def day(self) -> int:
        return bucket(self.started_at, DAY)

    @property
    def statuses(self) -> list[Status]:
        """How it went, or how those of an aggregate did."""
        if self.aggregate is None:
            return [self.status]
        return [status for status in Status if self.aggregate[status]]

    def __iadd__(self, other: Self) -> Self:
        """Add what another update says of the same session."""
        self.status = max(self.status, other.status)
        self.is_over = self.is_over or other.is_over
        if self.duration is None:
            self.duration = other.duration
        return self


@dataclass(slots=True)
class Change:
    """What is new about a session that was heard of before, or about a new one."""

    status: Status
    before: Status | None
    """None of a session that is new."""
    has_ended: bool


HealthKey = tuple[int, int, int, int, int]
"""(project_id, release_id, width, bucket, environment_id)"""


@dataclass(slots=True)
class Health:
    """What sessions add to one bucket. Additions commute."""

    counts: list[int] = field(default_factory=lambda: [0] * len(Status))
    """By Status; the first number is that of all sessions, healthy or not."""
    durations: dict[int, int] = field(default_factory=dict)
    """How many by bin (`sketches.bin_of`)."""
    duration_sum: float = 0.0
    duration_max: float = 0.0
    users: dict[int, set[int]] = field(default_factory=dict)
    """The users (`sketches.place_of`) of sessions that went so: 0 is all of them, ERRORED all
    whose sessions were not healthy."""

    def add(self, session: Session, change: Change | None) -> None:
        """Count a session; None is no change, and only says who was there."""
        if session.user is not None:
            self._add_user(session.user, session.statuses)
        if change is None:
            return
        if session.aggregate is not None:
            self.counts[0] += sum(session.aggregate)
            for status in Status:
                if status:
                    self.counts[status] += session.aggregate[status]
            return
        if change.before is None:
            self.counts[0] += 1
        elif change.before:
            self.counts[change.before] -= 1
        if change.status:
            self.counts[change.status] += 1
        if change.has_ended and session.duration is not None:
            number = sketches.bin_of(session.duration)
            self.durations[number] = self.durations.get(number, 0) + 1
            self.duration_sum += session.duration
            self.duration_max = max(self.duration_max, session.duration)

    def _add_user(self, place: int, statuses: Sequence[Status]) -> None:
        groups = {0, *statuses}
        if len(groups) > 1:
            groups.add(Status.ERRORED)
        for group in groups:
            self.users.setdefault(group, set()).add(place)

    def __iadd__(self, other: Self) -> Self:
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        for number, count in other.durations.items():
            self.durations[number] = self.durations.get(number, 0) + count
        self.duration_sum += other.duration_sum
        self.duration_max = max(self.duration_max, other.duration_max)
        for group, places in other.users.items():
            self.users.setdefault(group, set()).update(places)
        return self

    def dump(self) -> list[Any]:
        """As JSON that `load` of any later version reads."""
        return [
            self.counts,
            list(self.durations.items()),
            self.duration_sum,
            self.duration_max,
            [[group, list(places)] for group, places in self.users.items()],
        ]

    @classmethod
    def load(cls, stored: Sequence[Any]) -> Self:
        counts, durations, duration_sum, duration_max, users = stored
        return cls(
            counts,
            dict(durations),
            duration_sum,
            duration_max,
            {group: set(places) for group, places in users},
        )


def keys_of(
    project_id: int, release_id: int, environment_id: int, started_at: float
) -> list[HealthKey]:
    """The buckets that a session is counted in: one of each width."""
    return [
        (project_id, release_id, width, bucket(started_at, width), environment_id)
        for width in WIDTHS
    ]
