"""Changes to organizations, teams, projects and members.

The `ensure_…` functions make what is missing and leave alone what is there. Two that run at the
same time end up with the same rows: the database's constraints decide who was first.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any, TypeVar

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from sentrylite.accounts.models import User

from . import slugs
from .models import (
    ApiToken,
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


def create_token(user: User, *, scopes: Iterable[str], name: str = "") -> ApiToken:
    """A new token; its `secret` is only on the returned object."""
    token = ApiToken(user=user, name=name, scopes=sorted(set(scopes))).set_secret()
    token.save()
    return token


def mark_deleted(rows: QuerySet[Deletable]) -> list[Deletable]:
    """Hide organizations, teams or projects and stop their events at once; returns those that were
    not hidden before. One statement to find them, one to change them."""
    return _set_status(rows, Status.PENDING_DELETION)


def restore(rows: QuerySet[Deletable]) -> list[Deletable]:
    """Bring back what `mark_deleted` hid; returns what was hidden."""
    return _set_status(rows, Status.ACTIVE)


def _set_status(rows: QuerySet[Deletable], status: Status) -> list[Deletable]:
    changed = list(rows.exclude(status=status))
    rows.model._default_manager.filter(pk__in=[row.pk for row in changed]).update(status=status)
    for row in changed:
        row.status = status
    return changed


def change_filters(project: Project, **settings: Any) -> None:
    """Change which events a project does not want, fields of `InboundFilters`. One statement.

    Servers notice within seconds.
    """
    for name, value in settings.items():
        setattr(project, name, value)
    project.save(update_fields=list(settings))


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
