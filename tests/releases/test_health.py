"""Reading what sessions said."""

from itertools import pairwise

import pytest
from pytest_django import DjangoAssertNumQueries

from sentrylite.organizations.models import Environment, ProjectKey
from sentrylite.releases import health
from sentrylite.releases.health import COUNTS, DURATIONS, USERS, Group, Scope
from sentrylite.releases.models import Release
from sentrylite.releases.sessions import Status
from stats.periods import DAY, HOUR
from tests import factories
from tests.events import NOON
from tests.sessions import a_session, an_aggregate, ingest

pytestmark = pytest.mark.django_db

EVERYTHING = (COUNTS, USERS, DURATIONS)
THIS_HOUR = int(NOON // HOUR)


@pytest.fixture
def scope(key: ProjectKey) -> Scope:
    return Scope([key.project_id])


def hours(back: int) -> range:
    return range(THIS_HOUR - back + 1, THIS_HOUR + 1)


def test_figures_of_one_group(key: ProjectKey, scope: Scope) -> None:
    ingest(
        key,
        a_session(user="a", is_over=True, duration=10.0),
        a_session(Status.ERRORED, user="b", is_over=True, duration=30.0),
        a_session(Status.CRASHED, user="b"),
        an_aggregate(4, 1, 1, 1, 1, user="c"),
    )
    figures = health.read(scope, {7: hours(1)}, NOON, what=EVERYTHING)[7][Group()]
    assert figures.counts == [11, 2, 1, 1, 2]
    assert [figures.sessions_that(status) for status in Status] == [5, 2, 1, 1, 2]
    assert figures.users == [3, 2, 1, 1, 2]
    assert [figures.users_that(status) for status in Status] == [1, 0, 1, 1, 2]
    assert figures.rate_of_sessions(Status.CRASHED) == pytest.approx(2 / 11)
    assert figures.rate_of_users(Status.CRASHED) == pytest.approx(2 / 3)
    assert (figures.average_duration, figures.duration_max) == (20.0, 30.0)
    assert figures.quantile(0.5) == pytest.approx(10, rel=0.13)


def test_of_nothing_there_is_no_figure(key: ProjectKey, scope: Scope) -> None:
    assert health.read(scope, {0: hours(1)}, NOON, what=EVERYTHING) == {}
    nothing = health.Figures()
    assert nothing.rate_of_sessions(Status.CRASHED) is nothing.rate_of_users(Status.CRASHED) is None
    assert nothing.quantile(0.5) is nothing.average_duration is None


def test_sessions_by_what_they_have_in_common(key: ProjectKey, scope: Scope) -> None:
    ingest(
        key,
        a_session(release="1"),
        a_session(release="1", environment="staging"),
        a_session(release="2"),
    )
    one, two = (release.pk for release in Release.objects.order_by("version"))
    production, staging = (each.pk for each in Environment.objects.order_by("name"))
    cases = {
        (): {Group(): 3},
        ("project",): {Group(key.project_id): 3},
        ("release",): {Group(None, one): 2, Group(None, two): 1},
        ("environment",): {Group(None, None, production): 2, Group(None, None, staging): 1},
        ("release", "environment"): {
            Group(None, one, production): 1,
            Group(None, one, staging): 1,
            Group(None, two, production): 1,
        },
    }
    for by, expected in cases.items():
        found = health.read(scope, {0: hours(1)}, NOON, what=[COUNTS], by=by)[0]
        assert {group: each.total_sessions for group, each in found.items()} == expected

    def sessions(**chosen: list[int]) -> int:
        limited = Scope(scope.project_ids, **chosen)  # type: ignore[arg-type]
        found = health.read(limited, {0: hours(1)}, NOON, what=[COUNTS])
        return sum(each.total_sessions for each in found[0].values())

    assert sessions(release_ids=[one]) == 2
    assert sessions(release_ids=[one, two], environment_ids=[production]) == 2
    assert sessions(release_ids=[]) == sessions(environment_ids=[]) == 0
    assert sessions(not_release_ids=[one]) == 1
    assert sessions(not_environment_ids=[production, staging]) == 0


def test_other_projects_sessions_are_not_seen(key: ProjectKey, scope: Scope) -> None:
    project = factories.ProjectFactory(organization=key.project.organization)
    ingest(factories.ProjectKeyFactory(project=project), a_session())
    assert health.read(scope, {0: hours(1)}, NOON, what=[COUNTS]) == {}


def test_users_are_counted_once_over_hours_days_and_releases(key: ProjectKey, scope: Scope) -> None:
    for days in range(60):
        moment = NOON - days * DAY
        ingest(
            key,
            a_session(user="always", started_at=moment, release=f"1.{days}"),
            a_session(user=f"on day {days}", started_at=moment),
        )
    times = {days: hours(days * 24) for days in (1, 7, 14, 28)}
    found = health.read(scope, times, NOON, what=[USERS])
    # Beyond a week a day that is touched counts as a whole.
    for days, expected in ((1, 2), (7, 8), (14, 16), (28, 30)):
        assert found[days][Group()].total_users == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("width", [1, 2, 6, 24, 72])
def test_a_series_has_every_session_once(key: ProjectKey, scope: Scope, width: int) -> None:
    """Also where hours are not kept any more."""
    ingest(key, *(a_session(started_at=NOON - each * 7 * HOUR) for each in range(24 * 4)))
    stop = THIS_HOUR // width * width + width
    series = [range(at, at + width) for at in range(stop - 24 * 30, stop, width)]
    assert all(before.stop == after.start for before, after in pairwise(series))
    found = health.read(scope, series, NOON, what=[COUNTS])
    assert sum(found[label][Group()].total_sessions for label in range(len(series))) == 24 * 4
    if width in (24, 72):
        in_order = [found[label][Group()].total_sessions for label in range(len(series))]
        assert max(in_order) <= -(-width // 7)


def test_statements_do_not_grow_with_what_is_found(
    key: ProjectKey, scope: Scope, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for size in (2, 20):
        ingest(key, *(a_session(release=f"1.{n}", user=str(n)) for n in range(size)))
        pairs = [(key.project_id, release.pk) for release in Release.objects.all()]
        with django_assert_num_queries(6):
            health.read_overviews(
                pairs, NOON, environment_ids=None, summary="14d", series="24h", of_users=False
            )
        with django_assert_num_queries(1):
            assert len(health.ranked(scope, "users", "24h", NOON)) == size


def test_how_releases_do(key: ProjectKey) -> None:
    ingest(
        key,
        a_session(release="1", user="a"),
        a_session(Status.CRASHED, release="1", user="b"),
        a_session(release="2", user="b"),
        a_session(release="2", user="c", started_at=NOON - 3 * DAY),
        a_session(release="3", started_at=NOON - 60 * DAY),
    )
    project_id = key.project_id
    pairs = [(project_id, release.pk) for release in Release.objects.order_by("version")]
    unheard = (project_id, 0)
    overviews = health.read_overviews(
        [*pairs, unheard],
        NOON,
        environment_ids=None,
        summary="14d",
        series="48h",
        of_users=True,
    )
    one, two, three = (overviews[pair] for pair in pairs)
    assert one.figures.counts == [2, 0, 0, 0, 1]
    assert (two.figures.total_sessions, two.figures.total_users) == (2, 2)
    assert (two.last_day.total_sessions, two.last_day.total_users) == (1, 1)
    assert one.adoption == pytest.approx(1.0)
    assert two.adoption == pytest.approx(1 / 2)
    assert two.sessions_adoption == pytest.approx(1 / 3)
    assert three.figures.total_sessions == overviews[unheard].figures.total_sessions == 0
    assert health.pairs_with_sessions([*pairs, unheard]) == set(pairs)
    assert one.series is not None
    assert len(one.series) == 48
    assert one.series[-1] == (NOON, 2)
    assert sum(number for _, number in one.series) == 2


def test_releases_in_the_order_of_their_health(key: ProjectKey, scope: Scope) -> None:
    ingest(
        key,
        an_aggregate(90, 0, 0, 0, 10, release="many"),
        an_aggregate(1, release="well", user="a"),
        a_session(Status.CRASHED, release="ill", user="a"),
        a_session(release="ill", user="b"),
        a_session(release="old", started_at=NOON - 40 * DAY),
    )
    versions = dict(Release.objects.values_list("pk", "version"))

    def order(sort: str) -> list[str]:
        return [versions[pk] for _, pk in health.ranked(scope, sort, "14d", NOON)]

    assert order("sessions") == ["many", "ill", "well"]
    assert order("users") == ["ill", "well"]
    assert order("crash_free_sessions") == ["well", "many", "ill"]
    assert order("crash_free_users") == ["well", "ill"]
