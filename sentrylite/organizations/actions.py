"""Changes to organizations, teams, projects and members.

The `ensure_…` functions make what is missing and leave alone what is there. Two that run at the
same time end up with the same rows: the database's constraints decide who was first.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from psycopg2.errors import UniqueViolation

from sentrylite.accounts.models import User

from . import audit, slugs, tasks
from .audit import Author
from .models import (
    ApiToken,
    AuditLogEntry,
    Organization,
    OrganizationMember,
    Project,
    ProjectKey,
    ProjectTeam,
    Role,
    Team,
    TeamMembership,
)
from .models.organization import Status

Deletable = TypeVar("Deletable", Organization, Team, Project)
Addressed = TypeVar("Addressed", Organization, Team, Project)
"""What has a slug."""

ORGANIZATIONS_AN_HOUR = 5
"""That one person may make (conventions contract, section 13)."""


def ensure_organization(*, slug: str, name: str = "") -> Organization:
    """The organization with this slug. Raises ValidationError for a slug that cannot be used."""
    slugs.validate(slug, reserved=slugs.RESERVED_FOR_ORGANIZATIONS)
    organization, _ = Organization.objects.get_or_create(
        slug=slug, defaults={"name": name or _name_of(slug)}
    )
    _refuse_deleted(organization, "organization")
    return organization


def ensure_team(organization: Organization, *, slug: str, name: str = "") -> Team:
    """The team with this slug. Raises ValidationError for a slug that cannot be used."""
    slugs.validate(slug)
    team, _ = Team.objects.get_or_create(
        organization=organization, slug=slug, defaults={"name": name or _name_of(slug)}
    )
    _refuse_deleted(team, "team")
    return team


@transaction.atomic
def ensure_project(
    organization: Organization,
    *,
    slug: str,
    name: str = "",
    platform: str = "",
    teams: Iterable[Team] = (),
) -> tuple[Project, ProjectKey]:
    """The project with this slug, looked after by these teams too, and its oldest active key.

    A project without an active key gets one named `Default`. Raises ValidationError for a slug
    that cannot be used.
    """
    slugs.validate(slug, reserved=slugs.RESERVED_FOR_PROJECTS)
    project, _ = Project.objects.get_or_create(
        organization=organization,
        slug=slug,
        defaults={"name": name or _name_of(slug), "platform": platform},
    )
    _refuse_deleted(project, "project")
    ProjectTeam.objects.bulk_create(
        [ProjectTeam(project=project, team=team) for team in teams], ignore_conflicts=True
    )
    # Whoever else wants a key for this project waits here, and then finds ours.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    key = project.keys.filter(is_active=True).order_by("pk").first()
    return project, key or ProjectKey.objects.create(project=project)


def ensure_user(*, email: str, password: str | None = None, is_superuser: bool = False) -> User:
    """The person with this e-mail address, who signs in with it.

    The password is for somebody who has none yet: nobody's is changed. Without one a new person
    cannot sign in, only hold tokens. `is_superuser` opens the back office, also to somebody who
    is there already. Raises ValidationError when the person is deactivated.
    """
    email = email.lower()
    user = User.objects.filter(email__iexact=email).order_by("pk").first()
    if user is None:
        # Hashing is slow on purpose, so it waits until somebody is really made.
        defaults: dict[str, Any] = {"email": email, "password": partial(make_password, password)}
        user, _ = User.objects.get_or_create(username=email, defaults=defaults)
    if not user.is_active:
        raise ValidationError(f"{user} is deactivated.")
    if password and not user.has_usable_password():
        user.set_password(password)
        user.save(update_fields=["password"])
    if is_superuser and not (user.is_superuser and user.is_staff):
        user.is_superuser = user.is_staff = True
        user.save(update_fields=["is_superuser", "is_staff"])
    return user


@transaction.atomic
def ensure_member(
    organization: Organization, user: User, *, role: Role, teams: Iterable[Team] = ()
) -> OrganizationMember:
    """The user's place in an organization and in these teams; somebody new has this role."""
    member, is_new = OrganizationMember.objects.get_or_create(
        organization=organization, user=user, defaults={"role": role}
    )
    if is_new:  # an invitation is answered by coming
        organization.members.filter(user=None, email__iexact=user.email).delete()
    TeamMembership.objects.bulk_create(
        [TeamMembership(team=team, member=member) for team in teams], ignore_conflicts=True
    )
    return member


def create_token(
    user: User, *, scopes: Iterable[str], name: str = "", expires_at: datetime | None = None
) -> ApiToken:
    """A new token; its `secret` is only on the returned object."""
    token = ApiToken(user=user, name=name, scopes=sorted(set(scopes)), expires_at=expires_at)
    token.set_secret()
    token.save()
    return token


def mark_deleted(rows: QuerySet[Deletable], *, now: datetime) -> list[Deletable]:
    """Hide organizations, teams or projects and stop their events at once; returns those that were
    not hidden before. One statement to find them, one to change them."""
    return _set_status(rows.filter(status=Status.ACTIVE), Status.PENDING_DELETION, now)


def restore(rows: QuerySet[Deletable]) -> list[Deletable]:
    """Bring back what `mark_deleted` hid, as long as it is whole; returns what was hidden."""
    return _set_status(rows.filter(status=Status.PENDING_DELETION), Status.ACTIVE, None)


def _set_status(
    rows: QuerySet[Deletable], status: Status, deleted_at: datetime | None
) -> list[Deletable]:
    changed = list(rows.order_by("pk"))
    rows.model._default_manager.filter(pk__in=[row.pk for row in changed]).update(
        status=status, deleted_at=deleted_at
    )
    for row in changed:
        row.status, row.deleted_at = status, deleted_at
    return changed


