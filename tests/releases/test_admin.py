from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sentrylite.organizations.models import Project
from sentrylite.releases import actions, commits
from sentrylite.releases.commits import NewCommit
from sentrylite.releases.models import Release, ReleaseProject
from tests import factories

pytestmark = pytest.mark.django_db

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
            **{
                f"{shown}-{number}_FORMS": 0
                for shown in ("deploys", "release_commits")
                for number in ("TOTAL", "INITIAL")
            },
        },
    )
    release.refresh_from_db()
    assert (release.version, release.ref, release.projects.get()) == ("app@1.2.3", "abc", project)
    assert release.status == "archived"


def test_a_release_shows_its_deploys_and_its_newest_commits(
    admin_client: Client, project: Project, now: datetime, django_assert_max_num_queries: Any
) -> None:
    release = factories.ReleaseFactory(organization=project.organization)
    release.projects.add(project)
    page = reverse("admin:releases_release_change", args=[release.pk])
    for number in (2, 60):
        listed = [
            NewCommit(f"{each:040x}", "acme/shop", f"Change {each}\n\nand why", f"Ada {each}")
            for each in range(number)
        ]
        commits.set_commits(release, listed, now=now)
        actions.deploy(release, [project], f"environment-{number}", {}, now=now)
        with django_assert_max_num_queries(16):
            shown = admin_client.get(page).content.decode()
    assert "Change 49<" in shown
    assert "Change 50<" not in shown
    assert "and why" not in shown
    assert "acme/shop" in shown
    assert "environment-60" in shown


def test_a_release_is_not_deleted(admin_client: Client) -> None:
    release = factories.ReleaseFactory()
    delete = reverse("admin:releases_release_delete", args=[release.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
