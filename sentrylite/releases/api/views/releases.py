"""Releases of an organization and of a project (releases contract, sections 2 to 5)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.releases import queries
from sentrylite.releases.api.base import ReleaseScopedView
from sentrylite.releases.api.serializers.releases import ReleaseDetailSerializer


class ReleaseDetailView(ReleaseScopedView):
    """One release."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        release = queries.load_releases([self.release.pk], self.counted_ids)[self.release.pk]
        context = {"user": self.caller.user}
        return Response(ReleaseDetailSerializer(release, context=context).data)
