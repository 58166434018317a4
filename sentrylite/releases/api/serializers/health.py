"""The health of releases as JSON (releases contract, sections 2 and 10; clients contract, section
8)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sentrylite.api.serializers import OutputSerializer
from sentrylite.releases.api.health_params import (
    FIELDS,
    SESSIONS_FIELD,
    STATUS,
    USERS_FIELD,
    SessionsParams,
)
from sentrylite.releases.health import Figures, ReleaseHealthOverview
from sentrylite.releases.models import Release
from sentrylite.releases.session_groups import SessionGroup
from sentrylite.releases.sessions import Status
from stats.api.serializers import intervals
from stats.periods import HOUR

from .releases import ReleaseDetailSerializer

if TYPE_CHECKING:
    from sentrylite.releases.api import shapes


def percent(rate: float | None) -> float | None:
    """What is left of a hundred, to two digits; None of nothing."""
    return None if rate is None else round(100 * (1 - rate), 2)


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


class ReleaseHealthSerializer(ReleaseDetailSerializer):
    """A release that says whether its projects heard of sessions, and for `health=1` how it does.

    Pass the context that `health_context` makes.
    """

    def _projects(self, release: Release) -> "list[shapes.ShippedProject]":
        known, overviews = self.context["with_sessions"], self.context["health"]
        answers = []
        for answer in super()._projects(release):
            pair = (answer["id"], release.pk)
            answer["hasHealthData"] = pair in known
            if overviews is not None:
                context = {"period": self.context["period"], "has_sessions": pair in known}
                health = overviews.get(pair)
                answer["healthData"] = health and HealthDataSerializer(health, context=context).data
            answers.append(answer)
        return answers


class HealthDataSerializer(OutputSerializer):
    """How a release does in a project.

    Pass `context={"has_sessions": …, "period": …}`, the latter the name of the period of its
    series, if it has one.
    """

    def to_representation(self, health: ReleaseHealthOverview) -> "shapes.HealthData":
        figures, day, project_day = health.figures, health.last_day, health.project_last_day
        errored = figures.sessions_that(Status.ERRORED) + figures.sessions_that(Status.UNHANDLED)
        series = {}
        if health.series is not None:
            series = {self.context["period"]: [[float(at), n] for at, n in health.series]}
        return {
            "adoption": _hundredfold(health.adoption),
            "crashFreeSessions": percent(figures.rate_of_sessions(Status.CRASHED)),
            "crashFreeUsers": percent(figures.rate_of_users(Status.CRASHED)),
            "durationP50": _seconds(figures.quantile(0.5)),
            "durationP90": _seconds(figures.quantile(0.9)),
            "hasHealthData": self.context["has_sessions"],
            "sessionsAdoption": _hundredfold(health.sessions_adoption),
            "sessionsCrashed": figures.sessions_that(Status.CRASHED),
            "sessionsErrored": errored,
            "stats": series,
            "totalProjectSessions24h": project_day.total_sessions,
            "totalProjectUsers24h": project_day.total_users,
            "totalSessions": figures.total_sessions,
            "totalSessions24h": day.total_sessions,
            "totalUsers": figures.total_users,
            "totalUsers24h": day.total_users,
        }


def _hundredfold(rate: float | None) -> float | None:
    return None if rate is None else round(100 * rate, 2)


class ReleaseStatsSerializer(OutputSerializer):
    """A release's figures by interval. Pass `context={"params": …, "breakdown": …}`, the latter the
    figures of each of its times by name."""

    def to_representation(self, series: Sequence[Figures]) -> "shapes.ReleaseStats":
        params = self.context["params"]
        name = "users" if params.of_users else "sessions"
        return {
            "stats": [
                [float(interval.start * HOUR), _numbers(figures, name)]
                for interval, figures in zip(params.intervals, series, strict=True)
            ],
            "usersBreakdown": {
                period: {
                    "crashFreeSessions": percent(figures.rate_of_sessions(Status.CRASHED)),
                    "crashFreeUsers": percent(figures.rate_of_users(Status.CRASHED)),
                    "totalSessions": figures.total_sessions,
                    "totalUsers": figures.total_users,
                }
                for period, figures in self.context["breakdown"].items()
            },
        }


def _numbers(figures: Figures, name: str) -> Any:
    """Unhandled errors are among those of the documents, which do not know them."""
    total, that = figures.total_sessions, figures.sessions_that
    if name == "users":
        total, that = figures.total_users, figures.users_that
    return {
        "duration_p50": _seconds(figures.quantile(0.5)),
        "duration_p90": _seconds(figures.quantile(0.9)),
        name: total,
        f"{name}_abnormal": that(Status.ABNORMAL),
        f"{name}_crashed": that(Status.CRASHED),
        f"{name}_errored": that(Status.ERRORED) + that(Status.UNHANDLED),
    }


class SessionsSerializer(OutputSerializer):
    """Groups of sessions with their totals and series. Pass `context={"params": …}`.

    Grouped by status, each has a group for every status, for unhandled ones only if there are
    some: older clients do not know them.
    """

    def to_representation(self, groups: Sequence[SessionGroup]) -> "shapes.Sessions":
        params = self.context["params"]
        return {
            **intervals(params.period),
            "groups": [
                answer
                for each in groups
                for answer in (
                    _by_status(each, params) if STATUS in params.groups else [_group(each, params)]
                )
            ],
            "query": params.query,
        }


def _by_status(each: SessionGroup, params: SessionsParams) -> "list[shapes.SessionGroup]":
    unhandled = each.total.sessions_that(Status.UNHANDLED), each.total.users_that(Status.UNHANDLED)
    return [
        _group(each, params, status)
        for status in Status
        if status is not Status.UNHANDLED or any(unhandled)
    ]


def _group(
    each: SessionGroup, params: SessionsParams, status: Status | None = None
) -> "shapes.SessionGroup":
    names = {
        "project": each.group.project_id,
        "release": each.release,
        "environment": each.environment,
        STATUS: None if status is None else status.name.lower(),
    }
    answer: shapes.SessionGroup = {"by": {name: names[name] for name in params.groups}}
    if params.with_totals:
        answer["totals"] = {name: _value(each.total, name, status) for name in params.fields}
    if params.with_series:
        answer["series"] = {
            name: [_value(figures, name, status) for figures in each.series]
            for name in params.fields
        }
    return answer


def _value(figures: Figures, field: str, status: Status | None) -> int | float | None:
    """Durations are those of sessions that ended well, whatever they are called."""
    if status is None:
        return FIELDS[field][1](figures)
    if field == SESSIONS_FIELD:
        return figures.sessions_that(status)
    if field == USERS_FIELD:
        return figures.users_that(status)
    return FIELDS[field][1](figures) if status is Status.HEALTHY else None
