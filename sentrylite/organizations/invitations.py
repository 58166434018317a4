"""Invitations by e-mail: the link in the mail is the only copy of its secret."""

import secrets
from datetime import datetime

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

from .models import OrganizationMember
from .models.organization import Status
from .models.token import hash_secret


def send(member_id: int, url: str, now: datetime) -> bool:
    """Mail an invitation with a new link to the server at `url`; False when it is not to be sent
    any more. A link that was sent before is good no more.

    What the mail server says against it is raised.
    """
    member = find_pending(member_id, now)
    if member is None:
        return False
    secret = secrets.token_hex(32)
    member.token_hash = hash_secret(secret)
    member.save(update_fields=["token_hash"])
    text = render_to_string(
        "invitations/mail.txt",
        {
            "organization": member.organization,
            "inviter": member.inviter,
            "link": f"{url}/accept/{member.pk}/{secret}/",
            "expires_at": member.token_expires_at,
        },
    )
    subject = f"Join {one_line(member.organization.name)} on sentrylite"
    send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, [member.email])
    return True


def find(member_id: int, secret: str, now: datetime) -> OrganizationMember | None:
    """The invitation that a link is for, with its organization; None for one that is too old, was
    sent anew, accepted or taken back, or never was. One statement."""
    member = find_pending(member_id, now)
    if member is None or not member.token_hash:
        return None
    is_right = secrets.compare_digest(member.token_hash, hash_secret(secret))
    return member if is_right else None


def find_pending(member_id: int, now: datetime) -> OrganizationMember | None:
    """An invitation that can be accepted. One statement."""
    return (
        OrganizationMember.objects.filter(
            pk=member_id,
            user=None,
            token_expires_at__gt=now,
            organization__status=Status.ACTIVE,
        )
        .select_related("organization", "inviter")
        .first()
    )


def one_line(text: str) -> str:
    """A name that may stand in the header of a mail."""
    return " ".join(text.split())
