"""An index of the tasks that run: to look for those whose process died is not to read the others."""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("django_tasks_database", "0021_conditional_partial_index_ordering"),
    ]

    operations = [
        migrations.RunSQL(
            """
            CREATE INDEX background_running ON django_tasks_database_dbtaskresult (id)
            WHERE status = 'RUNNING'
            """,
            "DROP INDEX background_running",
        ),
    ]
