"""The tables of organizations, re-exported."""

from .audit import AuditLogEntry
from .dashboard import Dashboard, DataSource, DisplayType, Widget
from .environment import Environment, EnvironmentProject
from .hook import HookDelivery, ServiceHook
from .organization import Organization, OrganizationMember, Role
from .project import (
    KeyWindow,
    Project,
    ProjectKey,
    ProjectPlatform,
    ProjectPreference,
    ProjectRedirect,
    ProjectSettings,
    ProjectTeam,
)
from .team import Team, TeamMembership
from .token import ApiKey, ApiToken

__all__ = [
    "ApiKey",
    "ApiToken",
    "AuditLogEntry",
    "Dashboard",
    "DataSource",
    "DisplayType",
    "Environment",
    "EnvironmentProject",
    "HookDelivery",
    "KeyWindow",
    "Organization",
    "OrganizationMember",
    "Project",
    "ProjectKey",
    "ProjectPlatform",
    "ProjectPreference",
    "ProjectRedirect",
    "ProjectSettings",
    "ProjectTeam",
    "Role",
    "ServiceHook",
    "Team",
    "TeamMembership",
    "Widget",
]
