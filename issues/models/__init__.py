"""The tables of issues, re-exported."""

from .activity import Activity, IssueBookmark, IssueSeen, IssueSubscription
from .event import Event, EventAddress, EventUser
from .feedback import UserReport
from .issue import Issue, IssueHash, IssueRelease, IssueText, IssueUser
from .journal import JournalEntry
from .ownership import ProjectOwnership
from .reprocessing import IssueReprocessing
from .status import IssueCommit, IssueResolution, IssueSnooze, IssueTombstone
from .tag import IssueTag

__all__ = [
    "Activity",
    "Event",
    "EventAddress",
    "EventUser",
    "Issue",
    "IssueBookmark",
    "IssueCommit",
    "IssueHash",
    "IssueRelease",
    "IssueReprocessing",
    "IssueResolution",
    "IssueSeen",
    "IssueSnooze",
    "IssueSubscription",
    "IssueTag",
    "IssueText",
    "IssueTombstone",
    "IssueUser",
    "JournalEntry",
    "ProjectOwnership",
    "UserReport",
]
