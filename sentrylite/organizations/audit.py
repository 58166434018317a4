"""Keeping the audit log: each change is written down in the transaction that makes it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sentrylite.accounts.models import User

from .models import AuditLogEntry, Organization


class Event(StrEnum):
    """What can happen, by the names that the API has for it."""

    ORG_ADD = "org.create"
    ORG_EDIT = "org.edit"
    ORG_REMOVE = "org.remove"
    ORG_RESTORE = "org.restore"
    MEMBER_INVITE = "member.invite"
    MEMBER_REINVITE = "member.reinvite"
    MEMBER_ACCEPT = "member.accept-invite"
    MEMBER_EDIT = "member.edit"
    MEMBER_REMOVE = "member.remove"
    MEMBER_JOIN_TEAM = "member.join-team"
    MEMBER_LEAVE_TEAM = "member.leave-team"
    TEAM_ADD = "team.create"
    TEAM_EDIT = "team.edit"
    TEAM_REMOVE = "team.remove"
    PROJECT_ADD = "project.create"
    PROJECT_EDIT = "project.edit"
    PROJECT_REMOVE = "project.remove"
    KEY_ADD = "projectkey.create"
    KEY_EDIT = "projectkey.edit"
    KEY_REMOVE = "projectkey.remove"
    API_KEY_ADD = "api-key.create"
    API_KEY_EDIT = "api-key.edit"
    API_KEY_REMOVE = "api-key.remove"
    SERVICEHOOK_ADD = "servicehook.add"
    SERVICEHOOK_EDIT = "servicehook.edit"
    SERVICEHOOK_REMOVE = "servicehook.remove"


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, and from where."""

    user: User | None
    """None for an organization's API key."""
    ip_address: str | None = None

    @property
    def label(self) -> str:
        return str(self.user)[:254] if self.user else "API key"


def record(
    organization: Organization,
    event: Event,
    *,
    by: Author,
    now: datetime,
    target_id: int | None = None,
    target_user_id: int | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Write down a change. `target_id` is the row it was made to, `target_user_id` the person it
    concerns, `data` what is worth knowing of it. One statement."""
    AuditLogEntry.objects.create(
        organization=organization,
        event=event,
        actor=by.user,
        actor_label=by.label,
        ip_address=by.ip_address,
        created_at=now,
        target_id=target_id,
        target_user_id=target_user_id,
        data=data or {},
    )
