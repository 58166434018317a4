"""Who the caller is, and his credentials."""

from typing import Any

from django.http import Http404
from rest_framework.exceptions import AuthenticationFailed, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from sentrylite.accounts.api.serializers import UserSerializer
from sentrylite.accounts.models import User
from sentrylite.organizations import credentials
from sentrylite.organizations.access import NO_SCOPES
from sentrylite.organizations.api.base import CallerView
from sentrylite.organizations.api.inputs import TokenCreateInput, TokenDeleteInput
from sentrylite.organizations.api.serializers.credentials import ApiTokenSerializer


class PersonView(CallerView):
    """About the caller himself: any credential of a person will do, whatever its scopes."""

    scopes = NO_SCOPES
    user: User

    def find_scope(self, **path: str) -> None:
        """Raises AuthenticationFailed to an API key, which has nobody behind it."""
        if self.caller.user is None:
            raise AuthenticationFailed("This endpoint requires user info")
        self.user = self.caller.user


class UserView(PersonView):
    """`/auth/` and `/users/me/`: the person whose credential this is (clients contract, section
    2)."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response(UserSerializer(self.user, context={"user": self.user}).data)


class ApiTokenListView(PersonView):
    """The caller's bearer tokens: listed, made, revoked.

    A token sees and makes only such as can do no more than it can itself.
    """

    def get(self, request: Request, **kwargs: Any) -> Response:
        tokens = credentials.tokens_within(self.caller)
        return Response(ApiTokenSerializer(tokens, many=True).data)

    def post(self, request: Request, **kwargs: Any) -> Response:
        sent = TokenCreateInput.read(request)
        try:
            token = credentials.create_token(
                self.caller, self.user, scopes=sent["scopes"], name=sent.get("name") or ""
            )
        except credentials.BeyondCaller as error:
            text = f"This token cannot give what it lacks: {', '.join(error.scopes)}"
            raise ValidationError({"scopes": [text]}) from None
        return Response(ApiTokenSerializer(token).data, status=201)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        if not credentials.delete_token(self.caller, **TokenDeleteInput.read(request)):
            raise Http404
        return Response(status=204)
