"""Who may do what: scopes, what each role may do, and `Access`, one caller's rights.

The scope tables are those of the conventions contract, section 6: any one of the listed scopes is
enough. A person's rights are what the credential and the role in the organization both allow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sentrylite.accounts.models import User

from .models import Organization, Project, Role, Team

Scopes = frozenset[str]
MethodScopes = Mapping[str, Scopes]

MEMBER_SCOPES: Scopes = frozenset(
    {
        "event:read",
        "event:write",
        "event:admin",
        "project:releases",
        "project:read",
        "org:read",
        "member:read",
        "team:read",
    }
)
ADMIN_SCOPES = MEMBER_SCOPES | {
    "project:write",
    "project:admin",
    "team:write",
    "team:admin",
    "org:integrations",
}
MANAGER_SCOPES = ADMIN_SCOPES | {"member:write", "member:admin", "org:write"}
ALL_SCOPES = MANAGER_SCOPES | {"org:admin"}

# What a DSN allows, in its project (conventions contract, section 6).
DSN_SCOPES: Scopes = frozenset(
    {
        "project:read",
        "project:write",
        "project:admin",
        "project:releases",
        "event:read",
        "event:write",
        "event:admin",
    }
)

ROLE_SCOPES: Mapping[str, Scopes] = {
    Role.MEMBER: MEMBER_SCOPES,
    Role.ADMIN: ADMIN_SCOPES,
    Role.MANAGER: MANAGER_SCOPES,
    Role.OWNER: ALL_SCOPES,
}
RANKS = list(ROLE_SCOPES)
"""The roles, each with more rights than the ones before it."""


def _by_method(area: str) -> MethodScopes:
    read, write, admin = f"{area}:read", f"{area}:write", f"{area}:admin"
    return {
        "GET": frozenset({read, write, admin}),
        "HEAD": frozenset({read, write, admin}),
        "POST": frozenset({write, admin}),
        "PUT": frozenset({write, admin}),
        "DELETE": frozenset({admin}),
    }


# For what is about the caller alone.
NO_SCOPES: MethodScopes = {}
EVENT_SCOPES = _by_method("event")
ORGANIZATION_SCOPES = _by_method("org")
PROJECT_SCOPES = _by_method("project")
TEAM_SCOPES = _by_method("team")

# Build tools hold a scope that is good for releases alone.
RELEASE_SCOPES: MethodScopes = {
    method: scopes | {"project:releases"} for method, scopes in PROJECT_SCOPES.items()
}

# Repositories are listed and added by those who look after integrations too.
REPOSITORY_SCOPES: MethodScopes = {
    method: ORGANIZATION_SCOPES[method] | {"org:integrations"} for method in ("GET", "HEAD", "POST")
}

# Who reads a project may bookmark it, and subscribe.
PROJECT_MARK_SCOPES: MethodScopes = {**PROJECT_SCOPES, "PUT": PROJECT_SCOPES["GET"]}

# The teams of an organization are also made by those who look after teams.
ORGANIZATION_TEAM_SCOPES: MethodScopes = {
    **ORGANIZATION_SCOPES,
    "POST": frozenset({"org:write", "org:admin", "team:write"}),
}
# Anybody may leave. Whom else a caller may remove is a question of roles.
MEMBERSHIP_SCOPES: MethodScopes = {
    **_by_method("member"),
    "DELETE": frozenset({"member:read", "member:write", "member:admin"}),
}
# So may anybody join or leave a team that he reaches; others are a question of roles as well.
_JOINING = ORGANIZATION_SCOPES["GET"] | MEMBERSHIP_SCOPES["GET"]
TEAM_MEMBERSHIP_SCOPES: MethodScopes = {"POST": _JOINING, "DELETE": _JOINING}

_OWNING = frozenset({"org:admin"})
API_KEY_SCOPES: MethodScopes = dict.fromkeys(("GET", "HEAD", "POST", "PUT", "DELETE"), _OWNING)
_AUDITING = frozenset({"org:write", "org:admin"})
AUDIT_SCOPES: MethodScopes = {"GET": _AUDITING, "HEAD": _AUDITING}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, as far as the credential says, before any organization is known."""

    scopes: Scopes
    """What the credential allows; a session allows everything and leaves it to the role."""
    user: User | None = None
    """None for an organization's API key."""
    organization_id: int | None = None
    """The organization an API key belongs to."""
    is_session: bool = False
    project: Project | None = None
    """The project that a DSN belongs to."""
    expires_at: datetime | None = None
    """Until when a token is good; None is for ever."""

    @property
    def user_id(self) -> int | None:
        return self.user.pk if self.user else None

    @property
    def is_superuser(self) -> bool:
        """A superuser's power is that of his session; his tokens have no more than his roles."""
        return self.is_session and self.user is not None and self.user.is_superuser


@dataclass(frozen=True, slots=True)
class Access:
    """What one caller may do in one organization."""

    caller: Caller
    organization: Organization
    role: Role | None = None
    """None for API keys and for people who are not members."""
    team_ids: frozenset[int] = field(default_factory=frozenset)
    """The teams the caller is a member of."""

    def joined(self, team: Team) -> "Access":
        """The same access once its caller is in this team too."""
        return replace(self, team_ids=self.team_ids | {team.pk})

    def left(self, team: Team) -> "Access":
        return replace(self, team_ids=self.team_ids - {team.pk})

    @property
    def is_whole(self) -> bool:
        """Whether the caller reaches the organization as a whole, not through a role."""
        return self.caller.is_superuser or self.caller.organization_id == self.organization.pk

    @property
    def scopes(self) -> Scopes:
        if self.is_whole:
            return self.caller.scopes
        if self.role is None:
            return frozenset()
        return self.caller.scopes & ROLE_SCOPES[self.role]

    def allows(self, scopes: Scopes) -> bool:
        """Whether the caller has any one of these scopes here."""
        return not self.scopes.isdisjoint(scopes)

    def manages(self, role: str) -> bool:
        """Whether the caller may give this role to somebody, or take it away: nobody hands out
        more than he has himself."""
        if self.is_whole:
            return ROLE_SCOPES[role] <= self.scopes
        return self.role is not None and RANKS.index(role) <= RANKS.index(self.role)

    @property
    def reaches_every_team(self) -> bool:
        if self.is_whole:
            return True
        return self.role is not None and (self.role.is_global or self.organization.open_membership)

    def reaches_team(self, team: Team) -> bool:
        return self.reaches_every_team or team.pk in self.team_ids

    def reaches_project(self, project_team_ids: frozenset[int]) -> bool:
        """Whether the caller reaches one of a project's teams.

        A project without teams is only for those who reach the organization as a whole and for
        its managers and owners (conventions, section 5).
        """
        if self.is_whole or (self.role is not None and self.role.is_global):
            return True
        if self.reaches_every_team:
            return bool(project_team_ids)
        return not self.team_ids.isdisjoint(project_team_ids)
