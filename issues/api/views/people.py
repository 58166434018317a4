"""The people that a project's events happened to (projects contract, section 8)."""

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from issues import people
from issues.api.serializers.people import EventUserSerializer
from sentrylite.api.pagination import Cursor, queryset_page
from sentrylite.api.params import text
from sentrylite.organizations.api.base import ProjectScopedView
from sentrylite.organizations.api.params import answer_page, page_size


class ProjectUserListView(ProjectScopedView):
    """List them, the newest first."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        query = request.query_params
        found = people.people_of(self.project)
        if search := text(query, "query"):
            found = people.search_people(found, search)
        page = queryset_page(found, "-first_seen", Cursor.read(query), page_size(query))
        return answer_page(request, page, lambda rows: EventUserSerializer(rows, many=True).data)


class ProjectUserView(ProjectScopedView):
    """One of them."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        person = people.find_person(self.project, kwargs["user_hash"])
        if person is None:
            raise Http404
        return Response(EventUserSerializer(person).data)
