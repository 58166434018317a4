"""What a project is to the demo, and what goes wrong in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from issues.demo.code import Frame


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that goes wrong, again and again: an issue."""

    name: str
    """Unique in its project."""
    type: str
    """The exception's; "" for a logged message."""
    value: str
    """What it says, with words in braces (`events.words`) that differ from event to event."""
    place: str
    """The transaction: a path, a route or a task."""
    frames: Sequence[Frame] = ()
    """Oldest call first."""
    weight: float = 1.0
    since: int = 0
    """The release that brought it, counted from the month's first."""
    until: int | None = None
    """The release that mended it."""
    again: int | None = None
    """The release that brought it back."""
    level: str = "error"
    handled: bool = True
    cause: tuple[str, str] | None = None
    """Type and value of the exception that led to this one."""

    def is_in(self, release: int) -> bool:
        """Whether it happens in a release."""
        if self.again is not None and release >= self.again:
            return True
        return self.since <= release and (self.until is None or release < self.until)


@dataclass(frozen=True, slots=True)
class Project:
    slug: str
    name: str
    platform: str
    share: float
    """How many of all events are its own."""
    version: str
    """Of its releases, with the release's number in braces."""
    days_per_release: float
    problems: Sequence[Problem]
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    servers: Sequence[str] = ()
    sdk: tuple[str, str] = ("", "")
    runtime: tuple[str, str] | None = None
    logger: str = ""
    sessions_per_hour: float = 0
    """In an average hour: those that are only counted,"""
    signed_in_per_hour: float = 0
    """and those of people who are known."""


def tail(
    errors: Sequence[tuple[str, str]], spots: Sequence[tuple[str, Sequence[Frame]]]
) -> list[Problem]:
    """Rare problems: every error at every spot, each rarer than the one before."""
    pairs = list(product(errors, spots))
    # Neighbours in the list should differ in both.
    pairs.sort(key=lambda pair: (errors.index(pair[0]) * 5 + spots.index(pair[1]) * 3) % 11)
    return [
        Problem(
            name=f"rare-{number}",
            type=error,
            value=value,
            place=place,
            frames=frames,
            weight=4 / (number + 3),
            since=number % 6,
        )
        for number, ((error, value), (place, frames)) in enumerate(pairs)
    ]
