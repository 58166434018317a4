"""Service hooks: addresses that are told what happens in a project, and what they are told."""

import secrets
from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from sentrylite import outbound

from .project import Project


def make_guid() -> str:
    """The id by which a hook is known outside: 32 lower-case hexadecimal digits."""
    return uuid4().hex


def make_secret() -> str:
    """What a hook's requests are signed with: 64 lower-case hexadecimal digits."""
    return secrets.token_hex(32)


def is_reachable(url: str) -> None:
    """Raises ValidationError for what is not the URL of something that may be asked."""
    try:
        outbound.read_url(url, allow_private=settings.HOOKS_ALLOW_PRIVATE)
    except (outbound.BadAddress, outbound.Refused) as error:
        raise ValidationError(str(error)) from error


class ServiceHook(models.Model):
    """An address that is told what happens in a project."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        DISABLED = "disabled"

    class Event(models.TextChoices):
        """What there is to tell."""

        EVENT_ALERT = "event.alert"
        EVENT_CREATED = "event.created"
        ISSUE_ASSIGNED = "issue.assigned"
        ISSUE_CREATED = "issue.created"
        ISSUE_DELETED = "issue.deleted"
        ISSUE_IGNORED = "issue.ignored"
        ISSUE_RESOLVED = "issue.resolved"
        ISSUE_UNRESOLVED = "issue.unresolved"

    guid = models.CharField(max_length=32, unique=True, default=make_guid, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="hooks")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    url = models.CharField("URL", max_length=outbound.MAX_LENGTH, validators=[is_reachable])
    secret = models.CharField(max_length=64, default=make_secret, editable=False)
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    version = models.PositiveSmallIntegerField(default=0, editable=False)
    events = ArrayField(models.CharField(max_length=32, choices=Event), default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    # How many attempts have failed since the last one that did not; and until when, therefore,
    # nothing is sent.
    failures = models.PositiveIntegerField(default=0, editable=False)
    resumes_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.url


class HookDelivery(models.Model):
    """One thing that a hook is to be told, or was: the last ones are kept for people to look at.

    Ingestion writes these (`issues.announcements`).
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"

    guid = models.UUIDField(default=uuid4, help_text="The same in every attempt.")
    hook = models.ForeignKey(ServiceHook, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=32, choices=ServiceHook.Event)
    data = models.JSONField(help_text="What was so when it happened.")
    status = models.CharField(max_length=20, choices=Status, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    # When it is tried next. While it is tried, when to try again if its process dies of it.
    due_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(
        max_length=200, blank=True, help_text="To the last attempt: a status, or what went wrong."
    )

    class Meta:
        verbose_name_plural = "hook deliveries"
        indexes = [
            models.Index(
                fields=["hook", "due_at", "id"],
                name="organizations_hook_waiting",
                condition=models.Q(status="waiting"),
            ),
            models.Index(
                fields=["hook", "-id"],
                name="organizations_hook_ended",
                condition=~models.Q(status="waiting"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.hook}"
