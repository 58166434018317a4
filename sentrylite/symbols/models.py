"""Debug information files."""

from django.db import models
from django.utils import timezone

from sentrylite.files.models import Blob
from sentrylite.organizations.models import Project

MAX_NAME = 500


class Format(models.TextChoices):
    """What a debug file is, by the names of the contract (projects contract, section 11)."""

    MACHO = "macho"
    ELF = "elf"
    PE = "pe"
    PDB = "pdb"
    PORTABLE_PDB = "portablepdb"
    WASM = "wasm"
    BREAKPAD = "breakpad"
    PROGUARD = "proguard"
    SOURCE_BUNDLE = "sourcebundle"


class DebugFile(models.Model):
    """One object of a file that was uploaded for a project; a file for several architectures is
    several, which share their content."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="+", db_index=False)
    debug_id = models.CharField(max_length=45)
    """A UUID, in lower case, followed by `-` and the age where there is one."""
    code_id = models.CharField(max_length=100, blank=True)
    """Hexadecimal, in lower case; "" where the format has none."""
    cpu_name = models.CharField(max_length=40)
    object_name = models.CharField(max_length=MAX_NAME)
    format = models.CharField(max_length=20, choices=Format)
    kind = models.CharField(max_length=20, blank=True)
    """`exe`, `lib`, `dbg`, `src`, …"""
    features = models.JSONField(default=list)
    """Of `symtab`, `debug`, `unwind` and `sources`, sorted; of mappings `mapping`."""
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="debug_files")
    symcache = models.ForeignKey(
        Blob, models.PROTECT, related_name="symcaches", null=True, blank=True
    )
    """What its addresses mean, ready to be looked up; none where there is nothing to look up."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "debug_id", "cpu_name", "blob"], name="symbols_debugfile_content"
            )
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="symbols_debugfile_newest"),
            models.Index(
                fields=["project", "code_id"],
                condition=~models.Q(code_id=""),
                name="symbols_debugfile_code_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.object_name} {self.debug_id}"
