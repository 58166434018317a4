from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0009_project_settings"),
    ]

    operations = [
        migrations.AddField(
            model_name="projectkey",
            name="browser_sdk",
            field=models.CharField(
                choices=[("latest", "latest"), ("5.x", "5.x"), ("4.x", "4.x")],
                default="5.x",
                max_length=10,
            ),
        ),
    ]
