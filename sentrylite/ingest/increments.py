"""What a batch of events adds to the counters: collected, added up, stored for later, applied."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Self
from uuid import UUID

import orjson
import zstandard

from issues import intake
from issues.intake import Facts, Placed
from issues.payload.event import EventUser, PreparedEvent
from issues.payload.tags import UNCOUNTED
from sentrylite.releases import intake as release_intake
from sentrylite.releases.sessions import Change, Health, HealthKey, Session, keys_of
from stats import counters
from stats.models import Kind
from stats.periods import HOUR, HOURS_OF_DAY, bucket

from . import outcomes


class Span(NamedTuple):
    """How often, and when first and last (epoch seconds)."""

    times: int
    first: float
    last: float

    def __add__(self, other: "Span") -> "Span":  # type: ignore[override]
        return Span(
            self.times + other.times, min(self.first, other.first), max(self.last, other.last)
        )


class Increments:
    """Additions to counters. They commute: the order of two batches does not matter.

    Keys begin with the project, so that rows are written in one order by every process.
    """

    __slots__ = (
        "days",
        "hashes",
        "health",
        "issues",
        "people",
        "releases",
        "seen_in",
        "series",
        "tags",
        "users",
    )

    def __init__(self) -> None:
        # (project, issue) → how often, and what its newest event says
        self.issues: dict[tuple[int, int], tuple[int, Facts]] = {}
        # (project, issue, day, environment) → events by hour
        self.days: dict[tuple[int, int, int, int], list[int]] = {}
        # (project, issue, key, value)
        self.tags: dict[tuple[int, int, str, str], tuple[int, float]] = {}
        # (project, issue, hash) → when its last event happened, and which that is
        self.hashes: dict[tuple[int, int, UUID], tuple[float, UUID]] = {}
        # (project, issue, environment, release)
        self.seen_in: dict[tuple[int, int, int, int], Span] = {}
        # (project, issue, user)
        self.users: set[tuple[int, int, int]] = set()
        # (project, user)
        self.people: dict[tuple[int, int], EventUser] = {}
        # (project, release) → new issues, newest event
        self.releases: dict[tuple[int, int], tuple[int, float]] = {}
        self.series: counters.Counts = {}
        self.health: dict[HealthKey, Health] = {}

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)

    # Collecting ---------------------------------------------------------------------------------

    def add_events(self, placed: Iterable[Placed]) -> None:
        """Count events that are stored, each in the issue, environment and release it is in."""
        for place in placed:
            self._add_event(place)

    def add_discarded(self, events: Iterable[PreparedEvent]) -> None:
        """Count events that were received and dropped, because their issue was discarded."""
        for event in events:
            now = event.received_at
            outcomes.add(self.series, event, "filtered", "discarded-hash", 1, now=now)

    def add_items(self, key: outcomes.Counted, category: str, quantity: int, *, now: float) -> None:
        """Count items of an envelope that are stored with the batch."""
        outcomes.add(self.series, key, "accepted_item", category, quantity, now=now)

    def add_session(
        self,
        project_id: int,
        release_id: int,
        environment_id: int,
        session: Session,
        change: Change | None,
    ) -> None:
        """Count what is new of a session; without a `change` only who was in it."""
        if change is None and session.user is None:
            return
        for key in keys_of(project_id, release_id, environment_id, session.started_at):
            self.health.setdefault(key, Health()).add(session, change)

    def _add_event(self, place: Placed) -> None:
        event, issue_id = place.event, place.issue_id
        project_id, moment = event.project_id, event.timestamp
        issue = (project_id, issue_id)
        facts = Facts.of(event)
        before = self.issues.get(issue)
        self.issues[issue] = (before[0] + 1, max(before[1], facts)) if before else (1, facts)

        day, hour = divmod(bucket(moment, HOUR), HOURS_OF_DAY)
        in_day = (project_id, issue_id, day, place.environment_id)
        hours = self.days.get(in_day)
        if hours is None:
            hours = self.days[in_day] = [0] * HOURS_OF_DAY
        hours[hour] += 1

        tags = self.tags
        for key, value in event.tags:
            if key in UNCOUNTED:
                continue
            tag = (project_id, issue_id, key, value)
            known = tags.get(tag)
            tags[tag] = (known[0] + 1, max(known[1], moment)) if known else (1, moment)

        this = (moment, event.event_id)
        for hash in event.hashes:
            in_issue = (project_id, issue_id, hash)
            self.hashes[in_issue] = max(self.hashes.get(in_issue, this), this)

        seen_in = (project_id, issue_id, place.environment_id, place.release_id)
        span = Span(1, moment, moment)
        self.seen_in[seen_in] = self.seen_in[seen_in] + span if seen_in in self.seen_in else span

        if event.user:
            self.users.add((project_id, issue_id, event.user.hash))
            self.people[project_id, event.user.hash] = event.user
        if place.release_id:
            release = (project_id, place.release_id)
            new, last = self.releases.get(release, (0, moment))
            self.releases[release] = (new + place.is_new_issue, max(last, moment))
        self._add_series(place)

    def _add_series(self, place: Placed) -> None:
        event = place.event
        project_id, moment, now = event.project_id, event.timestamp, event.received_at
        add = counters.count
        add(self.series, 0, Kind.ORGANIZATION_RECEIVED, event.organization_id, now, now=now)
        add(self.series, project_id, Kind.PROJECT_RECEIVED, project_id, now, now=now)
        add(self.series, project_id, Kind.KEY_RECEIVED, event.key_id, now, now=now)
        add(self.series, project_id, Kind.PROJECT_GENERATED, project_id, moment, now=now)
        environment_id, release_id = place.environment_id, place.release_id
        add(self.series, project_id, Kind.ENVIRONMENT_GENERATED, environment_id, moment, now=now)
        if release_id:
            add(self.series, project_id, Kind.RELEASE_GENERATED, release_id, moment, now=now)

    def __iadd__(self, other: "Increments") -> Self:
        """Add another batch's."""
        for issue, (times, facts) in other.issues.items():
            before = self.issues.get(issue)
            self.issues[issue] = (
                (before[0] + times, max(before[1], facts)) if before else (times, facts)
            )
        for day, hours in other.days.items():
            mine = self.days.get(day)
            self.days[day] = [a + b for a, b in zip(mine, hours, strict=True)] if mine else hours
        for tag, (times, last) in other.tags.items():
            known = self.tags.get(tag)
            self.tags[tag] = (known[0] + times, max(known[1], last)) if known else (times, last)
        for in_issue, newest_of in other.hashes.items():
            mine_of = self.hashes.get(in_issue)
            self.hashes[in_issue] = max(mine_of, newest_of) if mine_of else newest_of
        for seen_in, span in other.seen_in.items():
            self.seen_in[seen_in] = (
                self.seen_in[seen_in] + span if seen_in in self.seen_in else span
            )
        self.users |= other.users
        self.people |= other.people
        for release, (new, last) in other.releases.items():
            sum_new, newest = self.releases.get(release, (0, last))
            self.releases[release] = (sum_new + new, max(newest, last))
        for key, quantity in other.series.items():
            self.series[key] = self.series.get(key, 0) + quantity
        for in_bucket, health in other.health.items():
            counted = self.health.setdefault(in_bucket, Health())
            counted += health
        return self

    # Storing ------------------------------------------------------------------------------------

    def dump(self) -> bytes:
        """As bytes that `load` of any later version reads: zstd of JSON."""
        return zstandard.compress(
            orjson.dumps(
                {
                    "issues": [
                        [*key, times, list(facts)] for key, (times, facts) in self.issues.items()
                    ],
                    "days": [[*key, value] for key, value in self.days.items()],
                    "tags": [[*key, *value] for key, value in self.tags.items()],
                    "hashes": [[*key, *value] for key, value in self.hashes.items()],
                    "seen_in": [[*key, *value] for key, value in self.seen_in.items()],
                    "users": list(self.users),
                    "people": [[*key, person] for key, person in self.people.items()],
                    "releases": [[*key, *value] for key, value in self.releases.items()],
                    "series": [[*key, value] for key, value in self.series.items()],
                    "health": [[*key, each.dump()] for key, each in self.health.items()],
                }
            ),
            1,
        )

    @classmethod
    def load(cls, data: bytes) -> Self:
        stored = orjson.loads(zstandard.decompress(data))
        self = cls()
        self.issues = {(p, i): (times, Facts(*facts)) for p, i, times, facts in stored["issues"]}
        self.days = {tuple(key): hours for *key, hours in stored["days"]}
        self.tags = {tuple(key): (times, last) for *key, times, last in stored["tags"]}
        self.hashes = {
            (p, i, UUID(hash)): (moment, UUID(event))
            for p, i, hash, moment, event in stored.get("hashes", ())
        }
        self.seen_in = {
            tuple(key): Span(times, first, last) for *key, times, first, last in stored["seen_in"]
        }
        self.users = {tuple(user) for user in stored["users"]}
        self.people = {tuple(key): EventUser(**person) for *key, person in stored["people"]}
        self.releases = {tuple(key): (new, last) for *key, new, last in stored["releases"]}
        self.series = {tuple(key): quantity for *key, quantity in stored["series"]}
        health = stored.get("health", ())
        self.health = {tuple(key): Health.load(each) for *key, each in health}
        return self

    # Applying -----------------------------------------------------------------------------------

    def apply(self, cursor: Any) -> None:
        """Write them all: a fixed number of statements, in one order in every process.

        Issues are locked first: whoever shares one queues there. What everybody shares comes last.
        """
        locked = intake.lock_issues(cursor, {issue_id for _, issue_id in self.issues})
        self._follow(locked.targets)
        intake.add_to_issues(cursor, locked, self.issues, self.users, self.tags, self.hashes)
        counters.add_issue_days(cursor, self.days)
        intake.add_seen_in(cursor, self.seen_in)
        intake.add_people(cursor, self.people)
        release_intake.add_events(cursor, self.releases)
        release_intake.add_health(cursor, self.health)
        counters.add_series_counts(cursor, self.series)

    def _follow(self, targets: Mapping[int, int]) -> None:
        """What belongs to issues that were merged away since their events came belongs to those
        they were merged into; what belongs to issues that were removed is forgotten."""
        moved = {issue_id for _, issue_id in self.issues if targets.get(issue_id) != issue_id}
        for issue_id in moved:
            gone = self._take(issue_id, targets.get(issue_id, 0))
            if issue_id in targets:
                self += gone

    def _take(self, issue_id: int, new_id: int) -> "Increments":
        """Take out what belongs to an issue; returns it, under another id."""
        taken = Increments()
        for name in ("issues", "days", "tags", "hashes", "seen_in"):
            mine, its = getattr(self, name), getattr(taken, name)
            for key in [key for key in mine if key[1] == issue_id]:
                project_id, _, *rest = key
                its[project_id, new_id, *rest] = mine.pop(key)
        for user in [user for user in self.users if user[1] == issue_id]:
            self.users.remove(user)
            taken.users.add((user[0], new_id, user[2]))
        return taken
