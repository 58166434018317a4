"""Releases and what belongs to them."""

from .release import Release, ReleaseProject, Shipped

__all__ = ["Release", "ReleaseProject", "Shipped"]
