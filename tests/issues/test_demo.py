import io
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Sum
from rest_framework.test import APIClient

from issues.demo.people import DEVELOPERS
from issues.demo.projects import OUTAGE, PROJECTS
from issues.demo.schedule import DAY, OUTAGE_BEGAN, OUTAGE_LASTED, Done
from issues.demo.shipping import Shipped
from issues.demo.story import REPORTS, Sent, tell
from issues.models import Activity, Event, EventUser, Issue, UserReport
from issues.payload.event import ScrubRules, Sender
from issues.payload.prepare import prepare
from sentrylite.organizations.models import Environment, Organization, Project, Role
from sentrylite.releases.models import (
    Commit,
    CommitAuthor,
    Deploy,
    Release,
    ReleaseHealth,
    ReleaseProject,
    Repository,
)
from sentrylite.releases.sessions import Status
from stats.models import Kind, SeriesCount
from stats.periods import oldest_bucket
from tests import factories

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


def shipped(*, now: float = NOW, days: int = 30, seed: int = 1) -> list[Shipped]:
    story = tell(now=now, days=days, events=1, seed=seed)
    return [happening for happening in story if isinstance(happening, Shipped)]


def test_releases_have_commits_of_the_shops_people() -> None:
    releases = shipped()
    assert [each.moment for each in releases] == sorted(each.moment for each in releases)
    assert {each.project for each in releases} == {project.slug for project in PROJECTS}
    for release in releases:
        assert release.staged_at < release.moment <= NOW
        assert 2 <= len(release.commits) <= 6
        for commit in release.commits:
            assert commit.repository == f"shop/{release.project}"
            assert (commit.author_name, commit.author_email) in DEVELOPERS
            assert commit.created_at and commit.created_at.timestamp() <= release.staged_at
            assert len(commit.changes) == 1
    mended = [
        (release.version, commit.changes[0].filename)
        for release in releases
        for commit in release.commits
        if str(commit.message).startswith("Do not fail with ")
    ]
    assert sorted(mended) == [
        ("billing-api@1.6.2+build.67", "src/main/resources/application.yaml"),
        ("mailer@0.7.1", "src/templates.js"),
        ("storefront@2026.7", "src/search/suggest.js"),
        ("storefront@2026.9", "src/checkout/validate.js"),
        ("web-shop@4.6.0", "shop/checkout/pricing.py"),
        ("web-shop@4.8.0", "shop/catalog/views.py"),
    ]


def test_a_release_is_told_the_same_again_and_later_with_the_same_commits() -> None:
    for before, again in zip(shipped(), shipped(), strict=True):
        assert list(before.visits) == list(again.visits)
    for before, later in zip(shipped(), shipped(now=NOW + 5000), strict=True):
        assert before.version == later.version
        assert [each.key for each in before.commits] == [each.key for each in later.commits]


