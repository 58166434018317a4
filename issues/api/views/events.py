"""Events: an issue's, its last and its first one; a project's, and one of them."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import actions, events, feedback, queries
from issues.api.base import IssueEventView, IssueScopedView
from issues.api.params import (
    EventListParams,
    read_environments,
    read_event_id,
    read_page_size,
    refuse_environment,
)
from issues.api.serializers.events import (
    EventDetailSerializer,
    EventSerializer,
    EventSummarySerializer,
    hash_answer,
)
from issues.models import Event
from sentrylite.api.pagination import Cursor, Slice, date_key, date_of, keyed_page, offset_page
from sentrylite.organizations import queries as organization_queries
from sentrylite.organizations.access import Caller
from sentrylite.organizations.api.base import ProjectScopedView
from sentrylite.organizations.models import Project

NOT_FOUND = {"detail": "Event not found"}
NO_EVENTS = {"detail": "No events found for group"}

Find = Callable[..., list[Event]]


def find_environments(project: Project, names: Collection[str]) -> list[int] | None:
    """The ids of the named environments; None for none, and when one of them is not known."""
    if not names:
        return None
    return organization_queries.find_environments(project.organization_id, names)


def find_event(project: Project, text: str) -> Event | None:
    """The project's event with this id; None also when the text is none."""
    event_id = read_event_id(text)
    return queries.find_event(project.pk, event_id) if event_id else None


def answer(found: Sequence[Event], is_full: bool) -> list[dict[str, Any]]:
    """A list of events: in full only where that is asked for."""
    serializer = EventSerializer if is_full else EventSummarySerializer
    return serializer(found, many=True).data


def answer_page(
    request: Request, project: Project, params: EventListParams, find: Find
) -> Response:
    """The page that was asked for of the events that `find` finds."""
    environment_ids = find_environments(project, params.environments)
    # Of an environment that nobody knows there are none.
    is_known = environment_ids is not None or not params.environments
    wanted = events.Wanted(
        where=params.where,
        environment_ids=environment_ids,
        start=params.start,
        end=params.end,
        parts=None if params.is_full else EventSummarySerializer.parts,
    )

    def fetch(part: Slice) -> list[Event]:
        if not is_known:
            return []
        return find(
            wanted,
            start=date_of(part.start) if part.start is not None else None,
            is_backward=part.is_backward,
            offset=part.offset,
            limit=part.limit,
        )

    page = keyed_page(
        params.cursor, params.size, fetch, key=lambda event: date_key(event.timestamp)
    )
    headers = {"Link": page.link(request)}
    return Response(answer(page.rows, params.is_full), headers=headers)


class IssueEventListView(IssueScopedView):
    """List an issue's events (issues contract, section 6)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        params = EventListParams.of_issue(request.query_params, now)
        if params.event_id:
            event = queries.find_event(self.project.pk, params.event_id)
            if event is not None and event.issue_id == self.issue.pk:
                body = answer([event], params.is_full)
                return Response(body, headers={"X-Sentry-Direct-Hit": "1"})
        find = partial(events.find_issue_events, self.issue, now=now)
        return answer_page(request, self.project, params, find)


class ProjectEventListView(ProjectScopedView):
    """List a project's events (events contract, section 1)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now = timezone.now()
        params = EventListParams.of_project(request.query_params, now)
        find = partial(events.find_project_events, self.project, now=now)
        return answer_page(request, self.project, params, find)


class HashListView(IssueScopedView):
    """List an issue's hashes, unmerge some of them (issues contract, section 8)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        refuse_environment(request.query_params)
        query = request.query_params
        find = partial(events.find_hashes, self.issue)
        page = offset_page(Cursor.read(query), read_page_size(query), find)
        last = events.find_last_events(self.issue, page.rows)
        body = [hash_answer(each.hash, last.get(each.hash)) for each in page.rows]
        return Response(body, headers={"Link": page.link(request)})

    def delete(self, request: Request, **kwargs: Any) -> Response:
        """Make some of them an issue of their own. What is no hash of the issue does not matter."""
        named = (read_event_id(text) for text in request.query_params.getlist("id"))
        hashes = {hash for hash in named if hash is not None}
        try:
            new = actions.unmerge_hashes(
                self.issue, hashes, by=self.caller.user, now=timezone.now()
            )
        except actions.CannotUnmerge:
            return Response({"detail": "An issue keeps at least one of its hashes."}, status=400)
        return Response(status=202 if new else 200)


def answer_in_full(
    event: Event, caller: Caller, now: datetime, environment_ids: list[int] | None
) -> dict[str, Any]:
    """One event with its release, what its user said, and its neighbours in these environments."""
    queries.load_neighbours(event, now, environment_ids=environment_ids)
    queries.load_release(event)
    feedback.load_report(event)
    return EventDetailSerializer(event, context={"user": caller.user}).data


class EndEventView(IssueEventView):
    """The last or the first event of an issue (issues contract, section 7)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now, environment_ids = timezone.now(), self.find_environments()
        event = self.find(events.Wanted(environment_ids=environment_ids), now)
        if event is None:
            return Response(NO_EVENTS, status=404)
        return Response(answer_in_full(event, self.caller, now, environment_ids))

    def find(self, wanted: events.Wanted, now: datetime) -> Event | None:
        raise NotImplementedError


class LatestEventView(EndEventView):
    def find(self, wanted: events.Wanted, now: datetime) -> Event | None:
        return events.find_newest_event(self.issue, wanted, now)


class OldestEventView(EndEventView):
    def find(self, wanted: events.Wanted, now: datetime) -> Event | None:
        return events.find_oldest_event(self.issue, wanted, now)


class IssueEventDetailView(IssueEventView):
    """Any event of an issue."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now, environment_ids = timezone.now(), self.find_environments()
        event = find_event(self.project, kwargs["event_id"])
        if event is None or event.issue_id != self.issue.pk:
            return Response(NOT_FOUND, status=404)
        return Response(answer_in_full(event, self.caller, now, environment_ids))


class EventDetailView(ProjectScopedView):
    """Retrieve an event of a project (events contract, section 2)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        now, names = timezone.now(), read_environments(request.query_params)
        environment_ids = find_environments(self.project, names)
        if environment_ids is None and names:
            raise Http404
        event = find_event(self.project, kwargs["event_id"])
        if event is None:
            return Response(NOT_FOUND, status=404)
        return Response(answer_in_full(event, self.caller, now, environment_ids))


class EventJsonView(ProjectScopedView):
    """An event as it is stored: what the SDK sent, normalized and scrubbed (events contract,
    section 4)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        event = find_event(self.project, kwargs["event_id"])
        return Response(event.data) if event else Response(NOT_FOUND, status=404)


class AttachmentListView(ProjectScopedView):
    """What came with an event beside its JSON. Attachments are not stored: there are none."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        event = find_event(self.project, kwargs["event_id"])
        return Response([]) if event else Response(NOT_FOUND, status=404)
