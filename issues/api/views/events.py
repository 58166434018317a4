"""Events: one of a project's."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import queries
from issues.api.params import read_event_id
from issues.api.serializers.events import EventDetailSerializer
from sentrylite.organizations.api.base import ProjectScopedView

NOT_FOUND = {"detail": "Event not found"}


class EventDetailView(ProjectScopedView):
    """Retrieve an event of a project (events contract, section 2)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        event_id = read_event_id(kwargs["event_id"])
        event = queries.find_event(self.project.pk, event_id) if event_id else None
        if event is None:
            return Response(NOT_FOUND, status=404)
        queries.load_neighbours(event, timezone.now())
        queries.load_release(event)
        context = {"user": self.caller.user}
        return Response(EventDetailSerializer(event, context=context).data)
