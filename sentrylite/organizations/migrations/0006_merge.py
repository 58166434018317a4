from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0003_inbound_filters"),
        ("organizations", "0005_audit_log"),
    ]

    operations = []
