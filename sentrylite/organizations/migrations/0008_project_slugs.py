import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0007_inbound_filters"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="project",
            name="organizations_project_slug",
        ),
        migrations.AddConstraint(
            model_name="project",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "active")),
                fields=("organization", "slug"),
                name="organizations_project_active_slug",
            ),
        ),
        migrations.CreateModel(
            name="ProjectRedirect",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(db_index=False)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="redirects",
                        to="organizations.project",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="projectredirect",
            constraint=models.UniqueConstraint(
                fields=("organization", "slug"), name="organizations_projectredirect_slug"
            ),
        ),
    ]
