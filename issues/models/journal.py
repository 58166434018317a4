"""Counter increments that are committed but not yet added up (`sentrylite.ingest.journal`)."""

from django.db import models


class JournalEntry(models.Model):
    """The increments of one ingested batch; gone once they are in the counters."""

    owner = models.BigIntegerField(
        help_text="The process that will fold it: it holds the advisory lock of this number."
    )
    data = models.BinaryField()

    class Meta:
        verbose_name_plural = "journal entries"

    def __str__(self) -> str:
        return f"{self.owner}/{self.pk}"