def change_filters(project: Project, **settings: Any) -> None:
    """Change which events a project does not want, fields of `InboundFilters`. One statement.

    Servers notice within seconds.
    """
    for name, value in settings.items():
        setattr(project, name, value)
    project.save(update_fields=list(settings))


class SlugTaken(Exception):
    """Something else of the kind has this slug."""


class TooManyOrganizations(Exception):
    """Somebody makes organizations faster than is good for a server."""


def insert_with_slug(
    insert: Callable[[str], Addressed], *, slug: str | None, name: str, reserved: frozenset[str]
) -> Addressed:
    """Make a row with this slug, or else with one made from the name.

    The database decides who was first. Raises SlugTaken when the slug was given, or when the
    random ends of those made from the name are all taken.
    """
    options = iter([slug]) if slug else slugs.candidates(name, reserved=reserved)
    for option in options:
        try:
            with transaction.atomic():
                return insert(option)
        except IntegrityError as error:
            if not is_taken(error):
                raise
    raise SlugTaken


def is_taken(error: IntegrityError) -> bool:
    """Whether a row was refused because another one has what must be unique."""
    return isinstance(error.__cause__, UniqueViolation)


@transaction.atomic
def create_organization(
    owner: User,
    *,
    name: str,
    slug: str | None = None,
    with_team: bool = False,
    by: Author,
    now: datetime,
) -> Organization:
    """A new organization with its first member, maybe with a team of its name that he is in.

    Raises SlugTaken, and TooManyOrganizations for the sixth of one person in an hour.
    """
    # Who makes several at once makes one after the other.
    User.objects.select_for_update(no_key=True).only("pk").get(pk=owner.pk)
    made = AuditLogEntry.objects.filter(
        actor=owner, event=audit.Event.ORG_ADD, created_at__gt=now - timedelta(hours=1)
    )
    if made.count() >= ORGANIZATIONS_AN_HOUR:
        raise TooManyOrganizations
    organization = insert_with_slug(
        lambda slug: Organization.objects.create(name=name, slug=slug, created_at=now),
        slug=slug,
        name=name,
        reserved=slugs.RESERVED_FOR_ORGANIZATIONS,
    )
    member = OrganizationMember.objects.create(
        organization=organization, user=owner, role=Role.OWNER, created_at=now
    )
    if with_team:
        team = insert_with_slug(
            lambda slug: organization.teams.create(name=name, slug=slug, created_at=now),
            slug=None,
            name=name,
            reserved=frozenset(),
        )
        TeamMembership.objects.create(team=team, member=member)
    audit.record(
        organization,
        audit.Event.ORG_ADD,
        by=by,
        now=now,
        target_id=organization.pk,
        data={"name": name, "slug": organization.slug},
    )
    return organization


@transaction.atomic
def change_organization(
    organization: Organization, columns: Mapping[str, Any], *, by: Author, now: datetime
) -> None:
    """Set these columns. Raises SlugTaken."""
    changes = change_row(organization, columns)
    if not changes:
        return
    audit.record(
        organization,
        audit.Event.ORG_EDIT,
        by=by,
        now=now,
        target_id=organization.pk,
        data=changes,
    )


def change_row(row: Addressed, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Set these columns of a row, on the object too; returns those that this changes.

    At most one statement. Raises SlugTaken.
    """
    changes = {name: value for name, value in columns.items() if getattr(row, name) != value}
    if not changes:
        return changes
    try:
        with transaction.atomic():
            type(row)._default_manager.filter(pk=row.pk).update(**changes)
    except IntegrityError as error:
        if not is_taken(error):
            raise
        raise SlugTaken from error
    for name, value in changes.items():
        setattr(row, name, value)
    return changes


@transaction.atomic
def delete_organization(organization: Organization, *, by: Author, url: str, now: datetime) -> None:
    """Stop an organization's events at once, and have it removed a day later. Its owners are told
    by mail; `url` is that of this server."""
    rows = mark_deleted(Organization.objects.filter(pk=organization.pk), now=now)
    _record_status(rows, organization, audit.Event.ORG_REMOVE, by=by, now=now)
    for row in rows:
        tasks.announce_deletion.enqueue(row.pk, by.label, url)


@transaction.atomic
def restore_organization(organization: Organization, *, by: Author, now: datetime) -> None:
    """Keep an organization that was to be deleted."""
    rows = restore(Organization.objects.filter(pk=organization.pk))
    _record_status(rows, organization, audit.Event.ORG_RESTORE, by=by, now=now)


def _record_status(
    changed: Iterable[Organization],
    organization: Organization,
    event: audit.Event,
    *,
    by: Author,
    now: datetime,
) -> None:
    for row in changed:
        organization.status, organization.deleted_at = row.status, row.deleted_at
        audit.record(
            organization,
            event,
            by=by,
            now=now,
            target_id=organization.pk,
            data={"slug": organization.slug},
        )


def set_keys_active(keys: QuerySet[ProjectKey], is_active: bool) -> int:
    """Let SDKs send events with these keys, or not; returns how many that changes.

    No event is stored with a key once it is disabled.
    """
    return keys.exclude(is_active=is_active).update(is_active=is_active)


def _name_of(slug: str) -> str:
    """`pump-station` to `Pump Station`."""
    return slug.replace("-", " ").replace("_", " ").strip().title() or slug


def _refuse_deleted(thing: Organization | Team | Project, kind: str) -> None:
    if thing.status != Status.ACTIVE:
        raise ValidationError(f'The {kind} "{thing.slug}" is being deleted; try again later.')