def test_sessions_follow_the_hours_of_the_day_and_the_newest_release() -> None:
    hours: Counter[int] = Counter()
    by_version: dict[str, Counter[int]] = {}
    for release in shipped():
        for _, sessions in release.visits:
            for session in sessions:
                assert release.staged_at <= session.started_at <= NOW
                if release.project == "billing-api" and session.environment == "production":
                    assert session.user is None
                    assert session.aggregate is not None
                    count = sum(session.aggregate)
                    if session.started_at > NOW - 5 * DAY:
                        hours[datetime.fromtimestamp(session.started_at, UTC).hour] += count
                if release.project == "mailer" and session.aggregate:
                    number = int(release.moment)
                    of_release = by_version.setdefault(release.version, Counter())
                    of_release[int((session.started_at - number) // DAY)] += sum(session.aggregate)
    assert hours[19] > 3 * hours[3]
    # By the second day most have it, for four and a half days; then laggards only.
    days = by_version["mailer@0.4.1"]
    assert days[2] > 4 * days[6] > 0


def test_more_sessions_crash_on_the_bad_afternoon() -> None:
    crashed: Counter[bool] = Counter()
    total: Counter[bool] = Counter()
    began = NOW - OUTAGE_BEGAN
    for release in shipped():
        if release.project != OUTAGE[0]:
            continue
        for _, sessions in release.visits:
            for session in sessions:
                if session.aggregate is not None:
                    is_outage = began <= session.started_at <= began + OUTAGE_LASTED
                    total[is_outage] += sum(session.aggregate)
                    crashed[is_outage] += session.aggregate[Status.CRASHED]
    assert crashed[True] / total[True] > 5 * crashed[False] / total[False] > 0


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
    assert set(Environment.objects.values_list("name", flat=True)) == {"production", "staging", ""}
    assert EventUser.objects.exists()
    for link in ReleaseProject.objects.exclude(first_event_at=None):
        assert link.last_event_at
        assert link.release.released_at <= link.first_event_at <= link.last_event_at
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
def test_each_release_came_out_with_commits_and_deploys() -> None:
    demo(events=20)
    releases = list(Release.objects.all())
    assert len(releases) == 32
    for release in releases:
        assert release.released_at
        assert 2 <= release.commit_count <= 6
        assert release.author_ids
        *_, first = deploys = list(release.deploys.select_related("environment"))
        assert [each.environment.name for each in deploys] == ["production", "staging"]
        assert deploys[0].finished_at == release.released_at
        assert first.finished_at == release.created_at < release.released_at
        assert release.head_commits.get().commit_id == release.last_commit_id
    assert Repository.objects.count() == len(PROJECTS)
    assert CommitAuthor.objects.count() == len(DEVELOPERS)


@pytest.mark.django_db
def test_users_said_something_about_events() -> None:
    demo(events=400)
    reports = UserReport.objects.select_related("issue")
    assert 1 <= len(reports) <= REPORTS
    assert all(report.issue and report.environment_id for report in reports)
    assert {report.project.slug for report in reports} <= {"web-shop", "storefront"}


@pytest.mark.django_db
def test_the_health_of_releases_is_told(api_as: Callable[..., APIClient]) -> None:
    demo(events=20)
    organization = Organization.objects.get()
    member = factories.OrganizationMemberFactory(organization=organization, role=Role.OWNER)
    api = api_as(member.user)
    answer = api.get(
        "/api/0/organizations/demo/sessions/",
        {
            "field": ["sum(session)", "count_unique(user)", "crash_free_rate(session)"],
            "groupBy": "project",
            "statsPeriod": "30d",
            "interval": "1d",
        },
    ).json()
    totals = {group["by"]["project"]: group["totals"] for group in answer["groups"]}
    for project in Project.objects.all():
        of_project = totals[project.pk]
        assert of_project["sum(session)"] > 10_000
        assert 0.95 < of_project["crash_free_rate(session)"] < 1
        is_browser = project.slug in ("web-shop", "storefront")
        assert (100 < of_project["count_unique(user)"] < 600) is is_browser
    latest = Release.objects.filter(projects__slug="storefront").latest("released_at")
    path = f"/api/0/organizations/demo/releases/{quote(latest.version)}/"
    told = api.get(path, {"health": "1"}).json()
    assert told["commitCount"] == latest.commit_count
    assert told["deployCount"] == 2
    assert told["lastDeploy"]["environment"] == "production"
    health = told["projects"][0]["healthData"]
    assert health["hasHealthData"]
    assert health["totalSessions"] > 500
    assert 0 < health["adoption"] <= 100
    assert health["durationP50"] > 0


@pytest.mark.django_db
def test_only_what_is_still_kept_is_counted() -> None:
    began = datetime.now(UTC).timestamp()
    demo(events=20)
    for kept in (SeriesCount, ReleaseHealth):
        for width in (10, 3600, 86_400):
            old = kept.objects.filter(width=width, bucket__lt=oldest_bucket(width, began))
            assert not old.exists()
    assert ReleaseHealth.objects.filter(width=3600).exists()


@pytest.mark.django_db
def test_nothing_is_told_twice() -> None:
    demo(events=50, days=3)
    before = told()
    said = demo(events=50, days=3)
    assert said.startswith("0 new events in demo.\nAll of them were there already")
    assert told() == before
    assert demo(events=50, days=3, seed=2, organization="demo") == "50 new events in demo.\n"
    assert Event.objects.count() == 100
    assert {**told(), "reports": 0} == {**before, "reports": 0}  # releases are those of any seed


def told() -> dict[str, object]:
    """What there is besides events."""
    sessions = ReleaseHealth.objects.filter(width=86_400).aggregate(Sum("sessions"), Sum("crashed"))
    return {
        "releases": list(Release.objects.values_list("version", "released_at", "commit_count")),
        "deploys": Deploy.objects.count(),
        "commits": Commit.objects.count(),
        "reports": UserReport.objects.count(),
        **sessions,
    }


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
