"""What people did with an issue and said about it, and who they are."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from issues import details
from issues.api.base import IssueScopedView
from issues.api.serializers.details import activity
from sentrylite.accounts.api.serializers import UserSerializer


class ActivityListView(IssueScopedView):
    """An issue's activities by themselves (issues contract, section 2.1)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = details.find_activities(self.found)
        return Response({"activity": activity(self.issue, found, {"user": self.caller.user})})


class ParticipantListView(IssueScopedView):
    """Who is subscribed to an issue, unpaginated."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        participants = details.find_participants(self.found)
        context = {"user": self.caller.user}
        return Response(UserSerializer(participants, many=True, context=context).data)
