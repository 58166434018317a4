"""How the sessions of a release go: what its users' browsers and its servers say of them."""

import random
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from issues.demo.people import People
from issues.demo.schedule import HOUR, Schedule, busyness
from sentrylite.releases import sketches
from sentrylite.releases.sessions import Session, Status
from stats.periods import HOURS_OF_DAY, bucket, oldest_bucket

HOUR_WIDTH = int(HOUR)

# Which part of the sessions has an error, and how many crash of a release in which nothing is
# handled; and both on the bad afternoon.
ERRORED, CRASHED = 0.035, 0.02
ERRORED_IN_OUTAGE, CRASHED_IN_OUTAGE = 0.3, 0.15
STAGED = 20  # sessions before it is in production


class Visit(NamedTuple):
    """Sessions that are told of together."""

    moment: float
    sessions: list[Session]


class Hour(NamedTuple):
    """What to expect of an hour, or of the part of one that there is."""

    number: int
    begin: float
    end: float
    sessions: float
    signed_in: float
    """How many more, of people who are known."""
    errored: float
    crashed: float
    """Which part of them."""


def visits(
    chance: random.Random, schedule: Schedule, people: People, release: int, staged_at: float
) -> Iterator[Visit]:
    """The sessions of one of a project's releases, from hour to hour.

    Those of days of which no hours are kept (`stats.periods.SAMPLES`) are told by the day.
    """
    version = schedule.version(release)
    if staged_at >= schedule.begin:
        tried = _aggregate(chance, staged_at, version, "staging", STAGED, ERRORED, 0)
        yield Visit(staged_at, [tried])
    first_day = -(-oldest_bucket(HOUR_WIDTH, schedule.end) // HOURS_OF_DAY)

    def told(hour: Hour) -> int:
        day = hour.number // HOURS_OF_DAY
        return hour.number if day >= first_day else day * HOURS_OF_DAY

    for _, together in groupby(_hours(schedule, release), told):
        hours = list(together)
        begin, end = hours[0].begin, hours[0].end
        total = sum(hour.sessions for hour in hours)
        errored = sum(hour.errored * hour.sessions for hour in hours) / total
        crashed = sum(hour.crashed * hour.sessions for hour in hours) / total
        sessions = []
        if count := _about(chance, total):
            sessions.append(
                _aggregate(chance, begin, version, "production", count, errored, crashed)
            )
        for _ in range(_about(chance, sum(hour.signed_in for hour in hours))):
            started_at = chance.uniform(begin, end)
            sessions.append(_session(chance, people, started_at, version, errored, crashed))
        if sessions:
            yield Visit(end, sessions)


def _hours(schedule: Schedule, release: int) -> Iterator[Hour]:
    """The hours in which somebody has a release."""
    project = schedule.project
    begin = schedule.released(release)
    end = schedule.end
    if release + 2 <= schedule.last:
        end = schedule.released(release + 2)
    usual = CRASHED * schedule.fragility(release)
    for number in range(bucket(begin, HOUR_WIDTH), bucket(end, HOUR_WIDTH) + 1):
        since, until = max(number * HOUR, begin), min((number + 1) * HOUR, end)
        share = schedule.share(release, (since + until) / 2)
        part = busyness(since) * share * (until - since) / HOUR
        if part <= 0:
            continue
        is_outage = schedule.is_outage(since, until)
        yield Hour(
            number,
            since,
            until,
            project.sessions_per_hour * part,
            project.signed_in_per_hour * part,
            ERRORED_IN_OUTAGE if is_outage else ERRORED,
            CRASHED_IN_OUTAGE if is_outage else usual,
        )


def _aggregate(
    chance: random.Random,
    begin: float,
    version: str,
    environment: str,
    count: int,
    errored: float,
    crashed: float,
) -> Session:
    """So many sessions, some of which went wrong."""
    counts = [0] * len(Status)
    counts[Status.CRASHED] = min(_about(chance, count * crashed), count)
    counts[Status.ERRORED] = min(_about(chance, count * errored), count - sum(counts))
    counts[Status.HEALTHY] = count - sum(counts)
    return Session(
        UUID(int=chance.getrandbits(128), version=4),
        begin,
        version,
        environment,
        is_over=True,
        aggregate=tuple(counts),
    )


def _session(
    chance: random.Random,
    people: People,
    started_at: float,
    version: str,
    errored: float,
    crashed: float,
) -> Session:
    """That of somebody who is known."""
    status = chance.choices(
        (Status.CRASHED, Status.ERRORED, Status.HEALTHY), (crashed, errored, 1 - crashed - errored)
    )[0]
    return Session(
        UUID(int=chance.getrandbits(128), version=4),
        started_at,
        version,
        "production",
        status=status,
        is_over=True,
        duration=min(chance.lognormvariate(5, 1), HOUR),
        user=sketches.place_of(people.pick(chance)["id"]),
    )


def _about(chance: random.Random, number: float) -> int:
    return int(number * chance.uniform(0.7, 1.3) + chance.random())
