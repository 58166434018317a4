"""Dashboards: titled sets of charts. What a chart shows is asked for by who draws it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from .organization import Organization


class Dashboard(models.Model):
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="dashboards")
    title = models.CharField(max_length=255)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["title"]
        constraints = [
            models.UniqueConstraint(
                "organization",
                "title",
                name="organizations_dashboard_title",
                violation_error_message="Another dashboard of the organization has this title.",
            )
        ]

    def __str__(self) -> str:
        return self.title


class DisplayType(models.TextChoices):
    LINE = "line"
    AREA = "area"
    STACKED_AREA = "stacked_area"
    BAR = "bar"
    PIE = "pie"
    TABLE = "table"
    WORLD_MAP = "world_map"
    PERCENTAGE_AREA_CHART = "percentage_area_chart"


class Widget(models.Model):
    dashboard = models.ForeignKey(Dashboard, models.CASCADE, related_name="widgets")
    order = models.PositiveIntegerField()
    title = models.CharField(max_length=255)
    display_type = models.CharField(max_length=32, choices=DisplayType)
    display_options = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["order"]
        constraints = [
            models.UniqueConstraint("dashboard", "order", name="organizations_widget_order"),
            models.UniqueConstraint("dashboard", "title", name="organizations_widget_title"),
        ]

    def __str__(self) -> str:
        return self.title


class DataSource(models.Model):
    """What a widget draws: a saved search, as its maker wrote it."""

    class Type(models.IntegerChoices):
        DISCOVER_SAVED_SEARCH = 0

    widget = models.ForeignKey(Widget, models.CASCADE, related_name="data_sources")
    order = models.PositiveIntegerField()
    name = models.CharField(max_length=255)
    type = models.SmallIntegerField(choices=Type)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["order"]
        constraints = [
            models.UniqueConstraint("widget", "order", name="organizations_datasource_order"),
            models.UniqueConstraint("widget", "name", name="organizations_datasource_name"),
        ]

    def __str__(self) -> str:
        return self.name
