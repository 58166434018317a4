"""Releases and what belongs to them."""

from .artifact import ArtifactBundle, BundledFile, ReleaseFile
from .release import Release, ReleaseProject, Shipped

__all__ = ["ArtifactBundle", "BundledFile", "Release", "ReleaseFile", "ReleaseProject", "Shipped"]
