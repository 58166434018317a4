"""Reading what sessions said: of projects, releases and environments, over any hours.

`now` is epoch seconds, as in `stats.series`. A time is a range of hours, counted from 1970. Hours
are kept for a week; of days before that only the whole is known: it counts at their beginning, or
at that of the range.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet

from sentrylite.arrays import literal
from stats.periods import DAY, HOUR, HOURS_OF_DAY, oldest_bucket

from . import sketches
from .models import ReleaseHealth
from .sessions import Status
from .sketches import BINS, LEVELS, SLOTS

COUNTS, USERS, DURATIONS = "counts", "users", "durations"
"""What is read; each of them costs a statement."""

# How many bits of each level of a bitmap are set.
_LEVELS = f"""CASE WHEN {{name}} IS NOT NULL THEN (
        SELECT array_agg(bit_count(substring({{name}} FROM level * {SLOTS} + 1 FOR {SLOTS}))::int)
        FROM generate_series(0, {LEVELS - 1}) AS level) END"""
_USERS = ("users", "users_errored", "users_unhandled", "users_abnormal", "users_crashed")

COLUMNS = {
    COUNTS: (
        "sum(h.sessions)::bigint, sum(h.errored)::bigint, sum(h.unhandled)::bigint,"
        " sum(h.abnormal)::bigint, sum(h.crashed)::bigint",
        "found.*",
    ),
    USERS: (
        ", ".join(f"bit_or(h.{name}) AS {name}" for name in _USERS),
        "label, project_id, release_id, environment_id, "
        + ", ".join(_LEVELS.format(name=name) for name in _USERS),
    ),
    DURATIONS: (
        "sum(h.duration_sum), max(h.duration_max), ARRAY["
        + ", ".join(f"coalesce(sum(h.durations[{bin}]), 0)::bigint" for bin in range(1, BINS + 1))
        + "]",
        "found.*",
    ),
}

# A part is some buckets of one width; parts with one label are put together.
READ = """
    SELECT {answer} FROM (
        SELECT part.label, CASE WHEN %(by_project)s THEN h.project_id END AS project_id,
            CASE WHEN %(by_release)s THEN h.release_id END AS release_id,
            CASE WHEN %(by_environment)s THEN h.environment_id END AS environment_id,
            {columns}
        FROM unnest(%(projects)s::bigint[]) AS p (id)
        CROSS JOIN unnest(%(labels)s::int[], %(widths)s::int[], %(first)s::int[], %(last)s::int[])
            AS part (label, width, first, last)
        {releases}
        JOIN releases_releasehealth h ON h.project_id = p.id AND h.width = part.width
            AND h.bucket BETWEEN part.first AND part.last {of_release}
        WHERE (%(environments)s IS NULL OR h.environment_id = ANY(%(environments)s::bigint[]))
            AND h.release_id <> ALL(%(not_releases)s::bigint[])
            AND h.environment_id <> ALL(%(not_environments)s::bigint[])
        GROUP BY 1, 2, 3, 4
    ) AS found
