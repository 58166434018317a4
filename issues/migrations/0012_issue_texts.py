"""What a free-text search of issues looks at, with an index of its parts, for the issues there are."""

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models

ADD_TEXTS = """
    INSERT INTO issues_issuetext (project_id, issue_id, text)
    SELECT project_id, id, lower(concat_ws(E'\\n', title, culprit, message)) FROM issues_issue
"""


class Migration(migrations.Migration):
    dependencies = [("issues", "0011_trigrams")]

    operations = [
        migrations.CreateModel(
            name="IssueText",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "issue_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("project_id", models.BigIntegerField()),
                ("issue_id", models.BigIntegerField()),
                ("text", models.TextField()),
            ],
        ),
        # The way back drops the table.
        migrations.RunSQL(ADD_TEXTS, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="issuetext",
            index=GinIndex(
                fields=["text"],
                gin_pending_list_limit=256,
                name="issues_issuetext_trigrams",
                opclasses=["gin_trgm_ops"],
            ),
        ),
    ]
