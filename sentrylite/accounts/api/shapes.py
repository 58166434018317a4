"""What answers say of people."""

from typing import Any, NotRequired, TypedDict

from sentrylite.api.operations import Id, Timestamp


class Avatar(TypedDict):
    avatarType: str
    avatarUuid: None


class UserEmail(TypedDict):
    id: Id
    email: str
    is_verified: bool


class UserOptions(TypedDict):
    language: str
    stacktraceOrder: int
    timezone: str
    clock24Hours: bool


class UserFlags(TypedDict):
    newsletter_consent_prompt: bool


class User(TypedDict):
    """A person. `options`, `flags` and `identities` are for nobody's eyes but his own."""

    id: Id
    name: str
    username: str
    email: str
    avatarUrl: str
    isActive: bool
    hasPasswordAuth: bool
    isManaged: bool
    dateJoined: Timestamp
    lastLogin: Timestamp | None
    has2fa: bool
    lastActive: Timestamp | None
    isSuperuser: bool
    isStaff: bool
    experiments: dict[str, Any]
    avatar: Avatar
    emails: list[UserEmail]
    options: NotRequired[UserOptions]
    flags: NotRequired[UserFlags]
    identities: NotRequired[list[Any]]
