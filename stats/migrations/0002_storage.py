"""Leave room in the pages of counters, so that adding to one stays in place."""

from django.db import migrations

FILL_FACTORS = {
    "stats_seriescount": 50,
    "stats_issueday": 75,
}


class Migration(migrations.Migration):
    dependencies = [("stats", "0001_initial")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} SET (fillfactor = {percent})",
            f"ALTER TABLE {table} RESET (fillfactor)",
        )
        for table, percent in FILL_FACTORS.items()
    ]
