"""Organizations and what belongs to them in the back office."""

from .audit import AuditLogEntryAdmin
from .dashboards import DashboardAdmin
from .environments import EnvironmentAdmin
from .hooks import ServiceHookAdmin
from .organizations import OrganizationAdmin, OrganizationMemberAdmin
from .projects import ProjectAdmin, ProjectKeyAdmin
from .teams import TeamAdmin
from .tokens import ApiKeyAdmin, ApiTokenAdmin

__all__ = [
    "ApiKeyAdmin",
    "ApiTokenAdmin",
    "AuditLogEntryAdmin",
    "DashboardAdmin",
    "EnvironmentAdmin",
    "OrganizationAdmin",
    "OrganizationMemberAdmin",
    "ProjectAdmin",
    "ProjectKeyAdmin",
    "ServiceHookAdmin",
    "TeamAdmin",
]
