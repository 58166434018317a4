"""What releases and their commits mean to issues."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from issues import actions, merging, releases
from issues.models import Activity, Issue, IssueCommit, IssueResolution
from issues.models.issue import short_id
from sentrylite.accounts.models import User
from sentrylite.organizations.models import Project
from sentrylite.releases import commits
from sentrylite.releases.commits import Head, NewCommit
from sentrylite.releases.models import Commit, Release
from tests import factories

Status = Issue.Status


@pytest.mark.parametrize(
    "message, fixed",
    [
        ("Fixes PUMP-1", [("pump", 1)]),
        ("fix: pump-1", [("pump", 1)]),
        ("Resolves PUMP-STATION-1A2", [("pump-station", 1 * 1024 + 10 * 32 + 2)]),
        (
            "Shut it.\n\nFixes PUMP-1, PUMP-2 and BOILER-3\nCloses #BOILER-4",
            [("pump", 1), ("pump", 2), ("boiler", 3), ("boiler", 4)],
        ),
        ("resolved PUMP-1 Fixed PUMP-1", [("pump", 1)]),
        ("FIXED PUMP-1.", [("pump", 1)]),
        ("close pump-O", [("pump", 0)]),
        ("PUMP-1", []),
        ("prefixes PUMP-1", []),
        ("Fixes the pump, see PUMP-1", []),
        ("Fixes", []),
        ("Fixes PUMP-12345678", []),
        ("", []),
        ("fixes " + "a-" * 50_000, []),
        ("fixes A-1" + " " * 50_000, [("a", 1)]),
    ],
)
def test_what_a_message_fixes(message: str, fixed: list[tuple[str, int]]) -> None:
    assert releases.read_fixed(message) == fixed


# In the database ----------------------------------------------------------------------------------


@pytest.fixture
def release(project: Project) -> Release:
    release = factories.ReleaseFactory(organization=project.organization, version="1.0")
    release.projects.add(project)
    return release


@pytest.fixture
def issue(project: Project) -> Issue:
    return factories.IssueFactory(project=project, number=1)


@pytest.fixture
def ship(now: datetime) -> Callable[..., None]:
    """`ship(release, "Fixes PUMP-STATION-1", …)`: commits with these messages, always the same."""

    def ship(release: Release, *messages: str) -> None:
        made = [NewCommit(message, "shop", message) for message in messages]
        commits.set_commits(release, made, now=now)
        releases.resolve_fixed(release, now=now)

    return ship


def state(issue: Issue) -> tuple[int, str | None, str | None]:
    """Its status, and the version and the commit that it is resolved in."""
    issue.refresh_from_db()
    resolution = IssueResolution.objects.filter(pk=issue.pk).first()
    if resolution is None:
        return issue.status, None, None
    version = resolution.release.version if resolution.release else None
    return issue.status, version, resolution.commit.key if resolution.commit else None


pytestmark = pytest.mark.django_db


def test_a_commit_that_fixes_an_issue_resolves_it_in_its_release(
    release: Release, issue: Issue, ship: Callable[..., None]
) -> None:
    ship(release, "Fixes PUMP-STATION-1", "Paint it")
    assert state(issue) == (Status.RESOLVED, "1.0", None)
    activity = Activity.objects.get()
    assert (activity.type, activity.data, activity.user) == (
        "set_resolved_in_release",
        {"version": "1.0"},
        None,
    )


def test_it_resolves_it_once(
    release: Release, issue: Issue, ship: Callable[..., None], now: datetime
) -> None:
    ship(release, "Fixes PUMP-STATION-1")
    actions.unresolve_issues([issue], by=None, now=now)
    ship(release, "Fixes PUMP-STATION-1")
    later = factories.ReleaseFactory(organization=release.organization)
    later.projects.set(release.projects.all())
    ship(later, "Fixes PUMP-STATION-1")
    assert state(issue) == (Status.UNRESOLVED, None, None)
    ship(later, "Fixes PUMP-STATION-1 for good")
    assert state(issue) == (Status.RESOLVED, later.version, None)


def test_only_issues_of_its_projects_are_resolved(
    release: Release, project: Project, ship: Callable[..., None]
) -> None:
    boiler = factories.ProjectFactory(organization=project.organization, slug="boiler")
    foreign = factories.ProjectFactory(slug="pump-station")
    others = [factories.IssueFactory(project=each, number=7) for each in (boiler, foreign)]
    gone = factories.IssueFactory(project=project, number=8, status=Status.PENDING_DELETION)
    ship(release, "Fixes BOILER-7, PUMP-STATION-7, PUMP-STATION-8, NOPE-1")
    assert {issue.status for issue in Issue.objects.filter(pk__in=[o.pk for o in others])} == {
        Status.UNRESOLVED
    }
    gone.refresh_from_db()
    assert gone.status == Status.PENDING_DELETION
    assert not IssueCommit.objects.exists()


def test_who_names_a_merged_issue_means_the_one_that_is_left(
    release: Release, issue: Issue, project: Project, ship: Callable[..., None]
) -> None:
    factories.IssueFactory(
        project=project, number=2, merged_into=issue, status=Status.PENDING_MERGE
    )
    ship(release, "Fixes PUMP-STATION-2")
    assert state(issue) == (Status.RESOLVED, "1.0", None)


def test_it_costs_the_same_for_many(
    release: Release,
    project: Project,
    now: datetime,
    django_assert_num_queries: Any,
) -> None:
    used = 0
    for number in (2, 20):
        made = [
            factories.IssueFactory(project=project, number=used + each + 1)
            for each in range(number)
        ]
        used += number
        messages = [f"Fixes {short_id(project.slug, issue.number)}" for issue in made]
        listed = [NewCommit(message, "shop", message) for message in messages]
        commits.set_commits(release, listed, now=now)
        with django_assert_num_queries(15):
            assert releases.resolve_fixed(release, now=now) == number
        with django_assert_num_queries(5):
            assert releases.resolve_fixed(release, now=now) == 0


# Resolved in a commit -----------------------------------------------------------------------------


@pytest.fixture
def commit(project: Project) -> Commit:
    return factories.CommitFactory(
        repository__organization=project.organization, repository__name="shop", key="abc"
    )


def test_an_issue_waits_for_a_release_to_have_its_commit(
    release: Release, issue: Issue, commit: Commit, user: User, now: datetime
) -> None:
    assert actions.resolve_issues_in_commit([issue], commit, None, by=user, now=now) == 1
    assert state(issue) == (Status.RESOLVED, None, "abc")
    assert actions.resolve_issues_in_commit([issue], commit, None, by=user, now=now) == 0
    commits.set_commits(release, [NewCommit("other", "shop")], now=now)
    assert releases.resolve_fixed(release, now=now) == 0
    commits.set_commits(release, [NewCommit("abc", "shop")], now=now)
    assert releases.resolve_fixed(release, now=now) == 1
    assert state(issue) == (Status.RESOLVED, "1.0", None)
    assert IssueResolution.objects.get().actor == user
    newest, oldest = Activity.objects.order_by("-pk")
    assert (newest.type, newest.data, newest.user) == (
        "set_resolved_in_release",
        {"version": "1.0"},
        user,
    )
    assert (oldest.type, oldest.data) == ("set_resolved_in_commit", {"commit": commit.pk})


def test_the_head_of_a_release_is_one_of_its_commits(
    release: Release, issue: Issue, commit: Commit, now: datetime
) -> None:
    actions.resolve_issues_in_commit([issue], commit, None, by=None, now=now)
    commits.set_heads(release, [Head("shop", "abc")], now=now)
    releases.resolve_fixed(release, now=now)
    assert state(issue) == (Status.RESOLVED, "1.0", None)


def test_a_release_of_other_projects_is_not_waited_for(
    release: Release, issue: Issue, commit: Commit, now: datetime
) -> None:
    actions.resolve_issues_in_commit([issue], commit, None, by=None, now=now)
    release.projects.set([factories.ProjectFactory(organization=release.organization)])
    commits.set_commits(release, [NewCommit("abc", "shop")], now=now)
    assert releases.resolve_fixed(release, now=now) == 0
    assert state(issue) == (Status.RESOLVED, None, "abc")


def test_reopened_it_waits_no_more(
    release: Release, issue: Issue, commit: Commit, now: datetime
) -> None:
    actions.resolve_issues_in_commit([issue], commit, None, by=None, now=now)
    actions.unresolve_issues([issue], by=None, now=now)
    commits.set_commits(release, [NewCommit("abc", "shop")], now=now)
    assert releases.resolve_fixed(release, now=now) == 0
    assert state(issue) == (Status.UNRESOLVED, None, None)


def test_many_issues_wait_as_cheaply_as_one(
    release: Release,
    project: Project,
    commit: Commit,
    now: datetime,
    django_assert_num_queries: Any,
) -> None:
    commits.set_commits(release, [NewCommit("abc", "shop")], now=now)
    for number in (2, 20):
        made = factories.IssueFactory.create_batch(number, project=project)
        with django_assert_num_queries(9):
            actions.resolve_issues_in_commit(made, commit, None, by=None, now=now)
        with django_assert_num_queries(9):
            assert releases.resolve_fixed(release, now=now) == number


def test_merging_takes_the_commits_along(
    release: Release, project: Project, issue: Issue, ship: Callable[..., None], now: datetime
) -> None:
    other = factories.IssueFactory(project=project, number=2, times_seen=5)
    ship(release, "Fixes PUMP-STATION-1, PUMP-STATION-2", "Fixes PUMP-STATION-1 too")
    actions.merge_issues([issue, other], by=None, now=now + timedelta(hours=1))
    merging.move_rows([issue.pk], lambda: None)
    assert {*IssueCommit.objects.values_list("issue", "commit__key")} == {
        (other.pk, "Fixes PUMP-STATION-1, PUMP-STATION-2"),
        (other.pk, "Fixes PUMP-STATION-1 too"),
    }
