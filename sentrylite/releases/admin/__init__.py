"""Releases in the back office."""

from .releases import ReleaseAdmin

__all__ = ["ReleaseAdmin"]
