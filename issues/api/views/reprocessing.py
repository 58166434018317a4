"""Restoring the stack traces of an issue's events again."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import actions
from issues.api.base import IssueScopedView
from issues.api.inputs import ReprocessingInput


class ReprocessingView(IssueScopedView):
    """Reprocess an issue, as far as that is not under way."""

    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = ReprocessingInput.read(request)
        begun = actions.reprocess_issues(
            [self.issue],
            max_events=sent.get("maxEvents"),
            deletes_others=sent.get("remainingEvents") == "delete",
            by=self.caller.user,
            now=timezone.now(),
        )
        if not begun:
            return Response({"detail": "The issue is being reprocessed already."}, status=409)
        return Response(status=200)
