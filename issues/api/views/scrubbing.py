"""What data scrubbing could be told to look at."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from issues import queries
from issues.api.params import ScrubbingSuggestionsParams
from issues.payload.selectors import suggest_selectors
from sentrylite.organizations.api.base import OrganizationScopedView


class ScrubbingSuggestionsView(OrganizationScopedView):
    """Generate a list of data scrubbing selectors from existing event data (organizations contract,
    section 16): from one event that the caller reaches, and none without."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        params = ScrubbingSuggestionsParams.read(request.query_params)
        found = params.event_id and queries.find_event_in(
            self.access, params.event_id, project_id=params.project_id
        )
        suggestions = suggest_selectors(found[0].data) if found else {}
        return Response(
            {
                "suggestions": [
                    {"type": "value", "value": selector, "examples": examples}
                    for selector, examples in suggestions.items()
                ]
            }
        )
