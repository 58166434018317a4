"""An organization's API keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.api.params import is_id
from sentrylite.organizations import credentials
from sentrylite.organizations.access import API_KEY_SCOPES
from sentrylite.organizations.api import params
from sentrylite.organizations.api.base import OrganizationScopedView
from sentrylite.organizations.api.inputs import ApiKeyInput
from sentrylite.organizations.api.serializers.credentials import ApiKeySerializer
from sentrylite.organizations.models import ApiKey


@contextmanager
def within_the_callers_scopes(sent: Any = ()) -> Iterator[None]:
    """Raises ValidationError for scopes that were asked for, PermissionDenied for those that the
    key has already."""
    try:
        yield
    except credentials.BeyondCaller as error:
        if set(error.scopes) <= set(sent):
            text = f"You cannot give what you lack: {', '.join(error.scopes)}"
            raise ValidationError({"scope_list": [text]}) from None
        raise PermissionDenied from None


class ApiKeyListView(OrganizationScopedView):
    """List the keys, make one."""

    scopes = API_KEY_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        page = params.page_of(request, self.organization.api_keys.order_by("-id"))
        return params.answer_page(
            request, page, lambda rows: ApiKeySerializer(rows, many=True).data
        )

    def post(self, request: Request, **kwargs: Any) -> Response:
        columns = ApiKeyInput.read(request)["columns"]
        scopes = columns.get("scopes", [])
        with within_the_callers_scopes(scopes):
            key = credentials.create_key(
                self.access,
                label=columns.get("label", "Default"),
                scopes=scopes,
                allowed_origins=columns.get("allowed_origins", []),
                by=self.author,
                now=timezone.now(),
            )
        return Response(ApiKeySerializer(key).data, status=201)


class ApiKeyDetailView(OrganizationScopedView):
    """One key."""

    scopes = API_KEY_SCOPES

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(ApiKeySerializer(self.find(kwargs["key_id"])).data)

    def put(self, request: Request, **kwargs: Any) -> Response:
        key = self.find(kwargs["key_id"])
        columns = ApiKeyInput.read(request)["columns"]
        with within_the_callers_scopes(columns.get("scopes", ())):
            credentials.change_key(
                key, columns, access=self.access, by=self.author, now=timezone.now()
            )
        return Response(ApiKeySerializer(key).data)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        key = self.find(kwargs["key_id"])
        with within_the_callers_scopes():
            credentials.delete_key(key, access=self.access, by=self.author, now=timezone.now())
        return Response(status=204)

    def find(self, key_id: str) -> ApiKey:
        """Raises Http404."""
        if not is_id(key_id):
            raise Http404
        key = self.organization.api_keys.filter(pk=int(key_id)).first()
        if key is None:
            raise Http404
        key.organization = self.organization
        return key
