"""The inbound filters of a project (ingest contract, section 12)."""

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from issues.api.inputs import FilterInput, LegacyBrowsersInput
from issues.api.serializers.filters import filter_list
from issues.payload import filters
from sentrylite.organizations import actions
from sentrylite.organizations.api.base import ProjectScopedView

SWITCHES = {
    filters.BROWSER_EXTENSIONS: "filter_browser_extensions",
    filters.LOCALHOST: "filter_localhost",
    filters.WEB_CRAWLERS: "filter_web_crawlers",
}


class FilterListView(ProjectScopedView):
    """List the filters, unpaginated."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(filter_list(self.project))


class FilterDetailView(ProjectScopedView):
    """Switch a filter on or off; of the one for legacy browsers also its parts."""

    def put(self, request: Request, **kwargs: Any) -> Response:
        name = kwargs["filter"]
        if name == filters.LEGACY_BROWSERS:
            parts = LegacyBrowsersInput.read_parts(request)
            actions.change_filters(self.project, filter_legacy_browsers=parts)
        elif name in SWITCHES:
            sent = FilterInput.read(request)
            actions.change_filters(self.project, **{SWITCHES[name]: sent["active"]})
        else:
            raise Http404
        return Response(status=204)
