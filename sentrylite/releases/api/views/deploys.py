"""The deploys of a release (releases contract, section 8)."""

from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.organizations.api.params import answer_page, page_of
from sentrylite.releases import actions
from sentrylite.releases.api.base import ReleaseScopedView
from sentrylite.releases.api.inputs import DeployInput
from sentrylite.releases.api.serializers.deploys import DeploySerializer


class DeployListView(ReleaseScopedView):
    """List the deploys of a release, the newest first; note one."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        found = self.release.deploys.select_related("environment").order_by("-finished_at", "-id")
        return answer_page(
            request,
            page_of(request, found),
            lambda rows: DeploySerializer(rows, many=True).data,
        )

    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = DeployInput.read(request, access=self.access, projects=self.projects)
        deploy = actions.deploy(
            self.release,
            sent["projects"] or self.projects,
            sent["environment"],
            sent["columns"],
            now=timezone.now(),
        )
        return Response(DeploySerializer(deploy).data, status=201)
