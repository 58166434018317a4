import io
from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from issues.demo.projects import OUTAGE, PROJECTS
from issues.demo.schedule import Done
from issues.demo.story import Sent, tell
from issues.models import Activity, Event, EventUser, Issue
from issues.payload.event import ScrubRules, Sender
from issues.payload.prepare import prepare
from sentrylite.organizations.models import Environment, Organization, Project
from sentrylite.releases.models import Release
from stats.models import Kind, SeriesCount

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp()


def sent(*, now: float = NOW, days: int = 30, events: int = 2000, seed: int = 1) -> list[Sent]:
    story = tell(now=now, days=days, events=events, seed=seed)
    return [happening for happening in story if isinstance(happening, Sent)]


# The story ----------------------------------------------------------------------------------------


def test_the_same_seed_tells_the_same_story() -> None:
    assert sent(events=300) == sent(events=300)
    assert sent(events=300) != sent(events=300, seed=2)


def test_a_later_telling_has_the_same_ids() -> None:
    ids = [each.event["event_id"] for each in sent(events=300)]
    assert ids == [each.event["event_id"] for each in sent(events=300, now=NOW + 5000)]
    assert len(set(ids)) == 300


def test_everything_happens_in_order_and_in_the_month() -> None:
    happenings = list(tell(now=NOW, days=30, events=2000, seed=1))
    moments = [each.moment for each in happenings if isinstance(each, Sent)]
    assert moments == sorted(moments)
    assert NOW - timedelta(days=30).total_seconds() <= moments[0]
    assert NOW - timedelta(days=1).total_seconds() < moments[-1] <= NOW
    assert {each.what for each in happenings if isinstance(each, Done)} == {
        "assign",
        "ignore",
        "resolve",
    }


def test_there_are_busy_and_quiet_times() -> None:
    hours = Counter(datetime.fromtimestamp(each.moment, UTC).hour for each in sent())
    assert hours[20] > 3 * hours[3]
    days = Counter(int((NOW - each.moment) // 86_400) for each in sent())
    assert days[5] == max(days.values())  # the bad afternoon
    outage = [each for each in sent() if (each.project, each.problem) == OUTAGE]
    assert len(outage) > 140


def test_there_are_few_frequent_and_many_rare_problems() -> None:
    counted = Counter((each.project, each.problem) for each in sent())
    assert len(counted) > 60
    assert sum(count for _, count in counted.most_common(10)) > 800


def test_problems_come_and_go_with_releases() -> None:
    releases = {each.event["release"] for each in sent() if each.problem == "voucher"}
    numbers = sorted(int(release.split(".")[1]) for release in releases)
    # Brought by the second release, mended by the fourth, back with the seventh.
    assert (numbers[0], set(numbers) & {6, 7, 8}, numbers[-1] >= 9) == (4, set(), True)


def test_each_problem_is_one_issue() -> None:
    hashes: dict[tuple[str, str], set[object]] = {}
    for each in sent():
        before = deepcopy(each.event)
        event = prepare(each.event, rules=ScrubRules(), sender=Sender(), now=each.moment)
        assert each.event == before  # frames are shared between events
        assert "errors" not in before
        hashes.setdefault((each.project, each.problem), set()).add(event.hashes[0])
    assert all(len(found) == 1 for found in hashes.values())
    assert len({(slug, *found) for (slug, _), found in hashes.items()}) == len(hashes)


# The command --------------------------------------------------------------------------------------


def demo(**options: int | str) -> str:
    output = io.StringIO()
    call_command("demo", stdout=output, **options)
    return output.getvalue()


@pytest.mark.django_db
def test_a_small_demo_is_really_ingested() -> None:
    assert demo(events=400) == "400 new events in demo.\n"

    organization = Organization.objects.get()
    assert organization.slug == "demo"
    assert {project.slug for project in Project.objects.all()} == {
        project.slug for project in PROJECTS
    }
    assert sum(issue.times_seen for issue in Issue.objects.all()) == 400
    assert Event.objects.count() == 400
    assert Release.objects.count() > 15
    assert set(Environment.objects.values_list("name", flat=True)) == {"production", "staging", ""}
    assert EventUser.objects.exists()
    received = SeriesCount.objects.filter(kind=Kind.ORGANIZATION_RECEIVED, width=86_400)
    assert received.count() >= 29
    assert sum(received.values_list("quantity", flat=True)) == 400
    assert set(Activity.objects.values_list("type", flat=True)) >= {
        Activity.Type.ASSIGNED,
        Activity.Type.SET_RESOLVED,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM issues_event_default")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_nothing_is_told_twice() -> None:
    demo(events=50, days=3)
    said = demo(events=50, days=3)
    assert said.startswith("0 new events in demo.\nAll of them were there already")
    assert demo(events=50, days=3, seed=2, organization="demo") == "50 new events in demo.\n"
    assert Event.objects.count() == 100


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"days": 0}, "--days goes from 1 to 90"),
        ({"days": 91}, "--days goes from 1 to 90"),
        ({"events": 0}, "--events is at least 1"),
        ({"organization": "A B"}, "Enter a valid slug"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, int | str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        demo(**options)
