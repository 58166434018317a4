from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("issues", "0013_priority")]

    operations = [
        migrations.AddIndex(
            model_name="eventuser",
            index=models.Index(
                fields=["project_id", "-first_seen", "-hash"], name="issues_eventuser_newest"
            ),
        ),
    ]
