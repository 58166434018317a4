"""Releases and what belongs to them."""

from .health import ReleaseHealth, TrackedSession
from .release import Release, ReleaseProject

__all__ = ["Release", "ReleaseHealth", "ReleaseProject", "TrackedSession"]
