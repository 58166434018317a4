"""Absolute addresses: where people and clients reach this server."""

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request


def absolute_url(request: Request | HttpRequest, path: str) -> str:
    """A path, quoted already, at PUBLIC_URL or else at the address the request came to."""
    return (settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}") + path
