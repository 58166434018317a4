"""What sessions said goes when nobody can read it any more."""

from datetime import UTC, datetime, timedelta

import pytest

from issues import maintenance
from sentrylite.organizations.models import ProjectKey
from sentrylite.releases import retention
from sentrylite.releases.models import ReleaseHealth, TrackedSession
from stats import retention as stats_retention
from stats.periods import DAY, HOUR
from tests.events import NOON
from tests.sessions import a_session, ingest

pytestmark = pytest.mark.django_db

NOW = datetime.fromtimestamp(NOON, UTC)


def ages(width: int) -> set[int]:
    rows = ReleaseHealth.objects.filter(width=width)
    return {int(NOON // width) - row.bucket for row in rows}


@pytest.fixture(params=[2, 10_000])
def chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats_retention, "ROWS_AT_ONCE", request.param)


@pytest.mark.usefixtures("chunks")
def test_hours_live_a_week_and_days_ninety(key: ProjectKey) -> None:
    days = (0, 6, 7, 8, 89, 90, 91, 300)
    ingest(key, *(a_session(started_at=NOON - day * DAY, release=f"1.{day}") for day in days))
    retention.prune_health(NOW)
    assert ages(HOUR) == {0, 6 * 24, 7 * 24}
    assert ages(DAY) == {0, 6, 7, 8, 89, 90}
    assert retention.prune_health(NOW) == 0


@pytest.mark.usefixtures("chunks")
def test_a_session_is_known_as_long_as_it_may_be_updated(key: ProjectKey) -> None:
    days = (0, 1, 4, 5, 6, 7, 8)
    ingest(key, *(a_session(started_at=NOON - day * DAY) for day in days for _ in range(3)))
    retention.prune_health(NOW)
    known = set(TrackedSession.objects.values_list("day", flat=True))
    assert known == {int(NOON // DAY) - day for day in (0, 1, 4, 5, 6)}
    assert TrackedSession.objects.count() == 5 * 3


def test_maintenance_does_it(key: ProjectKey) -> None:
    ingest(key, a_session())
    maintenance.maintain(NOW + timedelta(days=400))
    assert not ReleaseHealth.objects.exists()
    assert not TrackedSession.objects.exists()
