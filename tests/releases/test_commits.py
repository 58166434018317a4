"""What writing releases and their commits costs, and what becomes of many who write at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections
from rest_framework.test import APIClient

from sentrylite.accounts.models import User
from sentrylite.organizations.models import Project
from sentrylite.releases import actions, commits
from sentrylite.releases.commits import FileChange, Head, NewCommit
from sentrylite.releases.models import (
    Commit,
    CommitAuthor,
    CommitFileChange,
    Release,
    ReleaseCommit,
    ReleaseProject,
    Repository,
)
from tests import factories


def make(number: int, now: datetime) -> list[NewCommit]:
    """So many commits of a few authors in a few repositories, each with five changed files."""
    return [
        NewCommit(
            key=f"{each:040x}",
            repository=f"acme/{each % 3}",
            message=f"Change {each}",
            author_name=f"Author {each % 7}",
            author_email=f"author{each % 7}@example.com",
            created_at=now - timedelta(seconds=each),
            changes=tuple(FileChange(f"{each % 50}/{file}.py", "M") for file in range(5)),
        )
        for each in range(number)
    ]


@pytest.mark.django_db
def test_a_thousand_commits_cost_as_many_statements_as_two(
    project: Project, now: datetime, django_assert_num_queries: Any
) -> None:
    release = factories.ReleaseFactory(organization=project.organization)
    for number in (2, 1000, 1000):
        with django_assert_num_queries(11):  # nine, and those of the transaction
            commits.set_commits(release, make(number, now), now=now)
    release.refresh_from_db()
    assert (release.commit_count, len(release.author_ids)) == (1000, 7)
    assert release.last_commit is not None and release.last_commit.key == f"{0:040x}"
    assert Commit.objects.count() == ReleaseCommit.objects.count() == 1000
    assert CommitFileChange.objects.count() == 5000
    assert (Repository.objects.count(), CommitAuthor.objects.count()) == (3, 7)


@pytest.mark.django_db
def test_heads_cost_as_many_statements_for_many(
    project: Project, now: datetime, django_assert_num_queries: Any
) -> None:
    release = factories.ReleaseFactory(organization=project.organization)
    for number in (2, 20):
        made = factories.RepositoryFactory.create_batch(number, organization=project.organization)
        heads = [Head(repository.name, "a") for repository in made]
        with django_assert_num_queries(5):
            commits.set_heads(release, heads, now=now)


@pytest.mark.django_db
def test_a_release_costs_as_many_statements_for_many_projects(
    project: Project, now: datetime, django_assert_max_num_queries: Any
) -> None:
    for number in (2, 20):
        projects = factories.ProjectFactory.create_batch(number, organization=project.organization)
        with django_assert_max_num_queries(6):
            actions.make_release(project.organization, f"{number}", projects, {"ref": "a"}, now=now)
    assert ReleaseProject.objects.count() == 22


@pytest.mark.django_db
def test_a_release_that_is_gone_gets_no_commits(project: Project, now: datetime) -> None:
    release = factories.ReleaseFactory(organization=project.organization)
    Release.objects.all().delete()
    with pytest.raises(Release.DoesNotExist):
        commits.set_commits(release, make(1, now), now=now)
    with pytest.raises(Release.DoesNotExist):
        commits.set_heads(release, [Head("a", "b")], now=now)
    assert not Commit.objects.exists()


# Many at once -------------------------------------------------------------------------------------


def at_once(calls: list[Any]) -> list[Any]:
    """What these return, called by a thread each at the same moment."""
    start = Barrier(len(calls))

    def run(call: Any) -> Any:
        start.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


@pytest.mark.django_db(transaction=True)
def test_twenty_who_make_a_release_at_once_make_one(
    project: Project, user: User, now: datetime
) -> None:
    token = factories.ApiTokenFactory(user=user, scopes=["project:releases"]).secret
    sent = {
        "version": "1.0",
        "projects": [project.slug],
        "commits": [
            {
                "id": commit.key,
                "repository": commit.repository,
                "message": commit.message,
                "author_name": commit.author_name,
                "author_email": commit.author_email,
                "timestamp": commit.created_at.isoformat() if commit.created_at else None,
                "patch_set": [{"path": change.filename, "type": "M"} for change in commit.changes],
            }
            for commit in make(30, now)
        ],
    }

    def post() -> Any:
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return api.post(
            "/api/0/organizations/acme/releases/",
            json.dumps(sent),
            content_type="application/json",
        )

    answers = at_once([post] * 20)
    assert sorted(answer.status_code for answer in answers) == [201] + [208] * 19
    release = Release.objects.get()
    assert release.commit_count == 30
    assert list(release.release_commits.values_list("order", flat=True)) == list(range(30))
    assert {answer.json()["lastCommit"]["id"] for answer in answers} == {f"{0:040x}"}
    assert Commit.objects.count() == 30


@pytest.mark.django_db(transaction=True)
def test_releases_with_the_same_commits_do_not_wait_in_a_circle(
    project: Project, now: datetime
) -> None:
    releases = factories.ReleaseFactory.create_batch(8, organization=project.organization)

    def write(place: int) -> None:
        listed = make(60, now)
        if place % 2:
            listed.reverse()
        commits.set_commits(releases[place], listed, now=now)

    at_once([lambda place=place: write(place) for place in range(8)])
    assert {release.commit_count for release in Release.objects.all()} == {60}
    assert Commit.objects.count() == 60
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT last_commit_id) FROM releases_release")
        assert cursor.fetchone() == (1,)
