"""The first gate: does the credential hold a scope that the method asks for at all?"""

from typing import cast

from django.views import View
from rest_framework import permissions
from rest_framework.request import Request

from sentrylite.organizations.access import Caller


class HasScope(permissions.BasePermission):
    """Any one scope of the view's `scopes` for this method. What the caller may do to the object
    itself is checked when the path's organization, project or issue is known."""

    def has_permission(self, request: Request, view: View) -> bool:
        caller = cast(Caller | None, request.auth)
        if caller is None:
            return False
        required = view.scopes.get(request.method or "")  # type: ignore[attr-defined]
        # A method that the table lacks is one that the view lacks: 405 follows.
        return required is None or not caller.scopes.isdisjoint(required)
