"""Every exception as the JSON and status that the API documents (conventions, section 8)."""

import errno
import logging
import uuid
from typing import Any
from urllib.parse import unquote

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from .links import absolute_url

logger = logging.getLogger(__name__)

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
NOT_FOUND = {"detail": "The requested resource does not exist"}


class BadParameter(exceptions.APIException):
    """A query parameter that cannot be used: 400 with a `detail` that says which and why."""

    status_code = 400


class Conflict(exceptions.APIException):
    """What was sent is right by itself, but another has it: 409 with a `detail` that says what."""

    status_code = 409


class Moved(exceptions.APIException):
    """The path names something that has another slug now: 302 to the same path with that one
    (conventions, section 1)."""

    status_code = 302

    def __init__(self, request: Request, *, old: str, slug: str) -> None:
        path, separator, query = request.get_full_path().partition("?")
        parts = path.split("/")
        place = [unquote(part) for part in parts].index(old, parts.index("projects") + 2)
        url = "/".join([*parts[:place], slug, *parts[place + 1 :]]) + separator + query
        super().__init__(
            {
                "slug": slug,
                "detail": {
                    "code": "resource-moved",
                    "message": "Resource has been moved",
                    "extra": {"url": url, "slug": slug},
                },
            }
        )
        self.location = absolute_url(request, url)


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """REST framework's exception handler: any exception of a view to its answer."""
    if isinstance(error, Http404 | exceptions.NotFound):
        return Response(NOT_FOUND, status=404)
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, ModelValidationError):
        error = exceptions.ValidationError(
            error.message_dict if hasattr(error, "error_dict") else {"detail": error.messages[0]}
        )
    if isinstance(error, SuspiciousOperation):
        error = BadParameter(str(error))  # such as more parameters than Django reads
    if isinstance(error, exceptions.APIException):
        return _documented(error)
    if isinstance(error, OperationalError | InterfaceError) or _is_lost(error):
        logger.warning("database not available: %s", str(error).strip())
        return Response({"detail": "The database is not available."}, status=503)
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        logger.error("a file cannot be written: %s", error)
        return Response({"detail": "There is no space left for files."}, status=503)
    return _internal(error)


def _is_lost(error: Exception) -> bool:
    """What the driver reports of a server that is gone before it has noticed that it is: an error
    of no kind, without a code."""
    return type(error) is DatabaseError and getattr(error.__cause__, "pgcode", "") is None


def _documented(error: exceptions.APIException) -> Response:
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if isinstance(error, Moved):
        headers["Location"] = error.location
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    body = error.detail if isinstance(error.detail, dict) else {"detail": error.detail}
    return Response(body, status=error.status_code, headers=headers)


def _internal(error: Exception) -> Response:
    error_id = uuid.uuid4().hex
    logger.error("internal error %s", error_id, exc_info=error)
    return Response({"detail": "Internal Error", "errorId": error_id}, status=500)


# Where no view of the API is reached: hosts that are not allowed.


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What Django refuses by itself, such as a Host header that ALLOWED_HOSTS lacks."""
    return JsonResponse({"detail": str(exception or "Bad request")}, status=400)
