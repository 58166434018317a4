"""Events: an issue's, and one of a project's."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import events, queries
from issues.api.base import IssueScopedView
from issues.api.params import EventListParams, read_event_id
from issues.api.serializers.events import (
    EventDetailSerializer,
    EventSerializer,
    EventSummarySerializer,
)
from issues.models import Event
from sentrylite.api.pagination import Slice, date_key, date_of, keyed_page
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.api.base import ProjectScopedView

NOT_FOUND = {"detail": "Event not found"}


def newest_first(event: Event) -> int:
    """The key of a list of events."""
    return date_key(event.timestamp)


def answer(found: Sequence[Event], is_full: bool) -> list[dict[str, Any]]:
    """A list of events: in full only where that is asked for."""
    serializer = EventSerializer if is_full else EventSummarySerializer
    return serializer(found, many=True).data


class IssueEventListView(IssueScopedView):
    """List an issue's events (issues contract, section 6)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        params = EventListParams.read(request.query_params, now)
        if params.event_id:
            event = queries.find_event(self.project.pk, params.event_id)
            if event is not None and event.issue_id == self.issue.pk:
                body = answer([event], params.is_full)
                return Response(body, headers={"X-Sentry-Direct-Hit": "1"})
        wanted = self.wanted(params)

        def fetch(part: Slice) -> list[Event]:
            if wanted is None:
                return []
            return events.find_issue_events(
                self.issue,
                wanted,
                now,
                start=date_of(part.start) if part.start is not None else None,
                is_backward=part.is_backward,
                offset=part.offset,
                limit=part.limit,
            )

        page = keyed_page(params.cursor, params.size, fetch, key=newest_first)
        headers = {"Link": page.link(request)}
        return Response(answer(page.rows, params.is_full), headers=headers)

    def wanted(self, params: EventListParams) -> events.Wanted | None:
        """None when there can be none: in an environment that nobody knows."""
        environment_ids = None
        if params.environments:
            environment_ids = organization_queries.find_environments(
                self.project.organization_id, params.environments
            )
            if environment_ids is None:
                return None
        return events.Wanted(
            text=params.search.text,
            tags=params.search.tags,
            environment_ids=environment_ids,
            start=params.start,
            end=params.end,
        )


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
