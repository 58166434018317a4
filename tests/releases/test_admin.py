import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sentrylite.organizations.models import Project, ProjectKey
from sentrylite.releases.models import (
    Deploy,
    Release,
    ReleaseCommit,
    ReleaseProject,
    Repository,
)
from sentrylite.releases.sessions import Status
from stats.models import Kind
from tests import factories
from tests.sessions import a_session, an_aggregate, ingest
from tests.stats.conftest import store  # noqa: F401

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
LIST = reverse("admin:releases_release_changelist")


def test_the_list_sums_over_projects(admin_client: Client, project: Project) -> None:
    release = factories.ReleaseFactory(organization=project.organization, version="app@1.2.3")
    other = factories.ProjectFactory(organization=project.organization)
    for shipped, new_issues in ((project, 3), (other, 4)):
        ReleaseProject.objects.create(release=release, project=shipped, new_issues=new_issues)
    page = admin_client.get(LIST).content.decode()
    assert '<td class="field-new_issues">7</td>' in page
    assert reverse("admin:organizations_project_change", args=[project.pk]) in page

    of_project = admin_client.get(LIST, {"projects__id__exact": project.pk}).content.decode()
    assert "1 release\n" in of_project


def test_a_release_is_made_and_then_keeps_its_version(
    admin_client: Client, project: Project
) -> None:
    data = {"organization": project.organization_id, "version": "app@1.2.3", "status": "open"}
    admin_client.post(reverse("admin:releases_release_add"), data)
    release = Release.objects.get()

    page = reverse("admin:releases_release_change", args=[release.pk])
    prefix = "release_projects"
    admin_client.post(
        page,
        {
            "version": "app@2",
            "status": "archived",
            "ref": "abc",
            f"{prefix}-TOTAL_FORMS": 1,
            f"{prefix}-INITIAL_FORMS": 0,
            f"{prefix}-0-release": release.pk,
            f"{prefix}-0-project": project.pk,
        },
    )
    release.refresh_from_db()
    assert (release.version, release.ref, release.projects.get()) == ("app@1.2.3", "abc", project)
    assert release.status == "archived"


