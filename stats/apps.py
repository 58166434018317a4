"""Numbers in time buckets, filed under an id."""

from django.apps import AppConfig


class StatsConfig(AppConfig):
    name = "stats"
