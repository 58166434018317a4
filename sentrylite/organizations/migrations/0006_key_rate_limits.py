import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organizations", "0005_audit_log")]

    operations = [
        migrations.AddField(
            model_name="projectkey",
            name="rate_limit_count",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="projectkey",
            name="rate_limit_window",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Seconds, at most a day.",
                null=True,
                validators=[django.core.validators.MaxValueValidator(86400)],
            ),
        ),
        migrations.CreateModel(
            name="KeyWindow",
            fields=[
                (
                    "key",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="organizations.projectkey",
                    ),
                ),
                (
                    "start",
                    models.BigIntegerField(help_text="Epoch seconds, a multiple of the window."),
                ),
                ("seconds", models.PositiveIntegerField()),
                ("asked", models.BigIntegerField(help_text="Events that asked to be let in.")),
            ],
        ),
        migrations.AddConstraint(
            model_name="projectkey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("rate_limit_count", None), ("rate_limit_window", None)),
                    models.Q(
                        ("rate_limit_count__isnull", False), ("rate_limit_window__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="organizations_projectkey_rate_limit",
                violation_error_message="A rate limit has both a count and a window.",
            ),
        ),
    ]
