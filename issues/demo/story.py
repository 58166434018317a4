"""A month, in the order in which it happens: releases, events, and what people do about them."""

import math
import random
import uuid
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from issues.demo.complaints import COMPLAINTS
from issues.demo.events import event
from issues.demo.people import People
from issues.demo.projects import OUTAGE, PROJECTS
from issues.demo.schedule import (
    DAY,
    HOUR,
    OUTAGE_BEGAN,
    OUTAGE_LASTED,
    Done,
    Schedule,
    busyness,
)
from issues.demo.shipping import Shipped, ship
from issues.payload.feedback import PreparedReport

# How much of everything the bad afternoon is, and how many users may say something.
OUTAGE_SHARE, REPORTS = 0.07, 24
ENVIRONMENTS = ("production",) * 12 + ("staging",) * 2 + ("",)


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that a project sent."""

    moment: float
    project: str
    problem: str
    event: dict[str, Any]
    report: PreparedReport | None = None
    """What its user said."""


def tell(*, now: float, days: int, events: int, seed: int) -> Iterator[Sent | Done | Shipped]:
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
    happenings: list[Done | Shipped] = [
        *(act for schedule in schedules for act in schedule.acts()),
        *(
            ship(seed, schedule, people, release)
            for schedule in schedules
            for release in range(schedule.last + 1)
        ),
    ]
    waiting = deque(sorted(happenings, key=lambda each: each.moment))
    talkative = set(
        random.Random(f"talk {seed}").sample(range(events), min(REPORTS, events))  # noqa: S311
    )
    heard: Counter[str] = Counter()
    for number, (moment, is_outage) in enumerate(_moments(chance, begin, now, events)):
        while waiting and waiting[0].moment <= moment:
            yield waiting.popleft()
        schedule = chance.choices(schedules, cum_weights=shares)[0]
        if is_outage:
            schedule = next(each for each in schedules if each.project.slug == OUTAGE[0])
        release, problem = schedule.pick(chance, moment)
        if is_outage:
            problem = schedule.problem(OUTAGE[1])
        project = schedule.project
        person = people.pick(chance)
        sent = event(
            chance,
            project=project,
            problem=problem,
            person=person,
            moment=moment,
            event_id=uuid.UUID(int=ids.getrandbits(128), version=4).hex,
            release=schedule.version(release),
            environment=chance.choice(ENVIRONMENTS),
        )
        report = None
        words = COMPLAINTS.get(problem.place)
        if number in talkative and words and sent["environment"] == "production":
            # One after the other: two who say the same look made up.
            said = words[heard[problem.place] % len(words)]
            heard[problem.place] += 1
            report = PreparedReport(sent["event_id"], person["name"], person["email"], said)
        yield Sent(moment, project.slug, problem.name, sent, report)
    yield from waiting


def _moments(
    chance: random.Random, begin: float, end: float, count: int
) -> list[tuple[float, bool]]:
    """When events happen, in order, and whether they are a part of the bad afternoon."""
    hours = [begin + hour * HOUR for hour in range(math.ceil((end - begin) / HOUR))]
    starts = chance.choices(hours, [busyness(hour) for hour in hours], k=count)
    moments = [(min(start + chance.random() * HOUR, end), False) for start in starts]
    outage = end - OUTAGE_BEGAN
    if outage > begin:
        for index in range(int(count * OUTAGE_SHARE)):
            # Most of it at once, then less and less.
            moments[index] = (outage + chance.random() ** 2 * OUTAGE_LASTED, True)
    return sorted(moments)
