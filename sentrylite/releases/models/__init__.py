"""Releases and what belongs to them."""

from .artifact import ArtifactBundle, BundledFile, ReleaseFile
from .release import Release, ReleaseProject

__all__ = ["ArtifactBundle", "BundledFile", "Release", "ReleaseFile", "ReleaseProject"]
