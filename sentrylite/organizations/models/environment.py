"""Environments: where the software runs, as its events say (`production`, `staging`, …)."""

from django.db import models
from django.utils import timezone

from .organization import Organization
from .project import Project


class Environment(models.Model):
    """A name that events mention. Events that name none belong to the one named `""`."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="environments")
    name = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    projects = models.ManyToManyField(
        Project, through="EnvironmentProject", related_name="environments"
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("organization", "name", name="organizations_environment_name")
        ]

    def __str__(self) -> str:
        return self.name or "(none)"


class EnvironmentProject(models.Model):
    environment = models.ForeignKey(
        Environment, models.CASCADE, related_name="environment_projects"
    )
    project = models.ForeignKey(Project, models.CASCADE, related_name="environment_projects")
    is_hidden = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "project", "environment", name="organizations_environmentproject_environment"
            )
        ]

    def __str__(self) -> str:
        return f"{self.environment} of {self.project}"
