"""What a project does not want to hear of again: its discarded issues."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import actions
from issues.api.params import read_page_size
from issues.api.serializers.tombstones import TombstoneSerializer
from issues.models import Issue, IssueTombstone
from sentrylite.api import params
from sentrylite.api.pagination import Cursor, queryset_page
from sentrylite.organizations.api.base import ProjectScopedView


class TombstoneView(ProjectScopedView):
    def tombstones(self) -> QuerySet[IssueTombstone]:
        of_project = IssueTombstone.objects.filter(
            issue__project=self.project, issue__status=Issue.Status.DISCARDED
        )
        return of_project.select_related("issue", "actor")


class TombstoneListView(TombstoneView):
    """List a project's discarded issues, the last one first."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        query = request.query_params
        page = queryset_page(
            self.tombstones(), "-created_at", Cursor.read(query), read_page_size(query)
        )
        context = {"user": self.caller.user}
        body = TombstoneSerializer(page.rows, many=True, context=context).data
        return Response(body, headers={"Link": page.link(request)})


class TombstoneDetailView(TombstoneView):
    """Want to hear of one again."""

    def delete(self, request: Request, **kwargs: Any) -> Response:
        tombstone_id = kwargs["tombstone_id"]
        if not params.is_id(tombstone_id):
            raise Http404
        found = list(self.tombstones().filter(pk=int(tombstone_id)))
        if not found:
            raise Http404
        actions.remove_tombstones(found, now=timezone.now())
        return Response(status=204)
