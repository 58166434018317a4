"""What clients ask of every organization and this server does not have: integrations, alert rules,
replays. There are none, and it says so, because clients would rather have no rows than no answer
(clients contract, sections 3 and 8)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.organizations.api import params
from sentrylite.organizations.api.base import OrganizationScopedView


class AbsentListView(OrganizationScopedView):
    """A list that is empty because nothing here makes its rows."""

    key = ""
    """What the list is under; "" when it is the answer itself."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        page = params.page_of(request, [])
        return params.answer_page(
            request, page, lambda rows: {self.key: rows} if self.key else rows
        )


PATHS = {
    "alert-rules/": "",
    "combined-rules/": "",
    "detectors/": "",
    "integrations/": "",
    "replays/": "data",
    "workflows/": "",
}
"""Below an organization, with the key that each list is under."""
