"""Leave room in the pages of rows that are updated all the time, so that updates stay in place."""

from django.db import migrations

FILL_FACTORS = {
    "releases_releasehealth": 60,
    "releases_trackedsession": 80,
}


class Migration(migrations.Migration):
    dependencies = [("releases", "0010_health")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} SET (fillfactor = {percent})",
            f"ALTER TABLE {table} RESET (fillfactor)",
        )
        for table, percent in FILL_FACTORS.items()
    ]
