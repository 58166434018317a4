"""The order of a project's issues by priority, as `issues.queries.SORT_KEYS` has it.

Django need not know: the order is asked for in SQL only.
"""

from django.db import migrations

CREATE_INDEX = """
    CREATE INDEX issues_issue_priority ON issues_issue (project_id, status,
        (floor(600::float8 * ln(greatest(times_seen, 1)::float8)
            + extract(epoch FROM last_seen AT TIME ZONE 'UTC')::float8)::bigint) DESC,
        id DESC)
"""


class Migration(migrations.Migration):
    dependencies = [("issues", "0012_issue_texts")]

    operations = [migrations.RunSQL(CREATE_INDEX, "DROP INDEX issues_issue_priority")]
