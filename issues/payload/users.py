"""Who an event happened to: the `user` object of the payload, and the identity in it."""

import re
from hashlib import md5
from typing import Any

from issues.payload.event import EventUser
from issues.payload.fields import read_tree
from issues.payload.problems import Problems
from issues.payload.values import JsonObject, read_address, scalar_text, trim

HASH = re.compile(r"[0-9a-fA-F]{32}")

_TEXTS = {"id": 128, "username": 128, "email": 75, "name": 128}
_MAX_DATA = 8192
_IDENTIFYING = (("id", "id"), ("username", "username"), ("email", "email"), ("ip_address", "ip"))
"""Attributes in the order in which they decide, with their prefixes in the `user` tag."""


def read_user(
    value: Any, path: str, problems: Problems, client_address: str | None
) -> JsonObject | None:
    """`{"id", "username", "email", "name", "ip_address", "data"}` as far as known (ingest
    contract, section 6). Empty, not None, for a user that could not be read."""
    if type(value) is not dict:
        problems.invalid(path, value, "expected user")
        return {}
    user: JsonObject = {}
    for name, limit in _TEXTS.items():
        text = scalar_text(value.get(name))
        if text:
            user[name] = trim(text, limit)
        elif value.get(name) not in (None, ""):
            problems.invalid(f"{path}.{name}", value[name], "expected a string")
    address = _read_ip_address(value.get("ip_address"), path, problems, client_address)
    if address:
        user["ip_address"] = address
    data = _read_data(value, f"{path}.data", problems)
    if data:
        user["data"] = data
    return user or None


def _read_ip_address(
    value: Any, path: str, problems: Problems, client_address: str | None
) -> str | None:
    if value is None or value == "":
        return None
    if value == "{{auto}}":
        return client_address
    address = read_address(value) if type(value) is str else None
    if address is None:
        problems.invalid(f"{path}.ip_address", value, "expected an ip address")
    return address


def _read_data(user: JsonObject, path: str, problems: Problems) -> JsonObject | None:
    """The attributes without a name of their own, beside those under `data`."""
    data = read_tree(user.get("data"), path, problems, _MAX_DATA) or {}
    rest = {k: v for k, v in user.items() if k not in _TEXTS and k not in ("ip_address", "data")}
    return (read_tree(rest, path, problems, _MAX_DATA) or {}) | data


def event_user(event: JsonObject) -> EventUser | None:
    """The user of a stored event, known by the first non-empty of id, username, email and
    address; None without any of them (ingest contract, section 9)."""
    user = event.get("user") or {}
    for name, prefix in _IDENTIFYING:
        if identity := user.get(name):
            return EventUser(
                hash=hash_of(identity),
                tag_value=f"{prefix}:{identity}",
                ident=user.get("id"),
                username=user.get("username"),
                email=user.get("email"),
                name=user.get("name"),
                ip_address=user.get("ip_address"),
            )
    return None


def hash_of(identity: str) -> int:
    """What a person is filed under, made from what identifies them."""
    digest = md5(identity.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def full_hash(tag_value: str) -> str:
    """32 hexadecimal digits for the person whom a `user` tag names: `id:1`."""
    identity = tag_value.partition(":")[2]
    return md5(identity.encode(), usedforsecurity=False).hexdigest()


def filed_under(full_hash: str) -> int | None:
    """What the person with this full hash is filed under; None for what is no such hash."""
    if not HASH.fullmatch(full_hash):
        return None
    return int.from_bytes(bytes.fromhex(full_hash)[:8], "big", signed=True)
