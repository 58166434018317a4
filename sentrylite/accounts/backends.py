"""Who somebody is, by user name and password; too many guesses are not looked at."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.utils import timezone

from sentrylite.api.addresses import client_address

from .models import User
from .throttling import Attempt


class ThrottledBackend(ModelBackend):
    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Raises TooManyAttempts, for those who come with a request."""
        if request is None or username is None or password is None:
            return super().authenticate(request, username, password, **kwargs)
        attempt = Attempt(username, client_address(request), timezone.now())
        user = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            attempt.succeed()
        return user
