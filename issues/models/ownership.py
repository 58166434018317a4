"""Who looks after what in a project."""

from django.db import models
from django.utils import timezone

from sentrylite.organizations.models import Project


class ProjectOwnership(models.Model):
    """The ownership rules of a project, as somebody wrote them (`issues.payload.owners`)."""

    project = models.OneToOneField(
        Project, models.CASCADE, primary_key=True, related_name="ownership"
    )
    raw = models.TextField(blank=True)
    fallthrough = models.BooleanField(
        default=True, help_text="What no rule covers is everybody's, not nobody's."
    )
    auto_assignment = models.BooleanField(
        default=False, help_text="Issues of nobody are assigned when their events come."
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"owners of {self.project}"
