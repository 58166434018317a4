"""Versions of the software that sends events."""

from django.apps import AppConfig


class ReleasesConfig(AppConfig):
    name = "sentrylite.releases"
    label = "releases"
