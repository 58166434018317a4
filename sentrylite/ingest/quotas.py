"""Rate limits of client keys: so many error events in each fixed window (ingest contract,
section 13).

What a key has used of its window is one row, added to in the transaction that stores a batch: an
event is counted if and only if it is stored, so that the limit is exact however many processes
and servers share it. Keys without a limit have no row and cost no statement.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sentrylite.organizations import intake


@dataclass(frozen=True, slots=True)
class RateLimit:
    count: int
    """Error events that are taken in a window; more than 0."""
    window: int
    """Seconds, more than 0. Windows begin at multiples of it since the epoch."""


class RateLimited(Exception):
    """The key's window is used up."""

    def __init__(self, until: float) -> None:
        super().__init__("the rate limit of the key is reached")
        self.until = until
        """Epoch seconds: when the next window begins."""

    def seconds(self, now: float) -> int:
        """Until then, rounded up."""
        return max(1, math.ceil(self.until - now))


class Allowance:
    """How many events of each limited key a batch may store."""

    def __init__(
        self, cursor: Any, asking: Iterable[tuple[int, RateLimit | None]], *, now: float
    ) -> None:
        """Take what there is for these events, each given by its key and that key's limit.

        One statement when any key has a limit, else none. `cursor` is psycopg2's own, in the
        transaction that stores the events: it holds the rows of these keys until its end.
        """
        limits: dict[int, RateLimit] = {}
        asked: Counter[int] = Counter()
        for key_id, limit in asking:
            if limit is not None:
                limits[key_id] = limit
                asked[key_id] += 1
        self._left: dict[int, int] = {}
        self._until: dict[int, float] = {}
        if not limits:
            return
        wanted = [
            (key_id, int(now // limit.window) * limit.window, limit.window, asked[key_id])
            for key_id, limit in sorted(limits.items())
        ]
        for key_id, start, total in intake.use_windows(cursor, wanted):
            before = total - asked[key_id]
            self._left[key_id] = max(0, limits[key_id].count - before)
            self._until[key_id] = start + limits[key_id].window

    def spend(self, key_id: int) -> RateLimited | None:
        """Let one event of a key in, or say why not. In the order of arrival."""
        left = self._left.get(key_id)
        if left is None:
            return None
        if left == 0:
            return RateLimited(self._until[key_id])
        self._left[key_id] = left - 1
        return None


class SpentWindows:
    """The windows that a process has seen used up: their events need no database to be refused,
    nor to be read."""

    def __init__(self) -> None:
        self._until: dict[int, tuple[RateLimit, float]] = {}

    def check(self, key_id: int, limit: RateLimit, now: float) -> None:
        """Raises `RateLimited` when the key's window is known to be used up."""
        spent, until = self._until.get(key_id, (limit, 0.0))
        # A clock that was set back must not keep a window shut for longer than it lasts.
        if spent == limit and until - 2 * limit.window <= now < until:
            raise RateLimited(until)
        self._until.pop(key_id, None)

    def remember(self, key_id: int, limit: RateLimit, until: float) -> None:
        self._until[key_id] = limit, until
