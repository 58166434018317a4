import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from issues import actions, intake
from issues.actions import Conditions
from issues.models import (
    Activity,
    Event,
    EventAddress,
    EventUser,
    Issue,
    IssueHash,
    IssueRelease,
    IssueResolution,
    IssueSnooze,
    IssueTag,
    IssueText,
)
from issues.payload import codec
from issues.payload.event import PreparedEvent
from sentrylite.ingest.digest import digest
from sentrylite.organizations.models import Environment, ProjectKey
from sentrylite.releases.models import Release, ReleaseProject
from stats.models import IssueDay, Kind, SeriesCount
from tests import factories
from tests.events import NOON, a_hash, a_user, prepared

pytestmark = pytest.mark.django_db

Ingest = Callable[..., None]


@pytest.fixture
def ingest() -> Ingest:
    """Digest a batch and count it, in the test's own transaction."""

    def run(*events: PreparedEvent) -> None:
        with connection.cursor() as cursor:
            digest(cursor.cursor, list(events)).apply(cursor.cursor)

    return run


def moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)


def test_the_first_event_opens_an_issue(key: ProjectKey, ingest: Ingest) -> None:
    event = prepared(
        key,
        "it broke",
        culprit="app.views in index",
        logger="app",
        level=50,
        type="error",
        metadata={"type": "ValueError", "value": "it broke"},
    )
    ingest(event)

    issue = Issue.objects.get()
    assert issue.project == key.project
    assert issue.short_id == "PUMP-STATION-1"
    assert issue.status == Issue.Status.UNRESOLVED
    assert (issue.title, issue.culprit, issue.logger) == ("it broke", "app.views in index", "app")
    assert (issue.level, issue.type, issue.platform) == (50, "error", "python")
    assert issue.metadata == {"type": "ValueError", "value": "it broke"}
    assert issue.first_seen == issue.last_seen == issue.active_at == moment(NOON)
    assert issue.times_seen == 1
    key.project.refresh_from_db()
    assert key.project.first_event_at == moment(NOON)


def test_the_event_is_stored_as_it_was_prepared(key: ProjectKey, ingest: Ingest) -> None:
    event = prepared(
        key,
        timestamp=NOON + 0.123456,
        received_at=NOON + 7.654321,
        tags=[("browser", 'Chrome = 28, "x" {y}'), ("level", "error")],
        user=a_user("1"),
        message="needle ✓",
    )
    ingest(event)

    stored = Event.objects.get()
    assert stored.event_id == event.event_id
    assert stored.timestamp == moment(NOON + 0.123456)
    assert stored.received_at == moment(NOON + 7.654321)
    assert stored.issue_id == Issue.objects.get().pk
    assert stored.tags == ['browser=Chrome = 28, "x" {y}', "level=error"]
    assert stored.user_hash == event.user.hash if event.user else False
    assert stored.message == "needle ✓"
    assert codec.unpack(bytes(stored.payload))["event_id"] == event.event_id.hex
    assert EventAddress.objects.get().received_at == stored.received_at


def test_every_event_is_found_at_its_address(key: ProjectKey, ingest: Ingest) -> None:
    """Clocks tell finer fractions than microseconds: all of us have to round them alike."""
    moments = random.Random(1).sample(range(10**10), 500)
    ingest(*(prepared(key, timestamp=NOON, received_at=NOON + n / 10**7) for n in moments))
    addresses = dict(EventAddress.objects.values_list("event_id", "received_at"))
    assert dict(Event.objects.values_list("event_id", "received_at")) == addresses


def test_an_event_without_tags_and_user_is_stored(key: ProjectKey, ingest: Ingest) -> None:
    ingest(prepared(key, tags=[]))
    stored = Event.objects.get()
    assert (stored.tags, stored.user_hash, stored.release_id) == ([], None, 0)


def test_events_with_the_same_hash_share_an_issue(key: ProjectKey, ingest: Ingest) -> None:
    ingest(prepared(key), prepared(key, timestamp=NOON + 60))
    ingest(prepared(key, timestamp=NOON + 30))
    issue = Issue.objects.get()
    assert issue.times_seen == 3
    assert issue.first_seen == moment(NOON)
    assert issue.last_seen == moment(NOON + 60)


