"""Releases and what belongs to them."""

from .artifact import ArtifactBundle, BundledFile, ReleaseFile
from .commit import (
    Commit,
    CommitAuthor,
    CommitFileChange,
    ReleaseCommit,
    ReleaseHeadCommit,
    Repository,
)
from .deploy import Deploy, DeployProject
from .health import ReleaseHealth, TrackedSession
from .release import Release, ReleaseProject, Shipped

__all__ = [
    "ArtifactBundle",
    "BundledFile",
    "Commit",
    "CommitAuthor",
    "CommitFileChange",
    "Deploy",
    "DeployProject",
    "Release",
    "ReleaseCommit",
    "ReleaseFile",
    "ReleaseHeadCommit",
    "ReleaseHealth",
    "ReleaseProject",
    "Repository",
    "Shipped",
    "TrackedSession",
]