def test_a_release_is_not_deleted(admin_client: Client) -> None:
    release = factories.ReleaseFactory()
    delete = reverse("admin:releases_release_delete", args=[release.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403


# The page of a release ----------------------------------------------------------------------------


def page_of(release: Release) -> str:
    return reverse("admin:releases_release_change", args=[release.pk])


def fill(release: Release, project: Project, rows: int) -> None:
    """Commits, deploys and files of a release."""
    organization = release.organization
    repository = factories.RepositoryFactory(organization=organization)
    for n in range(rows):
        commit = factories.CommitFactory(repository=repository, message=f"Repair {n}\n\n{HOSTILE}")
        order = ReleaseCommit.objects.filter(release=release).count()
        ReleaseCommit.objects.create(release=release, commit=commit, order=order)
        environment = factories.EnvironmentFactory(organization=organization)
        for url in ("https://ci.example.com/1", "javascript:alert(1)"):
            Deploy.objects.create(release=release, environment=environment, url=url)
        factories.ReleaseFileFactory(release=release, name=f"~/static/{order}.js")


def test_the_page_shows_commits_deploys_and_files(admin_client: Client, project: Project) -> None:
    release = factories.ReleaseFactory(organization=project.organization)
    fill(release, project, 1)
    fill(factories.ReleaseFactory(organization=project.organization), project, 1)
    answer = admin_client.get(page_of(release))
    panels = {panel.title: panel for panel in answer.context["panels"]}
    assert [len(panels[title].rows) for title in ("Commits", "Deploys", "Files")] == [1, 2, 1]
    page = answer.content.decode()
    assert "Repair 0" in page
    assert "~/static/0.js" in page
    assert '<a href="https://ci.example.com/1" rel="noreferrer">' in page
    assert "javascript:alert(1)" in page
    assert 'href="javascript:' not in page
    assert HOSTILE not in page


def test_the_page_has_charts_of_its_events(
    admin_client: Client,
    project: Project,
    store: Any,  # noqa: F811
) -> None:
    release = factories.ReleaseFactory(organization=project.organization)
    other = factories.ProjectFactory(organization=project.organization)
    now = timezone.now().timestamp()
    for shipped, events in ((project, 3), (other, 4)):
        ReleaseProject.objects.create(release=release, project=shipped)
        store(shipped.pk, Kind.RELEASE_GENERATED, release.pk, {now: events})
    page = admin_client.get(page_of(release)).content.decode()
    assert re.findall(r"<figcaption>(.*?)</figcaption>", page) == [
        "Events in 24 hours: 7",
        "Events in 30 days: 7",
    ]


def test_the_page_has_charts_of_its_sessions(admin_client: Client, key: ProjectKey) -> None:
    now = timezone.now().timestamp()
    sessions = [
        an_aggregate(6, started_at=now),
        a_session(Status.CRASHED, started_at=now),
        a_session(Status.ERRORED, started_at=now),
        a_session(started_at=now, release="shop@2.0"),
    ]
    ingest(key, *sessions, now=now)
    page = admin_client.get(page_of(Release.objects.get(version="shop@1.0"))).content.decode()
    assert "Sessions in 24 hours: 8, 87.50% without a crash" in page
    assert "Sessions in 30 days: 8, 87.50% without a crash" in page
    names = re.findall(r'<i class="swatch is-(\w+)">', page)
    assert names == ["healthy", "errored", "crashed"] * 2


def test_the_page_costs_the_same_whatever_a_release_has(
    admin_client: Client, project: Project, django_assert_num_queries: Any
) -> None:
    release = factories.ReleaseFactory(organization=project.organization)
    fill(release, project, 2)
    admin_client.get(page_of(release))
    with CaptureQueriesContext(connection) as of_two:
        admin_client.get(page_of(release))
    fill(release, project, 18)
    with django_assert_num_queries(len(of_two)):
        admin_client.get(page_of(release))


# Repositories -------------------------------------------------------------------------------------


def test_a_repository_is_added_and_hidden(admin_client: Client, project: Project) -> None:
    add = reverse("admin:releases_repository_add")
    data = {
        "organization": project.organization_id,
        "name": "acme/shop",
        "provider": "github",
        "url": "https://code.example.com/acme/shop",
        "status": "active",
    }
    admin_client.post(add, data)
    repository = Repository.objects.get()
    assert (repository.name, repository.provider) == ("acme/shop", "github")

    again = admin_client.post(add, data)
    assert "has a repository of this name" in again.content.decode()
    assert Repository.objects.count() == 1

    page = reverse("admin:releases_repository_change", args=[repository.pk])
    data |= {"name": "acme/other", "status": "hidden"}
    admin_client.post(page, data)
    repository.refresh_from_db()
    assert (repository.name, repository.status) == ("acme/shop", "hidden")
    admin_client.post(page, data | {"status": "pending_deletion"})
    repository.refresh_from_db()
    assert repository.status == "hidden"


def test_a_repository_shows_its_newest_commits(admin_client: Client) -> None:
    repository = factories.RepositoryFactory()
    factories.CommitFactory(repository=repository, message=f"Mend it {HOSTILE}\n\nAt last.")
    factories.CommitFactory(message="Of another")
    page = admin_client.get(
        reverse("admin:releases_repository_change", args=[repository.pk])
    ).content.decode()
    assert "Mend it &lt;script&gt;" in page
    assert "At last." not in page
    assert "Of another" not in page


def test_a_repository_that_was_removed_is_not_listed(admin_client: Client) -> None:
    factories.RepositoryFactory(name="acme/kept")
    factories.RepositoryFactory(name="acme/gone", status=Repository.Status.DELETED)
    page = admin_client.get(reverse("admin:releases_repository_changelist")).content.decode()
    assert "acme/kept" in page
    assert "acme/gone" not in page
