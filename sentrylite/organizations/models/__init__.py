"""The tables of organizations, re-exported."""

from .audit import AuditLogEntry
from .environment import Environment, EnvironmentProject
from .hook import HookDelivery, ServiceHook
from .organization import Organization, OrganizationMember, Role
from .project import KeyWindow, Project, ProjectKey, ProjectTeam
from .team import Team, TeamMembership
from .token import ApiKey, ApiToken

__all__ = [
    "ApiKey",
    "ApiToken",
    "AuditLogEntry",
    "Environment",
    "EnvironmentProject",
    "HookDelivery",
    "KeyWindow",
    "Organization",
    "OrganizationMember",
    "Project",
    "ProjectKey",
    "ProjectTeam",
    "Role",
    "ServiceHook",
    "Team",
    "TeamMembership",
]
