"""Credentials of the web API: a person's tokens, an organization's keys.

No credential makes, shows or removes one that may do more than it may itself.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from sentrylite.accounts.models import User

from . import actions, audit
from .access import Access, Caller, Scopes
from .audit import Author
from .models import ApiKey, ApiToken
from .models.token import hash_secret


class BeyondCaller(Exception):
    """The credential would have these scopes, which its maker lacks."""

    def __init__(self, scopes: Iterable[str]) -> None:
        super().__init__()
        self.scopes = sorted(scopes)


def check(scopes: Iterable[str], allowed: Scopes) -> None:
    """Raises BeyondCaller for scopes that are not allowed."""
    if missing := set(scopes) - allowed:
        raise BeyondCaller(missing)


# A person's tokens --------------------------------------------------------------------------------


def tokens_within(caller: Caller) -> list[ApiToken]:
    """The caller's tokens, newest first, that can do no more than he can with this credential."""
    tokens = ApiToken.objects.filter(user=caller.user).order_by("-id")
    return [token for token in tokens if caller.scopes.issuperset(token.scopes)]


def create_token(caller: Caller, user: User, *, scopes: Collection[str], name: str) -> ApiToken:
    """A token of the caller, who is this user; its `secret` is only on the returned object.

    One that is made with a token ends when that does. Raises BeyondCaller.
    """
    check(scopes, caller.scopes)
    return actions.create_token(user, scopes=scopes, name=name, expires_at=caller.expires_at)


def delete_token(caller: Caller, *, token_id: int | None, secret: str | None) -> bool:
    """Revoke one of the caller's tokens, by id or by itself; False when there is none such."""
    wanted = hash_secret(secret) if secret else None
    for token in tokens_within(caller):
        if token.secret_hash == wanted or token.pk == token_id:
            token.delete()
            return True
    return False


# An organization's keys ---------------------------------------------------------------------------


@transaction.atomic
def create_key(
    access: Access,
    *,
    label: str,
    scopes: Iterable[str],
    allowed_origins: list[str],
    by: Author,
    now: datetime,
) -> ApiKey:
    """A key of the organization; its `secret` is only on the returned object.

    Raises BeyondCaller.
    """
    wanted = sorted(set(scopes))
    check(wanted, access.scopes)
    key = ApiKey(
        organization=access.organization,
        label=label,
        scopes=wanted,
        allowed_origins=allowed_origins,
        created_at=now,
    )
    key.set_secret().save()
    _record(audit.Event.API_KEY_ADD, key, by=by, now=now, scopes=wanted)
    return key


@transaction.atomic
def change_key(
    key: ApiKey, changes: Mapping[str, Any], *, access: Access, by: Author, now: datetime
) -> None:
    """Set these columns. A key that may do more than the caller is not his to change.

    Raises BeyondCaller.
    """
    check(key.scopes, access.scopes)
    check(changes.get("scopes", ()), access.scopes)
    changed = {name: value for name, value in changes.items() if getattr(key, name) != value}
    if changed:
        for name, value in changed.items():
            setattr(key, name, value)
        key.save(update_fields=list(changed))
        _record(audit.Event.API_KEY_EDIT, key, by=by, now=now, **changed)


@transaction.atomic
def delete_key(key: ApiKey, *, access: Access, by: Author, now: datetime) -> None:
    """Revoke a key. Raises BeyondCaller."""
    check(key.scopes, access.scopes)
    if ApiKey.objects.filter(pk=key.pk).delete()[0]:
        _record(audit.Event.API_KEY_REMOVE, key, by=by, now=now)


def _record(event: audit.Event, key: ApiKey, *, by: Author, now: datetime, **data: Any) -> None:
    data = {"label": key.label, "last_characters": key.last_characters, **data}
    audit.record(key.organization, event, by=by, now=now, target_id=key.pk, data=data)
