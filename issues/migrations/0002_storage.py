"""Leave room in the pages of rows that are updated all the time, so that updates stay in place."""

from django.db import migrations

FILL_FACTORS = {
    "issues_issue": 60,
    "issues_issuetag": 75,
    "issues_issuerelease": 75,
}


class Migration(migrations.Migration):
    dependencies = [("issues", "0001_initial")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} SET (fillfactor = {percent})",
            f"ALTER TABLE {table} RESET (fillfactor)",
        )
        for table, percent in FILL_FACTORS.items()
    ]
