"""A project's service hooks (projects contract, section 7). What they are told is in docs/hooks.md.

Only people make and change them: to an organization's API key that is a 401 without a body.
"""

from typing import Any

from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api import params
from sentrylite.api.pagination import Cursor, queryset_page
from sentrylite.organizations import hooks
from sentrylite.organizations.api.base import HookScopedView, ProjectScopedView
from sentrylite.organizations.api.hook_inputs import HookCreateInput, HookInput
from sentrylite.organizations.api.params import answer_page, page_size
from sentrylite.organizations.api.serializers.hooks import ServiceHookSerializer
from sentrylite.organizations.models import ServiceHook


class HookListView(ProjectScopedView):
    """List a project's hooks, the newest first; register one."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        query = request.query_params
        found = ServiceHook.objects.filter(project=self.project)
        if status := params.text(query, "status"):
            found = found.filter(status=status)  # of a status that there is not there are none
        page = queryset_page(found, "-id", Cursor.read(query), page_size(query))
        return answer_page(request, page, lambda rows: ServiceHookSerializer(rows, many=True).data)

    def post(self, request: Request, **kwargs: Any) -> Response:
        if self.caller.user is None:
            return Response(status=401)
        sent = HookCreateInput.read(request)
        try:
            hook = hooks.register(self.project, sent, by=self.author, now=timezone.now())
        except hooks.TooMany as error:
            raise ValidationError({"detail": str(error)}) from error
        return Response(ServiceHookSerializer(hook).data, status=201)


class HookDetailView(HookScopedView):
    """One hook."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(ServiceHookSerializer(self.hook).data)

    def put(self, request: Request, **kwargs: Any) -> Response:
        if self.caller.user is None:
            return Response(status=401)
        hooks.change(self.hook, HookInput.read(request), by=self.author, now=timezone.now())
        return self.get(request)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        if self.caller.user is None:
            return Response(status=401)
        hooks.remove(self.hook, by=self.author, now=timezone.now())
        return Response(status=204)
