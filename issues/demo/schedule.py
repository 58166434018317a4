"""When what happens: the shop's busy hours, a project's releases, who has which of them."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Literal

from issues.demo.problems import Problem, Project
from issues.demo.projects import OUTAGE

HOUR, DAY = 3600.0, 86_400.0

# How busy the shop is from hour to hour (UTC) and from Monday to Sunday.
HOURS = (3, 2, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 12, 13, 13, 12, 12, 14, 17, 18, 15, 10, 6)
WEEKDAYS = (1.0, 1.05, 1.05, 1.0, 1.1, 0.75, 0.7)
AVERAGE = sum(HOURS) / len(HOURS)

# The bad afternoon: how long before the end, how long.
OUTAGE_BEGAN, OUTAGE_LASTED = 5.3 * DAY, 2 * HOUR

# Who does not have the newest release yet, and in which part of its time the others come to it.
LAGGARDS, TAKEOVER = 0.12, 0.3


@dataclass(frozen=True, slots=True)
class Done:
    """Something that somebody did about a problem's issue."""

    moment: float
    project: str
    problem: str
    what: Literal["resolve", "ignore", "assign"]


def busyness(moment: float) -> float:
    """How busy the shop is; 1 in an average hour of a Monday."""
    at = datetime.fromtimestamp(moment, UTC)
    return HOURS[at.hour] * WEEKDAYS[at.weekday()] / AVERAGE


class Schedule:
    """A project's releases in the month, and what goes wrong in each."""

    def __init__(self, project: Project, begin: float, end: float) -> None:
        self.project = project
        self.begin, self.end = begin, end
        # A short month has fewer days between its releases, so that all of them happen.
        pace = min(1.0, (end - begin) / (30 * DAY))
        self.step = project.days_per_release * DAY * pace
        # None comes out only at the end, whatever rounding makes of it.
        self.last = math.ceil(round((end - begin) / self.step, 6)) - 1
        self._problems: list[list[Problem]] = []
        self._weights: list[list[float]] = []
        for release in range(self.last + 1):
            active = [problem for problem in project.problems if problem.is_in(release)]
            self._problems.append(active)
            self._weights.append(list(accumulate(problem.weight for problem in active)))

    def version(self, release: int) -> str:
        """What a release is called."""
        return self.project.version.format(release + 3)

    def released(self, release: int) -> float:
        """When a release came out."""
        return self.begin + release * self.step

    def newest(self, moment: float) -> tuple[int, float]:
        """The release that is the newest at a moment, and which part of all has it by then. The
        others have the one before."""
        release = min(int((moment - self.begin) / self.step), self.last)
        if not release:
            return release, 1.0
        age = (moment - self.released(release)) / self.step
        return release, (1 - LAGGARDS) * min(1.0, age / TAKEOVER)

    def share(self, release: int, moment: float) -> float:
        """Which part of all has a release at a moment."""
        newest, part = self.newest(moment)
        return {newest: part, newest - 1: 1 - part}.get(release, 0.0)

    def pick(self, chance: random.Random, moment: float) -> tuple[int, Problem]:
        """The release that somebody uses at a moment, and what goes wrong in it."""
        release, part = self.newest(moment)
        if release and chance.random() >= part:
            release -= 1
        problems, weights = self._problems[release], self._weights[release]
        return release, chance.choices(problems, cum_weights=weights)[0]

    def problem(self, name: str) -> Problem:
        return next(problem for problem in self.project.problems if problem.name == name)

    def fragility(self, release: int) -> float:
        """Which part of what goes wrong in a release nobody handles."""
        unhandled = sum(each.weight for each in self._problems[release] if not each.handled)
        return unhandled / self._weights[release][-1]

    def is_outage(self, begin: float, end: float) -> bool:
        """Whether the bad afternoon is this project's, and in this time."""
        began = self.end - OUTAGE_BEGAN
        return self.project.slug == OUTAGE[0] and begin < began + OUTAGE_LASTED and end > began

    def acts(self) -> Iterator[Done]:
        """Problems are resolved when laggards have the release that mended them; the worst of the
        others is assigned, and what is only noise ignored."""
        slug = self.project.slug
        for problem in self.project.problems:
            if problem.until is not None and problem.since < problem.until <= self.last:
                resolved = self.released(problem.until) + self.step + HOUR
                yield Done(min(resolved, self.end), slug, problem.name, "resolve")
            elif problem.level == "info":
                yield Done(self.begin + self.step, slug, problem.name, "ignore")
        worst = max(self.project.problems, key=lambda problem: problem.weight)
        yield Done(self.begin + self.step / 2, slug, worst.name, "assign")
