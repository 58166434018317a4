"""Issues and their events in the back office."""

from .activities import ActivityAdmin
from .feedback import UserReportAdmin
from .issues import IssueAdmin
from .journal import JournalEntryAdmin

__all__ = ["ActivityAdmin", "IssueAdmin", "JournalEntryAdmin", "UserReportAdmin"]