"""
# Some releases are found by the primary key, all of them by the index on time.
SOURCES = {
    True: {
        "releases": "CROSS JOIN unnest(%(releases)s::bigint[]) AS r (id)",
        "of_release": "AND h.release_id = r.id",
    },
    False: {"releases": "", "of_release": ""},
}
STATEMENTS = {
    (what, is_of_releases): READ.format(columns=columns, answer=answer, **source)
    for what, (columns, answer) in COLUMNS.items()
    for is_of_releases, source in SOURCES.items()
}

FIND_HEALTHY = """
    SELECT wanted.project_id, wanted.release_id
    FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (project_id, release_id)
    WHERE EXISTS (
        SELECT 1 FROM releases_releasehealth h
        WHERE h.project_id = wanted.project_id AND h.release_id = wanted.release_id
    )
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose sessions. None is all of them."""

    project_ids: Collection[int]
    release_ids: Collection[int] | None = None
    environment_ids: Collection[int] | None = None
    not_release_ids: Collection[int] = ()
    not_environment_ids: Collection[int] = ()


class Group(NamedTuple):
    """What sessions have in common; None is what they are not told apart by."""

    project_id: int | None = None
    release_id: int | None = None
    environment_id: int | None = None


def _by_status() -> list[int]:
    return [0] * len(Status)


@dataclass(slots=True)
class Figures:
    """What is known of some sessions."""

    counts: list[int] = field(default_factory=_by_status)
    """By Status; the first number is that of all sessions."""
    users: list[int] = field(default_factory=_by_status)
    """Distinct users: all of them, and by what came to their sessions. Those at ERRORED had any
    session that was not healthy."""
    durations: Sequence[int] | None = None
    duration_sum: float = 0.0
    duration_max: float | None = None

    @property
    def total_sessions(self) -> int:
        return self.counts[0]

    @property
    def total_users(self) -> int:
        return self.users[0]

    def sessions_that(self, status: Status) -> int:
        """How many sessions went so, and not worse."""
        if status:
            return self.counts[status]
        return max(self.counts[0] - sum(self.counts[1:]), 0)

    def users_that(self, status: Status) -> int:
        """How many users had a session that went so. Healthy are those who had no other; errored
        those who had none that went worse."""
        every, unwell, *worse = self.users
        if status is Status.HEALTHY:
            return max(every - unwell, 0)
        return max(unwell - sum(worse), 0) if status is Status.ERRORED else self.users[status]

    def rate_of_sessions(self, status: Status) -> float | None:
        """The part of the sessions that went so; None without any."""
        return _part(self.sessions_that(status), self.total_sessions)

    def rate_of_users(self, status: Status) -> float | None:
        """The part of the users who had a session that went so; None without any."""
        return _part(self.users_that(status), self.total_users)

    def quantile(self, part: float) -> float | None:
        """The duration (seconds) that this part of the sessions that are over did not exceed."""
        return sketches.quantile(self.durations, part)

    @property
    def average_duration(self) -> float | None:
        ended = sum(self.durations or ())
        return self.duration_sum / ended if ended else None


def _part(some: int, every: int) -> float | None:
    return min(max(some / every, 0.0), 1.0) if every else None


def read(
    scope: Scope,
    times: Mapping[int, range] | Sequence[range],
    now: float,
    *,
    what: Iterable[str],
    by: Collection[str] = (),
) -> dict[int, dict[Group, Figures]]:
    """The figures of each of the times, by its label, by some of the fields of Group.

    A sequence of times is a series, each beginning where the one before ends. Groups without any
    session are missing. A statement for each of `what`.
    """
    parts = list(_series(times, now) if isinstance(times, Sequence) else _parts(times, now))
    found: dict[int, dict[Group, Figures]] = defaultdict(lambda: defaultdict(Figures))
    labels, widths, first, last = zip(*parts, strict=True) if parts else ((), (), (), ())
    parameters = {
        "projects": literal(sorted(scope.project_ids)),
        "labels": literal(labels),
        "widths": literal(widths),
        "first": literal(first),
        "last": literal(last),
        "releases": literal(sorted(scope.release_ids or ())),
        "environments": _optional(scope.environment_ids),
        "not_releases": literal(scope.not_release_ids),
        "not_environments": literal(scope.not_environment_ids),
        "by_project": "project" in by,
        "by_release": "release" in by,
        "by_environment": "environment" in by,
    }
    with connection.cursor() as cursor:
        for each in what:
            cursor.execute(STATEMENTS[each, scope.release_ids is not None], parameters)
            for label, project_id, release_id, environment_id, *values in cursor.fetchall():
                figures = found[label][Group(project_id, release_id, environment_id)]
                if each == COUNTS:
                    figures.counts = [max(count, 0) for count in values]
                elif each == USERS:
                    figures.users = [sketches.distinct(bits) for bits in values]
                else:
                    figures.duration_sum, figures.duration_max, figures.durations = values
    return found


def _optional(ids: Collection[int] | None) -> str | None:
    return None if ids is None else literal(sorted(ids))


Part = tuple[int, int, int, int]
"""Label, width, first and last bucket."""


def _parts(times: Mapping[int, range], now: float) -> Iterable[Part]:
    """Each time by itself: a day that it touches counts as a whole."""
    for label, hours in times.items():
        yield from _parts_of(label, hours, hours.start // HOURS_OF_DAY, now)


def _series(times: Sequence[range], now: float) -> Iterable[Part]:
    """Each day in the one in which it begins, or in the first."""
    for label, hours in enumerate(times):
        first_day = hours.start // HOURS_OF_DAY if label == 0 else -(-hours.start // HOURS_OF_DAY)
        yield from _parts_of(label, hours, first_day, now)


def _parts_of(label: int, hours: range, first_day: int, now: float) -> Iterable[Part]:
    """The hours of a time, as far as whole days of them are kept, and the days before. Nothing has
    begun in the future."""
    hours = range(hours.start, min(hours.stop, int(now // HOUR) + 1))
    first_kept = -(-oldest_bucket(HOUR, now) // HOURS_OF_DAY)
    start = max(hours.start, first_kept * HOURS_OF_DAY)
    if start < hours.stop:
        yield label, HOUR, start, hours.stop - 1
    first_day = max(first_day, oldest_bucket(DAY, now))
    last_day = min((hours.stop - 1) // HOURS_OF_DAY, first_kept - 1)
    if first_day <= last_day:
        yield label, DAY, first_day, last_day


def last_hours(number: int, now: float) -> range:
    """So many hours back from now; the current one is the last."""
    stop = int(now // HOUR) + 1
    return range(stop - number, stop)


# Releases -----------------------------------------------------------------------------------------

PERIODS = {
    "1h": (1, 1),
    "24h": (1, 24),
    "1d": (1, 24),
    "48h": (1, 48),
    "2d": (1, 48),
    "7d": (24, 7),
    "14d": (24, 14),
    "30d": (24, 30),
    "90d": (72, 30),
}
"""The hours of an interval, and how many (releases contract, section 2)."""

Pair = tuple[int, int]
"""(project_id, release_id)"""


@dataclass(slots=True)
class ReleaseHealthOverview:
    """How a release does in a project."""

    figures: Figures
    last_day: Figures
    project_last_day: Figures
    """Of all releases of the project."""
    series: list[tuple[int, int]] | None = None
    """Beginning of the interval (epoch seconds), sessions or users."""

    @property
    def adoption(self) -> float | None:
        """The part of the project's users of the last day who use it."""
        return _part(self.last_day.total_users, self.project_last_day.total_users)

    @property
    def sessions_adoption(self) -> float | None:
        return _part(self.last_day.total_sessions, self.project_last_day.total_sessions)


