"""What a slug may be: the part of an address that names an organization, a team or a project."""

import secrets
import string
from collections.abc import Iterator

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator
from django.utils.text import slugify

MAX_LENGTH = 50
MAX_GENERATED = 30
SUFFIXES = (2, 3, 5, 12)
LETTERS = string.ascii_lowercase + string.digits

is_slug = RegexValidator(
    r"^[a-z0-9_\-]+\Z",
    "Enter a valid slug consisting of lowercase letters, numbers, underscores or hyphens.",
)
is_short = MaxLengthValidator(MAX_LENGTH)

# Words that addresses have a meaning of their own for (conventions contract, section 12).

RESERVED_FOR_ORGANIZATIONS = frozenset(
    """
    404 500 _admin _experiment _static about accept account admin answers api at auth avatar
    billing blog branding careers contact customers debug docs enterprise ext extension extensions
    features for from get-cli guide help integrations jobs legal login logout manage onboarding
    organization-avatar organizations out platforms plugins pricing privacy project-avatar
    projects register remote security sentry-apps settings signup sponsorship subscribe support
    team-avatar teams terms thanks themonitor vs welcome
    """.split()  # noqa: SIM905  readable, unlike a list of quoted words
)

RESERVED_FOR_PROJECTS = frozenset(
    """
    api-keys audit-log auth billing developer-settings integrations legal members payments
    projects rate-limits repos settings subscription support teams usage
    """.split()  # noqa: SIM905  readable, unlike a list of quoted words
)


def is_no_number(slug: str) -> None:
    """Addresses take ids as well: digits alone would stand in the way of somebody else's id. Raises
    ValidationError."""
    if slug.isdigit():
        raise ValidationError("It cannot be entirely numeric.")


def validate(slug: str, *, reserved: frozenset[str] = frozenset()) -> None:
    """Raises ValidationError when a slug cannot be used, and says why."""
    is_slug(slug)
    is_no_number(slug)
    is_short(slug)
    if slug in reserved:
        raise ValidationError(f'The slug "{slug}" is reserved and not allowed.')


def candidates(name: str, *, reserved: frozenset[str] = frozenset()) -> Iterator[str]:
    """Slugs for something of this name, the best first: the name itself, then the name with a
    longer and longer random end (conventions contract, section 12)."""
    base = slugify(name)[:MAX_GENERATED].strip("-_")
    if not base or base in reserved:
        base = secrets.choice("abcdef") + secrets.token_hex(6)[1:]
    if not base.isdigit():
        yield base
    for length in SUFFIXES:
        suffix = "".join(secrets.choice(LETTERS) for _ in range(length))
        yield f"{base[: MAX_GENERATED - 1 - length]}-{suffix}"