def test_an_issue_takes_over_what_its_newest_event_says(key: ProjectKey, ingest: Ingest) -> None:
    hashes = [a_hash("x")]
    ingest(prepared(key, "first", hashes=hashes))
    ingest(
        prepared(key, "late", hashes=hashes, timestamp=NOON - 5, level=10),
        prepared(key, "newest", hashes=hashes, timestamp=NOON + 9, level=20),
        prepared(key, "second", hashes=hashes, timestamp=NOON + 5, level=30),
    )
    issue = Issue.objects.get()
    assert (issue.title, issue.message, issue.level) == ("newest", "newest", 20)
    ingest(prepared(key, "even later", hashes=hashes, timestamp=NOON - 9))
    issue.refresh_from_db()
    assert issue.title == "newest"


def test_what_is_searched_follows_the_newest_event_and_is_written_only_then(
    key: ProjectKey, ingest: Ingest
) -> None:
    def version() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ctid::text FROM issues_issuetext")
            [(found,)] = cursor.fetchall()
        return found

    hashes = [a_hash("x")]
    ingest(prepared(key, "First", hashes=hashes))
    issue, first = Issue.objects.get(), version()
    found = IssueText.objects.get(project_id=issue.project_id, issue_id=issue.pk)
    assert found.text == f"first\n{issue.culprit.lower()}\nfirst"
    ingest(prepared(key, "First", hashes=hashes, timestamp=NOON + 5))
    ingest(prepared(key, "Late", hashes=hashes, timestamp=NOON - 5))
    assert version() == first
    ingest(prepared(key, "Second", hashes=hashes, timestamp=NOON + 9))
    assert version() != first
    found.refresh_from_db()
    assert found.text.startswith("second\n")


def test_a_hash_knows_the_last_event_that_has_it(key: ProjectKey, ingest: Ingest) -> None:
    a, b = a_hash("a"), a_hash("b")
    both = prepared(key, hashes=[a, b], timestamp=NOON + 5)
    newest = prepared(key, hashes=[a], timestamp=NOON + 9)
    ingest(prepared(key, hashes=[b, a]), newest, both)
    ingest(prepared(key, hashes=[a], timestamp=NOON + 7))

    found = {row.hash: (row.last_event_id, row.last_event_at) for row in IssueHash.objects.all()}
    assert found == {
        a: (newest.event_id, moment(NOON + 9)),
        b: (both.event_id, moment(NOON + 5)),
    }


def test_the_first_hash_that_is_known_decides(key: ProjectKey, ingest: Ingest) -> None:
    a, b, c, d = (a_hash(letter) for letter in "abcd")
    ingest(prepared(key, "one", hashes=[a]), prepared(key, "two", hashes=[b]))
    one, two = Issue.objects.order_by("number")
    ingest(prepared(key, hashes=[c, b, a]))
    two.refresh_from_db()
    assert two.times_seen == 2
    # c belongs to the second issue now, and d with it in turn
    ingest(prepared(key, hashes=[d, c]))
    two.refresh_from_db()
    assert two.times_seen == 3
    assert set(IssueHash.objects.filter(issue_id=two.pk).values_list("hash", flat=True)) == {
        b,
        c,
        d,
    }
    one.refresh_from_db()
    assert one.times_seen == 1


def test_events_of_one_batch_that_share_a_hash_share_the_new_issue(
    key: ProjectKey, ingest: Ingest
) -> None:
    a, b, c = (a_hash(letter) for letter in "abc")
    ingest(prepared(key, hashes=[a, b]), prepared(key, hashes=[b, c]), prepared(key, hashes=[c]))
    assert Issue.objects.get().times_seen == 3
    assert IssueHash.objects.count() == 3


