"""Credentials of the web API to a `Caller` (conventions contract, section 5).

Each class leaves a request alone that carries another kind of credential. `request.auth` is the
Caller, `request.user` its user (None for an organization's key).
"""

import base64
from datetime import UTC, datetime
from typing import cast

import orjson
from django.db import connection
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from sentrylite import rows
from sentrylite.accounts.models import User
from sentrylite.organizations import queries
from sentrylite.organizations.access import ALL_SCOPES, DSN_SCOPES, Caller
from sentrylite.organizations.models.token import hash_secret
from sentrylite.statements import Statement

FIND_TOKEN = Statement(
    "find_token",
    f"""
    SELECT t.scopes, t.expires_at, {rows.columns(User, "u")}
    FROM organizations_apitoken t JOIN accounts_user u ON u.id = t.user_id
    WHERE t.secret_hash = %(hash)s
    """,
    hash="text",
)

FIND_KEY = Statement(
    "find_key",
    """
    SELECT organization_id, scopes, is_active FROM organizations_apikey
    WHERE secret_hash = %(hash)s
    """,
    hash="text",
)


class CredentialAuthentication(authentication.BaseAuthentication):
    def authenticate_header(self, request: Request) -> str:
        # The x keeps browsers from asking for a password.
        return 'xBasic realm="api"'


class TokenAuthentication(CredentialAuthentication):
    """`Authorization: Bearer <token>`. Looked up on every request: a revoked token is dead."""

    def authenticate(self, request: Request) -> tuple[User, Caller] | None:
        words = request.META.get("HTTP_AUTHORIZATION", "").split()
        if not words or words[0].lower() != "bearer":
            return None
        if len(words) == 1:
            raise exceptions.AuthenticationFailed("Invalid token header. No credentials provided.")
        if len(words) > 2:
            raise exceptions.AuthenticationFailed(
                "Invalid token header. Token string should not contain spaces."
            )
        with connection.cursor() as cursor:
            row = FIND_TOKEN.run(cursor, hash=hash_secret(words[1])).fetchone()
        if row is None:
            raise exceptions.AuthenticationFailed("Invalid token")
        scopes, expires_at, *columns = row
        if expires_at is not None and expires_at <= datetime.now(UTC):
            raise exceptions.AuthenticationFailed("Token expired")
        user = rows.instance(User, columns)
        if not user.is_active:
            raise exceptions.AuthenticationFailed("User inactive or deleted")
        return user, Caller(frozenset(orjson.loads(scopes)), user, expires_at=expires_at)


class ApiKeyAuthentication(CredentialAuthentication):
    """`Authorization: Basic base64("<key>:")`: an organization's key, no person."""

    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        words = request.META.get("HTTP_AUTHORIZATION", "").split()
        if not words or words[0].lower() != "basic":
            return None
        if len(words) == 1:
            raise exceptions.AuthenticationFailed("Invalid basic header. No credentials provided.")
        if len(words) > 2:
            raise exceptions.AuthenticationFailed(
                "Invalid basic header. Credentials string should not contain spaces."
            )
        try:
            name, _, password = base64.b64decode(words[1], validate=True).decode().partition(":")
        except ValueError as error:
            raise exceptions.AuthenticationFailed(
                "Invalid basic header. Credentials not correctly base64 encoded."
            ) from error
        if password:
            return None
        with connection.cursor() as cursor:
            row = FIND_KEY.run(cursor, hash=hash_secret(name)).fetchone()
        if row is None:
            raise exceptions.AuthenticationFailed("API key is not valid")
        organization_id, scopes, is_active = row
        if not is_active:
            raise exceptions.AuthenticationFailed("Key is disabled")
        return None, Caller(frozenset(orjson.loads(scopes)), organization_id=organization_id)


class DsnAuthentication(CredentialAuthentication):
    """`Authorization: DSN <dsn>`: anybody who may send events to the project. Only where users
    tell what happened to them."""

    def authenticate(self, request: Request) -> tuple[None, Caller] | None:
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() != "dsn":
            return None
        key = queries.find_key(text)
        if key is None:
            raise exceptions.AuthenticationFailed("Invalid token")
        return None, Caller(DSN_SCOPES, project=key.project)


class SessionAuthentication(authentication.SessionAuthentication):
    """The cookie of somebody signed in to the admin; unsafe methods need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, Caller] | None:
        if request.META.get("HTTP_AUTHORIZATION", "").strip():
            return None
        signed_in = super().authenticate(request)
        if signed_in is None:
            return None
        user = cast(User, signed_in[0])
        return user, Caller(ALL_SCOPES, user, is_session=True)

    def authenticate_header(self, request: Request) -> str:
        return 'xBasic realm="api"'
