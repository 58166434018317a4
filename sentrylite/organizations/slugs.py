"""What a slug may be: the part of an address that names an organization, a team or a project."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator

MAX_LENGTH = 50

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


def validate(slug: str, *, reserved: frozenset[str] = frozenset()) -> None:
    """Raises ValidationError when a slug cannot be used, and says why."""
    is_slug(slug)
    is_short(slug)
    if slug in reserved:
        raise ValidationError(f'The slug "{slug}" is reserved and not allowed.')
