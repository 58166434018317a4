"""What an organization's owners are told by mail."""

from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

from .invitations import one_line
from .models import Organization, Role
from .models.organization import Status

# An organization that was deleted can be kept for as long (organizations contract, section 6).
KEPT_FOR = timedelta(hours=24)


def announce_deletion(organization_id: int, author: str, url: str) -> bool:
    """Tell the owners that their organization was deleted; False when it is not any more, or when
    none of them has an address. `url` is that of this server."""
    organization = Organization.objects.filter(pk=organization_id).first()
    if organization is None or organization.deleted_at is None:
        return False
    if organization.status != Status.PENDING_DELETION:
        return False
    owners = organization.members.filter(role=Role.OWNER, user__is_active=True)
    addresses = owners.exclude(user__email="").order_by("user__email")
    text = render_to_string(
        "notices/deletion.txt",
        {
            "organization": organization,
            "author": author,
            "removed_at": organization.deleted_at + KEPT_FOR,
            "url": url,
        },
    )
    subject = f"{one_line(organization.name)} was deleted"
    to = list(addresses.values_list("user__email", flat=True))
    return bool(to and send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, to))
