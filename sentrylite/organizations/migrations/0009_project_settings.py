import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import sentrylite.organizations.models.project


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0008_project_slugs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProjectSettings",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="settings",
                        serialize=False,
                        to="organizations.project",
                    ),
                ),
                (
                    "subject_prefix",
                    models.CharField(blank=True, default="[Sentry] ", max_length=200),
                ),
                (
                    "subject_template",
                    models.CharField(blank=True, default="$shortID - $title", max_length=200),
                ),
                (
                    "digests_min_delay",
                    models.PositiveIntegerField(default=300, help_text="Seconds."),
                ),
                (
                    "digests_max_delay",
                    models.PositiveIntegerField(default=1800, help_text="Seconds."),
                ),
                (
                    "security_token",
                    models.CharField(
                        default=sentrylite.organizations.models.project.make_key, max_length=255
                    ),
                ),
                ("security_token_header", models.CharField(blank=True, max_length=20)),
                ("verify_ssl", models.BooleanField(default=False, verbose_name="verify SSL")),
                ("scrape_javascript", models.BooleanField(default=True)),
                (
                    "store_crash_reports",
                    models.SmallIntegerField(
                        default=0,
                        help_text="How many of an issue's crash reports are kept; -1 is all.",
                    ),
                ),
                ("default_environment", models.CharField(blank=True, max_length=64)),
                ("relay_pii_config", models.TextField(blank=True)),
                (
                    "grouping_config",
                    models.CharField(default="newstyle:2019-10-29", max_length=64),
                ),
                ("grouping_enhancements", models.TextField(blank=True)),
                (
                    "grouping_enhancements_base",
                    models.CharField(default="common:2019-03-23", max_length=64),
                ),
                ("fingerprinting_rules", models.TextField(blank=True)),
                ("feedback_branding", models.BooleanField(default=True)),
                ("reprocessing_active", models.BooleanField(default=False)),
            ],
            options={"verbose_name_plural": "project settings"},
        ),
        migrations.CreateModel(
            name="ProjectPreference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_bookmarked", models.BooleanField(default=False)),
                (
                    "is_subscribed",
                    models.BooleanField(default=True, help_text="To mails about its issues."),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="preferences",
                        to="organizations.project",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="projectpreference",
            constraint=models.UniqueConstraint(
                fields=("project", "user"), name="organizations_projectpreference_user"
            ),
        ),
    ]
