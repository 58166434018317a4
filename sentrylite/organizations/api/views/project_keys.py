"""A project's client keys (projects contract, section 6)."""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api.links import absolute_url
from sentrylite.api.pagination import Cursor, queryset_page
from sentrylite.organizations import keys
from sentrylite.organizations.api import params
from sentrylite.organizations.api.base import ProjectKeyScopedView, ProjectScopedView
from sentrylite.organizations.api.project_inputs import KeyCreateInput, KeyInput
from sentrylite.organizations.api.serializers.project_keys import ProjectKeySerializer
from sentrylite.organizations.models import ProjectKey

STATUSES = {"active": True, "inactive": False}


class ProjectKeyListView(ProjectScopedView):
    """List a project's keys, the newest first; make one."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        query = request.query_params
        found = ProjectKey.objects.filter(project=self.project)
        if status := query.get("status"):
            # Of a status that there is not there are none.
            found = found.filter(is_active__in=[STATUSES[status]] if status in STATUSES else [])
        page = queryset_page(found, "-id", Cursor.read(query), params.page_size(query))
        return params.answer_page(request, page, self.answer)

    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = KeyCreateInput.read(request)
        try:
            key = keys.create_key(self.project, sent["columns"], by=self.author, now=timezone.now())
        except keys.KeyTaken:
            text = "There is a key with this public half already."
            raise ValidationError({"public": [text]}) from None
        return Response(self.answer([key])[0], status=201)

    def answer(self, found: Sequence[ProjectKey]) -> list[dict[str, Any]]:
        context = {"url": absolute_url(self.request, "")}
        return ProjectKeySerializer(found, many=True, context=context).data


class ProjectKeyDetailView(ProjectKeyScopedView):
    """One key."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        context = {"url": absolute_url(request, "")}
        return Response(ProjectKeySerializer(self.key, context=context).data)

    def put(self, request: Request, **kwargs: Any) -> Response:
        sent = KeyInput.read(request)
        keys.change_key(self.key, sent["columns"], by=self.author, now=timezone.now())
        return self.get(request)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        keys.delete_key(self.key, by=self.author, now=timezone.now())
        return Response(status=204)
