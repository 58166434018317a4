"""One issue: read it, change it, delete it (issues contract, sections 2 to 4)."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import actions, details, queries
from issues.api.base import IssueScopedView
from issues.api.inputs import IssueUpdateInput
from issues.api.params import refuse_environment
from issues.api.serializers.details import (
    IssueBareSerializer,
    IssueDetailSerializer,
    IssueFullDetailSerializer,
)
from issues.api.serializers.issues import IssueFullSerializer, issue_context
from issues.api.statuses import set_status
from sentrylite.accounts.models import User
from sentrylite.organizations import queries as organization_queries


class IssueDetailView(IssueScopedView):
    def get(self, request: Request, **kwargs: Any) -> Response:
        refuse_environment(request.query_params)
        now = timezone.now()
        context = issue_context(request, self.access, now)
        context["details"] = details.load_details(self.found, now)
        if self.is_in_organization:
            queries.load_handled([self.issue])
            return Response(IssueFullDetailSerializer(self.issue, context=context).data)
        return Response(IssueDetailSerializer(self.issue, context=context).data)

    def put(self, request: Request, **kwargs: Any) -> Response:
        changes = IssueUpdateInput.read(request, project=self.project, caller=self.caller)
        now = timezone.now()
        self.change(changes, now)
        queries.load_marks([self.issue], self.caller.user_id)
        context = issue_context(request, self.access, now)
        if self.is_in_organization:
            queries.load_handled([self.issue])
            return Response(IssueFullSerializer(self.issue, context=context).data)
        return Response(IssueBareSerializer(self.issue, context=context).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        actions.delete_issues([self.issue], now=timezone.now())
        return Response(status=202)

    def change(self, changes: dict[str, Any], now: datetime) -> None:
        """Apply what was sent; null changes nothing, but leaves an issue without an assignee."""
        issues, user = [self.issue], self.caller.user
        set_status(changes, issues, by=user, now=now)
        if "assignedTo" in changes:
            actions.assign_issues(issues, changes["assignedTo"], by=user, now=now)
        if (is_public := changes.get("isPublic")) is not None:
            share = actions.share_issues if is_public else actions.unshare_issues
            share(issues, by=user, now=now)
        self.mark(changes, now)

    def mark(self, changes: dict[str, Any], now: datetime) -> None:
        """The caller's own marks. Nobody's, for an API key."""
        issues, user = [self.issue], self.caller.user
        if user is None:
            return
        if (has_seen := changes.get("hasSeen")) is not None:
            self.mark_seen(has_seen, user, now)
        if (is_bookmarked := changes.get("isBookmarked")) is not None:
            bookmark = actions.bookmark_issues if is_bookmarked else actions.remove_bookmarks
            bookmark(issues, by=user)
        if (is_subscribed := changes.get("isSubscribed")) is not None:
            actions.set_subscription(issues, by=user, is_active=is_subscribed)

    def mark_seen(self, has_seen: bool, user: User, now: datetime) -> None:
        if not has_seen:
            actions.mark_unseen([self.issue], by=user)
        elif organization_queries.is_actor_of(self.project, user):
            # Only of those who look after the project does it matter who has seen an issue.
            actions.mark_seen([self.issue], by=user, now=now)
