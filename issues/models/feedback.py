"""What users say about the errors that they met."""

from typing import Self

from django.db import models
from django.utils import timezone

from sentrylite.organizations.models import Environment, Project

from .event import EventUser
from .issue import Issue


class UserReportQuerySet(models.QuerySet["UserReport"]):
    def of_issues(self) -> Self:
        """Those whose event is in an issue that is there."""
        return self.filter(issue__status__lt=Issue.Status.PENDING_DELETION)

    def shown(self) -> Self:
        """Also those that are about no event. Not those whose event has not come yet."""
        return self.filter(
            models.Q(issue__status__lt=Issue.Status.PENDING_DELETION)
            | models.Q(issue=None, stands_alone=True)
        )


class UserReport(models.Model):
    """A user's words about one event. It may come before the event does (`issues.feedback`)."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    event_id = models.CharField(max_length=32, help_text="In lower case.")
    issue = models.ForeignKey(
        Issue,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="reports",
        db_index=False,
        help_text="That of the event, when there is one.",
    )
    environment = models.ForeignKey(
        Environment, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    stands_alone = models.BooleanField(
        default=False, help_text="It is about no event; the id is its own."
    )
    name = models.CharField(max_length=128, blank=True)
    email = models.CharField(max_length=75, blank=True)
    comments = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    # That of the event's user: `EventUser.hash`.
    user_hash = models.BigIntegerField(null=True, blank=True, editable=False)

    objects = UserReportQuerySet.as_manager()

    # Filled by issues.feedback.load_reports.
    person: EventUser | None

    class Meta:
        constraints = [
            models.UniqueConstraint("project", "event_id", name="issues_userreport_event")
        ]
        indexes = [
            models.Index(
                fields=["project", "-created_at", "-id"], name="issues_userreport_project"
            ),
            models.Index(fields=["issue", "-created_at", "-id"], name="issues_userreport_issue"),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.email or 'somebody'} about {self.event_id}"
