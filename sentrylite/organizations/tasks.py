"""What organizations have done in the background (`sentrylite.background`)."""

from smtplib import SMTPException

from django.utils import timezone

from sentrylite.background import retried, task

from . import invitations, notices


@task
@retried(SMTPException, OSError)
def send_invitation(member_id: int, url: str) -> None:
    """Mail an invitation, with a link that is made for this mail and kept nowhere else."""
    invitations.send(member_id, url, timezone.now())


@task
@retried(SMTPException, OSError)
def announce_deletion(organization_id: int, author: str, url: str) -> None:
    """Tell the owners by mail that their organization was deleted."""
    notices.announce_deletion(organization_id, author, url)
