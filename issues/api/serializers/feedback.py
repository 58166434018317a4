"""What users say about errors, and who they are, as JSON (projects contract, section 9)."""

import hashlib
from typing import Any

from issues.models import EventUser, UserReport
from sentrylite.accounts.api.serializers import avatar_url
from sentrylite.api.serializers import OutputSerializer, timestamp

from .issues import IssueSerializer


class EventUserSerializer(OutputSerializer):
    """Somebody that events happened to (conventions contract, section 11)."""

    def to_representation(self, person: EventUser) -> dict[str, Any]:
        identity = person.tag_value.partition(":")[2]
        return {
            "id": str(person.hash % 2**64),
            "hash": hashlib.md5(identity.encode(), usedforsecurity=False).hexdigest(),
            "tagValue": person.tag_value,
            "identifier": person.ident or None,
            "username": person.username or None,
            "email": person.email or None,
            "name": person.name or person.email or person.username or None,
            "ipAddress": person.ip_address,
            "dateCreated": timestamp(person.first_seen),
            "avatarUrl": avatar_url(person.email),
        }


class IssueReportSerializer(OutputSerializer):
    """A report below its issue. Needs `load_people`."""

    def to_representation(self, report: UserReport) -> dict[str, Any]:
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

    def to_representation(self, report: UserReport) -> dict[str, Any]:
        issue = report.issue
        return {
            **super().to_representation(report),
            "issue": IssueSerializer(issue, context=self.context).data if issue else None,
        }
