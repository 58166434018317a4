"""The order of a project's events, newest first. Partitions get it when they are attached."""

from django.db import migrations, models

CREATE_INDEX = """
    CREATE INDEX issues_event_project
        ON issues_event (project_id, "timestamp" DESC, event_id DESC)
"""


class Migration(migrations.Migration):
    dependencies = [("issues", "0004_statuses")]

    operations = [
        # The table is one that Django was only told of.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(CREATE_INDEX, "DROP INDEX issues_event_project")
            ],
            state_operations=[
                migrations.AddIndex(
                    model_name="event",
                    index=models.Index(
                        fields=["project_id", "-timestamp", "-event_id"],
                        name="issues_event_project",
                    ),
                ),
            ],
        ),
    ]
