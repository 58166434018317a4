"""Issues whose events are restored again (`issues.reprocessing`)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from .status import Settlement


class IssueReprocessing(Settlement):
    """How far the reprocessing of an issue has got; gone when it is done."""

    class Step(models.TextChoices):
        RESTORE = "restore"
        REGROUP = "regroup"
        LOOK_BACK = "look back"

    max_events = models.IntegerField(null=True, help_text="No more than so many, the newest.")
    deletes_others = models.BooleanField(default=False)
    step = models.CharField(max_length=10, choices=Step, default=Step.RESTORE)

    # Those that were restored: from the newest back to the one at which it is.
    newest_at = models.DateTimeField(null=True)
    newest_event = models.UUIDField(null=True)
    oldest_at = models.DateTimeField(null=True)
    oldest_event = models.UUIDField(null=True)
    events = models.IntegerField(default=0, help_text="How many these are.")
    restored = models.IntegerField(default=0, help_text="How many came out otherwise.")
    has_stayers = models.BooleanField(default=False, help_text="Some still belong to this one.")

    # The last of them, oldest first, that is where it belongs; then back again.
    settled_at = models.DateTimeField(null=True)
    settled_event = models.UUIDField(null=True)
    targets = ArrayField(models.BigIntegerField(), default=list, help_text="Where they went.")
    destination_id = models.BigIntegerField(null=True, help_text="Where the newest of them went.")

    def __str__(self) -> str:
        return f"issue {self.issue_id}: {self.step}"
