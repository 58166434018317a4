"""Members of an organization, and invitations to become one.

Changes of roles and removals of one organization are made one after the other: each holds its row.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf

from sentrylite.accounts.models import User

from . import audit, terms
from .access import Access
from .actions import is_taken
from .audit import Author
from .models import Organization, OrganizationMember, ProjectTeam, Role, Team, TeamMembership
from .models.organization import Status

KEYS = ("email", "name", "role", "id", "user.id")
INVITATION_LASTS = timedelta(days=30)


class AlreadyMember(Exception):
    """Somebody with this e-mail address is a member, or invited."""


class RoleOutOfReach(Exception):
    """Nobody gives or takes a role above his own."""


class LastOwner(Exception):
    """An organization needs an owner."""


class Gone(Exception):
    """Somebody else removed the member meanwhile."""


class NotPending(Exception):
    """Only who has not come yet can be invited again."""


# Finding ------------------------------------------------------------------------------------------


def members_of(organization: Organization) -> QuerySet[OrganizationMember]:
    """Members and invitations by e-mail address, with their people."""
    address = Coalesce(NullIf(F("user__email"), Value("")), F("email"), Value(""))
    return (
        OrganizationMember.objects.filter(organization=organization)
        .exclude(user__is_active=False)
        .select_related("user", "inviter")
        .annotate(address=Lower(address))
        .order_by("address", "pk")
    )


def search_members(found: QuerySet[OrganizationMember], text: str) -> QuerySet[OrganizationMember]:
    """Those that a search asks for: `email:`, `name:`, `role:`, `id:`, `user.id:`, or words that
    are in an e-mail address or a name."""
    wanted = terms.read_terms(text, KEYS)
    if wanted is None:
        return found.none()
    for key, values in wanted.items():
        if key == terms.TEXT:
            words = values[0]
            found = found.filter(
                Q(email__icontains=words)
                | Q(user__email__icontains=words)
                | Q(user__name__icontains=words)
            )
        elif key == "email":
            same = Q()
            for value in values:
                same |= Q(email__iexact=value) | Q(user__email__iexact=value)
            found = found.filter(same)
        elif key == "name":
            named = Q()
            for value in values:
                named |= Q(user__name__icontains=value)
            found = found.filter(named)
        elif key == "role":
            found = found.filter(role__in=values)
        else:
            column = "pk" if key == "id" else "user_id"
            found = found.filter(**{f"{column}__in": terms.ids(values)})
    return found


def find_member(access: Access, address: str) -> OrganizationMember | None:
    """A member by id, or the caller himself as `me`. One statement."""
    found = members_of(access.organization)
    if address == "me":
        user = access.caller.user
        return found.filter(user=user).first() if user else None
    ids = terms.ids([address])
    return found.filter(pk__in=ids).first() if ids else None


def load_teams_of_members(members: Sequence[OrganizationMember]) -> None:
    """`team_list`: the active teams of each member, by slug. One statement."""
    by_member: dict[int, list[Team]] = {member.pk: [] for member in members}
    memberships = (
        TeamMembership.objects.filter(member__in=by_member, team__status=Status.ACTIVE)
        .select_related("team")
        .order_by("team__slug")
    )
    for membership in memberships:
        by_member[membership.member_id].append(membership.team)
    for member in members:
        member.team_list = by_member[member.pk]


def members_sharing(
    organization: Organization, project_ids: Collection[int]
) -> list[OrganizationMember]:
    """The people who look after one of these projects, by e-mail address, with the
    `project_slugs` of those that they do. Two statements."""
    slugs: dict[int, set[str]] = {}
    links = ProjectTeam.objects.filter(
        project__in=project_ids,
        project__status=Status.ACTIVE,
        team__status=Status.ACTIVE,
        team__memberships__isnull=False,
    )
    for member_id, slug in links.values_list("team__memberships__member", "project__slug"):
        slugs.setdefault(member_id, set()).add(slug)
    members = list(members_of(organization).filter(pk__in=slugs, user__isnull=False))
    for member in members:
        member.project_slugs = sorted(slugs[member.pk])
    return members


def is_only_owner(member: OrganizationMember) -> bool:
    """Whether there is nobody else who could do what only an owner may. At most one statement."""
    if member.role != Role.OWNER or member.is_pending:
        return False
    others = OrganizationMember.objects.filter(
        organization=member.organization_id, role=Role.OWNER, user__is_active=True
    ).exclude(pk=member.pk)
    return not others.exists()


# Changing -----------------------------------------------------------------------------------------


@transaction.atomic
def invite(
    access: Access,
    *,
    email: str,
    role: Role,
    teams: Iterable[Team] = (),
    by: Author,
    now: datetime,
) -> OrganizationMember:
    """Keep a place for whoever has this e-mail address. To tell them is `invitations.send`.

    Raises RoleOutOfReach and AlreadyMember.
    """
    organization = access.organization
    if not access.manages(role):
        raise RoleOutOfReach
    if organization.members.filter(user__email__iexact=email).exists():
        raise AlreadyMember
    try:
        with transaction.atomic():
            member = OrganizationMember.objects.create(
                organization=organization,
                email=email,
                role=role,
                inviter=by.user,
                created_at=now,
                token_expires_at=now + INVITATION_LASTS,
            )
    except IntegrityError as error:
        if not is_taken(error):
            raise
        raise AlreadyMember from error
    TeamMembership.objects.bulk_create(TeamMembership(team=team, member=member) for team in teams)
    _record(audit.Event.MEMBER_INVITE, member, by=by, now=now, role=role)
    return member


@transaction.atomic
def renew_invitation(member: OrganizationMember, *, by: Author, now: datetime) -> None:
    """Let an invitation last anew; a link that was sent before is good no more.

    Raises NotPending and Gone.
    """
    held = _hold(member)
    if not held.is_pending:
        raise NotPending
    member.token_hash, member.token_expires_at = "", now + INVITATION_LASTS
    member.save(update_fields=["token_hash", "token_expires_at"])
    _record(audit.Event.MEMBER_REINVITE, member, by=by, now=now)


@transaction.atomic
def change_member(
    member: OrganizationMember,
    *,
    role: Role | None = None,
    teams: Collection[Team] | None = None,
    access: Access,
    by: Author,
    now: datetime,
) -> None:
    """Give a member another role, other teams, or both. Raises RoleOutOfReach, LastOwner, Gone."""
    held = _hold(member)
    if not access.manages(held.role):
        raise RoleOutOfReach
    changes: dict[str, object] = {}
    if role is not None and role != held.role:
        if not access.manages(role):
            raise RoleOutOfReach
        if is_only_owner(held):
            raise LastOwner
        OrganizationMember.objects.filter(pk=held.pk).update(role=role)
        member.role = changes["role"] = role
    if teams is not None:
        TeamMembership.objects.filter(member=held).exclude(team__in=teams).delete()
        TeamMembership.objects.bulk_create(
            [TeamMembership(team=team, member=held) for team in teams], ignore_conflicts=True
        )
        changes["teams"] = sorted(team.slug for team in teams)
    if changes:
        _record(audit.Event.MEMBER_EDIT, member, by=by, now=now, **changes)


@transaction.atomic
def remove_member(member: OrganizationMember, *, access: Access, by: Author, now: datetime) -> None:
    """Take somebody's place away, or an invitation back. Anybody may leave.

    Raises RoleOutOfReach, LastOwner, Gone.
    """
    held = _hold(member)
    is_self = held.user_id is not None and held.user_id == access.caller.user_id
    if not is_self and not access.manages(held.role):
        raise RoleOutOfReach
    if is_only_owner(held):
        raise LastOwner
    _record(audit.Event.MEMBER_REMOVE, member, by=by, now=now, role=held.role)
    held.delete()


@transaction.atomic
def accept(
    invitation: OrganizationMember, user: User, *, by: Author, now: datetime
) -> OrganizationMember:
    """Give a person the place that an invitation kept; returns it. Who has one already keeps that
    one. Raises Gone, also for an invitation that somebody else accepted."""
    held = _hold(invitation)
    if not held.is_pending:
        raise Gone
    own = OrganizationMember.objects.filter(organization=held.organization, user=user).first()
    if own is not None:
        held.delete()
        return own
    held.user, held.email = user, ""
    held.token_hash, held.token_expires_at = "", None
    held.save(update_fields=["user", "email", "token_hash", "token_expires_at"])
    _record(audit.Event.MEMBER_ACCEPT, held, by=by, now=now, role=held.role)
    return held


def _hold(member: OrganizationMember) -> OrganizationMember:
    """The member as the database has it, after whoever changes this organization's members."""
    Organization.objects.select_for_update(no_key=True).only("pk").get(pk=member.organization_id)
    held = OrganizationMember.objects.select_related("organization").filter(pk=member.pk).first()
    if held is None:
        raise Gone
    return held


def _record(
    event: audit.Event, member: OrganizationMember, *, by: Author, now: datetime, **data: object
) -> None:
    audit.record(
        member.organization,
        event,
        by=by,
        now=now,
        target_id=member.pk,
        target_user_id=member.user_id,
        data={"email": member.email or str(member), **data},
    )
