"""What organizations have done in the background (`sentrylite.background`)."""

from smtplib import SMTPException

from django.utils import timezone

from sentrylite.background import retried, task

from . import invitations


@task
@retried(SMTPException, OSError)
def send_invitation(member_id: int, url: str) -> None:
    """Mail an invitation, with a link that is made for this mail and kept nowhere else."""
    invitations.send(member_id, url, timezone.now())
