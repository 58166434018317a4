"""Releases and what belongs to them."""

from .release import Release, ReleaseProject

__all__ = ["Release", "ReleaseProject"]
