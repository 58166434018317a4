"""How often each tag value occurred in an issue."""

from django.db import models


class IssueTag(models.Model):
    pk = models.CompositePrimaryKey("project_id", "issue_id", "key", "value")
    project_id = models.BigIntegerField()
    issue_id = models.BigIntegerField()
    key = models.TextField()
    value = models.TextField()
    times_seen = models.BigIntegerField()
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["project_id", "key", "value", "issue_id"], name="issues_issuetag_value"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.value}"
