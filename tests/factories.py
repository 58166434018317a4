"""The least valid row of each model. A test states each fact that it relies on."""

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import factory
from factory.django import DjangoModelFactory

from issues.models import Event, EventAddress, Issue, IssueText
from issues.payload import codec
from sentrylite.accounts.models import User
from sentrylite.files.models import Blob
from sentrylite.organizations import models
from sentrylite.releases.models import Commit, CommitAuthor, Release, ReleaseFile, Repository
from sentrylite.symbols.models import DebugFile


def basic(key: str) -> str:
    """The Authorization header of an API key."""
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = "!"


class OrganizationFactory(DjangoModelFactory):
    class Meta:
        model = models.Organization

    slug = factory.Sequence(lambda n: f"organization-{n}")
    name = factory.LazyAttribute(lambda organization: organization.slug.title())


class TeamFactory(DjangoModelFactory):
    class Meta:
        model = models.Team

    organization = factory.SubFactory(OrganizationFactory)
    slug = factory.Sequence(lambda n: f"team-{n}")
    name = factory.LazyAttribute(lambda team: team.slug.title())


class WithTeams(DjangoModelFactory):
    class Meta:
        abstract = True
        skip_postgeneration_save = True

    @factory.post_generation
    def teams(self: Any, create: bool, teams: Any, **kwargs: Any) -> None:
        if teams:
            self.teams.set(teams)


class OrganizationMemberFactory(WithTeams):
    class Meta:
        model = models.OrganizationMember

    organization = factory.SubFactory(OrganizationFactory)
    user = factory.SubFactory(UserFactory)


class ProjectFactory(WithTeams):
    class Meta:
        model = models.Project

    organization = factory.SubFactory(OrganizationFactory)
    slug = factory.Sequence(lambda n: f"project-{n}")
    name = factory.LazyAttribute(lambda project: project.slug.title())


class ProjectKeyFactory(DjangoModelFactory):
    class Meta:
        model = models.ProjectKey

    project = factory.SubFactory(ProjectFactory)


class ServiceHookFactory(DjangoModelFactory):
    class Meta:
        model = models.ServiceHook

    project = factory.SubFactory(ProjectFactory)
    url = "https://hooks.example.com/told"


class EnvironmentFactory(DjangoModelFactory):
    class Meta:
        model = models.Environment

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"environment-{n}")


class CredentialFactory(DjangoModelFactory):
    class Meta:
        abstract = True

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        credential = model_class(**kwargs).set_secret()
        credential.save()
        return credential


class ApiTokenFactory(CredentialFactory):
    class Meta:
        model = models.ApiToken

    user = factory.SubFactory(UserFactory)


class ApiKeyFactory(CredentialFactory):
    class Meta:
        model = models.ApiKey

    organization = factory.SubFactory(OrganizationFactory)


class DashboardFactory(DjangoModelFactory):
    class Meta:
        model = models.Dashboard

    organization = factory.SubFactory(OrganizationFactory)
    title = factory.Sequence(lambda n: f"Dashboard {n}")


class WidgetFactory(DjangoModelFactory):
    class Meta:
        model = models.Widget

    dashboard = factory.SubFactory(DashboardFactory)
    order = factory.Sequence(lambda n: n + 1)
    title = factory.Sequence(lambda n: f"Widget {n}")
    display_type = "line"


class ReleaseFactory(DjangoModelFactory):
    class Meta:
        model = Release

    organization = factory.SubFactory(OrganizationFactory)
    version = factory.Sequence(lambda n: f"1.0.{n}")


class BlobFactory(DjangoModelFactory):
    """A row without a file: nobody can read it."""

    class Meta:
        model = Blob

    checksum = factory.Sequence(lambda n: f"{n:040x}")
    name = factory.LazyAttribute(lambda blob: f"00/{blob.checksum}")
    size = 0
    is_stored = True


class DebugFileFactory(DjangoModelFactory):
    class Meta:
        model = DebugFile

    project = factory.SubFactory(ProjectFactory)
    debug_id = factory.Sequence(lambda n: f"{n:08x}-7d10-1e2f-f13e-f5d6e2a0bdc2")
    cpu_name = "x86_64"
    object_name = factory.Sequence(lambda n: f"lib{n}.so")
    format = "elf"
    kind = "dbg"
    features = ["debug", "symtab"]
    blob = factory.SubFactory(BlobFactory)


class ReleaseFileFactory(DjangoModelFactory):
    class Meta:
        model = ReleaseFile

    release = factory.SubFactory(ReleaseFactory)
    name = factory.Sequence(lambda n: f"~/{n:04}.js")
    blob = factory.SubFactory(BlobFactory)


class RepositoryFactory(DjangoModelFactory):
    class Meta:
        model = Repository

    organization = factory.SubFactory(OrganizationFactory)
    name = factory.Sequence(lambda n: f"repository-{n}")


class CommitAuthorFactory(DjangoModelFactory):
    class Meta:
        model = CommitAuthor

    organization = factory.SubFactory(OrganizationFactory)
    email = factory.Sequence(lambda n: f"author{n}@example.com")


class CommitFactory(DjangoModelFactory):
    class Meta:
        model = Commit

    repository = factory.SubFactory(RepositoryFactory)
    key = factory.Sequence(lambda n: f"{n:040x}")


class IssueFactory(DjangoModelFactory):
    class Meta:
        model = Issue
        skip_postgeneration_save = True

    project = factory.SubFactory(ProjectFactory)
    number = factory.Sequence(lambda n: n + 1)
    title = "ValueError: it broke"
    first_seen = datetime(2026, 3, 1, tzinfo=UTC)
    last_seen = factory.SelfAttribute("first_seen")
    active_at = factory.SelfAttribute("first_seen")

    @factory.post_generation
    def text(self: Any, create: bool, text: Any, **kwargs: Any) -> None:
        """What a search looks at, which ingestion writes with the issue."""
        if not create:
            return
        parts = (self.title, self.culprit, self.message)
        IssueText.objects.create(
            project_id=self.project_id, issue_id=self.pk, text="\n".join(parts).lower()
        )


def make_event(issue: Issue, data: dict[str, Any] | None = None, **columns: Any) -> Event:
    """An event of the issue as ingestion would store it, with this payload; counts nothing.

    `release` and `environment` are rows, `tags` pairs. It was received when it happened.
    """
    release, environment = columns.pop("release", None), columns.pop("environment", None)
    payload, size = codec.pack(data or {})
    timestamp = columns.pop("timestamp", issue.last_seen)
    event = Event(
        **{
            "project_id": issue.project_id,
            "issue_id": issue.pk,
            "event_id": uuid4(),
            "timestamp": timestamp,
            "received_at": timestamp,
            "release_id": release.pk if release else 0,
            "environment_id": environment.pk if environment else 0,
            "level": 40,
            "message": "",
            "tags": [f"{key}={value}" for key, value in columns.pop("tags", ())],
            "size": size,
            "payload": payload,
            **columns,
        }
    )
    event.save(force_insert=True)
    EventAddress.objects.create(
        project_id=event.project_id, event_id=event.event_id, received_at=event.received_at
    )
    return event