def test_another_process_may_make_the_issue_while_we_wait_for_the_project(
    key: ProjectKey, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(prepared(key))
    look = intake._find_hashes
    # The first look is from before it did.
    answers = iter([({}, intake.Settled(set(), set(), set(), set(), set()))])
    monkeypatch.setattr(intake, "_find_hashes", lambda *args: next(answers, None) or look(*args))
    ingest(prepared(key))
    assert Issue.objects.get().times_seen == 2


def test_the_same_hash_in_two_projects_makes_two_issues(
    key: ProjectKey, organization: Any, ingest: Ingest
) -> None:
    other = factories.ProjectKeyFactory(
        project=factories.ProjectFactory(organization=organization, slug="prime-mover")
    )
    ingest(prepared(key), prepared(other), prepared(other))
    assert {issue.short_id: issue.times_seen for issue in Issue.objects.all()} == {
        "PUMP-STATION-1": 1,
        "PRIME-MOVER-1": 2,
    }


def test_short_ids_count_on_and_are_never_reused(key: ProjectKey, ingest: Ingest) -> None:
    ingest(*(prepared(key, f"message {n}") for n in range(40)))
    issue = Issue.objects.get(number=40)
    assert issue.short_id == "PUMP-STATION-18"
    issue.delete()
    ingest(prepared(key, "another"))
    assert Issue.objects.order_by("-number")[0].number == 41


def test_an_event_id_is_stored_once(key: ProjectKey, ingest: Ingest) -> None:
    event_id = uuid4()
    ingest(prepared(key, event_id=event_id), prepared(key, event_id=event_id))
    ingest(prepared(key, event_id=event_id, timestamp=NOON + 5), prepared(key))
    assert Event.objects.count() == 2
    assert Issue.objects.get().times_seen == 2
    received = SeriesCount.objects.get(kind=Kind.PROJECT_RECEIVED, width=86400)
    assert received.quantity == 2


def test_two_projects_may_use_the_same_event_id(key: ProjectKey, ingest: Ingest) -> None:
    event_id = uuid4()
    other = factories.ProjectKeyFactory()
    ingest(prepared(key, event_id=event_id), prepared(other, event_id=event_id))
    assert Event.objects.count() == 2


def test_tags_are_counted_by_issue(key: ProjectKey, ingest: Ingest) -> None:
    ingest(
        prepared(key, tags=[("browser", "Firefox"), ("level", "error")]),
        prepared(key, tags=[("browser", "Chrome")], timestamp=NOON + 9),
        prepared(key, tags=[("browser", "Chrome")], timestamp=NOON + 3),
    )
    rows = IssueTag.objects.values_list("key", "value", "times_seen", "last_seen")
    assert sorted(rows) == [
        ("browser", "Chrome", 2, moment(NOON + 9)),
        ("browser", "Firefox", 1, moment(NOON)),
        ("level", "error", 1, moment(NOON)),
    ]


def test_an_issue_sums_up_its_tags_by_key(key: ProjectKey, ingest: Ingest) -> None:
    ingest(
        prepared(key, tags=[("browser", "Firefox"), ("level", "error")]),
        prepared(key, tags=[("browser", "Chrome")]),
    )
    ingest(prepared(key, tags=[("browser", "Chrome")]), prepared(key, tags=[("browser", "Lynx")]))
    assert Issue.objects.get().tag_keys == {"browser": [3, 4], "level": [1, 1]}


def test_an_issue_sums_up_no_more_keys_than_make_sense(key: ProjectKey, ingest: Ingest) -> None:
    for start in (0, 150, 100):
        ingest(prepared(key, tags=[(f"key-{n}", "x") for n in range(start, start + 150)]))
    tag_keys = Issue.objects.get().tag_keys
    assert len(tag_keys) == 200
    assert tag_keys["key-120"] == [1, 2]
    assert IssueTag.objects.count() == 300


def test_tags_that_no_two_events_share_are_stored_but_not_counted(
    key: ProjectKey, ingest: Ingest
) -> None:
    ingest(prepared(key, tags=[("level", "error"), ("trace", "a"), ("trace.span", "b")]))
    assert Event.objects.get().tags == ["level=error", "trace=a", "trace.span=b"]
    assert IssueTag.objects.get().key == "level"


def test_users_are_counted_once(key: ProjectKey, ingest: Ingest) -> None:
    ingest(prepared(key, user=a_user("1")), prepared(key, user=a_user("1")))
    ingest(prepared(key, user=a_user("1")), prepared(key, user=a_user("2")), prepared(key))
    assert Issue.objects.get().user_count == 2


def test_a_person_is_updated_by_what_later_events_say(key: ProjectKey, ingest: Ingest) -> None:
    ingest(prepared(key, user=a_user("1", name="Jane", ip_address="10.0.0.1")))
    ingest(prepared(key, user=a_user("1", email="jane@example.com")))
    ingest(prepared(key, user=a_user("1", name="Jane Smith")))
    person = EventUser.objects.get()
    assert (person.tag_value, person.ident, person.name, person.email, person.ip_address) == (
        "id:1",
        "1",
        "Jane Smith",
        "jane@example.com",
        "10.0.0.1",
    )


def test_hours_and_days_are_counted_at_the_time_of_the_event(
    key: ProjectKey, ingest: Ingest
) -> None:
    ingest(
        prepared(key),
        prepared(key, timestamp=NOON + 3599),
        prepared(key, timestamp=NOON + 3600),
        prepared(key, timestamp=NOON - 86400, received_at=NOON),
    )
    today = int(NOON) // 86400
    rows = {row.day: row for row in IssueDay.objects.all()}
    assert {day: row.total for day, row in rows.items()} == {today - 1: 1, today: 3}
    assert rows[today].hours == [0] * 12 + [2, 1] + [0] * 10


def test_series_are_counted_for_organization_project_and_key(
    key: ProjectKey, ingest: Ingest
) -> None:
    ingest(prepared(key), prepared(key, timestamp=NOON - 86400, received_at=NOON))
    day = int(NOON) // 86400
    project = key.project
    counts = {
        (row.project_id, row.kind, row.object_id, row.bucket): row.quantity
        for row in SeriesCount.objects.filter(width=86400)
    }
    environment = Environment.objects.get()
    assert counts == {
        (0, Kind.ORGANIZATION_RECEIVED, project.organization_id, day): 2,
        (project.pk, Kind.PROJECT_RECEIVED, project.pk, day): 2,
        (project.pk, Kind.KEY_RECEIVED, key.pk, day): 2,
        (project.pk, Kind.PROJECT_GENERATED, project.pk, day): 1,
        (project.pk, Kind.PROJECT_GENERATED, project.pk, day - 1): 1,
        (project.pk, Kind.ENVIRONMENT_GENERATED, environment.pk, day): 1,
        (project.pk, Kind.ENVIRONMENT_GENERATED, environment.pk, day - 1): 1,
    }


def test_environments_are_made_on_first_sight(key: ProjectKey, ingest: Ingest) -> None:
    ingest(prepared(key, environment="production"), prepared(key))
    ingest(prepared(key, environment="production"))
    assert sorted(key.project.environments.values_list("name", flat=True)) == ["", "production"]


def test_another_project_of_the_organization_shares_the_environment(
    key: ProjectKey, organization: Any, ingest: Ingest
) -> None:
    other = factories.ProjectKeyFactory(project=factories.ProjectFactory(organization=organization))
    ingest(prepared(key, environment="production"))
    ingest(prepared(other, environment="production"))
    assert Environment.objects.get().projects.count() == 2


def test_releases_are_made_on_first_sight(key: ProjectKey, ingest: Ingest) -> None:
    ingest(prepared(key, release="1.0", timestamp=NOON + 5), prepared(key, release="1.0"))
    release = Release.objects.get()
    assert (release.version, release.created_at) == ("1.0", moment(NOON))
    assert Issue.objects.get().first_release == release
    link = ReleaseProject.objects.get()
    assert (link.project, link.new_issues) == (key.project, 1)
    assert link.last_event_at == moment(NOON + 5)
    assert link.first_event_at is not None


def test_a_release_named_after_the_project_is_preferred(
    key: ProjectKey, organization: Any, ingest: Ingest
) -> None:
    factories.ReleaseFactory(organization=organization, version="1.0")
    longer = factories.ReleaseFactory(organization=organization, version="pump-station-1.0")
    ReleaseProject.objects.create(release=longer, project=key.project)
    ingest(prepared(key, release="1.0", tags=[("release", "1.0")]))
    stored = Event.objects.get()
    assert stored.release_id == longer.pk
    assert stored.tags == ["release=pump-station-1.0"]
    assert codec.unpack(bytes(stored.payload))["release"] == "pump-station-1.0"
    assert IssueTag.objects.get(key="release").value == "pump-station-1.0"


def test_an_issue_is_counted_by_environment_and_release(key: ProjectKey, ingest: Ingest) -> None:
    ingest(
        prepared(key, environment="production", release="1.0"),
        prepared(key, environment="production", release="1.0", timestamp=NOON + 9),
        prepared(key, environment="staging", release="1.0"),
        prepared(key, environment="staging"),
    )
    assert sorted(IssueRelease.objects.values_list("times_seen", flat=True)) == [1, 1, 2]
    twice = IssueRelease.objects.get(times_seen=2)
    assert (twice.first_seen, twice.last_seen) == (moment(NOON), moment(NOON + 9))


def test_a_new_event_reopens_a_resolved_issue(
    key: ProjectKey, user: Any, now: datetime, ingest: Ingest
) -> None:
    ingest(prepared(key))
    issue = Issue.objects.get()
    actions.resolve_issues([issue], by=user, now=now)
    later = NOON + 3600
    ingest(prepared(key, timestamp=later, release="2.0"), prepared(key, timestamp=later - 1))
    issue.refresh_from_db()
    assert issue.status == Issue.Status.UNRESOLVED
    assert issue.active_at == moment(later)
    assert issue.resolved_at is None
    regression = Activity.objects.get(type="set_regression")
    assert (regression.user, regression.data) == (None, {"version": "2.0"})


def test_a_new_event_leaves_an_ignored_issue_ignored(
    key: ProjectKey, user: Any, now: datetime, ingest: Ingest
) -> None:
    ingest(prepared(key))
    issue = Issue.objects.get()
    actions.ignore_issues([issue], by=user, now=now)
    ingest(prepared(key))
    issue.refresh_from_db()
    assert (issue.status, issue.times_seen) == (Issue.Status.IGNORED, 2)


def test_the_next_event_of_a_deleted_issue_opens_a_new_one(
    key: ProjectKey, now: datetime, ingest: Ingest
) -> None:
    ingest(prepared(key))
    first = Issue.objects.get()
    actions.delete_issues([first], now=now)
    ingest(prepared(key))
    second = Issue.objects.visible().get()
    assert (second.number, second.times_seen) == (2, 1)


def test_counts_for_an_issue_that_is_gone_are_dropped(key: ProjectKey) -> None:
    with connection.cursor() as cursor:
        increments = digest(cursor.cursor, [prepared(key), prepared(key, "another")])
        Issue.objects.get(title="it broke").delete()
        increments.apply(cursor.cursor)
    assert Issue.objects.get().times_seen == 1
    assert IssueTag.objects.count() == IssueDay.objects.count() == 1


# Platforms


def platforms_of(key: ProjectKey) -> list[str]:
    return sorted(key.project.project_platforms.values_list("platform", flat=True))


def test_the_platforms_of_a_project_are_remembered(key: ProjectKey, ingest: Ingest) -> None:
    other = factories.ProjectKeyFactory()
    events = [(key, "python"), (key, "node"), (key, "python"), (other, "node")]
    for _ in range(2):  # the second time by a server that has not heard of the first
        ingest(*(prepared(to, platform=platform, is_new_platform=True) for to, platform in events))
    assert platforms_of(key) == ["node", "python"]
    assert platforms_of(other) == ["node"]


def test_events_that_nobody_wants_are_of_no_platform(key: ProjectKey, ingest: Ingest) -> None:
    ingest(prepared(key))
    Issue.objects.update(status=Issue.Status.DISCARDED)
    ingest(prepared(key, platform="node", is_new_platform=True))
    assert platforms_of(key) == []


def test_a_new_platform_costs_a_statement(key: ProjectKey, ingest: Ingest) -> None:
    def statements(*platforms: str) -> int:
        counter = Counting()
        with connection.cursor() as cursor:
            counter.cursor = cursor.cursor
            batch = [prepared(key, platform=each, is_new_platform=True) for each in platforms]
            digest(counter, batch or [prepared(key)])
        return counter.statements

    ingest(prepared(key))
    known = statements()
    assert statements("python") == statements("node", "ruby", "go") == known + 1


@pytest.mark.parametrize("is_first", [True, False])
def test_a_batch_costs_the_same_whatever_its_size(
    key: ProjectKey, organization: Any, is_first: bool
) -> None:
    def statements(size: int, name: str) -> int:
        other = factories.ProjectKeyFactory(
            project=factories.ProjectFactory(organization=organization)
        )
        batches = [
            [
                prepared(
                    [key, other][n % 2],
                    f"{name} {n % 7}",
                    environment=f"{name} {n % 3}",
                    release=f"{name} {n % 5}",
                    user=a_user(str(n)),
                )
                for n in range(size)
            ]
            for _ in range(2)
        ]
        counter = Counting()
        with connection.cursor() as cursor:
            for batch in batches:
                counter.statements = 0
                counter.cursor = cursor.cursor
                digest(counter, batch).apply(counter)
                if is_first:
                    break
        return counter.statements

    few, many = statements(2, "few"), statements(200, "many")
    assert few == many == (26 if is_first else 15)


class Counting:
    """A cursor that counts what it is asked."""

    cursor: Any
    statements = 0

    def execute(self, *args: Any) -> None:
        self.statements += 1
        self.cursor.execute(*args)

    def copy_expert(self, *args: Any) -> None:
        self.statements += 1
        self.cursor.copy_expert(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)


# Resolved in a release, ignored until -------------------------------------------------------------


@pytest.fixture
def issue(key: ProjectKey, ingest: Ingest) -> Issue:
    """One that was seen once, by user 1, in release 1.0, at noon."""
    ingest(prepared(key, release="1.0", user=a_user("1")))
    return Issue.objects.get()


def is_back(issue: Issue) -> bool:
    issue.refresh_from_db()
    return issue.status == Issue.Status.UNRESOLVED


@pytest.mark.parametrize(
    "is_next, versions, is_reopened",
    [
        (True, [None], False),
        (True, ["1.0"], False),
        (True, ["2.0"], False),
        (True, ["3.0"], True),
        (True, ["2.0", "3.0", None], True),
        (False, [None], False),
        (False, ["1.0"], False),
        (False, ["2.0"], True),
        (False, ["3.0"], True),
    ],
)
def test_only_later_releases_reopen_what_is_resolved_in_one(
    key: ProjectKey,
    issue: Issue,
    ingest: Ingest,
    now: datetime,
    is_next: bool,
    versions: list[str | None],
    is_reopened: bool,
) -> None:
    ingest(prepared(key, "another", release="2.0", timestamp=NOON + 60))
    release = Release.objects.get(version="2.0")
    actions.resolve_issues_in_release([issue], release, is_next=is_next, by=None, now=now)
    events = [
        prepared(key, release=version, timestamp=NOON + 120 + n)
        for n, version in enumerate(versions)
    ]
    ingest(*events)
    assert is_back(issue) == is_reopened
    assert IssueResolution.objects.exists() == (not is_reopened)
    regression = Activity.objects.filter(type="set_regression").first()
    resolution = Activity.objects.get(type="set_resolved_in_release")
    if is_reopened:
        version = next(version for version in reversed(versions) if version)
        assert regression is not None
        assert regression.data == {"version": version}
        assert resolution.data == {"version": version if is_next else "2.0"}
        newest = max(event.timestamp for event in events if event.release == version)
        assert issue.active_at == moment(newest)
    else:
        assert regression is None
        assert resolution.data == {"version": "" if is_next else "2.0"}


@pytest.mark.parametrize(
    "conditions, wakes_at",
    [
        (Conditions(), None),
        (Conditions(count=1), 1),
        (Conditions(count=3), 3),
        (Conditions(user_count=2), 3),
        (Conditions(count=4, user_count=2), 3),
        (Conditions(count=3, window=1), 5),
        (Conditions(user_count=3, user_window=1), 5),
        (Conditions(duration=2), 2),
        (Conditions(count=1000), None),
    ],
)
def test_an_ignored_issue_is_back_when_its_condition_is_met(
    key: ProjectKey, issue: Issue, ingest: Ingest, conditions: Conditions, wakes_at: int | None
) -> None:
    """Events 1 to 5 come after 61, 122, 183, 184 and 185 seconds, of users 1, 2, 3, 4, 5."""
    actions.ignore_issues([issue], conditions, by=None, now=moment(NOON))
    Activity.objects.all().delete()
    woken = None
    for number, (after, user) in enumerate([(61, 1), (122, 2), (183, 3), (184, 4), (185, 5)], 1):
        ingest(prepared(key, timestamp=NOON + after, user=a_user(str(user))))
        if is_back(issue):
            woken = number
            break
    assert woken == wakes_at
    assert IssueSnooze.objects.exists() == (wakes_at is None and conditions != Conditions())
    assert not Activity.objects.exists()


def test_a_batch_meets_a_condition_at_once(key: ProjectKey, issue: Issue, ingest: Ingest) -> None:
    actions.ignore_issues([issue], Conditions(user_count=3), by=None, now=moment(NOON))
    ingest(*(prepared(key, user=a_user(user)) for user in "1123"))
    assert not is_back(issue)
    ingest(*(prepared(key, user=a_user(user)) for user in "34"))
    assert is_back(issue)


def test_what_ignored_and_resolved_issues_cost(
    key: ProjectKey, issue: Issue, ingest: Ingest, now: datetime
) -> None:
    release = Release.objects.get()

    def statements(size: int) -> int:
        counter = Counting()
        with connection.cursor() as cursor:
            counter.cursor = cursor.cursor
            digest(counter, [prepared(key, release="1.0") for _ in range(size)])
        return counter.statements

    assert statements(1) == statements(9) == 5
    actions.ignore_issues([issue], by=None, now=now)
    assert statements(1) == statements(9) == 6
    for size in (1, 9):
        actions.ignore_issues([issue], Conditions(count=1), by=None, now=now)
        assert statements(size) == 8
        actions.resolve_issues_in_release([issue], release, is_next=False, by=None, now=now)
        assert statements(size) == 9
