from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="deleted_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="project",
            name="deleted_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="team",
            name="deleted_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="organization",
            name="status",
            field=models.CharField(
                choices=[
                    ("active", "active"),
                    ("pending_deletion", "pending deletion"),
                    ("deletion_in_progress", "deletion in progress"),
                ],
                default="active",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="project",
            name="status",
            field=models.CharField(
                choices=[
                    ("active", "active"),
                    ("pending_deletion", "pending deletion"),
                    ("deletion_in_progress", "deletion in progress"),
                ],
                default="active",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="team",
            name="status",
            field=models.CharField(
                choices=[
                    ("active", "active"),
                    ("pending_deletion", "pending deletion"),
                    ("deletion_in_progress", "deletion in progress"),
                ],
                default="active",
                max_length=20,
            ),
        ),
    ]
