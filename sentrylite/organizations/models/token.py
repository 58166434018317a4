"""Credentials of the web API. Only a hash is stored: the secret is shown once, when it is made."""

import hashlib
import secrets
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from .organization import Organization

TOKEN_PREFIX = "sntryu_"  # noqa: S105  today's clients know user tokens by it


def hash_secret(secret: str) -> str:
    """The form in which a credential is stored and looked up: SHA-256, 64 hexadecimal digits.

    The secrets are random and long, so a slow, salted hash would add nothing.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


class Credential(models.Model):
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    last_characters = models.CharField(max_length=4, editable=False)
    scopes = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    # The secret itself, on the object that was just made and nowhere else.
    secret: str | None = None

    class Meta:
        abstract = True

    @staticmethod
    def new_secret() -> str:
        raise NotImplementedError

    def set_secret(self, secret: str | None = None) -> Self:
        """Give this credential a secret (a new random one by default) and return it, unsaved."""
        self.secret = secret or self.new_secret()
        self.secret_hash = hash_secret(self.secret)
        self.last_characters = self.secret[-4:]
        return self


class ApiToken(Credential):
    """A person's bearer token: what its scopes and the person's role both allow."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name or 'token'} …{self.last_characters}"

    @staticmethod
    def new_secret() -> str:
        return TOKEN_PREFIX + secrets.token_hex(32)


class ApiKey(Credential):
    """An organization's key for HTTP Basic: its own scopes, no person behind it."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="api_keys")
    label = models.CharField(max_length=64, default="Default")
    allowed_origins = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.label} …{self.last_characters}"

    @staticmethod
    def new_secret() -> str:
        return secrets.token_hex(16)
