"""The root of the API: who am I, and may I?"""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.organizations.api.base import CallerView


class ApiIndexView(CallerView):
    """`/api/0/`: answers without credentials too, but not with bad ones."""

    permission_classes = []

    def get(self, request: Request, **kwargs: Any) -> Response:
        caller = self.caller
        user = caller.user if caller else None
        return Response(
            {
                "version": "0",
                "auth": {"scopes": sorted(caller.scopes)} if caller else None,
                "user": UserSerializer(user, context={"user": user}).data if user else None,
            }
        )
