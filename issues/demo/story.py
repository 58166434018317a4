"""A month, in the order in which it happens: events, and what the shop's people do about them."""

import math
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, Literal

from issues.demo.events import event
from issues.demo.people import People
from issues.demo.problems import Problem, Project
from issues.demo.projects import OUTAGE, PROJECTS

HOUR, DAY = 3600.0, 86_400.0

# How busy the shop is from hour to hour (UTC) and from Monday to Sunday.
HOURS = (3, 2, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 12, 13, 13, 12, 12, 14, 17, 18, 15, 10, 6)
WEEKDAYS = (1.0, 1.05, 1.05, 1.0, 1.1, 0.75, 0.7)

# The bad afternoon: how long before the end, how long, how much of everything.
OUTAGE_BEGAN, OUTAGE_LASTED, OUTAGE_SHARE = 5.3 * DAY, 2 * HOUR, 0.07

# Who does not have the newest release yet.
LAGGARDS = 0.12
ENVIRONMENTS = ("production",) * 12 + ("staging",) * 2 + ("",)


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that a project sent."""

    moment: float
    project: str
    problem: str
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Done:
    """Something that somebody did about a problem's issue."""

    moment: float
    project: str
    problem: str
    what: Literal["resolve", "ignore", "assign"]


def tell(*, now: float, days: int, events: int, seed: int) -> Iterator[Sent | Done]:
    """What happened in the `days` before `now` (epoch seconds), oldest first.

    The same arguments tell the same story. With another `now` the times differ but not the ids of
    the events, so a story that was cut short is not told twice.
    """
    chance = random.Random(seed)  # noqa: S311 - nothing here is secret
    ids = random.Random(f"ids {seed}")  # noqa: S311
    people = People(chance)
    begin = now - days * DAY
    schedules = [Schedule(project, begin, now) for project in PROJECTS]
    shares = list(accumulate(project.share for project in PROJECTS))
    done = sorted(
        (act for schedule in schedules for act in schedule.acts()), key=lambda act: act.moment
    )
    for moment, is_outage in _moments(chance, begin, now, events):
        while done and done[0].moment < moment:
            yield done.pop(0)
        schedule = chance.choices(schedules, cum_weights=shares)[0]
        if is_outage:
            schedule = next(each for each in schedules if each.project.slug == OUTAGE[0])
        release, problem = schedule.pick(chance, moment)
        if is_outage:
            problem = schedule.problem(OUTAGE[1])
        project = schedule.project
        sent = event(
            chance,
            project=project,
            problem=problem,
            person=people.pick(chance),
            moment=moment,
            event_id=uuid.UUID(int=ids.getrandbits(128), version=4).hex,
            release=project.version.format(release + 3),
            environment=chance.choice(ENVIRONMENTS),
        )
        yield Sent(moment, project.slug, problem.name, sent)
    yield from done


class Schedule:
    """A project's releases in the month, and what goes wrong in each."""

    def __init__(self, project: Project, begin: float, end: float) -> None:
        self.project = project
        self._end = end
        # A short month has fewer days between its releases, so that all of them happen.
        pace = min(1.0, (end - begin) / (30 * DAY))
        self._begin = begin
        self._step = project.days_per_release * DAY * pace
        self._last = int((end - begin) / self._step)
        self._problems: list[list[Problem]] = []
        self._weights: list[list[float]] = []
        for release in range(self._last + 1):
            active = [problem for problem in project.problems if problem.is_in(release)]
            self._problems.append(active)
            self._weights.append(list(accumulate(problem.weight for problem in active)))

    def pick(self, chance: random.Random, moment: float) -> tuple[int, Problem]:
        """The release that somebody uses at a moment, and what goes wrong in it."""
        release = min(int((moment - self._begin) / self._step), self._last)
        if release and chance.random() < LAGGARDS:
            release -= 1
        problems, weights = self._problems[release], self._weights[release]
        return release, chance.choices(problems, cum_weights=weights)[0]

    def problem(self, name: str) -> Problem:
        return next(problem for problem in self.project.problems if problem.name == name)

    def acts(self) -> Iterator[Done]:
        """Problems are resolved when laggards have the release that mended them; the worst of the
        others is assigned, and what is only noise ignored."""
        slug = self.project.slug
        for problem in self.project.problems:
            if problem.until is not None and problem.since < problem.until <= self._last:
                released = self._begin + problem.until * self._step
                yield Done(
                    min(released + self._step + HOUR, self._end), slug, problem.name, "resolve"
                )
            elif problem.level == "info":
                yield Done(self._begin + self._step, slug, problem.name, "ignore")
        worst = max(self.project.problems, key=lambda problem: problem.weight)
        yield Done(self._begin + self._step / 2, slug, worst.name, "assign")


def _moments(
    chance: random.Random, begin: float, end: float, count: int
) -> list[tuple[float, bool]]:
    """When events happen, in order, and whether they are a part of the bad afternoon."""
    hours = [begin + hour * HOUR for hour in range(math.ceil((end - begin) / HOUR))]
    starts = chance.choices(hours, [_busyness(hour) for hour in hours], k=count)
    moments = [(min(start + chance.random() * HOUR, end), False) for start in starts]
    outage = end - OUTAGE_BEGAN
    if outage > begin:
        for index in range(int(count * OUTAGE_SHARE)):
            # Most of it at once, then less and less.
            moments[index] = (outage + chance.random() ** 2 * OUTAGE_LASTED, True)
    return sorted(moments)


def _busyness(moment: float) -> float:
    at = datetime.fromtimestamp(moment, UTC)
    return HOURS[at.hour] * WEEKDAYS[at.weekday()]
