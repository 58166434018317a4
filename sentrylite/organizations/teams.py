"""Changes to teams, and who is in them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from . import audit
from .actions import change_row, insert_with_slug
from .audit import Author
from .models import Organization, OrganizationMember, Team, TeamMembership


@transaction.atomic
def create_team(
    organization: Organization, *, name: str, slug: str | None = None, by: Author, now: datetime
) -> Team:
    """A new team, with its author in it if he is a member. Raises SlugTaken for a slug that
    another team has; without a slug there will be one of the name."""
    team = insert_with_slug(
        lambda slug: Team.objects.create(
            organization=organization, name=name, slug=slug, created_at=now
        ),
        slug=slug,
        name=name,
        reserved=frozenset(),
    )
    if by.user is not None:
        for member in OrganizationMember.objects.filter(organization=organization, user=by.user):
            TeamMembership.objects.create(team=team, member=member)
    audit.record(
        organization,
        audit.Event.TEAM_ADD,
        by=by,
        now=now,
        target_id=team.pk,
        data={"name": name, "slug": team.slug},
    )
    return team


@transaction.atomic
def change_team(team: Team, columns: Mapping[str, Any], *, by: Author, now: datetime) -> None:
    """Set these columns. Raises SlugTaken."""
    changes = change_row(team, columns)
    if changes:
        audit.record(
            team.organization,
            audit.Event.TEAM_EDIT,
            by=by,
            now=now,
            target_id=team.pk,
            data={"slug": team.slug, **changes},
        )


@transaction.atomic
def delete_team(team: Team, *, by: Author, now: datetime) -> None:
    """Remove a team. Its projects stay, maybe without a team; its issues are nobody's."""
    if Team.objects.filter(pk=team.pk).delete()[0]:
        audit.record(
            team.organization,
            audit.Event.TEAM_REMOVE,
            by=by,
            now=now,
            target_id=team.pk,
            data={"name": team.name, "slug": team.slug},
        )


@transaction.atomic
def join_team(team: Team, member: OrganizationMember, *, by: Author, now: datetime) -> bool:
    """Put a member into a team; False when he is in it already."""
    # Of two that put him there at once, the other waits here and then finds him there.
    OrganizationMember.objects.select_for_update(no_key=True).only("pk").get(pk=member.pk)
    _, is_new = TeamMembership.objects.get_or_create(team=team, member=member)
    if is_new:
        _record(audit.Event.MEMBER_JOIN_TEAM, team, member, by=by, now=now)
    return is_new


@transaction.atomic
def leave_team(team: Team, member: OrganizationMember, *, by: Author, now: datetime) -> bool:
    """Take a member out of a team; False when he is not in it."""
    deleted, _ = TeamMembership.objects.filter(team=team, member=member).delete()
    if deleted:
        _record(audit.Event.MEMBER_LEAVE_TEAM, team, member, by=by, now=now)
    return bool(deleted)


def _record(
    event: audit.Event, team: Team, member: OrganizationMember, *, by: Author, now: datetime
) -> None:
    audit.record(
        team.organization,
        event,
        by=by,
        now=now,
        target_id=member.pk,
        target_user_id=member.user_id,
        data={"email": str(member), "team": team.slug},
    )
