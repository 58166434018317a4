"""Issues that were given a public address: whoever knows it may read them, without credentials."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import details, events, queries
from issues.api.params import read_share_id
from issues.api.serializers.issues import ANYBODY
from issues.api.serializers.shared import SharedIssueSerializer
from sentrylite.api.views import ApiView

# The address may be taken back at any time, and is nobody else's to find.
HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


class SharedIssueView(ApiView):
    """Also below its organization. Where organizations do not allow it, nothing is shared."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        share_id, now = read_share_id(kwargs["share_id"]), timezone.now()
        issue = details.find_shared_issue(share_id) if share_id else None
        if issue is None:
            raise Http404
        organization = issue.project.organization
        if kwargs.get("organization") not in (None, organization.slug, str(organization.pk)):
            raise Http404
        queries.load_marks([issue], None)
        event = events.find_newest_event(issue, events.Wanted(), now)
        context = ANYBODY | {"now": now, "event": event}
        return Response(SharedIssueSerializer(issue, context=context).data, headers=HEADERS)
