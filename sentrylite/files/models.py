"""Contents, each kept once, and who has sent which of them."""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from sentrylite.organizations.models import Organization


class Blob(models.Model):
    """Content in the storage. Its row is there for as long as its file may be: it is made before
    the file is written and goes after the file does, so that no file is ever forgotten.

    Blobs know no owner, and two organizations may share one: who may read it is said by what refers
    to it. What refers to it is a foreign key; a blob that none refers to is removed a day after
    `used_at` (`files.retention`).
    """

    name = models.CharField(max_length=100, unique=True)
    """In the storage; never used again, so that a late removal cannot hit a new file."""
    checksum = models.CharField(max_length=40)
    """SHA-1, in lower case."""
    size = models.BigIntegerField()
    """Bytes."""
    is_stored = models.BooleanField(default=False)
    """Else the file is being written, or about to be removed."""
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(default=timezone.now, db_index=True)
    """When somebody last stored this content, or made sure of it in order to refer to it."""

    class Meta:
        constraints = [
            models.UniqueConstraint("checksum", condition=Q(is_stored=True), name="files_blob_sum")
        ]

    def __str__(self) -> str:
        return self.checksum


class Chunk(models.Model):
    """A piece that an organization has sent, to be named by its checksum in what it assembles.

    Nobody else can name it: who knows a checksum but not the content gets nothing.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="chunks")
    used_at = models.DateTimeField(default=timezone.now, db_index=True)
    """When the organization last sent it, or was told that it need not."""

    class Meta:
        constraints = [
            models.UniqueConstraint("organization", "blob", name="files_chunk_organization")
        ]

    def __str__(self) -> str:
        return f"{self.blob} of {self.organization}"


def new_name(checksum: str) -> str:
    """A name in the storage that no blob has had, in one of 256 directories."""
    return f"{checksum[:2]}/{uuid4().hex}"
