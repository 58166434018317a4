"""One issue: read it, change it, delete it (issues contract, sections 2 to 4)."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import actions, details, queries
from issues.api.base import IssueScopedView
from issues.api.changes import change
from issues.api.inputs import IssueUpdateInput
from issues.api.serializers.details import (
    IssueBareSerializer,
    IssueDetailSerializer,
    IssueFullDetailSerializer,
)
from issues.api.serializers.issues import IssueFullSerializer, issue_context


class IssueDetailView(IssueScopedView):
    def get(self, request: Request, **kwargs: Any) -> Response:
        environment_ids, now = self.find_environments(), timezone.now()
        context = issue_context(request, self.access, now)
        context["details"] = details.load_details(self.found, now, environment_ids=environment_ids)
        if self.is_in_organization:
            queries.load_handled([self.issue])
            return Response(IssueFullDetailSerializer(self.issue, context=context).data)
        return Response(IssueDetailSerializer(self.issue, context=context).data)

    def put(self, request: Request, **kwargs: Any) -> Response:
        changes = IssueUpdateInput.read(request, projects=[self.project], caller=self.caller)
        now = timezone.now()
        if changes.get("discard"):
            actions.discard_issues([self.issue], by=self.caller.user, now=now)
            return Response(status=204)
        change([self.issue], changes, caller=self.caller, now=now)
        queries.load_marks([self.issue], self.caller.user_id)
        context = issue_context(request, self.access, now)
        if self.is_in_organization:
            queries.load_handled([self.issue])
            return Response(IssueFullSerializer(self.issue, context=context).data)
        return Response(IssueBareSerializer(self.issue, context=context).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        actions.delete_issues([self.issue], by=self.caller.user, now=timezone.now())
        return Response(status=202)
