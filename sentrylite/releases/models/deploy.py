"""Deploys: when a release went where."""

from django.db import models
from django.utils import timezone

from sentrylite.organizations.models import Environment, Project

from .release import Release


class Deploy(models.Model):
    release = models.ForeignKey(Release, models.CASCADE, related_name="deploys", db_index=False)
    environment = models.ForeignKey(Environment, models.CASCADE, related_name="deploys")
    name = models.CharField(max_length=64, blank=True)
    url = models.URLField(max_length=1000, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-finished_at", "-id"]
        indexes = [
            models.Index(fields=["release", "-finished_at", "-id"], name="releases_deploy_newest")
        ]

    def __str__(self) -> str:
        return f"{self.release} to {self.environment}"


class DeployProject(models.Model):
    """A deploy in one of the projects that it was for.

    It says again where and when, so that the newest of a project in each environment is one look
    at the index.
    """

    deploy = models.ForeignKey(Deploy, models.CASCADE, related_name="deploy_projects")
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="deploy_projects", db_index=False
    )
    environment = models.ForeignKey(Environment, models.CASCADE, related_name="+")
    finished_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["project", "environment", "-finished_at", "-deploy"],
                name="releases_deployproject_newest",
            )
        ]

    def __str__(self) -> str:
        return f"{self.deploy} of {self.project}"
