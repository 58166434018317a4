"""Releases and what belongs to them."""

from .health import ReleaseHealth, TrackedSession
from .release import Release, ReleaseProject, Shipped

__all__ = ["Release", "ReleaseHealth", "ReleaseProject", "Shipped", "TrackedSession"]
