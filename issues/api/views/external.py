"""An issue's counterparts in other systems."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from issues.api.base import IssueScopedView


class ExternalIssueListView(IssueScopedView):
    """There are no integrations that would make one: always empty."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response([])
