"""What users say about errors, and who they are, as JSON (projects contract, section 9)."""

from typing import TYPE_CHECKING

from issues.models import UserReport
from sentrylite.api.serializers import OutputSerializer, timestamp

from .issues import IssueSerializer
from .people import EventUserSerializer

if TYPE_CHECKING:
    from issues.api import shapes


class IssueReportSerializer(OutputSerializer):
    """A report below its issue. Needs `load_people`."""

    def to_representation(self, report: UserReport) -> "shapes.IssueReport":
        return {
            "id": str(report.pk),
            "eventID": report.event_id,
            "name": report.name or report.email,
            "email": report.email or None,
            "comments": report.comments,
            "dateCreated": timestamp(report.created_at),
            "user": EventUserSerializer(report.person).data if report.person else None,
            "event": {
                "id": report.event_id if report.issue_id else None,
                "eventID": report.event_id,
            },
        }


class UserReportSerializer(IssueReportSerializer):
    """A report with its issue, null for one that has none. Needs `load_reports`, and
    `issue_context` as its context."""

    def to_representation(self, report: UserReport) -> "shapes.UserReport":
        issue = report.issue
        return {
            **super().to_representation(report),
            "issue": IssueSerializer(issue, context=self.context).data if issue else None,
        }
