"""What was built for a release and uploaded: minified sources, source maps, sources."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import MD5
from django.utils import timezone

from sentrylite.files.models import Blob
from sentrylite.organizations.models import Organization, Project

from .release import Release

# A name is often a URL. Only its hash is indexed: it may be longer than an index can hold.
MAX_NAME = 2000
MAX_DIST = 64
MAX_KIND = 30


class ReleaseFile(models.Model):
    """A file that was uploaded by itself (releases contract, section 9)."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="files")
    dist = models.CharField(max_length=MAX_DIST, blank=True)
    """The distribution that it is for; "" is none in particular."""
    name = models.CharField(max_length=MAX_NAME)
    """The URL or path that it has where the software runs; `~` stands for any scheme and host."""
    headers = models.JSONField(default=dict)
    """Those that it would be served with, a text each."""
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="release_files")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint("release", "dist", MD5("name"), name="releases_file_name")
        ]

    def __str__(self) -> str:
        return self.name


class ArtifactBundle(models.Model):
    """A zip of artifacts with a manifest, kept as it came, for one release or for none.

    Its artifacts are found by their debug ids in `projects`, and for a release by their URLs, in
    these or in all projects.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    release = models.ForeignKey(
        Release, models.CASCADE, null=True, blank=True, related_name="bundles"
    )
    dist = models.CharField(max_length=MAX_DIST, blank=True)
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="bundles")
    projects = models.ManyToManyField(Project, related_name="bundles", blank=True)
    is_for_all_projects = models.BooleanField(default=False)
    debug_id = models.UUIDField(null=True, blank=True)
    """Of the bundle as a whole."""
    file_count = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    uploaded_at = models.DateTimeField(default=timezone.now)
    """When it was last uploaded; the newest bundle wins."""

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "release", "dist", "blob"],
                nulls_distinct=False,
                name="releases_bundle_content",
            )
        ]

    def __str__(self) -> str:
        return f"bundle {self.pk}"


class BundledFile(models.Model):
    """An artifact in a bundle, as the manifest says."""

    bundle = models.ForeignKey(ArtifactBundle, models.CASCADE, related_name="files", db_index=False)
    path = models.TextField()
    """In the zip."""
    kind = models.CharField(max_length=MAX_KIND, blank=True)
    """`source`, `minified_source`, `source_map`, `indexed_ram_bundle`."""
    url = models.TextField(blank=True)
    debug_id = models.UUIDField(null=True, blank=True)
    headers = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(F("bundle"), MD5("url"), name="releases_bundledfile_url"),
            models.Index(
                fields=["debug_id"],
                condition=Q(debug_id__isnull=False),
                name="releases_bundledfile_debug_id",
            ),
        ]

    def __str__(self) -> str:
        return self.path
