from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import connection, models

from issues import deletion, maintenance, removal
from issues.models import Activity, Issue
from sentrylite.ingest.digest import digest
from sentrylite.organizations import actions
from sentrylite.organizations.models import (
    Organization,
    Project,
    ProjectKey,
    ProjectRedirect,
    ProjectSettings,
)
from stats.models import SeriesCount
from tests import factories
from tests.events import a_user, prepared

pytestmark = pytest.mark.django_db


def ingest(key: ProjectKey, number: int, moment: datetime) -> None:
    events = [
        prepared(
            key,
            f"it broke {index}",
            timestamp=moment.timestamp(),
            user=a_user("1"),
            release="1.0",
            environment="production",
        )
        for index in range(number)
    ]
    with connection.cursor() as cursor:
        digest(cursor.cursor, events).apply(cursor.cursor)


def rows() -> dict[str, int]:
    """How many rows each of our tables has."""
    own = ("organizations", "stats", "releases", "issues")
    return {
        model.__name__: model._default_manager.count()
        for model in apps.get_models()
        if model._meta.app_label in own
    }


def remove(organization: Organization, now: datetime) -> bool:
    return removal.remove_organization(organization.pk, now, after_batch=lambda: None)


def delete(organization: Organization, moment: datetime) -> None:
    actions.mark_deleted(Organization.objects.filter(pk=organization.pk), now=moment)


def test_a_deleted_organization_leaves_nothing_behind(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays = factories.ProjectKeyFactory()
    ingest(stays, 3, now)
    before = rows()

    goes = factories.ProjectKeyFactory()
    organization = goes.project.organization
    team = factories.TeamFactory(organization=organization)
    member = factories.OrganizationMemberFactory(organization=organization, teams=[team])
    goes.project.teams.add(team)
    factories.ApiKeyFactory(organization=organization)
    factories.WidgetFactory(dashboard__organization=organization)
    SeriesCount.objects.create(
        project_id=0, kind=10, object_id=organization.pk, width=3600, bucket=1, quantity=1
    )
    ingest(goes, 7, now)
    issue = Issue.objects.filter(project=goes.project).first()
    Activity.objects.create(issue=issue, user=member.user, type=Activity.Type.NOTE, data={})
    delete(organization, now)

    monkeypatch.setattr(deletion, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(removal, "OBJECTS_AT_ONCE", 2)
    assert not remove(organization, now + timedelta(hours=24))
    assert remove(organization, now + timedelta(hours=24, seconds=1))
    assert rows() == before
    assert not remove(organization, now + timedelta(hours=25))


def test_half_way_there_is_no_way_back(
    organization: Organization, key: ProjectKey, now: datetime
) -> None:
    ingest(key, 2, now)
    delete(organization, now)

    def interrupt() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        removal.remove_organization(organization.pk, now + timedelta(days=2), interrupt)
    assert Organization.objects.get().status == "deletion_in_progress"
    assert actions.restore(Organization.objects.all()) == []
    assert remove(organization, now)
    assert not Organization.objects.exists()


def test_one_that_was_restored_stays(organization: Organization, now: datetime) -> None:
    delete(organization, now)
    actions.restore(Organization.objects.all())
    assert not remove(organization, now + timedelta(days=2))
    assert Organization.objects.get().status == "active"


def test_the_hourly_maintenance_has_it_done(
    organization: Organization, run_tasks: Callable[[datetime], int]
) -> None:
    now = datetime.now(UTC)
    delete(organization, now - timedelta(days=2))
    assert maintenance.remove_deleted_organizations(now) == 1
    assert maintenance.remove_deleted_organizations(now) == 0
    assert run_tasks(now + timedelta(seconds=1)) == 1
    assert not Organization.objects.exists()


def delete_project(project: Project, moment: datetime) -> None:
    actions.mark_deleted(Project.objects.filter(pk=project.pk), now=moment)


def test_a_deleted_project_leaves_nothing_behind(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays = factories.ProjectKeyFactory()
    ingest(stays, 3, now)
    project = factories.ProjectFactory(organization=stays.project.organization)
    before = rows()
    goes = factories.ProjectKeyFactory(project=project)
    ProjectSettings.objects.create(project=project)
    ProjectRedirect.objects.create(
        organization=project.organization, slug="former", project=project
    )
    ingest(goes, 7, now)
    delete_project(project, now)

    monkeypatch.setattr(deletion, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(removal, "OBJECTS_AT_ONCE", 2)
    hour = timedelta(hours=1)
    assert not removal.remove_project(project.pk, now + hour, lambda: None)
    later = now + hour + timedelta(seconds=1)
    assert removal.remove_project(project.pk, later, lambda: None)
    assert rows() == {**before, "Project": before["Project"] - 1}
    assert not removal.remove_project(project.pk, later, lambda: None)


def test_a_project_half_way_gone_is_gone_on_with(
    key: ProjectKey, project: Project, now: datetime
) -> None:
    ingest(key, 2, now)
    delete_project(project, now)

    def interrupt() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        removal.remove_project(project.pk, now + timedelta(hours=2), interrupt)
    assert Project.objects.get().status == "deletion_in_progress"
    assert actions.restore(Project.objects.all()) == []
    assert removal.remove_project(project.pk, now, lambda: None)
    assert not Project.objects.exists()


def test_a_restored_project_stays(project: Project, now: datetime) -> None:
    delete_project(project, now)
    actions.restore(Project.objects.all())
    assert not removal.remove_project(project.pk, now + timedelta(days=2), lambda: None)


def test_a_project_whose_slug_was_taken_is_not_restored(project: Project, now: datetime) -> None:
    delete_project(project, now)
    factories.ProjectFactory(organization=project.organization, slug=project.slug)
    with pytest.raises(actions.SlugTaken):
        actions.restore(Project.objects.filter(pk=project.pk))
    project.refresh_from_db()
    assert project.status == "pending_deletion"


def test_the_hourly_maintenance_has_projects_removed(
    project: Project, run_tasks: Callable[[datetime], int]
) -> None:
    now = datetime.now(UTC)
    delete_project(project, now - timedelta(hours=2))
    assert maintenance.remove_deleted_projects(now) == 1
    assert maintenance.remove_deleted_projects(now) == 0
    assert run_tasks(now + timedelta(seconds=1)) == 1
    assert not Project.objects.exists()


def test_every_table_that_grows_with_events_is_known() -> None:
    tables = removal.tables_without_references()
    assert {"issues_event", "issues_eventaddress", "issues_issuetag", "stats_issueday"} <= set(
        tables
    )
    referring = [
        relation.related_model._meta.db_table
        for relation in apps.get_model("organizations", "Project")._meta.related_objects
        if isinstance(relation, models.ManyToOneRel)
    ]
    assert not set(tables) & set(referring)
