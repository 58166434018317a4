from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0002_deletion"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="allow_join_requests",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="organization",
            name="attachments_role",
            field=models.CharField(
                choices=[
                    ("member", "Member"),
                    ("admin", "Admin"),
                    ("manager", "Manager"),
                    ("owner", "Owner"),
                ],
                default="member",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="organization",
            name="enhanced_privacy",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="organization",
            name="is_early_adopter",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="organization",
            name="relay_pii_config",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="organization",
            name="scrape_javascript",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="organization",
            name="store_crash_reports",
            field=models.SmallIntegerField(
                default=0, help_text="How many of an issue's crash reports are kept; -1 is all."
            ),
        ),
    ]