def hours_of(period: str, now: float) -> list[range]:
    """The intervals of one of the PERIODS up to now, oldest first."""
    width, number = PERIODS[period]
    stop = int(now // HOUR) // width * width + width
    return [range(at, at + width) for at in range(stop - width * number, stop, width)]


def pairs_with_sessions(pairs: Collection[Pair]) -> set[Pair]:
    """Those of which any session is known. One statement; none for no pairs."""
    if not pairs:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(FIND_HEALTHY, [literal(column) for column in zip(*pairs, strict=True)])
        return {(project_id, release_id) for project_id, release_id in cursor.fetchall()}


def releases_seen_in(
    environment_ids: Collection[int], project_ids: Collection[int]
) -> QuerySet[ReleaseHealth, int]:
    """The ids of these projects' releases that had sessions in one of these environments."""
    found = ReleaseHealth.objects.filter(
        project_id__in=project_ids, environment_id__in=environment_ids
    )
    return found.values_list("release_id", flat=True)


SUMMARY, LAST_DAY = 0, 1


def read_overviews(
    pairs: Collection[Pair],
    now: float,
    *,
    environment_ids: Collection[int] | None,
    summary: str,
    series: str | None,
    of_users: bool,
) -> dict[Pair, ReleaseHealthOverview]:
    """How releases do in projects, over one of the PERIODS; with a series over another one, of
    sessions or `of_users`. Five statements, six with a series, whatever the number of pairs."""
    project_ids = {project_id for project_id, _ in pairs}
    releases = Scope(project_ids, {release_id for _, release_id in pairs}, environment_ids)
    intervals = hours_of(summary, now)
    times = {
        SUMMARY: range(intervals[0].start, intervals[-1].stop),
        LAST_DAY: last_hours(HOURS_OF_DAY, now),
    }
    both = ("project", "release")
    found = read(releases, times, now, what=(COUNTS, USERS, DURATIONS), by=both)
    in_projects = read(
        replace(releases, release_ids=None),
        {LAST_DAY: times[LAST_DAY]},
        now,
        what=(COUNTS, USERS),
        by=["project"],
    )
    nothing = Figures()
    overviews = {
        pair: ReleaseHealthOverview(
            found[SUMMARY].get(Group(*pair), nothing),
            found[LAST_DAY].get(Group(*pair), nothing),
            in_projects[LAST_DAY].get(Group(pair[0]), nothing),
        )
        for pair in pairs
    }
    if series is not None:
        spans = hours_of(series, now)
        what = USERS if of_users else COUNTS
        points = read(releases, spans, now, what=(what,), by=both)
        for pair, overview in overviews.items():
            at = [points[label].get(Group(*pair), nothing) for label in range(len(spans))]
            numbers = [each.total_users if of_users else each.total_sessions for each in at]
            overview.series = [
                (span.start * HOUR, number) for span, number in zip(spans, numbers, strict=True)
            ]
    return overviews


SORTS: Mapping[str, tuple[str, Callable[[Figures], float]]] = {
    "sessions": (COUNTS, lambda figures: figures.total_sessions),
    "users": (USERS, lambda figures: figures.total_users),
    "crash_free_sessions": (
        COUNTS,
        lambda figures: 1 - (figures.rate_of_sessions(Status.CRASHED) or 0.0),
    ),
    "crash_free_users": (
        USERS,
        lambda figures: 1 - (figures.rate_of_users(Status.CRASHED) or 0.0),
    ),
}
"""Orders of releases by their health, the highest first."""


def ranked(scope: Scope, sort: str, summary: str, now: float) -> list[Pair]:
    """The releases of these projects that had sessions, or users, in one of the PERIODS, in one of
    the SORTS. One statement."""
    what, value = SORTS[sort]
    intervals = hours_of(summary, now)
    times = {SUMMARY: range(intervals[0].start, intervals[-1].stop)}
    found = read(scope, times, now, what=(what,), by=("project", "release"))[SUMMARY]
    values = {
        (group.project_id or 0, group.release_id or 0): value(figures)
        for group, figures in found.items()
        if figures.total_sessions or figures.total_users
    }
    return sorted(values, key=lambda pair: (values[pair], pair), reverse=True)
