"""The audit log of an organization."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api import params as api_params
from sentrylite.api.pagination import Cursor, queryset_page
from sentrylite.organizations.access import AUDIT_SCOPES
from sentrylite.organizations.api import params
from sentrylite.organizations.api.base import OrganizationScopedView
from sentrylite.organizations.api.serializers.audit import AuditLogEntrySerializer
from sentrylite.organizations.audit import Event


class AuditLogView(OrganizationScopedView):
    """What was changed and by whom, newest first: all of it, one `event`, or what the person with
    the id `user` did."""

    scopes = AUDIT_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        query = request.query_params
        found = self.organization.audit_log.select_related("actor", "target_user")
        if query.get("event"):
            found = found.filter(event=api_params.choice(query, "event", list(Event), default=""))
        if "user" in query:
            found = found.filter(actor__in=api_params.ids(query, "user"))
        page = queryset_page(found, "-created_at", Cursor.read(query), params.page_size(query))
        context = {"user": self.caller.user}
        return params.answer_page(
            request,
            page,
            lambda rows: AuditLogEntrySerializer(rows, many=True, context=context).data,
        )
