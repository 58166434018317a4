from django.db import migrations

# Whatever else there is will be seen with the next event of it.
FILL = """
    INSERT INTO organizations_projectplatform (project_id, platform)
    SELECT DISTINCT project_id, platform FROM issues_issue WHERE platform <> ''
    ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("issues", "0016_resolved_in_commits"),
        ("organizations", "0013_platforms"),
    ]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
