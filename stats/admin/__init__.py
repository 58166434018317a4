"""What organizations and their projects send, in the back office."""

from .organizations import OrganizationWithUsageAdmin

__all__ = ["OrganizationWithUsageAdmin"]
