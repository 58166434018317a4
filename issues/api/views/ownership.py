"""The ownership rules of a project."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from issues import ownership
from issues.api.inputs import OwnershipInput
from issues.api.serializers.ownership import OwnershipSerializer
from sentrylite.organizations.api.base import ProjectScopedView


class ProjectOwnershipView(ProjectScopedView):
    """Read the rules, or change them. One client leaves the slash at the end of the path away."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(OwnershipSerializer(ownership.ownership_of(self.project)).data)

    def put(self, request: Request, **kwargs: Any) -> Response:
        sent = OwnershipInput.read(request, project=self.project)
        ownership.change_ownership(self.project, sent, now=timezone.now())
        return self.get(request)
