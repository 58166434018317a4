import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0010_browser_sdk"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Dashboard",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=255)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="dashboards",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["title"],
            },
        ),
        migrations.CreateModel(
            name="Widget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("order", models.PositiveIntegerField()),
                ("title", models.CharField(max_length=255)),
                (
                    "display_type",
                    models.CharField(
                        choices=[
                            ("line", "Line"),
                            ("area", "Area"),
                            ("stacked_area", "Stacked Area"),
                            ("bar", "Bar"),
                            ("pie", "Pie"),
                            ("table", "Table"),
                            ("world_map", "World Map"),
                            ("percentage_area_chart", "Percentage Area Chart"),
                        ],
                        max_length=32,
                    ),
                ),
                ("display_options", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "dashboard",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="widgets",
                        to="organizations.dashboard",
                    ),
                ),
            ],
            options={
                "ordering": ["order"],
            },
        ),
        migrations.CreateModel(
            name="DataSource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("order", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=255)),
                ("type", models.SmallIntegerField(choices=[(0, "Discover Saved Search")])),
                ("data", models.JSONField(default=dict)),
                (
                    "widget",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="data_sources",
                        to="organizations.widget",
                    ),
                ),
            ],
            options={
                "ordering": ["order"],
            },
        ),
        migrations.AddConstraint(
            model_name="dashboard",
            constraint=models.UniqueConstraint(
                models.F("organization"), models.F("title"), name="organizations_dashboard_title"
            ),
        ),
        migrations.AddConstraint(
            model_name="widget",
            constraint=models.UniqueConstraint(
                models.F("dashboard"), models.F("order"), name="organizations_widget_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="widget",
            constraint=models.UniqueConstraint(
                models.F("dashboard"), models.F("title"), name="organizations_widget_title"
            ),
        ),
        migrations.AddConstraint(
            model_name="datasource",
            constraint=models.UniqueConstraint(
                models.F("widget"), models.F("order"), name="organizations_datasource_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="datasource",
            constraint=models.UniqueConstraint(
                models.F("widget"), models.F("name"), name="organizations_datasource_name"
            ),
        ),
    ]
