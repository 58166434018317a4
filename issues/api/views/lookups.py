"""What an organization's short ids and event ids stand for (organizations contract, 12 and 13).

What the caller does not reach is not there.
"""

from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import details, queries
from issues.api.params import read_event_id
from issues.api.serializers.events import EventSerializer
from issues.api.serializers.issues import IssueFullSerializer, issue_context
from issues.models.issue import read_short_id
from sentrylite.api.errors import BadParameter
from sentrylite.organizations.api.base import OrganizationScopedView


class ShortIdView(OrganizationScopedView):
    """Resolve a short ID."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        short_id = kwargs["short_id"]
        found = details.find_issue_in(self.access, short_id) if read_short_id(short_id) else None
        if found is None:
            raise Http404
        issue = found.issue
        queries.load_handled([issue])
        context = issue_context(request, self.access, timezone.now())
        return Response(
            {
                "organizationSlug": self.organization.slug,
                "projectSlug": issue.project.slug,
                "groupId": str(issue.pk),
                "group": IssueFullSerializer(issue, context=context).data,
                "shortId": issue.short_id,
            }
        )


class EventIdView(OrganizationScopedView):
    """Resolve an event ID."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        text = kwargs["event_id"]
        event_id = read_event_id(text)
        if event_id is None and len(text) != 32:
            raise BadParameter("Event ID must be 32 characters.")
        found = queries.find_event_in(self.access, event_id) if event_id else None
        if found is None:
            raise Http404
        event, project = found
        return Response(
            {
                "organizationSlug": self.organization.slug,
                "projectSlug": project.slug,
                "groupId": str(event.issue_id),
                "eventId": event.event_id.hex,
                "event": EventSerializer(event).data,
            }
        )
