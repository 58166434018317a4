"""Releases in the back office."""

from .releases import ReleaseAdmin
from .repositories import RepositoryAdmin

__all__ = ["ReleaseAdmin", "RepositoryAdmin"]
